"""The report of ``slotspec fuzz --all``: one sequence of each kind of difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from slotspec.cli.output import Output
    from slotspec.oracle.fuzzing.differences import Differences, Kind


def report_all(
    printed: Output,
    peer: str,
    generation: str,
    outcome: Differences,
    out: Path | None,
    json_to: str | None,
) -> None:
    """Print, write (each kind to a file of its own in the folder `out`), and leave."""
    from slotspec.cli.output import write_found, write_json
    from slotspec.oracle.fuzzing.rendering import rows

    printed.line(f"{peer} against generation {generation}")
    for who, names in ((peer, outcome.absent_there), (generation, outcome.absent_here)):
        for name in names:
            printed.line(f"{who} has no operation {name}")
    printed.line(f"{outcome.coverage.line()}  ({outcome.seconds:.1f} s)")
    for number, kind in enumerate(outcome.kinds, 1):
        printed.line()
        printed.line(f"{number}. {title(kind)}  ({kind.count} sequences)", "bold red")
        printed.table(("step", "operation", "result", "effects"), rows(kind.found.steps))
        for difference in kind.found.differences[:3]:
            printed.line(f"   {difference}")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_found(out / f"{number:02}.jsonl", kind.found)
    if outcome.combined:
        printed.line()
        printed.line(f"{outcome.combined} more sequences began with several of these at once")
    if not outcome.kinds:
        printed.line("no divergence", "green")
    code = 1 if outcome.kinds else 0
    if json_to is not None:
        write_json(json_to, to_json(peer, generation, outcome))
    if code:
        raise typer.Exit(code)


def title(kind: Kind) -> str:
    """What explains it, or where it shows."""
    if kind.explained:
        return f"explained by {' or '.join(kind.explained)}"
    if kind.found.fault:
        return kind.found.fault
    return f"{kind.found.steps[-1].op}: {kind.found.differences[0].path}"


def to_json(peer: str, generation: str, outcome: Differences) -> dict[str, Any]:
    """What ``--json`` writes."""
    return {
        "peer": peer,
        "generation": generation,
        "verdict": "DIVERGES" if outcome.kinds else "CONFORMS",
        "seconds": round(outcome.seconds, 3),
        "coverage": outcome.coverage.to_json(),
        "operations_absent_in_peer": list(outcome.absent_there),
        "operations_absent_in_generation": list(outcome.absent_here),
        "combined": outcome.combined,
        "kinds": [
            {
                "explained_by": list(kind.explained),
                "sequences": kind.count,
                "steps": [step.to_json() for step in kind.found.steps],
                "differences": [str(difference) for difference in kind.found.differences],
            }
            for kind in outcome.kinds
        ],
    }
