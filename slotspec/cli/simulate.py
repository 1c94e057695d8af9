"""``slotspec simulate``: seeded random runs of models too large to search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import HOLDS, UNKNOWN, VIOLATED
from slotspec.cli.output import check_writable, write_documents, write_finding, write_json_lines
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Limit
from slotspec.statemachine.simulate import FAULT_RATE, RUNS, SEED, STEPS, Simulation


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("simulate")(simulate)


def simulate(
    models: options.SimulatedModels = None,
    generation: Annotated[
        list[str] | None,
        typer.Option(metavar="V", help="Simulate this generation; default: the newest."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Simulate this scope; default: the first."),
    ] = None,
    settings: options.Settings = None,
    properties: options.Properties = None,
    bug: options.Bugs = None,
    engine: options.Engine = "auto",
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed makes the same runs with any engine.")
    ] = SEED,
    runs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=f"Number of runs; default: {RUNS:,}, or as many as --max-seconds allows.",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Length of each run.")] = STEPS,
    fault_rate: Annotated[
        float, typer.Option(metavar="P", help="Probability of a fault at each step.")
    ] = FAULT_RATE,
    swarm: Annotated[
        bool,
        typer.Option("--swarm/--no-swarm", help="Disable random actions in half of the runs."),
    ] = True,
    max_seconds: options.MaxSeconds = None,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Threads of the compiled engine, default 1; or processes with --on, default auto.",
        ),
    ] = None,
    on: options.On = None,
    json_to: options.JsonTo = None,
    trace_out: options.TraceOut = None,
) -> None:
    """Make random runs from a seed and check the properties at every step.

    A simulation proves nothing. Exit codes: 0 no violation seen, 1 a violation, 2 bad input,
    3 interrupted by Ctrl-C.
    """
    from slotspec.cli.check import worker_count
    from slotspec.cli.simulation import document, report
    from slotspec.statemachine.simulate import simulate as simulate_one

    threads = worker_count(workers or ("1" if on is None else "auto"))
    check_writable(json_to, trace_out)
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
                on=on,
                reporter=reporter,
            )
            results.append(result)
            if result.limit is Limit.INTERRUPTED:
                break
    left = instances[len(results) :]
    if json_to != "-":
        report(results, left)
    if json_to is not None:
        documents = [document(result) for result in results]
        write_documents(json_to, documents, many=len(instances) > 1)
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
    """Which instances to simulate: by default one generation and one scope of each model.

    :raises UsageError: ``SET085`` if the user must name a model; others as for a check.
    """
    from slotspec.cli.plan import plan as plan_check
    from slotspec.models import MODELS

    if bugs:
        from slotspec.cli.bugs import plan_bugs

        return plan_bugs(bugs, models, generations, scopes, settings, properties)
    if not models and options.SIMULATED not in MODELS:
        raise UsageError("SET085", f"name a model to simulate: {', '.join(MODELS)}, or a file.py")
    planned = plan_check(
        models or [options.SIMULATED],
        generations,
        scopes,
        settings,
        properties,
        simulation_only=True,
    )
    if not generations:
        planned = [i for i in planned if i.generation in (None, *list(i.model.generations)[-1:])]
    return planned


def progress() -> Any:
    """A reporter that shows the progress of a simulation."""
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
    """Write the trace of the first violation; its header says which run it comes from."""
    from slotspec.oracle.traces.export import export
    from slotspec.oracle.traces.opening import ITF

    for result in results:
        if result.finding is not None and result.violation is not None:
            if target.name.endswith(ITF):
                write_finding(target, result.instance, result.finding)
                return
            header, *steps = export(result.instance, result.finding)
            found = result.violation
            header["seed"] = result.seed
            header["scenario"] = (
                f"run {found.run} of a simulation, {len(found.calls)} calls shortened"
            )
            write_json_lines(target, (header, *steps))
            return
    typer.echo(f"no trace to write to {target}", err=True)
