"""Reports: text and tables on the terminal, plain text elsewhere, and files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slotspec.oracle.fuzzing.lockstep import Found
    from slotspec.statemachine.declaration.model import Instance
    from slotspec.statemachine.results import Finding

WIDE = 10_000
"""Columns of plain text: lines in a file or a pipe are never broken."""

STYLES = {
    "HOLDS": "green",
    "VIOLATED": "bold red",
    "UNKNOWN": "yellow",
    "KNOWN DEVIATION": "cyan",
    "DEVIATES": "cyan",
}


def console(**options: Any) -> Console:
    """A console for text of others: control characters in it are written out, not obeyed.

    Nothing in it is markup, and the place ``trace.jsonl:100: …`` is no emoji.
    It raises ``BrokenPipeError`` if its reader has gone; rich would exit with 1.
    """
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class PipedConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else visible(text), style, control)

    return PipedConsole(markup=False, emoji=False, **options)


class Output:
    """Prints the report of a command."""

    def __init__(self, quiet: bool = False) -> None:
        self.console: Console = console(
            quiet=quiet,
            highlight=False,
            soft_wrap=not sys.stdout.isatty(),
            width=None if sys.stdout.isatty() else WIDE,
        )

    def line(self, text: str = "", style: str | None = None) -> None:
        self.console.print(text, style=style, soft_wrap=True)

    def table(
        self, headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()
    ) -> None:
        """Print a table; the columns named in `numbers` are aligned to the right."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        for header in headers:
            table.add_column(
                header,
                justify="right" if header in numbers else "left",
                overflow="fold",
                header_style="bold",
            )
        for row in rows:
            table.add_row(
                *(Text(cell, style=STYLES.get(cell.partition(" (")[0], "")) for cell in row)
            )
        if self.console.is_terminal:
            self.console.print(table)
            return
        with self.console.capture() as captured:
            self.console.print(table)
        for line in captured.get().splitlines():
            self.line(line.rstrip())


def is_number(text: str) -> bool:
    """Whether a text is a number from 0, in the digits that one can type."""
    return text.isascii() and text.isdecimal()


def check_writable(*targets: str | Path | None) -> None:
    """Reject files that cannot be written before the search, not after it.

    :param targets: None for what is not wanted, ``-`` for standard output.
    :raises UsageError: ``SET026`` if one is a folder, its folder does not exist, one may not write
        there, or two are the same file.
    """
    seen = set()
    for target in targets:
        if target is None or str(target) == "-":
            continue
        path = Path(target)
        if path.is_dir() or not path.parent.is_dir():
            what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
            raise UsageError("SET026", f"{path} {what}; give a file that can be written")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError("SET026", f"{path} may not be written; choose another file")
        real = path.resolve()
        if real in seen and (path.is_file() or not path.exists()):
            raise UsageError("SET026", f"{path} is named twice; name a file for each output")
        seen.add(real)


def make_folder(folder: Path) -> None:
    """Make a folder for results, before the work.

    :raises UsageError: ``SET103`` if that is not possible, or one may not write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "SET103", f"{folder} cannot be created: {error.strerror}; choose another folder"
        ) from None
    if not os.access(folder, os.W_OK):
        raise UsageError("SET103", f"{folder} may not be written to; choose another folder")


def write(target: str | Path, content: str | bytes, code: str = "SET026") -> None:
    """Write a file; ``-`` is standard output.

    :param code: the code of the error.
    :raises UsageError: the file cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if target == "-":
        if isinstance(content, str):
            sys.stdout.write(content)
        else:
            sys.stdout.buffer.write(content)
        return
    try:
        Path(target).write_bytes(data)
    except OSError as error:
        raise UsageError(
            code, f"{target} cannot be written: {error.strerror}; choose another file"
        ) from error


def write_json(target: str | Path, document: Any, code: str = "SET026") -> None:
    """Write `document` as indented JSON; see :func:`write`."""
    write(target, json.dumps(document, indent=2, ensure_ascii=False) + "\n", code)


def write_documents(target: str | Path, documents: Sequence[Any], many: bool) -> None:
    """Write one JSON object if the user asked for one run, else a list of them."""
    write_json(target, documents if many or not documents else documents[0])


def write_json_lines(target: str | Path, lines: Iterable[Any]) -> None:
    """Write one line of JSON for each of `lines`; see :func:`write`."""
    write(target, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def write_finding(target: Path, instance: Instance, finding: Finding) -> None:
    """Write a trace: as ITF to a file ``….itf.json``, else as JSON lines."""
    from slotspec.oracle.traces.export import export
    from slotspec.oracle.traces.itf import itf_of
    from slotspec.oracle.traces.opening import ITF

    if target.name.endswith(ITF):
        write_json(target, itf_of(instance, finding))
    else:
        write_json_lines(target, export(instance, finding))


def write_found(path: Path, found: Found) -> None:
    """Write the sequence as the peer ran it, for ``slotspec conform``."""
    from slotspec.oracle.traces.writing import write_trace

    write_trace(path, found.header, found.steps)
