"""``slotspec conform``: hold recorded traces against the model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from slotspec.oracle.conformance.report import Report, Summary

SHOWN_DIFFERENCES = 8
"""So many differing places of one divergence are printed; ``--json`` has more."""

_WIDTH_OF_PLAIN_TEXT = 120


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("conform")(conform)


def conform(
    traces: Annotated[
        list[str],
        typer.Argument(
            metavar="TRACE…", help="Trace files, folders (searched to any depth), patterns."
        ),
    ],
    generation: Annotated[
        str | None,
        typer.Option(
            metavar="V", help="Hold the traces against this one, such as 1.12; else each its own."
        ),
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the report as JSON; - for stdout."),
    ] = None,
    jobs: Annotated[str, typer.Option(metavar="N|auto", help="Number of processes.")] = "auto",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but errors; see the exit code.")
    ] = False,
) -> None:
    """Hold recorded traces against the model, step by step.

    Exits with 0 if all conform, 1 if one diverges, 2 on bad input, 3 if the traces do not say
    enough or the run was interrupted, 4 on a fault of slotspec itself. A bad file does not
    keep the others from being replayed.
    """
    from rich.console import Console

    from slotspec.oracle.conformance.batch import conform_all
    from slotspec.statemachine.errors import UsageError

    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    plain = not (sys.stderr if json_to == "-" else sys.stdout).isatty()
    out = Console(
        stderr=json_to == "-",
        quiet=quiet,
        highlight=False,
        markup=False,
        width=_WIDTH_OF_PLAIN_TEXT if plain else None,
    )

    def on_report(report: Report) -> None:
        _print_report(report, out, errors)

    try:
        summary = conform_all(traces, generation, _jobs(jobs), on_report)
    except UsageError as error:
        errors.print(f"Error: {error}", style="red")
        raise typer.Exit(2) from None
    _print_summary(summary, out)
    code = summary.exit_code
    if json_to is not None and not _write_json(json_to, summary.to_json(), errors):
        code = max(code, 2)
    if code:
        raise typer.Exit(code)


def _jobs(text: str) -> int | None:
    from slotspec.statemachine.errors import UsageError

    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            "SET102", f"--jobs {text!r} is no number; give a number of processes or auto"
        ) from None


def _write_json(place: str, document: dict[str, Any], errors: Console) -> bool:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
        return True
    try:
        Path(place).write_text(text, encoding="utf-8")
    except OSError as error:
        errors.print(
            f"Error: SET103: {place}: cannot be written ({error.strerror}); choose another place",
            style="red",
        )
        return False
    return True


def _print_report(report: Report, out: Console, errors: Console) -> None:
    if report.error is not None:
        errors.print(f"Error: {report.error}", style="red")
    if report.fault is not None:
        errors.print(f"Fault of slotspec: {report.fault}", style="bold red")
    if report.divergence is not None:
        _print_divergence(report, out)
    elif report.error is None and report.fault is None and report.matched == report.silent:
        out.print(
            f"{report.path}: undetermined: no step of {report.steps:,} says a result, an effect, "
            "an exception or a state",
            soft_wrap=True,
        )


def _print_divergence(report: Report, out: Console) -> None:
    from rich import box
    from rich.table import Table

    from slotspec.oracle.conformance.compare import as_text

    found = report.divergence
    assert found is not None
    arguments = ", ".join(f"{k}={as_text(v)}" for k, v in found.seen.arguments.items())
    out.print(
        f"{report.path}:{found.line}: step {found.step} diverges from {report.generation} "
        f"after {_counted(report.matched, 'matching step')}",
        style="bold red",
        soft_wrap=True,
    )
    out.print(f"  {found.seen.op}({arguments})", soft_wrap=True)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("where", "expected", "seen"):
        table.add_column(column, overflow="fold")
    for difference in found.differences[:SHOWN_DIFFERENCES]:
        table.add_row(difference.path, as_text(difference.expected), as_text(difference.seen))
    out.print(table)
    hidden = len(found.differences) - SHOWN_DIFFERENCES
    if hidden > 0:
        out.print(f"  … and {hidden} more differences; --json has them\n")


def _print_summary(summary: Summary, out: Console) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("class", "version", "generation"):
        table.add_column(column)
    for column in ("traces", "conform", "steps", "operations"):
        table.add_column(column, justify="right")
    groups = summary.groups()
    for group in groups:
        used = str(len(group.operations))
        table.add_row(
            group.title,
            group.version or "?",
            group.generation or "?",
            f"{group.traces:,}",
            f"{group.conform:,}",
            f"{group.steps:,}",
            f"{used} of {group.possible}" if group.possible else used,
        )
    if groups:
        out.print(table)
    silent = sum(report.silent for report in summary.reports)
    notes = [
        f"{summary.conforming:,} of {_counted(summary.files, 'trace')} "
        f"{'conforms' if summary.files == 1 else 'conform'}, {_counted(summary.steps, 'step')}"
    ]
    if silent:
        notes.append(f"{silent:,} of them with nothing to compare")
    for what, count in (
        ("diverging", sum(r.divergence is not None for r in summary.reports)),
        ("bad", sum(r.error is not None for r in summary.reports)),
    ):
        if count:
            notes.append(f"{count:,} {what}")
    if summary.interrupted:
        notes.append(f"interrupted, {summary.files - len(summary.reports):,} not replayed")
    out.print(f"{'; '.join(notes)} ({summary.seconds:.1f} s)", soft_wrap=True)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
