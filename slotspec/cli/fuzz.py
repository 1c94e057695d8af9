"""``slotspec fuzz``: find where a live implementation leaves the protocol."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from slotspec.cli.output import Output
    from slotspec.oracle.fuzzing.coverage import Coverage
    from slotspec.oracle.fuzzing.lockstep import Found
    from slotspec.oracle.fuzzing.run import Outcome
    from slotspec.oracle.fuzzing.targets import FuzzTarget
    from slotspec.oracle.peers.protocol import Peer, PeerError

SHOWN = 8
LONGEST_WAIT = 86_400
TARGET_HELP = 'model:GENERATION, flink:VERSION, module:attribute, or a command: "python3 peer.py".'

MODEL_HELP = "The class: slot_pool (default), or another model; see `slotspec list models`."


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("fuzz")(fuzz)


def fuzz(
    target: Annotated[str | None, typer.Option(metavar="PEER", help=TARGET_HELP)] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help=MODEL_HELP)] = None,
    bug: Annotated[
        str | None,
        typer.Option(metavar="FLINK-N", help="Instead of a peer: a model with this known bug."),
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(metavar="V", help="Hold the peer against this one; else its own, if known."),
    ] = None,
    flink_jars: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the jars of Flink.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same run.")] = 0,
    examples: Annotated[int, typer.Option(metavar="N", help="Number of sequences.")] = 1000,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of the longest one.")] = 60,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="End after so long, too.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="S", help="How long a command may take for one answer.")
    ] = 10.0,
    every: Annotated[
        bool, typer.Option("--all", help="Go on after a divergence; list one of each kind.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the diverging sequence as a trace.")
    ] = None,
    json_to: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the report as JSON; - for stdout."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but errors; see the exit code.")
    ] = False,
) -> None:
    """Run random sequences on a peer and in the model; shorten the first that differs.

    Exits with 0 if no sequence differed, 1 if one did, 2 if the peer failed, 3 if the run was
    interrupted, 4 if the model itself failed.
    """
    from slotspec.cli.output import Output
    from slotspec.oracle.fuzzing.run import fuzz as run
    from slotspec.oracle.peers.protocol import PeerError
    from slotspec.statemachine.errors import UsageError

    if examples < 1 or not 1 <= steps <= 1000:
        raise UsageError(
            "SET110",
            f"{examples} sequences of {steps} steps; give at least 1, of 1 to 1000 steps",
        )
    if seconds is not None and not seconds > 0:
        raise UsageError("SET024", f"limit on seconds {seconds}: give a number above 0")
    printed = Output(quiet or json_to == "-")
    about, peer = subject_and_peer(target, model, bug, flink_jars, timeout)
    held = generation_for(peer, generation, about)
    try:
        with progress_line() as progress:
            if every:
                from slotspec.oracle.fuzzing.differences import every_difference

                work: Callable[..., Any] = every_difference
            else:
                work = run
            outcome = work(
                peer,
                held,
                model=about.model,
                seed_=seed,
                sequences=examples,
                steps=steps,
                seconds=seconds,
                progress=progress,
            )
    except PeerError as error:
        explain_peer(error, out)
        raise typer.Exit(2) from None
    finally:
        peer.close()
    if every:
        from slotspec.cli.differences import report_all

        report_all(printed, peer.name, held, outcome, out, json_to)
    else:
        report(printed, peer.name, held, outcome, out, json_to)


def subject_and_peer(
    target: str | None,
    model: str | None,
    bug: str | None,
    flink_jars: Path | None,
    timeout: float,
) -> tuple[FuzzTarget, Peer]:
    """The class that is fuzzed, and the peer: a target, or a model with a known bug.

    :raises UsageError: ``SET112`` for a model without a class, ``SET113`` where not exactly one
        of target and bug is given or they contradict `model`, ``SET070`` for an unknown bug,
        ``SET115`` for a timeout that nobody can wait for.
    """
    from slotspec.oracle.fuzzing.targets import fuzz_target
    from slotspec.oracle.peers.target import open_peer
    from slotspec.statemachine.errors import UsageError

    if (target is None) == (bug is None):
        raise UsageError("SET113", "give either --target or --bug: what is held against the model")
    if not 0 < timeout <= LONGEST_WAIT:
        raise UsageError(
            "SET115", f"--timeout {timeout:g}: give seconds above 0, {LONGEST_WAIT:,} at most"
        )
    if target is not None:
        about = fuzz_target(model or "slot_pool")
        return about, open_peer(target, flink_jars=flink_jars, timeout=timeout, model=about.model)
    from slotspec.cli.bugs import ALL, chosen_bugs
    from slotspec.oracle.fuzzing.bugs import peer_of

    assert bug is not None
    if bug.lower() == ALL:
        raise UsageError("SET113", "fuzz one known bug at a time; slotspec list bugs shows all")
    (chosen,) = chosen_bugs([bug])
    if flink_jars is not None:
        raise UsageError("SET113", "--flink-jars is of no use for --bug; leave it out")
    if model not in (None, chosen.model):
        raise UsageError(
            "SET113",
            f"{chosen.issue} is a bug of {chosen.model}, not of {model}; leave --model out",
        )
    return fuzz_target(chosen.model), peer_of(chosen)


def generation_for(peer: Any, asked: str | None, about: FuzzTarget) -> str:
    """The generation to hold a peer against.

    :raises UsageError: ``SET101`` where it is unknown or cannot be guessed.
    """
    from slotspec.statemachine.errors import UsageError

    found = asked or getattr(peer, "generation", None)
    if found not in about.schema.generations:
        known = ", ".join(about.schema.generations)
        what = (
            f"there is no generation {found!r}" if found else f"of which generation is {peer.name}"
        )
        raise UsageError("SET101", f"{what}; give --generation, one of {known}")
    return str(found)


@contextmanager
def progress_line() -> Iterator[Callable[[Coverage], None]]:
    """A line that moves on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda coverage: None
        return
    from rich.console import Console
    from rich.status import Status

    last = 0.0
    with Status("starting", console=Console(stderr=True)) as status:

        def show(coverage: Coverage) -> None:
            nonlocal last
            if time.monotonic() - last > 0.2:
                last = time.monotonic()
                status.update(coverage.line())

        yield show


