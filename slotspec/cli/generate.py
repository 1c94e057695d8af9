"""``slotspec generate``: traces of test sequences that cover a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotspec.cli import options
from slotspec.cli.exit_codes import UNKNOWN
from slotspec.cli.output import make_folder

if TYPE_CHECKING:
    from slotspec.oracle.fuzzing.coverage_tours import Cover, Covering


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("generate")(generate)


def generate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the traces.")],
    cover: Annotated[
        str, typer.Option(metavar="WHAT", help="What to cover: transitions, states, or pairs.")
    ] = "transitions",
    model: options.ModelOfClass = None,
    generation: Annotated[
        str | None, typer.Option(metavar="V", help="This generation only; default: all of them.")
    ] = None,
    settings: options.Settings = None,
    max_states: Annotated[
        int, typer.Option(metavar="N", help="Search this many states of each instance.")
    ] = 4_000,
    length: Annotated[
        int,
        typer.Option(
            metavar="N", help="Length of a sequence, if that is enough to reach its goals."
        ),
    ] = 30,
) -> None:
    """Write a few short sequences that cover a model, with the expected result of each step.

    Run them on an implementation with your own runner, or replay them with slotspec
    conform. Exit codes: 0 done, 2 bad input, 3 the search left states out.
    """
    from slotspec.cli.plan import parse_bounds
    from slotspec.oracle.fuzzing.coverage_tours import COVERS
    from slotspec.oracle.fuzzing.coverage_tours import cover as cover_model
    from slotspec.oracle.fuzzing.targets import fuzz_target
    from slotspec.oracle.own.entry import class_of
    from slotspec.statemachine.errors import UsageError

    if cover not in COVERS:
        raise UsageError("SET111", f"--cover {cover!r}; choose from {', '.join(COVERS)}")
    subject = fuzz_target(class_of(model), generation)
    if generation is not None:
        subject.generation(generation)
    if max_states < 1 or length < 1:
        raise UsageError("SET110", "--max-states and --length must be at least 1")
    bounds: Mapping[str, int] | None = parse_bounds(settings) if settings else None
    make_folder(out)
    incomplete = False
    for version in [generation] if generation else subject.schema.generations:
        what: Cover = cover
        covering = cover_model(
            what, version, bounds, model=subject.model, states=max_states, length=length
        )
        folder = out / version
        count, steps = write(covering, folder)
        typer.echo(summary(covering, what, version, count, steps, folder))
        incomplete = incomplete or (what == "states" and not covering.complete)
    if incomplete:
        typer.echo(f"the search left states out: there are more than {max_states:,}")
        raise typer.Exit(UNKNOWN)


def write(covering: Covering, folder: Path) -> tuple[int, int]:
    """Write one trace for each sequence; return their number and that of all steps."""
    from slotspec.oracle.fuzzing.environment_walks import recorded
    from slotspec.oracle.traces.writing import write_trace
    from slotspec.statemachine.interpreter.replay import explain

    make_folder(folder)
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
    """One line on what the sequences cover, and one on what they miss."""
    reached = covering.goals - len(covering.missing)
    line = (
        f"{generation}: {count} sequences with {steps} steps in all cover {reached} of"
        f" {covering.goals} {what}: {folder}"
    )
    if covering.missing:
        names = (" ".join(g) if isinstance(g, tuple) else str(g) for g in covering.missing)
        line += f"\n  not reached: {', '.join(names)}"
    return line
