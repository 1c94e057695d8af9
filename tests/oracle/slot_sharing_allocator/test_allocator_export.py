"""Exported traces of slot sharing in the scheduler contain what the check saw, and fuzzing."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from slotspec.models import load_model
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing.environment_walks import environment_of, recorded
from slotspec.oracle.traces.export import export
from slotspec.statemachine.results import Finding, Limits, PropertyResult, Verdict
from slotspec.statemachine.search.engine import explore_compiled

model = load_model("slot_sharing_allocator")
NEWEST = list(model.generations)[-1]
CLOSED = ("fulfil_and_lose", "fail_termination")
"""Actions that a recording cannot express (since 1.20)."""


def expressible(finding: Finding) -> int:
    """How many steps of a trace a recording has: those before what it cannot express."""
    names = [step.call.action.name for step in finding.steps]
    return next((at for at, name in enumerate(names) if name in CLOSED), len(names))


LONGEST = 7
"""No trace of a deviation is longer."""


@pytest.mark.slow
@pytest.mark.parametrize("scope", model.scopes)
def test_deviations_can_be_replayed(scope: str, tmp_path: Path) -> None:
    instance = model.instance(scope=scope)
    result = explore_compiled(instance, Limits(depth=LONGEST))
    deviations = [p for p in result.properties if p.verdict is Verdict.DEVIATES]
    assert len(deviations) >= (scope != "one_group")
    for found in deviations:
        check_export(found, tmp_path / "t.jsonl")


def check_export(found: PropertyResult, path: Path) -> None:
    finding = found.finding
    assert finding is not None
    header, *steps = export(finding.instance or model.instance(), finding)
    made = len(steps) - sum(step["op"] == "allocate" for step in steps)  # each has a pause
    assert made == expressible(finding), found.property.name
    if not steps:
        return
    path.write_text("".join(json.dumps(line) + "\n" for line in (header, *steps)))
    report = conform(path)
    assert (report.outcome, report.error) == (Conformance.CONFORMS, None), found.property.name


@pytest.mark.parametrize(
    "generation",
    [pytest.param(g, marks=() if g == NEWEST else pytest.mark.slow) for g in model.generations],
)
@pytest.mark.parametrize("scope", model.scopes)
def test_walks_can_be_replayed(generation: str, scope: str, tmp_path: Path) -> None:
    environment = environment_of("slot_sharing_allocator", generation, scope)
    walked = told = 0
    for seed in range(8):
        finding = environment.walk(25, Random(seed))
        assert finding.instance is not None
        lines = list(export(finding.instance, finding))
        path = tmp_path / "t.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if len(lines) > 1:
            assert conform(path).outcome is Conformance.CONFORMS
        _, steps = recorded(finding)
        walked += len(finding.steps)
        told += len(steps) - sum(step.op == "allocate" for step in steps)  # each has a pause
    # where the recording takes another slot that differs, it ends
    assert told > walked * 0.9
