"""Text and tables for people: rich on a terminal, plain and never cut elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from slotspec.oracle.fuzzing.lockstep import Found

WIDE = 10_000
"""Columns of plain text: a file or pipe has no edge at which to break a line."""

STYLES = {
    "HOLDS": "green",
    "VIOLATED": "bold red",
    "UNKNOWN": "yellow",
    "KNOWN DEVIATION": "cyan",
    "DEVIATES": "cyan",
}


class Output:
    """Where a command prints its report."""

    def __init__(self, quiet: bool = False) -> None:
        from rich.console import Console

        self.console: Console = Console(
            quiet=quiet,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=not sys.stdout.isatty(),
            width=None if sys.stdout.isatty() else WIDE,
        )

    def line(self, text: str = "", style: str | None = None) -> None:
        self.console.print(text, style=style, soft_wrap=True)

    def table(
        self, headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()
    ) -> None:
        """A table; the columns named in `numbers` are aligned to the right."""
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


def write_found(path: Path, found: Found) -> None:
    """The sequence as the peer ran it, for ``slotspec conform``."""
    from slotspec.oracle.traces.writing import write_trace

    write_trace(path, found.header, found.steps)


def write_json(place: str, document: dict[str, Any]) -> None:
    """Write a report; ``-`` is standard output.

    :raises UsageError: ``SET103`` where the file cannot be written.
    """
    from slotspec.statemachine.errors import UsageError

    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
        return
    try:
        Path(place).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "SET103", f"{place}: cannot be written ({error.strerror}); choose another place"
        ) from None
