"""Exported traces of slot sharing contain what the check saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slotspec.bugs import known_bugs
from slotspec.models import load_model
from slotspec.models.slot_sharing.state import Effect
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.slot_sharing.adapter import SlotSharingOracle
from slotspec.oracle.traces.export import export
from slotspec.statemachine.results import Finding, Limits, TraceStep
from slotspec.statemachine.search.engine import explore_compiled

NAMES = {
    Effect.PAYLOAD_FAIL: "payload.fail",
    Effect.RETURN_SLOT: "owner.return_slot",
    Effect.LOGICAL_SLOT_FULFILLED: "logical_slot.fulfilled",
    Effect.LOGICAL_SLOT_FAILED: "logical_slot.failed",
    Effect.RELEASE_POOL_SLOT: "pool.release_slot",
}
model = load_model("slot_sharing")


def told(finding: Finding) -> list[list[str]]:
    """The effects of each step that recordings contain, by name."""
    return [
        sorted(NAMES[Effect(effect[0])] for effect in step.effects if Effect(effect[0]) in NAMES)
        for step in said(finding)
    ]


def said(finding: Finding) -> list[TraceStep]:
    """The steps that are operations of the class."""
    return [step for step in finding.steps if not step.call.action.name.startswith("forget")]


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["sharing", "payloads", "places", "surprises", "late"])
def test_every_trace_can_be_replayed(scope: str, tmp_path: Path) -> None:
    instance = model.instance(scope=scope)
    result = explore_compiled(instance, Limits(states=1_000_000, seconds=60))
    findings = [p.finding for p in result.properties if p.finding]
    assert len(findings) >= 3
    for finding in findings:
        header, *steps = export(instance, finding)
        assert header["config"] == {"owner_releases": scope != "late"}
        effects = [sorted(effect["effect"] for effect in step["effects"]) for step in steps]
        assert effects == told(finding)
        path = tmp_path / "t.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in (header, *steps)))
        report = conform(path)
        assert (report.outcome, report.steps) == (Conformance.CONFORMS, len(said(finding)))


@pytest.mark.slow
def test_ids_are_never_used_again() -> None:
    instance = model.instance(scope="replaced")
    result = explore_compiled(instance, Limits(states=1_000_000, seconds=60))
    found = {p.property.name: p.finding for p in result.properties}["what_is_needed_is_reserved"]
    assert found is not None
    _, *steps = export(instance, found)
    made = [s["slot"] for s in steps if s["op"].startswith(("create", "allocate"))]
    assert made == ["s1", "s2", "s3", "s4", "s5"]
    assert steps[-1]["op"] == "release"
    assert steps[-1]["slot"] == "s5"
    oracle = SlotSharingOracle("1.12")
    for line in steps:
        fields = ("result", "effects", "raises", "raises_cause", "unordered", "state")
        given = {k: v for k, v in line.items() if k != "op" and k not in fields}
        state = oracle.step(line["op"], **given).state
    assert state["slots"]["s1"]["reserved"]["cpu"] == 0.0
    assert list(state["slots"]["s1"]["children"].values()) == ["s4"]


@pytest.mark.parametrize("issue", ["FLINK-13421", "FLINK-14701", "FLINK-19388"])
def test_a_call_within_a_release_ends_the_recording(issue: str) -> None:
    bug = known_bugs()[issue]
    instance = bug.instance()
    result = explore_compiled(instance, Limits(states=10_000, seconds=60))
    found = {p.property.name: p.finding for p in result.properties}[bug.property]
    assert found is not None
    _, *steps = export(instance, found)
    assert len(steps) == bug.length
    assert all("effects" in step for step in steps[:-1])
    released = "s3" if issue == "FLINK-14701" else "s1"
    assert steps[-1] == {"op": "release", "slot": released, "cause": "other"}


def test_a_cancelled_job_is_in_no_recording() -> None:
    bug = known_bugs()["FLINK-22945"]
    instance = bug.instance()
    result = explore_compiled(instance, Limits(states=10_000, seconds=60))
    found = {p.property.name: p.finding for p in result.properties}[bug.property]
    assert found is not None
    _, *steps = export(instance, found)
    assert len(steps) == bug.length - 1
    assert all("effects" in step for step in steps)
