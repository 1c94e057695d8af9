"""``slotspec check``: search every reachable state of a model within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import typer

from slotspec.cli import options
from slotspec.cli.bugs import bug_of, found_by
from slotspec.cli.exit_codes import FAULT, HOLDS, UNKNOWN, VIOLATED
from slotspec.cli.jobs import Finished, Request, RunResults
from slotspec.cli.output import check_writable, is_number, write, write_documents, write_finding
from slotspec.cli.plan import left_out
from slotspec.cli.rows import Rows
from slotspec.statemachine.declaration.model import Instance, Kind, flat_size
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import NO_LIMITS, Finding, Limit, Limits, Result, Verdict

WORTH_A_PROCESS = 2_000
"""Calls to try in this process before a run gets its own, which takes longer to start."""

LARGE = 1_000
"""An instance is compiled at once if its calls times the values of a state are more than this."""

REDUCES = ("fingerprints", "symmetry", "compress", "partial_order")
"""Options with which each run searches in its own process."""

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("check")(check)


def check(
    models: options.Models = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="Check only this generation, such as 1.12; repeatable."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Check every generation and scope, also if no MODEL is given."),
    ] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Check only this scope; repeatable."),
    ] = None,
    settings: options.Settings = None,
    properties: options.Properties = None,
    safety: options.Safety = False,
    bug: options.Bugs = None,
    engine: options.Engine = "auto",
    jobs: Annotated[
        str,
        typer.Option(metavar="N|auto", help="Runs at a time, each in a process; 1: in this one."),
    ] = "auto",
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Threads of each compiled run; with --on, the processes of one search.",
        ),
    ] = None,
    symmetry: Annotated[
        bool | None,
        typer.Option(
            "--symmetry/--no-symmetry",
            help="Keep one state of each symmetric set; by default, where the rules prove it.",
        ),
    ] = None,
    fingerprints: Annotated[
        bool, typer.Option("--fingerprints", help="Keep a 64-bit hash instead of each state.")
    ] = False,
    compress: Annotated[
        bool,
        typer.Option("--compress", help="Fold states into trees: a third of the memory, slower."),
    ] = False,
    partial_order: Annotated[
        bool,
        typer.Option(
            "--partial-order",
            help="Leave out orders of independent calls; traces may be longer than the shortest.",
        ),
    ] = False,
    max_states: Annotated[
        int | None, typer.Option(metavar="N", help="Stop each run after this many states.")
    ] = None,
    max_depth: Annotated[
        int | None, typer.Option(metavar="N", help="Stop each run at this depth.")
    ] = None,
    max_seconds: options.MaxSeconds = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Stop each run at this memory: bytes, 500M or 4G."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the search in DIR as it goes.")
    ] = None,
    disk: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the states in DIR, if they do not fit in memory."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray|ray://HOST:PORT",
            help="Use the processes of a Ray cluster, for one large search or for many runs.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the checkpoint or the search in DIR.")
    ] = False,
    json_to: options.JsonTo = None,
    html_to: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as a page with diagrams."),
    ] = None,
    trace_out: options.TraceOut = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Also show traces of known deviations and witnesses."),
    ] = False,
) -> None:
    """Search every reachable state and check every property.

    Without a MODEL, each built-in model is checked at its newest generation and within its
    smaller scopes; ``--all`` checks every generation and scope.

    Exit codes: 0 all hold (known deviations included), 1 a property is violated, 2 bad input,
    3 a limit or Ctrl-C left a result unknown, 4 slotspec itself failed. The check of a known
    bug stops when it finds the bug, with exit code 1.
    """
    from slotspec.cli.bugs import report_bugs
    from slotspec.cli.document import document
    from slotspec.cli.report import report
    from slotspec.statemachine.check import check_limits

    limits = Limits(max_states, max_depth, max_seconds, memory_size(max_memory))
    check_limits(limits)
    chosen: dict[str, Any] = {
        "engine": engine,
        "limits": limits,
        "workers": worker_count(workers or "1"),
        "symmetry": symmetry,
        "fingerprints": fingerprints,
        "checkpoint": checkpoint,
        "resume": resume,
        "disk": disk,
        "on": on,
        "compress": compress,
        "partial_order": partial_order,
    }
    check_writable(json_to, html_to, trace_out)
    started = perf_counter()
    request = Request(
        tuple(models or ()),
        tuple(generation or ()),
        tuple(scope or ()),
        tuple(settings or ()),
        tuple(properties or ()),
        chosen,
        bugs=tuple(bug or ()),
        newest=not models and not every and not generation,
        safety=safety,
    )
    for one, given, other, against in (
        ("--all", every, "--generation", generation),
        ("--all", every, "--bug", bug),
        ("--safety", safety, "--property", properties),
        ("--safety", safety, "--bug", bug),
        ("--partial-order", partial_order, "--symmetry", symmetry),
        ("--partial-order", partial_order, "--fingerprints", fingerprints),
        ("--partial-order", partial_order, "--compress", compress),
        ("--partial-order", partial_order, "--checkpoint", checkpoint),
        ("--partial-order", partial_order, "--disk", disk),
        ("--partial-order", partial_order, "--on", on),
    ):
        if given and against:
            raise UsageError(
                "SET036", f"{one} and {other} contradict each other; leave one of the two out"
            )
    instances = request.plan()
    if len(instances) > 1 and (checkpoint is not None or disk is not None):
        raise UsageError(
            "SET027",
            f"a {'folder of states' if checkpoint is None else 'checkpoint'} is for one run, not"
            f" for {len(instances)}; choose one with --generation and --scope",
        )
    if on is None:
        at_once, threads = share_out(jobs, chosen["workers"], len(instances))
        chosen["workers"] = threads
    else:
        at_once = share_out_on_ray(on, jobs, workers, chosen, len(instances))
    rows = Rows() if len(instances) > 1 and not bug and json_to != "-" else None
    found = run(replace(request, jobs=at_once), instances, jobs != "1", rows)
    results = [found.results[n] for n in sorted(found.results)]
    faults = {instances[n]: why for n, why in sorted(found.faults.items())}
    left = [
        instance
        for n, instance in enumerate(instances)
        if n not in found.results and n not in found.faults
    ]
    if json_to != "-" and bug:
        report_bugs(results, [*left, *faults], perf_counter() - started)
    elif json_to != "-":
        omitted = left_out(instances) if request.newest and not scope else ""
        claimed = leads_to(instances) if safety else ()
        took = perf_counter() - started
        report(results, left, took, verbose, faults, rows is not None, omitted, claimed)
    if faults and (bug or json_to == "-"):
        for instance, why in faults.items():
            typer.echo(f"FAULT OF SLOTSPEC in {instance.title}: {why}", err=True)
    report_unused(instances)
    if json_to is not None:
        documents = [document(result) for result in results]
        write_documents(json_to, documents, many=len(instances) > 1)
    if html_to is not None:
        from slotspec.diagrams.report import page

        undone = [instance.title for instance in (*faults, *left)]
        write(html_to, page(results, undone))
    if trace_out is not None:
        write_trace(trace_out, results, chosen=bool(properties))
    raise typer.Exit(FAULT if faults else exit_code(results, left))


def leads_to(instances: Sequence[Instance]) -> list[str]:
    """The names of the properties that --safety leaves out."""
    return list(
        dict.fromkeys(
            name
            for model in dict.fromkeys(instance.model for instance in instances)
            for name, declared in model.properties.items()
            if declared.kind is Kind.LEADS_TO
        )
    )


def report_unused(instances: Sequence[Instance]) -> None:
    """Warn about what models from files declare and nothing uses."""
    from slotspec.models import MODELS
    from slotspec.statemachine.declaration.unused import unused

    for model in dict.fromkeys(instance.model for instance in instances):
        for line in unused(model) if model.name not in MODELS else []:
            typer.echo(f"unused in {model.name}: {line}", err=True)


def run(
    request: Request, instances: Sequence[Instance], apart: bool, rows: Rows | None = None
) -> RunResults:
    """Check each instance: small ones here, the others in processes if `apart`.

    :param rows: prints a row for each run as it ends.
    """
    finished = ignore_result if rows is None else rows.add
    on = request.options["on"]
    from slotspec.cli.durations import known_as_large, longest_first, remember
    from slotspec.cli.jobs import run_in_processes
    from slotspec.cli.progress import progress_lines
    from slotspec.statemachine.check import compiler_there

    if not apart or len(instances) == 1:
        return run_here(request, instances, finished)
    # a run that a limit or a bug ends early may end while it is still small
    whole = request.options["limits"] == NO_LIMITS and not request.bugs
    if whole and request.options["engine"] == "auto" and compiler_there():
        large = known_as_large(instances) | {
            number
            for number, instance in enumerate(instances)
            if len(instance.calls) * flat_size(instance) > LARGE
        }
        request = replace(request, large=large)
    found, left = run_small(request, instances, finished)
    if not left:
        return found
    order = [number for number in longest_first(instances) if number in left]
    with progress_lines(len(instances), rows) as show:
        if on is None:
            more = run_in_processes(request, instances, order, show, finished)
        else:
            from slotspec.cli.ray_jobs import run_on_ray

            more = run_on_ray(on, request, instances, order, show, finished)
    remember(list(more.results.values()))
    return RunResults({**found.results, **more.results}, more.faults)


def ignore_result(_: Result) -> None:
    """A receiver of results that does nothing."""


def run_here(
    request: Request, instances: Sequence[Instance], finished: Finished = ignore_result
) -> RunResults:
    """Check each instance in this process, one after the other."""
    from slotspec.cli.progress import progress_line
    from slotspec.statemachine.check import check as check_one

    found = RunResults()
    try:
        with progress_line() as reporter:
            for number, instance in enumerate(instances):
                limited = request.options_of(instance)
                result = check_one(instance, reporter=reporter, **limited)
                found.results[number] = result
                finished(result)
                if result.limit is Limit.INTERRUPTED:
                    break
    except KeyboardInterrupt:
        pass
    return found


def run_small(
    request: Request, instances: Sequence[Instance], finished: Finished = ignore_result
) -> tuple[RunResults, set[int]]:
    """Check the instances that are not worth a process; return the numbers of the others."""
    from slotspec.statemachine.check import TRIES, check_small

    # a bug is near the initial state, and the search for it ends there
    tries = TRIES if request.bugs else WORTH_A_PROCESS
    chosen, found = request.options, RunResults()
    special = any(chosen[name] for name in REDUCES)
    if chosen["engine"] != "auto" or chosen["workers"] != 1 or special:
        return found, set(range(len(instances)))
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
            found.results[number] = result
            finished(result)
            if result.limit is Limit.INTERRUPTED:
                return found, set()
    except KeyboardInterrupt:
        return found, set()
    return found, large


def share_out(jobs: str, workers: int | Literal["auto"], runs: int) -> tuple[int, int]:
    """How many processes at a time, and threads in each: no more in all than processors.

    :raises UsageError: ``SET028`` for a bad number, ``SET029`` if both are given and too large.
    """
    cores = os.cpu_count() or 1
    if jobs != "auto" and (not is_number(jobs) or int(jobs) < 1):
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
            " processors; leave one of the two out, or set it to auto",
        )
    return at_once, workers


def share_out_on_ray(
    on: str, jobs: str, workers: str | None, chosen: dict[str, Any], runs: int
) -> int:
    """How many runs at a time on a cluster; 0 for as many as fit.

    A single run, or with ``--jobs 1`` each in turn, is divided among all processors.

    :raises UsageError: ``SET028`` for a bad number, ``SET044`` and ``SET045`` for a bad cluster.
    """
    from slotspec.statemachine.search.ray_cluster import ray_module

    ray_module(on)
    if runs == 1 or jobs == "1":
        if workers is None:
            chosen["workers"] = "auto"
        return 1
    if chosen["workers"] == "auto":
        chosen["workers"] = 1
    if jobs == "auto":
        return 0
    return share_out(jobs, 1, runs)[0]


def exit_code(results: Sequence[Result], left: Sequence[Instance]) -> int:
    from slotspec.cli.summary import overall

    verdict = overall(results)
    if verdict is Verdict.VIOLATED:
        return VIOLATED
    return UNKNOWN if left or verdict is Verdict.UNKNOWN else HOLDS


def memory_size(text: str | None) -> int | None:
    """Parse a size in bytes, such as ``1000``, ``500M`` or ``4G``."""
    if text is None:
        return None
    unit = UNITS.get(text[-1:].upper(), 1)
    digits = text[:-1] if unit > 1 else text
    if not is_number(digits):
        raise UsageError("SET025", f"--max-memory {text}: give bytes, or a size such as 500M or 4G")
    return int(digits) * unit


def worker_count(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not is_number(text):
        raise UsageError("SET021", f"--workers {text}: give a number from 1, or auto")
    return int(text)


def write_trace(target: Path, results: Sequence[Result], chosen: bool) -> None:
    """Write the trace of a known bug, else of a violation, a known deviation, or a witness.

    :param chosen: the user named properties, so a witness is of interest too.
    """
    found = next(traces(results, chosen), None)
    if found is None:
        typer.echo(f"no trace to write to {target}", err=True)
        return
    result, finding = found
    write_finding(target, result.instance, finding)


def traces(results: Sequence[Result], chosen: bool) -> Iterator[tuple[Result, Finding]]:
    """Every trace that can be exported, most important first."""
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
