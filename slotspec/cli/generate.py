"""``slotspec generate``: test sequences that cover the model, as traces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli.fuzz import MODEL_HELP

if TYPE_CHECKING:
    from slotspec.oracle.fuzzing.coverage_tours import Cover, Covering


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("generate")(generate)


def generate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the traces.")],
    cover: Annotated[
        str, typer.Option(metavar="WHAT", help="transitions, states, or pairs (of operations).")
    ] = "transitions",
    model: Annotated[str, typer.Option(metavar="NAME", help=MODEL_HELP)] = "slot_pool",
    generation: Annotated[
        str | None, typer.Option(metavar="V", help="Such as 1.12; without it, every one.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=N", help="A bound of your own; repeatable."),
    ] = None,
    max_states: Annotated[
        int, typer.Option(metavar="N", help="Look at so many states of each instance.")
    ] = 4_000,
    length: Annotated[
        int, typer.Option(metavar="N", help="Longest sequence, unless more are needed.")
    ] = 30,
) -> None:
    """Write few and short sequences that cover a model, with what is expected of each step.

    Hold an implementation against them with your own runner, or replay them with
    ``slotspec conform``. Exits with 0, or with 3 if states were left out for their number.
    """
    from slotspec.cli.plan import parse_bounds
    from slotspec.oracle.fuzzing.coverage_tours import COVERS
    from slotspec.oracle.fuzzing.coverage_tours import cover as covered
    from slotspec.oracle.fuzzing.targets import fuzz_target
    from slotspec.statemachine.errors import UsageError

    if cover not in COVERS:
        raise UsageError("SET111", f"--cover {cover!r}; choose from {', '.join(COVERS)}")
    about = fuzz_target(model)
    if generation is not None:
        about.generation(generation)
    if max_states < 1 or length < 1:
        raise UsageError("SET110", "--max-states and --length have to be at least 1")
    bounds: Mapping[str, int] | None = parse_bounds(settings) if settings else None
    incomplete = False
    for version in [generation] if generation else about.schema.generations:
        what: Cover = cover
        covering = covered(what, version, bounds, model=model, states=max_states, length=length)
        folder = out / version
        count, steps = write(covering, folder)
        typer.echo(summary(covering, what, version, count, steps, folder))
        incomplete = incomplete or (what == "states" and not covering.complete)
    if incomplete:
        typer.echo(f"not every state was looked at: there are more than {max_states:,}")
        raise typer.Exit(3)


def write(covering: Covering, folder: Path) -> tuple[int, int]:
    """One trace for each sequence; how many, and with how many steps in all."""
    from slotspec.oracle.fuzzing.environment_walks import recorded
    from slotspec.oracle.traces.writing import write_trace
    from slotspec.statemachine.errors import UsageError
    from slotspec.statemachine.interpreter.replay import explain

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "SET103", f"{folder}: cannot be made ({error.strerror}); choose another place"
        ) from None
    count = total = 0
    for tour in covering.tours:
        for path, _ in tour.paths:
            count += 1
            header, steps = recorded(explain(tour.instance, [edge.call for edge in path]))
            total += len(steps)
            write_trace(folder / f"{count:03}.jsonl", header, steps)
    return count, total


def summary(
    covering: Covering, what: Cover, generation: str, count: int, steps: int, folder: Path
) -> str:
    """One line, and what is missing."""
    reached = covering.goals - len(covering.missing)
    line = (
        f"{generation}: {count} sequences of {steps} steps in all cover {reached} of"
        f" {covering.goals} {what}: {folder}"
    )
    if covering.missing:
        names = (" ".join(g) if isinstance(g, tuple) else str(g) for g in covering.missing)
        line += f"\n  not reached: {', '.join(names)}"
    return line
