"""``slotspec logs``: what ordinary log files tell about slots."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import HOLDS, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from slotspec.cli.output import Output
    from slotspec.logs.findings import Finding, JobReport, Report
    from slotspec.logs.stories import Allocation

MOST_LINES = 4
"""Lines that are printed with an answer; ``--html`` and ``--json`` have all."""
MOST_ANSWERS = 12
_WIDTH = 160


class LogLevel(StrEnum):
    """The levels that lines may be left out below."""

    debug = "debug"
    info = "info"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("logs")(logs)


def logs(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…", help="Folders of log files (with their subfolders), or files."
        ),
    ],
    job: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this job; the first digits are enough.")
    ] = None,
    allocation: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Tell the story of this allocation, line by line."),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a page with a search; - for stdout."),
    ] = None,
    json_to: options.JsonTo = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw --allocation as a sequence diagram: .svg, .mmd or .md.",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Layout of the lines, with the groups time, level, logger and text.",
        ),
    ] = None,
    flink: Annotated[
        str | None,
        typer.Option("--flink-version", metavar="V", help="Default: as the logs tell."),
    ] = None,
    level: Annotated[
        LogLevel, typer.Option(help="Read the logs as if they had been written at this level.")
    ] = LogLevel.debug,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Leave out lines before 15:04, or 2026-11-21T15:04:00, by the JobManager's clock.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out lines after it.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell from the logs of JobManagers and TaskManagers why a job has no slot, and who holds it.

    Exit codes: 0 no line contradicts the model, 1 one does, 2 bad input, 3 no line is about
    slots, 4 slotspec itself failed.
    """
    from slotspec.cli.output import Output, check_writable, write, write_json
    from slotspec.logs.layout import Layout
    from slotspec.logs.line_kinds import Level
    from slotspec.logs.moments import Moment
    from slotspec.logs.questions import answer
    from slotspec.logs.reading import Options, read
    from slotspec.logs.stories import stories
    from slotspec.statemachine.errors import UsageError

    check_writable(html, json_to, draw)
    if draw is not None and allocation is None:
        raise UsageError("SET133", "--draw draws one allocation; name it with --allocation")
    if html == "-" and json_to == "-":
        raise UsageError("SET133", "--html and --json both write to stdout; name a file for one")
    given = Options(
        Layout.of(layout),
        Level.INFO if level is LogLevel.info else Level.TRACE,
        _version(flink),
        Moment.of("--since", since) if since is not None else None,
        Moment.of("--until", until) if until is not None else None,
    )
    report = answer(stories(read(paths, given)))
    if job is not None:
        report.jobs = [of for of in report.jobs if of.job.id.startswith(job.lower())]
        if not report.jobs:
            raise UsageError("SET132", _unknown("job", job, list(report.cluster.jobs)))
    output = Output(quiet or "-" in (html, json_to))
    if allocation is not None:
        one = _allocation(report, allocation)
        _print_story(report, one, output)
        if draw is not None:
            from slotspec.diagrams.formats import SUFFIXES, render
            from slotspec.logs.sequences import sequence

            form = SUFFIXES.get(draw.suffix)
            if form is None:
                raise UsageError("SET133", f"--draw {draw}: name a file that ends in .svg or .mmd")
            write(draw, render(sequence(report.cluster, one, report.verdicts[one.id]), form))
    else:
        _print(report, output)
    if html is not None:
        from slotspec.logs.page import page

        write(html, page(report))
        output.line(f"wrote {html}")
    if json_to is not None:
        from slotspec.logs.document import document

        write_json(json_to, document(report))
    if report.divergences:
        raise typer.Exit(VIOLATED)
    raise typer.Exit(HOLDS if report.cluster.events else UNKNOWN)


def _version(text: str | None) -> str | None:
    import re

    from slotspec.logs.known_lines import KNOWN
    from slotspec.logs.line_kinds import minor
    from slotspec.statemachine.errors import UsageError

    if text is not None and not re.fullmatch(r"\d{1,3}\.\d{1,3}(\.\d{1,3})?", text):
        raise UsageError("SET134", f"--flink-version {text!r}: write one such as 1.12.5")
    if text is not None and not KNOWN[0] <= minor(text) <= KNOWN[1]:
        first, last = ("{}.{}".format(*one) for one in KNOWN)
        raise UsageError(
            "SET134", f"--flink-version {text}: the lines of {first} to {last} are known; name one"
        )
    return text


def _unknown(what: str, given: str, known: list[str]) -> str:
    listed = ", ".join(name[:8] for name in known[:8] if name) or "none"
    return f"no {what} begins with {given!r}; the logs have {listed}"


def _allocation(report: Report, given: str) -> Allocation:
    from slotspec.statemachine.errors import UsageError

    known = report.cluster.allocations
    found = [one for name, one in known.items() if name.startswith(given.lower())]
    if len(found) != 1:
        if found:
            raise UsageError(
                "SET132", f"{len(found)} allocations begin with {given!r}; write more digits"
            )
        raise UsageError("SET132", _unknown("allocation", given, list(known)))
    return found[0]


