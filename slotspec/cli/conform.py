"""``slotspec conform``: compare recorded traces with the model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import USAGE
from slotspec.cli.output import console, is_number, write_json, write_json_lines
from slotspec.statemachine.plurals import counted

if TYPE_CHECKING:
    from rich.console import Console

    from slotspec.oracle.conformance.report import Removal, Report, Summary, Unexplained

SHOWN_DIFFERENCES = 8
"""Differences of a divergence that are printed; ``--json`` has more."""

_WIDTH_OF_PLAIN_TEXT = 120


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("conform")(conform)


def conform(
    traces: Annotated[
        list[str],
        typer.Argument(
            metavar="TRACE…", help="Trace files, folders (with their subfolders), patterns."
        ),
    ],
    generation: Annotated[
        str | None,
        typer.Option(metavar="V", help="Compare with this generation; default: each trace's own."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="file.py[:attribute] with the model of traces of your own protocol.",
        ),
    ] = None,
    json_to: options.JsonTo = None,
    run_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of one cluster recording: write the run of the model that explains it.",
        ),
    ] = None,
    find_lines: Annotated[
        bool,
        typer.Option(
            "--find-lines",
            help="Of each diverging cluster recording: find the fewest lines whose removal makes"
            " the rest explainable.",
        ),
    ] = False,
    jobs: Annotated[str, typer.Option(metavar="N|auto", help="Number of processes.")] = "auto",
    on: options.On = None,
    quiet: options.Quiet = False,
) -> None:
    """Replay recorded traces in the model and compare every step.

    Exit codes: 0 all conform, 1 one diverges, 2 bad input, 3 the traces do not say enough or
    the run was interrupted, 4 slotspec itself failed. A bad file does not stop the others.
    """

    from slotspec.oracle.conformance.batch import conform_all
    from slotspec.oracle.own.entry import class_of
    from slotspec.statemachine.errors import InputError, UsageError

    errors = console(stderr=True, highlight=False, soft_wrap=True)
    plain = not (sys.stderr if json_to == "-" else sys.stdout).isatty()
    out = console(
        stderr=json_to == "-",
        quiet=quiet,
        highlight=False,
        width=_WIDTH_OF_PLAIN_TEXT if plain else None,
    )

    def on_report(report: Report) -> None:
        if find_lines:
            _find_lines(report)
        _print_report(report, out, errors)

    try:
        # a model from a file is known in this process only
        own = class_of(model) is not None
        if own and on is not None:
            raise UsageError("SET106", "--on does not apply to --model; leave one of the two out")
        summary = conform_all(traces, generation, 1 if own else _jobs(jobs), on_report, on)
    except (InputError, UsageError) as error:
        errors.print(f"Error: {error}", style="red")
        raise typer.Exit(USAGE) from None
    _print_summary(summary, out)
    code = summary.exit_code
    if run_out is not None:
        try:
            _write_run(run_out, traces, generation)
        except (InputError, UsageError) as error:
            errors.print(f"Error: {error}", style="red")
            code = max(code, USAGE)
    if json_to is not None:
        try:
            write_json(json_to, summary.to_json(), "SET103")
        except UsageError as error:
            errors.print(f"Error: {error}", style="red")
            code = max(code, USAGE)
    if code:
        raise typer.Exit(code)


def _find_lines(report: Report) -> None:
    """Add to the report of a divergence the lines whose removal makes the rest explainable."""
    from dataclasses import replace

    found = report.unexplained
    if found is None or found.limit is not None or report.generation is None:
        return
    from slotspec.oracle.conformance.removals import find_removal

    removal = find_removal(report.path, report.generation, found.line)
    report.unexplained = replace(found, removal=removal)


def _write_run(target: Path, traces: list[str], generation: str | None) -> None:
    """Write the run that explains a recording.

    :raises UsageError: ``SET104`` unless there is exactly one cluster recording.
    """
    from slotspec.oracle.cluster.reading import is_cluster_recording
    from slotspec.oracle.conformance.cluster_recordings import explaining_run
    from slotspec.statemachine.errors import UsageError

    if len(traces) != 1 or not is_cluster_recording(traces[0]):
        raise UsageError("SET104", "--run-out is about one cluster recording; name that file alone")
    write_json_lines(target, explaining_run(traces[0], generation))


def _jobs(text: str) -> int | None:
    from slotspec.statemachine.errors import UsageError

    if text == "auto":
        return None
    if not is_number(text.removeprefix("-")):
        raise UsageError("SET102", f"--jobs {text!r}: give a number of processes, or auto")
    return int(text)


def _print_report(report: Report, out: Console, errors: Console) -> None:
    if report.error is not None:
        errors.print(f"Error: {report.error}", style="red")
    if report.fault is not None:
        errors.print(f"Fault of slotspec: {report.fault}", style="bold red")
    if report.divergence is not None:
        _print_divergence(report, out)
    elif report.unexplained is not None:
        _print_unexplained(report, report.unexplained, out)
    elif report.skipped is not None:
        out.print(f"{report.path}: skipped: {report.skipped}", soft_wrap=True)
    elif report.error is None and report.fault is None and report.matched == report.silent:
        out.print(
            f"{report.path}: undetermined: no step records a result, an effect, an exception or a"
            f" state ({counted(report.steps, 'step')})",
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
        f"after {counted(report.matched, 'matching step')}",
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


def _print_unexplained(report: Report, found: Unexplained, out: Console) -> None:
    verdict = "diverges from" if found.limit is None else "is undetermined in"
    why = "" if found.limit is None else f" (limit: {found.limit})"
    out.print(
        f"{report.path}:{found.line + 1}: {verdict} {report.generation} after"
        f" {counted(report.matched, 'explained step')} of {report.steps:,}{why}",
        style="bold red",
        soft_wrap=True,
    )
    if found.last is not None:
        out.print(f"  last explained: {found.last}", soft_wrap=True)
    for waiting in found.waiting:
        # line n of a recording follows its header
        out.print(f"  line {waiting.line + 1}: {waiting.step}: not explained", soft_wrap=True)
        for title, texts in (
            ("differs", waiting.differences),
            ("not sent", waiting.unsent),
            ("in flight instead", waiting.in_flight),
            ("refused", waiting.refused),
        ):
            if texts:
                shown = "; ".join(texts[:SHOWN_DIFFERENCES])
                out.print(f"    {title}: {shown}", soft_wrap=True)
    if found.possible:
        out.print(f"  the model could: {', '.join(found.possible)}", soft_wrap=True)
    if found.removal is not None:
        _print_removal(found.removal, out)


def _print_removal(removal: Removal, out: Console) -> None:
    tried = counted(removal.tried, "shortened recording")
    if not removal.lines:
        out.print(f"  no lines were found that explain it by their removal ({tried} tried)")
        return
    how = "without these lines" if removal.smallest else "without these lines, or fewer of them,"
    out.print(f"  {how} the rest is explained ({tried} tried):")
    for what in removal.what:
        out.print(f"    {what}", soft_wrap=True)


def _print_summary(summary: Summary, out: Console) -> None:
    from rich import box
    from rich.table import Table

    from slotspec.oracle.conformance.compare import Conformance

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
        f"{summary.conforming:,} of {counted(summary.files, 'trace conforms', 'traces conform')},"
        f" {counted(summary.steps, 'step')}"
    ]
    if silent:
        notes.append(f"{silent:,} of them with nothing to compare")
    if uncompared := sum(one.count for r in summary.reports for one in r.uncompared):
        what = counted(uncompared, "recorded state or call", "recorded states or calls")
        notes.append(f"{what} not compared in full, --json says which")
    for what, count in (
        ("diverging", sum(r.outcome is Conformance.DIVERGES for r in summary.reports)),
        (
            "undetermined",
            sum(
                r.unexplained is not None and r.unexplained.limit is not None
                for r in summary.reports
            ),
        ),
        ("bad", sum(r.error is not None for r in summary.reports)),
        ("skipped", sum(r.skipped is not None for r in summary.reports)),
    ):
        if count:
            notes.append(f"{count:,} {what}")
    if summary.interrupted:
        notes.append(f"interrupted, {summary.files - len(summary.reports):,} not replayed")
    out.print(f"{'; '.join(notes)} ({summary.seconds:.1f} s)", soft_wrap=True)
