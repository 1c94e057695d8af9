"""``slotspec fuzz``: find where a live implementation diverges from the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import FAULT, HOLDS, UNKNOWN, USAGE, VIOLATED
from slotspec.cli.peers import explain_peer, generation_for, target_and_peer

if TYPE_CHECKING:
    from slotspec.cli.output import Output
    from slotspec.oracle.fuzzing.coverage import Coverage
    from slotspec.oracle.fuzzing.lockstep import Found
    from slotspec.oracle.fuzzing.run import FuzzResult

SHOWN = 8
"""Differences of a divergence that are printed; ``--json`` has all."""
VERDICTS = {HOLDS: "CONFORMS", VIOLATED: "DIVERGES", UNKNOWN: "UNKNOWN", FAULT: "FAULT"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("fuzz")(fuzz)


def fuzz(
    target: Annotated[str | None, typer.Option(metavar="PEER", help=options.TARGET_HELP)] = None,
    model: options.ModelOfClass = None,
    bug: Annotated[
        str | None,
        typer.Option(
            metavar="ISSUE", help="Instead of --target: fuzz the model with this known bug."
        ),
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(metavar="V", help="Compare with this generation; default: the peer's own."),
    ] = None,
    operations: options.Operations = None,
    config: options.Config = None,
    flink_jars: options.FlinkJars = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed makes the same sequences.")
    ] = 0,
    examples: Annotated[int, typer.Option(metavar="N", help="Number of sequences.")] = 1000,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of the longest sequence.")] = 60,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after this many seconds.")
    ] = None,
    timeout: options.Timeout = 10.0,
    every: Annotated[
        bool,
        typer.Option("--all", help="Continue after a divergence; report one of each kind."),
    ] = False,
    on: options.On = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the diverging sequence as a trace.")
    ] = None,
    json_to: options.JsonTo = None,
    quiet: options.Quiet = False,
) -> None:
    """Run random sequences on a peer and in the model; shorten the first that differs.

    Exit codes: 0 no sequence differed, 1 one differed, 2 the peer failed, 3 interrupted or
    nothing to compare, 4 the model itself failed.
    """
    from slotspec.cli.output import Output, check_writable, make_folder
    from slotspec.cli.progress import status_line
    from slotspec.oracle.fuzzing.coverage import Coverage
    from slotspec.oracle.fuzzing.run import fuzz as run
    from slotspec.oracle.peer_target import implementing
    from slotspec.oracle.peers.protocol import PeerError
    from slotspec.statemachine.errors import UsageError
    from slotspec.statemachine.interpreter.time_limit import check_seconds

    if examples < 1 or not 1 <= steps <= 1000:
        raise UsageError(
            "SET110",
            f"{examples} sequences of {steps} steps; give at least 1 sequence, of 1 to 1000 steps",
        )
    check_seconds(seconds)
    if every and on is not None:
        raise UsageError("SET118", "--all is done on one machine; leave out --all or --on")
    printed = Output(quiet or json_to == "-")
    check_writable(json_to, None if every else out)
    if every and out is not None:
        make_folder(out)
    subject, peer = target_and_peer(target, model, bug, flink_jars, timeout, generation)
    compared = generation_for(peer, generation, subject)
    peer = implementing(peer, operations or None, subject, config)
    try:
        with status_line(Coverage.line, every=0.2) as progress:
            if on is not None:
                from slotspec.cli.ray_fuzz import Asked, fuzz_on_cluster

                folder = str(Path.cwd())
                of_peer = (target, model, bug, flink_jars, timeout, compared)
                asked = Asked(folder, *of_peer, operations or None, config or [], steps)
                outcome: Any = fuzz_on_cluster(
                    on, asked, peer, subject.model, seed, examples, seconds, progress
                )
            else:
                if every:
                    from slotspec.oracle.fuzzing.differences import every_difference

                    work: Callable[..., Any] = every_difference
                else:
                    work = run
                outcome = work(
                    peer,
                    compared,
                    model=subject.model,
                    seed_=seed,
                    sequences=examples,
                    steps=steps,
                    seconds=seconds,
                    progress=progress,
                )
    except PeerError as error:
        explain_peer(error, out)
        raise typer.Exit(USAGE) from None
    finally:
        peer.close()
    if every:
        from slotspec.cli.differences import report_all

        report_all(printed, peer.name, compared, outcome, out, json_to)
    else:
        report(printed, peer.name, compared, outcome, out, json_to, own_option(model))


def report(
    printed: Output,
    peer: str,
    generation: str,
    outcome: FuzzResult,
    out: Path | None,
    json_to: str | None,
    own: str,
) -> None:
    """Print the report, write the files, and exit with the exit code.

    :param own: the option that names a model of one's own, with a blank.
    """
    from slotspec.cli.output import write_found, write_json
    from slotspec.oracle.own.oracle import generation_named

    coverage = outcome.coverage
    printed.line(f"{peer} against {generation_named(generation)}")
    if outcome.found is None:
        coverage_table(printed, coverage)
    rate = coverage.steps / max(outcome.seconds - outcome.shrunk_in, 1e-9)
    printed.line(f"{coverage.line()}  ({outcome.seconds:.1f} s, {rate:,.0f} steps/s)")
    code = UNKNOWN if outcome.limit == "interrupted" else HOLDS
    found = outcome.found
    if found is None and coverage.silent == coverage.steps and code != UNKNOWN:
        code = UNKNOWN
        printed.line("nothing was compared: the peer told no result, effects or state", "bold red")
    elif found is None:
        ended = f" (ended by {outcome.limit})" if outcome.limit else ""
        printed.line(f"no divergence{ended}", "green")
    else:
        code = FAULT if found.fault else VIOLATED
        print_found(printed, found, outcome.original)
        if out is not None:
            write_found(out, found)
            printed.line(f"written to {out}; slotspec conform {own}{out} replays it")
    if json_to is not None:
        write_json(json_to, to_json(peer, generation, outcome, code), "SET103")
    if code:
        raise typer.Exit(code)


def coverage_table(printed: Output, coverage: Coverage) -> None:
    """Print how often each operation and each lifecycle transition ran."""
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
    """Print a divergence as a table and a diagram."""
    from slotspec.oracle.conformance.compare import as_text
    from slotspec.oracle.fuzzing.rendering import configuration, rows

    what = "the model fails" if found.fault else "diverges"
    printed.line()
    printed.line(configuration(found.header))
    printed.line(f"{what} at step {len(found.steps)} (found with {original} steps)", "bold red")
    printed.table(("step", "operation", "result", "effects"), rows(found), ("step",))
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
    printed.line(diagram(found))


def own_option(model: str | None) -> str:
    """``--model file.py`` as the user gave it; nothing for a built-in model."""
    return f"--model {model} " if model and ".py" in model else ""


def diagram(found: Found) -> str:
    """The sequence in Mermaid; its processes have lifelines if a model of one's own has any."""
    from slotspec.cli.output import write_found
    from slotspec.models.registry import recorded
    from slotspec.oracle.fuzzing.rendering import mermaid
    from slotspec.oracle.own.entry import OwnEntry

    if not isinstance(recorded()[found.header.implementation], OwnEntry):
        return mermaid(found)
    from slotspec.diagrams.formats import Format, render
    from slotspec.diagrams.sequences import of_trace

    with TemporaryDirectory(prefix="slotspec-") as folder:
        path = Path(folder) / "trace.jsonl"
        write_found(path, found)
        return str(render(of_trace(path), Format.mermaid)).rstrip()


def to_json(peer: str, generation: str, outcome: FuzzResult, code: int) -> dict[str, Any]:
    """The document that ``--json`` writes."""
    from msgspec import to_builtins

    from slotspec.oracle.conformance.compare import ABSENT

    found = outcome.found
    return {
        "peer": peer,
        "generation": generation,
        "verdict": VERDICTS[code],
        "limit": outcome.limit,
        "seconds": round(outcome.seconds, 3),
        "coverage": outcome.coverage.to_json(),
        "divergence": None
        if found is None
        else {
            "header": to_builtins(found.header),
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
