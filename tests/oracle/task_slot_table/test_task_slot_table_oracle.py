"""The oracle of the slot table: recordings, reuse of numbers, and rejected calls."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.oracle import Oracle
from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.task_slot_table.adapter import TaskSlotTableOracle
from slotspec.oracle.task_slot_table.schema import SCHEMA as TASK_SLOT_TABLE
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import header as pool_header
from tests.oracle.trace_files import replayed, write
from tests.oracle.wasteful import never_reuse

DATA = Path(__file__).parents[2] / "data"


def amounts(cpu: float, heap: float, **extended: float) -> dict[str, Any]:
    return {
        "cpu": cpu,
        "task_heap_mb": heap,
        "task_off_heap_mb": 0,
        "managed_mb": heap / 4,
        "network_mb": 32,
        "extended": extended,
    }


PROFILES: dict[str, Any] = {
    "any": "ANY",
    "unknown": "UNKNOWN",
    "tiny": amounts(0.1, 128),
    "small": amounts(1, 256),
    "gpu": amounts(0.3, 256, gpu=1),
}
TOTAL = {**amounts(2.5, 1024, gpu=1), "network_mb": 128}


def header(**changes: Any) -> dict[str, Any]:
    own = {
        "implementation": TASK_SLOT_TABLE.implementation,
        "config": {"slots": 2, "total": TOTAL, "default_profile": "small"},
        "profiles": PROFILES,
        "causes": ...,
        "task_managers": ...,
    }
    return pool_header(**{**own, **changes})


def of(generation: str, **config: Any) -> TraceHeader:
    made = header(version=f"{generation}.1")
    return TraceHeader(**{**made, "config": {**made["config"], **config}})


@pytest.mark.slow
def test_recordings_conform() -> None:
    summaries = [replayed("traces/table"), replayed("scenarios/table")]
    assert all(summary.outcome is Conformance.CONFORMS for summary in summaries)
    counts = (sum(s.conforming for s in summaries), sum(s.steps for s in summaries))
    assert counts == (435, 32_275)


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed("traces/table")
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [(26, 26)] * 4


def test_a_changed_recording_diverges(tmp_path: Path) -> None:
    source = DATA / "scenarios" / "table" / "1.12.5" / "fired_timer_stays_valid.jsonl.gz"
    lines = gzip.decompress(source.read_bytes()).splitlines()
    last = json.loads(lines[-1])
    last["state"]["timers"]["a1"]["fired"] = False
    report = conform(write(tmp_path / "t.jsonl", *[json.loads(line) for line in lines[:-1]], last))
    assert report.divergence is not None
    assert [d.path for d in report.divergence.differences] == ["state.timers.a1.fired"]


# ------------------------------------------------------------------------- reuse of numbers


class Wasteful(TaskSlotTableOracle):
    """Uses a new record each time."""

    def __init__(self, generation: str, header: TraceHeader | None = None) -> None:
        super().__init__(generation, header)
        never_reuse(self)


def arguments(random: Random, op: str, added: list[str]) -> dict[str, Any]:
    """Arguments for `op` from few names, so that the same names meet again and again."""
    index = random.choice([-2, -1, -1, 0, 1, 2, 3, 5])
    allocation = f"a{random.choice([1, 1, 2, 2, 3, 4])}"
    job = random.choice(["j1", "j1", "j2"])
    execution = random.choice(["e1", "e1", "e2", "e3"])
    timeout = random.choice([0, 10, 10, 30])
    match op:
        case "allocate_slot":
            return {
                "index": index,
                "job": job,
                "allocation": allocation,
                "profile": random.choice([None, *PROFILES]),
                "timeout": timeout,
            }
        case "mark_slot_inactive":
            return {"allocation": allocation, "timeout": timeout}
        case "try_mark_slot_active":
            return {"job": job, "allocation": allocation}
        case "add_task":
            added.append(f"t{len(added) + 1}")
            return {
                "task": added[-1],
                "execution": execution,
                "job": job,
                "allocation": allocation,
                "quick": random.random() < 0.3,
            }
        case "remove_task" | "get_task":
            return {"execution": execution}
        case "task_terminates":
            outcome = random.choice(["ok", "ok", "ok", "fails"])
            return {"task": random.choice(added[-8:]), "outcome": outcome}
        case "advance_time":
            return {"ms": random.randint(0, 20)}
        case "notify_timeout" | "is_valid_timeout":
            return {"allocation": allocation, "ticket": f"k{random.randint(0, 20)}"}
        case "is_allocated":
            return {"index": index, "job": job, "allocation": allocation}
        case "is_slot_free" | "get_current_allocation":
            return {"index": index}
        case "start" | "close" | "create_slot_report":
            return {}
    named = {a.name: None for a in TASK_SLOT_TABLE.by_name[op].arguments}
    return {"job": job} if "job" in named else {"allocation": allocation}


WEIGHTS = {
    "allocate_slot": 6.0,
    "mark_slot_active": 6.0,
    "add_task": 9.0,
    "remove_task": 3.0,
    "start": 0.1,
    "close": 0.1,
}
"""Operation -> its weight, if that is not 1."""


def walk(seed: int, generation: str) -> tuple[int, int]:
    """Run both oracles on one random sequence; returns how many tasks and tickets each has."""
    random = Random(seed)
    thrifty = TaskSlotTableOracle(generation, of(generation))
    wasteful = Wasteful(generation, of(generation))
    names = TASK_SLOT_TABLE.operations_of(generation)
    weights = [WEIGHTS.get(name, 1.0) for name in names]
    sequence: list[tuple[str, dict[str, Any]]] = [("start", {})]
    added: list[str] = []
    for step in range(150):
        if step:
            op = random.choices(names, weights)[0]
            if op == "task_terminates" and not added:
                continue
            sequence.append((op, arguments(random, op, added)))
        op, given = sequence[-1]
        expected, seen = thrifty.step(op, **given), wasteful.step(op, **given)
        assert expected.state == seen.state, sequence
        assert (expected.result, expected.raises) == (seen.result, seen.raises), sequence
        assert sorted(map(str, expected.effects)) == sorted(map(str, seen.effects)), sequence
    sizes = [len(o.state.slot) + len(o.state.sent) for o in (thrifty, wasteful)]
    return sizes[0], sizes[1]


@pytest.mark.slow
@pytest.mark.parametrize("generation", TASK_SLOT_TABLE.generations)
def test_numbers_are_used_again_unnoticed(generation: str) -> None:
    sizes = [walk(seed, generation) for seed in range(40)]
    # the comparison means something only if numbers really were reused
    assert 5 * sum(small for small, _ in sizes) < sum(large for _, large in sizes)


def test_a_task_that_was_refused_terminates_once() -> None:
    oracle = TaskSlotTableOracle("1.12")
    oracle.step("start")
    given = {"execution": "e1", "job": "j1", "allocation": "a1", "quick": False}
    assert oracle.step("add_task", task="t1", **given).raises == "SlotNotFoundException"
    assert oracle.step("task_terminates", task="t1", outcome="ok").result is True
    assert oracle.step("task_terminates", task="t1", outcome="fails").result is False


# ---------------------------------------------------------------------------------- amounts


@pytest.mark.parametrize("generation", TASK_SLOT_TABLE.generations)
def test_amounts_are_exact(generation: str) -> None:
    # ten times 0.1 is not 1.0 in binary
    profile = {**amounts(0.1, 0), "network_mb": 0}
    total = {**profile, "cpu": 1.0}
    tenth = of(generation, total=total, default_profile="tenth")
    tenth = TraceHeader(**{**_fields(tenth), "profiles": {"tenth": profile}})
    oracle = TaskSlotTableOracle(generation, tenth)
    oracle.step("start")
    granted = [
        oracle.step(
            "allocate_slot", index=-1, job="j1", allocation=f"a{n}", profile=None, timeout=1
        )
        for n in range(11)
    ]
    if generation == "2.3":  # which raises instead of answering
        assert [step.raises for step in granted] == [None] * 10 + ["SlotAllocationException"]
    else:
        assert [step.result for step in granted] == [True] * 10 + [False]
    assert [step.state["budget"]["cpu"] for step in granted[6:]] == [0.3, 0.2, 0.1, 0.0, 0.0]


def _fields(made: TraceHeader) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__struct_fields__}


def test_an_extended_resource_that_is_used_up_disappears() -> None:
    oracle = TaskSlotTableOracle("1.12", of("1.12"))
    assert oracle.step("start").state["budget"]["extended"] == {"gpu": 1.0}
    given = {"index": -1, "job": "j1", "profile": "gpu", "timeout": 1}
    assert oracle.step("allocate_slot", allocation="a1", **given).state["budget"]["extended"] == {}
    assert oracle.step("allocate_slot", allocation="a2", **given).result is False
    assert oracle.step("free_slot", allocation="a1").state["budget"]["extended"] == {"gpu": 1.0}


def test_a_budget_without_end() -> None:
    oracle = TaskSlotTableOracle("1.12", of("1.12", total="ANY"))
    oracle.step("start")
    given = {"index": -1, "job": "j1", "timeout": 1}
    for n in range(20):
        step = oracle.step("allocate_slot", allocation=f"a{n}", profile="gpu", **given)
        assert (step.result, step.state["budget"]) == (True, "ANY")
    step = oracle.step("allocate_slot", allocation="b", profile="any", **given)
    assert step.raises == "IllegalArgumentException"


def test_negative_numbers_however_large() -> None:
    oracle = TaskSlotTableOracle("1.12")
    oracle.step("start")
    given = {"job": "j1", "allocation": "a1", "profile": None, "timeout": 1}
    step = oracle.step("allocate_slot", index=-65_534, **given)
    assert step.state["slots"]["a1"]["index"] == -65_534
    assert step.state["by_index"] == {}
    assert oracle.step("is_slot_free", index=-65_534).result is True


# -------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("op", "given", "code", "says"),
    [
        ("fly", {}, "TRC030", "no operation 'fly'"),
        ("task_terminates", {"task": "t9", "outcome": "ok"}, "TRC032", "no task 't9'"),
        (
            "allocate_slot",
            {"index": 0, "job": "j", "allocation": "a", "profile": "huge", "timeout": 1},
            "TRC031",
            "no profile 'huge'",
        ),
        (
            "add_task",
            {"task": "t1", "execution": "e2", "job": "j1", "allocation": "a1", "quick": True},
            "TRC032",
            "'t1' was added before",
        ),
        ("get_active_slots", {}, "TRC032", "add 'job'"),
    ],
)
def test_bad_calls(op: str, given: dict[str, Any], code: str, says: str) -> None:
    oracle = TaskSlotTableOracle("1.11")
    oracle.step("start")
    oracle.step("allocate_slot", index=0, job="j1", allocation="a1", profile=None, timeout=1)
    oracle.step("mark_slot_active", allocation="a1")
    oracle.step("add_task", task="t1", execution="e1", job="j1", allocation="a1", quick=False)
    with pytest.raises(InputError, match=says) as raised:
        oracle.step(op, **given)
    assert raised.value.code == code


CONFIG = {"slots": 2, "total": TOTAL, "default_profile": "small"}


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        ({**CONFIG, "slots": 0}, "TRC013", "slots is 0"),
        ({**CONFIG, "slots": 10**9}, "TRC012", "10000"),
        ({**CONFIG, "total": "UNKNOWN"}, "TRC012", "config"),
        ({**CONFIG, "total": {**TOTAL, "cpu": -1}}, "TRC012", "0"),
        ({**CONFIG, "default_profile": "huge"}, "TRC031", "no profile 'huge'"),
        ({**CONFIG, "default_profile": "unknown"}, "TRC031", "is UNKNOWN"),
        ({"slots": 2, "total": TOTAL}, "TRC012", "default_profile"),
        ({**CONFIG, "idle": 1}, "TRC012", "idle"),
    ],
)
def test_bad_headers(config: dict[str, Any], code: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", header(config=config), {"op": "start"})
    error = conform(path).error
    assert error is not None
    assert error.code == code
    assert error.message.startswith(f"{path}:1: ")
    assert says in error.message


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"op": "free_slot"}, "TRC016"),
        ({"op": "free_slot", "allocation": "a1", "cause": "x"}, "TRC017"),
        ({"op": "advance_time", "ms": -1}, "TRC018"),
        ({"op": "is_slot_free", "index": "0"}, "TRC018"),
        ({"op": "task_terminates", "task": "t1", "outcome": "maybe"}, "TRC018"),
        ({"op": "suspend"}, "TRC015"),
        (
            {
                "op": "allocate_slot",
                "index": 0,
                "job": "j1",
                "allocation": "a1",
                "profile": "huge",
                "timeout": 1,
            },
            "TRC019",
        ),
    ],
)
def test_bad_lines(step: dict[str, Any], code: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", header(), {"op": "start"}, step)
    error = conform(path).error
    assert error is not None
    assert error.code == code
    assert error.message.startswith(f"{path}:3: ")


def test_the_order_of_dynamic_slots_in_a_report_does_not_count() -> None:
    oracle = Oracle("task_slot_table", "2.3")
    oracle.step("start")
    for allocation in ("a2", "a1"):
        oracle.step(
            "allocate_slot", index=-1, job="j1", allocation=allocation, profile=None, timeout=0
        )
    op = "create_slot_report"
    report = oracle.step(op)
    *rest, first, second = report.result
    swapped = RecordedStep(op=op, arguments={}, result=[*rest, second, first])
    assert first["allocation"] == "a1"
    assert compare(report, swapped).outcome is Conformance.CONFORMS
    twice = RecordedStep(op=op, arguments={}, result=[*rest, second, second])
    assert compare(report, twice).outcome is Conformance.DIVERGES
