"""``slotspec simulate``: seeded random runs of models, beyond exhaustive bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from slotspec.cli.exit_codes import HOLDS, UNKNOWN, VIOLATED
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Limit
from slotspec.statemachine.simulate import FAULT_RATE, RUNS, SEED, STEPS, Simulation

DEFAULT = "cluster"
"""The model that is simulated where none is named."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("simulate")(simulate)


def simulate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL…]",
            help=f"Built-in names, or file.py[:attribute]; default: {DEFAULT}.",
        ),
    ] = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="This generation; may be repeated. Default: the newest."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="These default bounds; repeatable. Default: the first."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A bound of your own; repeatable."),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME", help="This property alone; may be repeated."),
    ] = None,
    bug: Annotated[
        list[str] | None,
        typer.Option("--bug", metavar="FLINK-N", help="The model with this known bug; repeatable."),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="auto|interpreted|compiled", help="What runs the rules.")
    ] = "auto",
    seed: Annotated[
        int, typer.Option(metavar="N", help="Same seed, same runs, whatever the engine.")
    ] = SEED,
    runs: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"How many runs; default {RUNS:,}, or until --max-seconds."),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of a run.")] = STEPS,
    fault_rate: Annotated[
        float, typer.Option(metavar="P", help="Probability of a fault at each step.")
    ] = FAULT_RATE,
    swarm: Annotated[
        bool,
        typer.Option("--swarm/--no-swarm", help="Let half of the runs do without some actions."),
    ] = True,
    max_seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Stop each simulation after so many seconds.")
    ] = None,
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="Threads of the compiled engine.")
    ] = "1",
    json_to: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write JSON; - for stdout.")
    ] = None,
    trace_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the first violation's trace as JSON lines."),
    ] = None,
) -> None:
    """Make seeded random runs and hold the properties against each step.

    A simulation proves nothing. Exits with 0 if it saw no violation, 1 if it saw one, 2 on bad
    input, 3 if Ctrl-C cut it short.
    """
    from slotspec.cli.check import see_writable, worker_count, write
    from slotspec.cli.simulation import document, report
    from slotspec.statemachine.simulate import simulate as simulate_one

    threads = worker_count(workers)
    for target in (json_to if json_to != "-" else None, trace_out):
        see_writable(target)
    instances = plan(
        models or [], generation or [], scope or [], settings or [], properties or [], bug or []
    )
    if runs is None and max_seconds is None:
        runs = RUNS
    results: list[Simulation] = []
    with progress() as reporter:
        for instance in instances:
            result = simulate_one(
                instance,
                engine,  # type: ignore[arg-type]
                seed=seed,
                runs=runs,
                steps=steps,
                seconds=max_seconds,
                fault_rate=fault_rate,
                swarm=swarm,
                workers=threads,
                reporter=reporter,
            )
            results.append(result)
            if result.limit is Limit.INTERRUPTED:
                break
    left = instances[len(results) :]
    if json_to != "-":
        report(results, left)
    if json_to is not None:
        made = [document(result) for result in results]
        write(json_to, json.dumps(made if len(instances) > 1 else made[0], indent=2) + "\n")
    if trace_out is not None:
        write_trace(trace_out, results)
    raise typer.Exit(exit_code(results))


def plan(
    models: Sequence[str],
    generations: Sequence[str],
    scopes: Sequence[str],
    settings: Sequence[str],
    properties: Sequence[str],
    bugs: Sequence[str],
) -> list[Instance]:
    """What to simulate: each model at one generation and scope where nothing else is asked for.

    :raises UsageError: ``SET085`` without a model; and as for a check.
    """
    from slotspec.cli.plan import plan as plan_check
    from slotspec.models import MODELS

    if bugs:
        from slotspec.cli.bugs import plan_bugs

        return plan_bugs(bugs, models, generations, scopes, settings, properties)
    if not models and DEFAULT not in MODELS:
        raise UsageError("SET085", f"which model? There is: {', '.join(MODELS)}, or a file.py")
    planned = plan_check(
        models or [DEFAULT], generations, scopes, settings, properties, simulation_only=True
    )
    if not generations:
        planned = [i for i in planned if i.generation in (None, *list(i.model.generations)[-1:])]
    return planned


def progress() -> Any:
    """A reporter that shows how far a simulation is."""
    from slotspec.cli.progress import status_line

    return status_line(
        lambda at: (
            f"{at.instance.title}  "
            + (at.doing or f"{at.runs:,} runs  {at.steps:,} steps")
            + (f"  {at.steps / at.seconds:,.0f}/s  {at.seconds:.0f} s" if at.seconds else "")
        )
    )


def exit_code(results: Sequence[Simulation]) -> int:
    if any(result.violation for result in results):
        return VIOLATED
    if any(result.limit is Limit.INTERRUPTED for result in results):
        return UNKNOWN
    return HOLDS


def write_trace(target: Path, results: Sequence[Simulation]) -> None:
    """The first violation's trace; its header says which run it comes from."""
    from slotspec.cli.check import write
    from slotspec.oracle.traces.export import export

    for result in results:
        if result.finding is not None and result.violation is not None:
            header, *steps = export(result.instance, result.finding)
            found = result.violation
            header["seed"] = result.seed
            header["scenario"] = (
                f"run {found.run} of a simulation, {len(found.calls)} calls shortened"
            )
            lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *steps)]
            write(target, "".join(lines))
            return
    typer.echo(f"no trace to write into {target}", err=True)
