"""``slotspec check``: every reachable state of models within bounds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import typer

from slotspec.cli.bugs import bug_of, found_by
from slotspec.cli.exit_codes import FAULT, HOLDS, UNKNOWN, VIOLATED
from slotspec.cli.jobs import Outcome, Request
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import NO_LIMITS, Finding, Limit, Limits, Result, Verdict

WORTH_A_PROCESS = 2_000
"""Calls tried here before a run gets a process of its own, whose start takes longer."""

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("check")(check)


def check(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL…]",
            help="Built-in names, or file.py[:attribute]; default: all built-in.",
        ),
    ] = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="This generation alone, such as 1.12; may be repeated."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="These default bounds alone; may be repeated."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=N", help="A bound of your own, from the first scope; repeatable."
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME", help="This property alone; may be repeated."),
    ] = None,
    bug: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ISSUE",
            help="Switch on this known bug, such as FLINK-8934, or all; may be repeated.",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="auto|interpreted|compiled", help="What runs the rules.")
    ] = "auto",
    jobs: Annotated[
        str,
        typer.Option(metavar="N|auto", help="Runs at a time, each in a process; 1: in this one."),
    ] = "auto",
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="Threads of the compiled search of each run.")
    ] = "1",
    symmetry: Annotated[
        bool, typer.Option("--symmetry/--no-symmetry", help="One state of each symmetric set.")
    ] = False,
    fingerprints: Annotated[
        bool, typer.Option("--fingerprints", help="Keep 64 bits of a state instead of the state.")
    ] = False,
    max_states: Annotated[int | None, typer.Option(metavar="N", help="Stop there.")] = None,
    max_depth: Annotated[int | None, typer.Option(metavar="N", help="Stop there.")] = None,
    max_seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Stop each run after so many seconds.")
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Stop there; bytes, or as 500M, 4G.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the work there as it goes.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in DIR.")
    ] = False,
    json_to: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")
    ] = None,
    html_to: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page of its own with diagrams."),
    ] = None,
    trace_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the first trace found as JSON lines."),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show traces of known deviations and witnesses too."),
    ] = False,
) -> None:
    """Search every reachable state and hold each property against it.

    Exits with 0 if all hold (known deviations included), 1 if one is violated, 2 on bad
    input, 3 if a limit or Ctrl-C left something unknown, 4 on a fault of slotspec itself.
    The check of a known bug ends when that is found: exit code 1, as for any violation.
    """
    from slotspec.cli.bugs import report_bugs
    from slotspec.cli.report import report

    options: dict[str, Any] = {
        "engine": engine,
        "limits": Limits(max_states, max_depth, max_seconds, memory_size(max_memory)),
        "workers": worker_count(workers),
        "symmetry": symmetry,
        "fingerprints": fingerprints,
        "checkpoint": checkpoint,
        "resume": resume,
    }
    for target in (json_to if json_to != "-" else None, html_to, trace_out):
        see_writable(target)
    started = perf_counter()
    request = Request(
        tuple(models or ()),
        tuple(generation or ()),
        tuple(scope or ()),
        tuple(settings or ()),
        tuple(properties or ()),
        options,
        bugs=tuple(bug or ()),
    )
    instances = request.plan()
    if checkpoint is not None and len(instances) > 1:
        raise UsageError(
            "SET027",
            f"a checkpoint is for one run, these are {len(instances)};"
            " choose one with --generation and --scope",
        )
    at_once, threads = share_out(jobs, options["workers"], len(instances))
    options["workers"] = threads
    outcome = run(replace(request, jobs=at_once), instances, apart=jobs != "1")
    results = [outcome.results[n] for n in sorted(outcome.results)]
    faults = {instances[n]: why for n, why in sorted(outcome.faults.items())}
    left = [
        instance
        for n, instance in enumerate(instances)
        if n not in outcome.results and n not in outcome.faults
    ]
    if json_to != "-" and bug:
        report_bugs(results, [*left, *faults], perf_counter() - started)
    elif json_to != "-":
        report(results, left, perf_counter() - started, verbose, faults)
    if faults and (bug or json_to == "-"):
        for instance, why in faults.items():
            typer.echo(f"FAULT OF SLOTSPEC in {instance.title}: {why}", err=True)
    tell_unused(instances)
    if json_to is not None:
        write_json(json_to, results, many=len(instances) > 1)
    if html_to is not None:
        from slotspec.diagrams.report import page

        undone = [instance.title for instance in (*faults, *left)]
        write(html_to, page(results, undone))
    if trace_out is not None:
        write_trace(trace_out, results, chosen=bool(properties))
    raise typer.Exit(FAULT if faults else exit_code(results, left))


def tell_unused(instances: Sequence[Instance]) -> None:
    """Say, beside the report, what models from files declare and nothing uses."""
    from slotspec.models import MODELS
    from slotspec.statemachine.declaration.unused import unused

    for model in dict.fromkeys(instance.model for instance in instances):
        for line in unused(model) if model.name not in MODELS else []:
            typer.echo(f"unused in {model.name}: {line}", err=True)


def run(request: Request, instances: Sequence[Instance], apart: bool) -> Outcome:
    """Check each instance: small ones here, the others side by side if `apart`."""
    from slotspec.cli.durations import known_as_large, longest_first, remember
    from slotspec.cli.jobs import run_side_by_side
    from slotspec.cli.progress import progress_lines
    from slotspec.statemachine.check import compiler_there

    if not apart or len(instances) == 1:
        return run_here(request, instances)
    # what is to end early may do so while it is still small
    whole = request.options["limits"] == NO_LIMITS and not request.bugs
    if whole and request.options["engine"] == "auto" and compiler_there():
        request = replace(request, large=known_as_large(instances))
    outcome, large = small_ones(request, instances)
    if not large:
        return outcome
    order = [number for number in longest_first(instances) if number in large]
    with progress_lines(len(instances)) as show:
        more = run_side_by_side(request, instances, order, show)
    remember(list(more.results.values()))
    return Outcome({**outcome.results, **more.results}, more.faults)


def run_here(request: Request, instances: Sequence[Instance]) -> Outcome:
    """Check each instance in this process, one after the other."""
    from slotspec.cli.progress import progress_line
    from slotspec.statemachine.check import check as check_one

    outcome = Outcome()
    try:
        with progress_line() as reporter:
            for number, instance in enumerate(instances):
                options = request.options_of(instance)
                result = check_one(instance, reporter=reporter, **options)
                outcome.results[number] = result
                if result.limit is Limit.INTERRUPTED:
                    break
    except KeyboardInterrupt:
        pass
    return outcome


def small_ones(request: Request, instances: Sequence[Instance]) -> tuple[Outcome, set[int]]:
    """The results of instances that are not worth a process; numbers of the others."""
    from slotspec.statemachine.check import TRIES, check_small

    # a bug is near the start, and a search for it ends there
    tries = TRIES if request.bugs else WORTH_A_PROCESS
    options, outcome = request.options, Outcome()
    plain = options["workers"] == 1 and not options["fingerprints"] and not options["symmetry"]
    if options["engine"] != "auto" or not plain:
        return outcome, set(range(len(instances)))
    large: set[int] = set()
    try:
        for number, instance in enumerate(instances):
            if number in request.large:
                large.add(number)
                continue
            limits = request.options_of(instance)["limits"]
            result = check_small(instance, limits, tries=tries)
            if result is None:
                large.add(number)
                continue
            outcome.results[number] = result
            if result.limit is Limit.INTERRUPTED:
                return outcome, set()
    except KeyboardInterrupt:
        return outcome, set()
    return outcome, large


def share_out(jobs: str, workers: int | Literal["auto"], runs: int) -> tuple[int, int]:
    """Processes at a time, and threads in each: together no more than there are processors.

    :raises UsageError: ``SET028`` for no number, ``SET029`` where both are given and too many.
    """
    cores = os.cpu_count() or 1
    if jobs != "auto" and (not jobs.isdecimal() or int(jobs) < 1):
        raise UsageError("SET028", f"--jobs {jobs}: give a number from 1, or auto")
    if jobs == "auto":
        at_once = min(runs, max(1, cores // (1 if workers == "auto" else max(1, workers))))
    else:
        at_once = min(runs, int(jobs))
    if workers == "auto":
        return at_once, max(1, cores // at_once)
    if at_once > 1 and workers > 1 and at_once * workers > cores:
        raise UsageError(
            "SET029",
            f"--jobs {jobs} with --workers {workers}: {at_once * workers} threads on {cores}"
            " processors; leave out one of the two, or give it as auto",
        )
    return at_once, workers


def exit_code(results: Sequence[Result], left: Sequence[Instance]) -> int:
    from slotspec.cli.summary import overall

    verdict = overall(results)
    if verdict is Verdict.VIOLATED:
        return VIOLATED
    return UNKNOWN if left or verdict is Verdict.UNKNOWN else HOLDS


def memory_size(text: str | None) -> int | None:
    """Bytes that `text` means: a number, or one with K, M or G."""
    if text is None:
        return None
    unit = UNITS.get(text[-1:].upper(), 1)
    digits = text[:-1] if unit > 1 else text
    if not digits.isdecimal():
        raise UsageError("SET025", f"--max-memory {text}: write bytes, or a size as 500M or 4G")
    return int(digits) * unit


def worker_count(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise UsageError("SET021", f"--workers {text}: give a number from 1, or auto")
    return int(text)


def see_writable(target: str | Path | None) -> None:
    """Complain about a place that cannot be written before the search, not after it."""
    if target is None:
        return
    path = Path(target)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise UsageError("SET026", f"{path} {what}; give a file that can be written")


def write(target: str | Path, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("SET026", f"{target} cannot be written: {error.strerror}") from error


def write_json(target: str, results: Sequence[Result], many: bool) -> None:
    """One object where one run was asked for, else a list of them."""
    from slotspec.cli.document import document

    made = [document(result) for result in results]
    write(target, json.dumps(made if many or not made else made[0], indent=2) + "\n")


def write_trace(target: Path, results: Sequence[Result], chosen: bool) -> None:
    """A known bug's trace, else the first violation's, a known deviation's, or a witness's.

    :param chosen: properties were named, so that a witness may be what is wanted.
    """
    from slotspec.oracle.traces.export import export

    found = next(traces(results, chosen), None)
    if found is None:
        typer.echo(f"no trace to write into {target}", err=True)
        return
    result, finding = found
    lines = export(result.instance, finding)
    write(target, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def traces(results: Sequence[Result], chosen: bool) -> Any:
    """Every trace that may be exported, most wanted first."""
    for result in results:
        bug = bug_of(result.instance)
        finding = found_by(bug, result) if bug else None
        if finding is not None:
            yield result, finding
    wanted = [Verdict.VIOLATED, Verdict.DEVIATES, *([Verdict.HOLDS] if chosen else [])]
    for verdict in wanted:
        for result in results:
            faults: list[Finding | None] = [result.fault, result.deadlock]
            found = [p.finding for p in result.properties if p.verdict is verdict]
            for finding in (*(faults if verdict is Verdict.VIOLATED else []), *found):
                if finding is not None:
                    yield result, finding
