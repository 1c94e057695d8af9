"""The report of a simulation, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slotspec.cli.document import steps
from slotspec.cli.output import Output
from slotspec.cli.report import trace, unfired
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.formatting import NOTHING, formatter_of
from slotspec.statemachine.plurals import counted
from slotspec.statemachine.results import Limit
from slotspec.statemachine.simulate import Simulation

FORMAT = 1

PROVES = "a simulation proves nothing"


def report(results: Sequence[Simulation], left: Sequence[Instance]) -> None:
    """Print the report of `results`, and the instances that have not run."""
    out = Output()
    for result in results:
        numbers(out, result)
        actions(out, result)
        coverage(out, result)
        properties(out, result)
        out.line()
        violation(out, result)
        out.line(closing(result), "bold red" if result.violation else None)
    for instance in left:
        out.line(f"not run: {instance.title}", "yellow")


def numbers(out: Output, result: Simulation) -> None:
    instance = result.instance
    row = (
        instance.model.name,
        instance.generation or NOTHING,
        instance.scope,
        f"{result.runs:,}",
        f"{result.steps:,}",
        f"{result.steps / max(1, result.runs):,.0f}",
        f"{result.longest:,}",
        f"{result.states:,}",
        f"{sum(result.faults.values()):,}",
        f"{result.stutters:,}",
    )
    out.table(
        (
            "model",
            "generation",
            "scope",
            "runs",
            "steps",
            "a run",
            "longest",
            "states (about)",
            "faults",
            "without effect",
        ),
        [row],
        ("runs", "steps", "a run", "longest", "states (about)", "faults", "without effect"),
    )
    ends = ", ".join(f"{count:,} {end}" for end, count in result.ends.most_common())
    out.line(f"bounds: {', '.join(f'{n}={v}' for n, v in instance.setting.bounds.items())}")
    out.line(f"runs by their end: {ends or NOTHING}")
    out.line()


def actions(out: Output, result: Simulation) -> None:
    """One row for each action: its steps."""
    faults = result.faults
    rows = [
        (
            name,
            "fault" if name in faults else "",
            f"{moved:,}",
            f"{result.taken[name] - moved:,}",
        )
        for name, moved in result.moved.items()
    ]
    out.table(("action", "", "steps", "without effect"), rows, ("steps", "without effect"))
    out.line()
    if result.never:
        out.line(f"never taken: {', '.join(result.never)}", "yellow")


def coverage(out: Output, result: Simulation) -> None:
    missing = [key for key, count in result.fired.items() if not count]
    done = len(result.fired) - len(missing)
    out.line(f"{done} of {len(result.fired)} lifecycle transitions fired")
    unfired(out, "not fired in these runs", missing, result.instance)


def properties(out: Output, result: Simulation) -> None:
    """Witnesses, known deviations, and properties that a simulation cannot check."""
    declared = result.instance.properties.values()
    wanted = [p.name for p in declared if p.kind is Kind.SOMETIMES]
    if wanted:
        out.line(f"{len(result.witnessed)} of {len(wanted)} sometimes properties witnessed")
        for name in result.unwitnessed:
            out.line(f"  not witnessed in these runs: {name}", "yellow")
    for name, runs in result.deviations.items():
        out.line(f"known deviation: {name} in {runs:,} of {result.runs:,} runs", "cyan")
    if result.unchecked:
        out.line(f"not checked (no finite run violates them): {', '.join(result.unchecked)}")


def title(result: Simulation) -> str:
    """What the run violates."""
    found, name = result.violation, result.instance.title
    assert found is not None
    if found.kind == "deadlock":
        return f"VIOLATED no deadlock of {name}: no call is possible"
    if found.kind == "fault":
        text = result.finding.fault if result.finding else None
        return f"VIOLATED protocol of {name}: {text or found.text}"
    assert found.name is not None
    declared = result.instance.properties[found.name]
    about = formatter_of(result.instance).about(declared, result.finding)
    return f"VIOLATED {found.name} of {name}: {declared.description}{about}"


def violation(out: Output, result: Simulation) -> None:
    """Print the shortened trace to the violation, as a check shows it."""
    found, finding = result.violation, result.finding
    if found is None or finding is None:
        return
    minimal = "no step can be left out" if result.minimal else "shortening was cut short"
    out.line(
        f"run {found.run} of seed {result.seed}: {len(found.calls):,} calls, shortened to"
        f" {len(finding.steps)} ({minimal}; a shorter trace may exist)"
    )
    trace(out, result.instance, title(result), finding)


def closing(result: Simulation) -> str:
    """The last line: the verdict, the steps and the settings."""
    how = f"seed {result.seed}, fault rate {result.fault_rate:g}, {result.engine}"
    if result.workers > 1:
        how += f", {result.workers} workers"
    speed = f"{result.seconds:.1f} s ({result.rate:,.0f} steps/s)"
    short = "; interrupted" if result.limit is Limit.INTERRUPTED else ""
    amount = f"{result.steps:,} steps of {counted(result.runs, 'run')}"
    if result.violation:
        return f"VIOLATED after {amount}, {how}, {speed}"
    return f"NO VIOLATION in {amount}, {how}, {speed}{short}; {PROVES}"


def document(result: Simulation) -> dict[str, Any]:
    """`result` as one JSON object; docs/simulate.md explains the keys."""
    instance, found = result.instance, result.violation
    return {
        "format": FORMAT,
        "model": instance.model.name,
        "generation": instance.generation,
        "scope": instance.scope,
        "bounds": dict(instance.setting.bounds),
        "engine": result.engine,
        "workers": result.workers,
        "seed": result.seed,
        "fault_rate": result.fault_rate,
        "swarm": result.swarm,
        "verdict": "VIOLATED" if found else "NOT VIOLATED",
        "limit": result.limit.value if result.limit else None,
        "runs": result.runs,
        "steps": result.steps,
        "longest": result.longest,
        "without_effect": result.stutters,
        "states": result.states,
        "ends": dict(result.ends),
        "seconds": round(result.seconds, 3),
        "steps_per_second": round(result.rate),
        "compile_seconds": result.compile_seconds,
        "shrink_seconds": result.shrink_seconds,
        "taken": result.taken,
        "moved": result.moved,
        "faults": result.faults,
        "coverage": [
            {"lifecycle": lifecycle, "source": source, "event": event, "fired": count}
            for (lifecycle, source, event), count in result.fired.items()
        ],
        "witnessed": {
            name: {"run": run, "steps": after} for name, (run, after) in result.witnessed.items()
        },
        "unwitnessed": result.unwitnessed,
        "deviations": result.deviations,
        "unchecked": result.unchecked,
        "violation": None
        if found is None
        else {
            "kind": found.kind,
            "property": found.name,
            "message": title(result),
            "run": found.run,
            "calls": len(found.calls),
            "minimal": result.minimal,
        },
        "trace": steps(instance, result.finding),
    }
