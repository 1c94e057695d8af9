"""The oracle of logical slots: recordings, growth, and rejected calls."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import header as pool_header
from tests.oracle.trace_files import replayed, write

DATA = Path(__file__).parents[2] / "data"
PLACE = {"tm": "tm1", "allocation": "a1", "index": 0, "locality": "LOCAL", "on_return": "nothing"}


def header(**changes: Any) -> dict[str, Any]:
    own = {"implementation": "org.apache.flink SingleLogicalSlot", "config": {}}
    return pool_header(**{**own, "causes": ..., "task_managers": ..., **changes})


@pytest.mark.slow
def test_recordings_conform() -> None:
    summaries = [replayed("traces/logical"), replayed("scenarios/logical")]
    assert all(summary.outcome is Conformance.CONFORMS for summary in summaries)
    counts = (sum(s.conforming for s in summaries), sum(s.steps for s in summaries))
    assert counts == (379, 28_889)


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed("traces/logical")
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [(8, 8), (9, 9), (9, 9)]


def test_a_changed_recording_diverges(tmp_path: Path) -> None:
    source = DATA / "scenarios" / "logical" / "1.12.5" / "release_while_waiting.jsonl.gz"
    lines = gzip.decompress(source.read_bytes()).splitlines()
    last = json.loads(lines[-1])
    last["state"]["slots"]["s1"]["released"] = "pending"
    report = conform(write(tmp_path / "t.jsonl", *[json.loads(line) for line in lines[:-1]], last))
    assert report.outcome is Conformance.DIVERGES
    assert report.divergence is not None
    assert [d.path for d in report.divergence.differences] == ["state.slots.s1.released"]


def test_many_slots_and_payloads() -> None:
    oracle = LogicalSlotOracle("1.12")
    for n in range(1, 40):
        oracle.step("create_slot", slot=f"s{n}", **PLACE, indefinite=True)
        step = oracle.step("try_assign_payload", slot=f"s{n}", payload=f"y{n}", on_fail="terminate")
        assert step.result is True
    assert oracle.step("release_slot", slot="s39", cause=None).result == "done"
    state = oracle.step("release_slot", slot="s9", cause="flink").state
    assert [name for name, slot in state["slots"].items() if slot["state"] != "ALIVE"] == [
        "s9",
        "s39",
    ]
    assert sum(run == "ok" for run in state["payloads"].values()) == 2


@pytest.mark.parametrize(
    ("steps", "code", "says"),
    [
        ([("is_alive", {"slot": "s1"})], "TRC032", "no slot 's1'"),
        ([("create_slot", {"slot": "s1", **PLACE})] * 2, "TRC032", "'s1' exists"),
        ([("fly", {})], "TRC030", "no operation 'fly'"),
        (
            [
                ("create_slot", {"slot": "s1", **PLACE}),
                ("create_slot", {"slot": "s2", **PLACE}),
                ("try_assign_payload", {"slot": "s1", "payload": "y1", "on_fail": "nothing"}),
                ("try_assign_payload", {"slot": "s2", "payload": "y1", "on_fail": "nothing"}),
            ],
            "TRC032",
            "'y1' is in a slot",
        ),
        (
            [("create_slot", {"slot": "s1", **PLACE, "on_return": "raise"})],
            "TRC032",
            "ends the process",
        ),
        (
            [("payload_terminates", {"payload": "y1", "outcome": "fails"})],
            "TRC032",
            "ends the process",
        ),
    ],
)
def test_bad_calls(steps: list[tuple[str, dict[str, Any]]], code: str, says: str) -> None:
    oracle = LogicalSlotOracle("1.13")
    *before, (op, arguments) = steps
    for earlier, given in before:
        oracle.step(earlier, **given)
    with pytest.raises(InputError, match=says) as raised:
        oracle.step(op, **arguments)
    assert raised.value.code == code


def test_absent_in_1_11() -> None:
    with pytest.raises(InputError, match=r"1\.11 has no operation"):
        LogicalSlotOracle("1.11").step("allocate_from_physical_slot")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([header(config={"slots": 1}), {"op": "is_alive", "slot": "s1"}], "TRC012"),
        ([header(), {"op": "is_alive"}], "TRC016"),
        ([header(), {"op": "release", "slot": "s1", "cause": "rain"}], "TRC018"),
        ([header(), {"op": "release", "slot": "s1", "cause": "flink", "by": "j1"}], "TRC017"),
        ([header(), {"op": "is_alive", "slot": "s1"}], "TRC032"),
    ],
)
def test_bad_lines(lines: list[Any], code: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", *lines)
    error = conform(path).error
    assert error is not None
    assert error.code == code
    assert error.message.startswith(f"{path}:{1 if code == 'TRC012' else 2}: ")


def test_a_slot_that_was_refused_is_none() -> None:
    oracle = LogicalSlotOracle("1.12")
    place = {
        "tm": "tm1",
        "allocation": "a1",
        "index": 0,
        "locality": "LOCAL",
        "on_return": "nothing",
    }
    oracle.step("allocate_from_physical_slot", slot="s1", physical="h1", **place)
    refused = oracle.step("allocate_from_physical_slot", slot="s2", physical="h1", **place)
    assert refused.raises == "IllegalStateException"
    with pytest.raises(InputError, match="TRC032: there is no slot 's2'"):
        oracle.step("describe", slot="s2")
    assert oracle.step("create_slot", slot="s2", **place).raises is None
    assert oracle.step("describe", slot="s2").result["request"] == "s2"
