"""The oracle of slot sharing in the scheduler: recordings, names, rejected input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.slot_sharing_allocator.adapter import SlotSharingAllocatorOracle
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import replayed, write

DATA = Path(__file__).parents[2] / "data"
TRACES = DATA / "traces" / "slot_sharing_allocator"
SCENARIOS = DATA / "scenarios" / "slot_sharing_allocator"


def scenario(name: str, version: str = "2.3.0") -> list[dict[str, Any]]:
    """The lines of a directed run."""
    text = gzip.decompress((SCENARIOS / version / f"{name}.jsonl.gz").read_bytes())
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_recordings_conform() -> None:
    summary = replayed(TRACES, SCENARIOS)
    assert summary.outcome is Conformance.CONFORMS
    assert (summary.conforming, summary.steps) == (247, 7_988)
    assert sum(report.skipped is not None for report in summary.reports) == 21
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [(13, 13)] * 3


def test_a_callback_inside_a_step_ends_the_replay() -> None:
    report = conform(SCENARIOS / "2.3.0" / "reentry_failover_at_timeout.jsonl.gz")
    assert report.skipped == "from line 3 on, a callback acts inside the step"
    assert (report.outcome, report.matched) == (Conformance.UNDETERMINED, 1)


def test_signals_may_come_in_any_order(tmp_path: Path) -> None:
    lines = scenario("joins_the_pending_request")
    told = next(s for s in lines if len(s.get("effects", ())) > 1 and signals(s) == s["effects"])
    told["effects"].reverse()
    assert conform(write(tmp_path / "t.jsonl", *lines)).outcome is Conformance.CONFORMS
    told["effects"].pop()
    assert conform(write(tmp_path / "t.jsonl", *lines)).outcome is Conformance.DIVERGES


def signals(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in step["effects"] if e["effect"] in ("logical.completed", "logical.failed")]


def test_other_effects_come_in_one_order(tmp_path: Path) -> None:
    lines = scenario("pool_refuses_the_second")
    told = next(s for s in lines if len(s.get("effects", ())) > 3)
    told["effects"][1], told["effects"][2] = told["effects"][2], told["effects"][1]
    report = conform(write(tmp_path / "t.jsonl", *lines))
    assert report.divergence is not None
    assert {d.path[:7] for d in report.divergence.differences} == {"effects"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shared", "g1", "physical"), "failed"),
        (("bulks", 0, "unfulfillable_since"), None),
        (("bulks", 0, "pending"), []),
        (("pool", "pending"), []),
    ],
)
def test_a_changed_state_diverges(path: tuple[Any, ...], value: Any, tmp_path: Path) -> None:
    lines = scenario("bulk_of_several_groups_times_out")
    place = lines[1]["state"]
    for key in path[:-1]:
        place = place[key]
    assert place[path[-1]] != value
    place[path[-1]] = value
    report = conform(write(tmp_path / "t.jsonl", *lines))
    assert report.divergence is not None
    assert report.matched == 0


def test_without_a_header() -> None:
    oracle = SlotSharingAllocatorOracle("2.3")
    assert oracle.step("allocate", vertices=["v1", "v3"]).result == [["f1", "v1"], ["f2", "v3"]]
    served = oracle.step("add_slot", allocation="a1", tm="tm1", index=0, profile=[1.0, 256])
    assert [(e["effect"], e["vertex"]) for e in served.effects] == [
        ("logical.completed", "v1"),
        ("logical.completed", "v3"),
    ]
    assert oracle.step("advance_time", ms=50).state["bulks"] == []


def test_names_of_requests_outlive_them() -> None:
    oracle = SlotSharingAllocatorOracle("2.3")
    oracle.step("allocate", vertices=["v1"])
    oracle.step("add_slot", allocation="a1", tm="tm1", index=0, profile="any")
    assert oracle.step("release_logical", logical="q2", cause="other").result is True
    assert oracle.step("release_logical", logical="q2", cause="other").result is True
    assert oracle.step("release_logical", logical="q9", cause="other").result is None
    given = {"payload": "x1", "terminates": "later"}
    assert oracle.step("assign_payload", logical="q2", **given).result is False
    assert oracle.step("terminate", payload="x1").result is True
    assert oracle.step("terminate", payload="x1").result is False


@pytest.mark.parametrize(
    ("op", "given", "code", "says"),
    [
        ("fly", {}, "TRC030", "no operation 'fly'"),
        ("allocate", {"vertices": ["v9"]}, "TRC031", "no vertex 'v9'"),
        ("cancel", {"vertex": "v9"}, "TRC031", "no vertex 'v9'"),
        ("fail_slot", {"allocation": "a1", "cause": "rain"}, "TRC031", "no cause 'rain'"),
        ("terminate", {"payload": "x1", "failed": True}, "TRC032", "ends the process"),
    ],
)
def test_a_call_that_nothing_could_receive(
    op: str, given: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(InputError, match=says) as raised:
        SlotSharingAllocatorOracle("2.3").step(op, **given)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"vertices": {"v1": {"group": "g9", "profile": "any"}}}, "TRC031", "no group 'g9'"),
        ({"vertices": {"v1": {"group": "g1", "profile": "big"}}}, "TRC012", "vertices"),
        ({"groups": ...}, "TRC012", "'groups' is missing"),
        ({"config": {"timeout_ms": 0}}, "TRC013", "timeout_ms is 0"),
    ],
)
def test_a_bad_header(change: dict[str, Any], code: str, says: str, tmp_path: Path) -> None:
    header, *steps = scenario("one_slot_for_a_group")
    for key, value in change.items():
        if value is ...:
            del header[key]
        else:
            header[key] = value if key != "config" else {**header["config"], **value}
    report = conform(write(tmp_path / "t.jsonl", header, *steps))
    assert report.error is not None
    assert report.error.code == code
    assert says in report.error.message


def test_a_vertex_that_the_header_does_not_list(tmp_path: Path) -> None:
    header, *steps = scenario("one_slot_for_a_group")
    steps[0]["vertices"] = ["v1", "v77"]
    report = conform(write(tmp_path / "t.jsonl", header, *steps))
    assert report.error is not None
    assert report.error.code == "TRC019"
    assert '"v77"' in report.error.message