def _print(report: Report, output: Output) -> None:
    from slotspec.statemachine.plurals import counted

    cluster = report.cluster
    for name, offset in cluster.offsets.items():
        output.line(f"The clock of {name}: {offset}", "yellow")
    for text in cluster.logs.left_out:
        output.line(f"Not read: {text}", "dim")
    for log in cluster.logs.processes:
        if log.unread:
            lines = counted(log.unread, "line about slots has", "lines about slots have")
            output.line(f"Not read: {log.name}: {lines} no valid time", "yellow")
    for _, text, event in report.divergences:
        output.line(f"Contradicts the model: {text}", "bold red")
        output.line(f"  {event}")
    for of in report.jobs:
        _print_job(report, of, output)
    output.line("TaskManagers", "bold")
    for finding in report.findings:
        _print_finding(report, finding, output)
    facts = report.facts
    output.line()
    output.line(
        f"{counted(cluster.logs.lines, 'line')} of"
        f" {counted(len(cluster.logs.processes), 'process', 'processes')},"
        f" {cluster.logs.events:,} about slots; {counted(len(report.verdicts), 'allocation')},"
        f" {counted(len(report.divergences), 'line contradicts', 'lines contradict')} the model;"
        f" {report.undetermined:.0%} of {counted(facts.total(), 'fact')} are undetermined"
    )
    wanted = report.deciding()
    if wanted:
        output.line(f"Log {', '.join(name for name, _ in wanted[:4])} to decide most of them.")
    elif report.undetermined:
        output.line(f"No logger of Flink {cluster.logs.version} tells them, at any level.")


def _print_job(report: Report, of: JobReport, output: Output) -> None:
    from slotspec.logs.facts import LEGS
    from slotspec.logs.findings import short

    job = of.job
    named = f"{job.name} {job.id}".lstrip()
    output.line(f"Job {named}: {job.state or 'state unknown'}", "bold")
    numbers = [] if job.required is None else [f"required {job.required}"]
    for leg in LEGS:
        if leg == "requested" and not report.cluster.logs.old:
            continue
        yes, maybe = of.legs[leg]
        numbers.append(f"{leg} {yes}" + (f" (+{maybe}?)" if maybe else ""))
    output.line(f"  {', '.join(numbers)}")
    for finding in of.findings[:MOST_ANSWERS]:
        _print_finding(report, finding, output)
    if len(of.findings) > MOST_ANSWERS:
        output.line(f"  … and {len(of.findings) - MOST_ANSWERS} more answers; --html has them")
    if job.allocations:
        rows = [_row(report, one) for one in list(job.allocations.values())[-MOST_ANSWERS:]]
        output.table(("allocation", "TaskManager", "slot", "taken", "held", "why"), rows)
        if len(job.allocations) > MOST_ANSWERS:
            first = short(next(iter(job.allocations)))
            output.line(f"  the last {MOST_ANSWERS} of {len(job.allocations)}, from {first}")
    output.line()


def _row(report: Report, one: Allocation) -> tuple[str, ...]:
    from slotspec.logs.facts import LEGS, Answer
    from slotspec.logs.findings import short
    from slotspec.logs.layout import clock
    from slotspec.logs.stories import time_of

    verdict, held = report.verdicts[one.id], report.holdings[one.id]
    taken = [leg for leg in LEGS if verdict.happened(leg)]
    since = f" since {clock(time_of(report.cluster, held.since))}" if held.since else ""
    return (
        short(one.id),
        one.tm or "?",
        one.slot or "?",
        taken[-1] if taken else "-",
        held.answer.value + (since if held.answer is Answer.YES else ""),
        held.why,
    )


def _print_finding(report: Report, finding: Finding, output: Output) -> None:
    from slotspec.logs.facts import Answer
    from slotspec.logs.findings import QUESTIONS
    from slotspec.logs.layout import clock
    from slotspec.logs.stories import time_of

    unclear = " UNDETERMINED:" if finding.answer is Answer.UNDETERMINED else ""
    style = "yellow" if unclear else None
    output.line(f"  {QUESTIONS[finding.question]}{unclear} {finding.text}", style)
    for event in finding.lines[-MOST_LINES:]:
        at = clock(time_of(report.cluster, event))
        output.line(f"    {at} {event.place}: {event.text[:_WIDTH]}", "dim")
    if finding.deciding:
        wanted = [str(one) for one in finding.deciding[:MOST_LINES]]
        output.line(f"    decided by {'; '.join(wanted)}", "dim")


def _print_story(report: Report, one: Allocation, output: Output) -> None:
    from slotspec.logs.layout import clock
    from slotspec.logs.stories import time_of

    verdict = report.verdicts[one.id]
    output.line(f"Allocation {one.id} of job {one.job or '(unknown)'}", "bold")
    rows = [
        (
            clock(time_of(report.cluster, event)),
            event.process,
            event.kind.party.name.replace("_", " ").lower(),
            event.name.replace("_", " "),
            str(event.place.line),
            event.text.splitlines()[0][:_WIDTH] if event.text else "",
        )
        for event in one.events
    ]
    output.table(("time", "process", "party", "tells", "line", "text"), rows, ("line",))
    output.line()
    output.table(
        ("fact", "answer", "because"),
        [
            (
                name,
                fact.answer.value,
                fact.why
                or (str(fact.event.place) if fact.event else "")
                or "; ".join(f"needs {deciding}" for deciding in fact.deciding[:2]),
            )
            for name, fact in verdict.facts.items()
        ],
    )
    held = report.holdings[one.id]
    output.line(f"Held: {held.answer.value}: {held.why}")
    for found in verdict.divergences:
        output.line(f"Contradicts the model: {found}", "bold red")
