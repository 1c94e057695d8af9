"""The report of ``slotspec fuzz --all``: one sequence for each kind of difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from slotspec.cli.exit_codes import HOLDS, VIOLATED

if TYPE_CHECKING:
    from slotspec.cli.output import Output
    from slotspec.oracle.fuzzing.differences import DifferenceKind, Differences


def report_all(
    printed: Output,
    peer: str,
    generation: str,
    found: Differences,
    out: Path | None,
    json_to: str | None,
) -> None:
    """Print the report, write the files, and exit with the exit code.

    :param out: folder for one trace of each kind.
    """
    from slotspec.cli.output import write_found, write_json
    from slotspec.oracle.fuzzing.rendering import configuration, rows
    from slotspec.oracle.own.oracle import generation_named
    from slotspec.statemachine.plurals import counted

    printed.line(f"{peer} against {generation_named(generation)}")
    for who, names in ((peer, found.absent_there), (generation, found.absent_here)):
        for name in names:
            printed.line(f"{who} has no operation {name}")
    printed.line(f"{found.coverage.line()}  ({found.seconds:.1f} s)")
    for number, kind in enumerate(found.kinds, 1):
        printed.line()
        printed.line(f"{number}. {title(kind)}  ({counted(kind.count, 'sequence')})", "bold red")
        printed.line(configuration(kind.found.header))
        printed.table(
            ("step", "operation", "result", "effects"),
            rows(kind.found),
        )
        for difference in kind.found.differences[:3]:
            printed.line(f"   {difference}")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_found(out / f"{number:02}.jsonl", kind.found)
    if found.combined:
        printed.line()
        printed.line(f"{found.combined} more sequences began with several of these at once")
    if not found.kinds:
        printed.line("no divergence", "green")
    code = VIOLATED if found.kinds else HOLDS
    if json_to is not None:
        write_json(json_to, to_json(peer, generation, found), "SET103")
    if code:
        raise typer.Exit(code)


def title(kind: DifferenceKind) -> str:
    """What explains a kind of difference, or where it appears."""
    if kind.explained:
        return f"explained by {' or '.join(kind.explained)}"
    if kind.found.fault:
        return kind.found.fault
    return f"{kind.found.steps[-1].op}: {kind.found.differences[0].path}"


def to_json(peer: str, generation: str, found: Differences) -> dict[str, Any]:
    """The document that ``--json`` writes."""
    return {
        "peer": peer,
        "generation": generation,
        "verdict": "DIVERGES" if found.kinds else "CONFORMS",
        "seconds": round(found.seconds, 3),
        "coverage": found.coverage.to_json(),
        "operations_absent_in_peer": list(found.absent_there),
        "operations_absent_in_generation": list(found.absent_here),
        "combined": found.combined,
        "kinds": [
            {
                "explained_by": list(kind.explained),
                "sequences": kind.count,
                "steps": [step.to_json() for step in kind.found.steps],
                "differences": [str(difference) for difference in kind.found.differences],
            }
            for kind in found.kinds
        ],
    }