def report(
    printed: Output,
    peer: str,
    generation: str,
    outcome: Outcome,
    out: Path | None,
    json_to: str | None,
) -> None:
    """Print, write, and leave with the exit code."""
    from slotspec.cli.output import write_found, write_json

    coverage = outcome.coverage
    printed.line(f"{peer} against generation {generation}")
    if outcome.found is None:
        coverage_table(printed, coverage)
    rate = coverage.steps / max(outcome.seconds - outcome.shrunk_in, 1e-9)
    printed.line(f"{coverage.line()}  ({outcome.seconds:.1f} s, {rate:,.0f} steps/s)")
    code = 3 if outcome.limit == "interrupted" else 0
    found = outcome.found
    if found is None:
        ended = f" (ended by {outcome.limit})" if outcome.limit else ""
        printed.line(f"no divergence{ended}", "green")
    else:
        code = 4 if found.fault else 1
        print_found(printed, found, outcome.original)
        if out is not None:
            write_found(out, found)
            printed.line(f"written to {out}; slotspec conform {out} replays it")
    if json_to is not None:
        write_json(json_to, to_json(peer, generation, outcome, code))
    if code:
        raise typer.Exit(code)


def coverage_table(printed: Output, coverage: Coverage) -> None:
    """Operations and transitions with their counts."""
    counts = coverage.transitions()
    machines: dict[str, list[int]] = {}
    for (lifecycle, _, _), count in counts.items():
        machines.setdefault(lifecycle, []).append(count)
    printed.table(
        ("operation", "steps"),
        [(op, f"{coverage.operations[op]:,}") for op in coverage.possible_operations],
        ("steps",),
    )
    printed.line()
    printed.table(
        ("lifecycle", "transitions", "fired", "times"),
        [
            (name, str(len(c)), str(sum(n > 0 for n in c)), f"{sum(c):,}")
            for name, c in machines.items()
        ],
        ("transitions", "fired", "times"),
    )
    never = [" ".join(t) for t, count in counts.items() if not count]
    if never:
        printed.line(f"never fired: {', '.join(never)}")


def print_found(printed: Output, found: Found, original: int) -> None:
    """A divergence as a table and a diagram."""
    from slotspec.oracle.conformance.compare import as_text
    from slotspec.oracle.fuzzing.rendering import mermaid, rows

    what = "the model fails" if found.fault else "diverges"
    printed.line()
    printed.line(f"{what} at step {len(found.steps)} (found with {original} steps)", "bold red")
    printed.table(("step", "operation", "result", "effects"), rows(found.steps), ("step",))
    printed.line()
    if found.fault:
        printed.line(found.fault)
    else:
        printed.table(
            ("where", "expected", "seen"),
            [(d.path, as_text(d.expected), as_text(d.seen)) for d in found.differences[:SHOWN]],
        )
        hidden = len(found.differences) - SHOWN
        if hidden > 0:
            printed.line(f"… and {hidden} more differences; --json has them")
    printed.line()
    printed.line(mermaid(found))


def explain_peer(error: PeerError, out: Path | None) -> None:
    """Say what a failed peer was asked, up to the end."""
    from slotspec.oracle.fuzzing.rendering import call

    print(f"Error: {error}", file=sys.stderr)
    if error.sequence:
        count = len(error.sequence)
        before = f" (shortened from {error.original})" if error.original > count else ""
        print(f"the sequence so far, {count} operations{before}:", file=sys.stderr)
    for number, (op, arguments) in enumerate(error.sequence, 1):
        print(f"  {number}  {call(op, arguments)}", file=sys.stderr)
    if out is not None and error.header is not None:
        from slotspec.oracle.traces.trace import TraceStep
        from slotspec.oracle.traces.writing import write_trace

        steps = [TraceStep(op=op, arguments=arguments) for op, arguments in error.sequence]
        write_trace(out, error.header, steps)
        print(f"written to {out}", file=sys.stderr)


def to_json(peer: str, generation: str, outcome: Outcome, code: int) -> dict[str, Any]:
    """What ``--json`` writes."""
    from slotspec.oracle.conformance.compare import ABSENT

    found = outcome.found
    return {
        "peer": peer,
        "generation": generation,
        "verdict": {0: "CONFORMS", 1: "DIVERGES", 3: "UNKNOWN", 4: "FAULT"}[code],
        "limit": outcome.limit,
        "seconds": round(outcome.seconds, 3),
        "coverage": outcome.coverage.to_json(),
        "divergence": None
        if found is None
        else {
            "steps": [step.to_json() for step in found.steps],
            "found_with_steps": outcome.original,
            "fault": found.fault,
            "differences": [
                {"path": d.path}
                | {
                    side: value
                    for side, value in (("expected", d.expected), ("seen", d.seen))
                    if value is not ABSENT
                }
                for d in found.differences
            ],
        },
    }
