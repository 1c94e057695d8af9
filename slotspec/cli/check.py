"""``slotspec check``: every reachable state of models within bounds."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import typer

from slotspec.cli import HOLDS, UNKNOWN, VIOLATED
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.model import Instance
from slotspec.statemachine.verdict import Finding, Limit, Limits, Result, Verdict

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
    engine: Annotated[
        str, typer.Option(metavar="auto|interpreted|compiled", help="What runs the rules.")
    ] = "auto",
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="Threads of the compiled search.")
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
    """
    from slotspec.cli.plan import plan
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
    for target in (json_to if json_to != "-" else None, trace_out):
        see_writable(target)
    started = perf_counter()
    instances = plan(models or [], generation or [], scope or [], settings or [], properties or [])
    if checkpoint is not None and len(instances) > 1:
        raise UsageError(
            "SET027",
            f"a checkpoint is for one run, these are {len(instances)};"
            " choose one with --generation and --scope",
        )
    results, left = run(instances, options)
    if json_to != "-":
        report(results, left, perf_counter() - started, verbose)
    if json_to is not None:
        write_json(json_to, results, many=len(instances) > 1)
    if trace_out is not None:
        write_trace(trace_out, results, chosen=bool(properties))
    raise typer.Exit(exit_code(results, left))


def run(
    instances: Sequence[Instance], options: dict[str, Any]
) -> tuple[list[Result], list[Instance]]:
    """Check each instance; the results, and what Ctrl-C left undone."""
    from slotspec.cli.progress import progress_line
    from slotspec.statemachine.check import check as check_one

    results: list[Result] = []
    try:
        with progress_line() as reporter:
            for instance in instances:
                results.append(check_one(instance, reporter=reporter, **options))
                if results[-1].limit is Limit.INTERRUPTED:
                    break
    except KeyboardInterrupt:
        pass
    return results, list(instances[len(results) :])


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
    """The first violation's trace, else a known deviation's, else (if `chosen`) a witness's."""
    from slotspec.statemachine.words import words_of

    found = next(traces(results, chosen), None)
    if found is None:
        typer.echo(f"no trace to write into {target}", err=True)
        return
    result, finding = found
    lines = words_of(result.instance).export(finding)
    write(target, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def traces(results: Sequence[Result], chosen: bool) -> Any:
    """Every trace that may be exported, most wanted first."""
    wanted = [Verdict.VIOLATED, Verdict.DEVIATES, *([Verdict.HOLDS] if chosen else [])]
    for verdict in wanted:
        for result in results:
            faults: list[Finding | None] = [result.fault, result.deadlock]
            found = [p.finding for p in result.properties if p.verdict is verdict]
            for finding in (*(faults if verdict is Verdict.VIOLATED else []), *found):
                if finding is not None:
                    yield result, finding
