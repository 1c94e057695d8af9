"""The oracle of the slot manager: recordings, reuse of numbers, and rejected calls."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models.slot_manager import matching as placing
from slotspec.models.slot_manager import records
from slotspec.models.slot_manager import timers as checks
from slotspec.models.slot_manager.lifecycles import PendingTaskManagerSlot, SlotCall
from slotspec.models.slot_manager.state import (
    SlotManagerState,
    pending_slots,
    queries,
)
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.slot_manager.adapter import SlotManagerOracle
from slotspec.oracle.slot_manager.schema import SCHEMA as SLOT_MANAGER
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.declaration.rules import fire
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import header as pool_header
from tests.oracle.trace_files import replayed, write
from tests.oracle.wasteful import never_reuse

DATA = Path(__file__).parents[2] / "data"


def amounts(cpu: float, heap: float) -> dict[str, Any]:
    return {
        "cpu": cpu,
        "task_heap_mb": heap,
        "task_off_heap_mb": 0,
        "managed_mb": 64,
        "network_mb": 32,
        "extended": {},
    }


PROFILES: dict[str, Any] = {
    "any": "ANY",
    "unknown": "UNKNOWN",
    "small": amounts(1.0, 256),
    "large": amounts(2.0, 1024),
}
CONFIG: dict[str, Any] = {
    "slot_request_timeout_ms": 40,
    "task_manager_timeout_ms": 30,
    "wait_result_consumed": False,
    "spread": False,
    "slot_profile": "small",
    "slots_per_worker": 2,
    "max_slots": 8,
    "redundant_task_managers": 1,
    "task_managers": ["tm1", "tm2"],
    "auto_run": True,
}


def header(**changes: Any) -> dict[str, Any]:
    own = {
        "implementation": SLOT_MANAGER.implementation,
        "config": CONFIG,
        "profiles": PROFILES,
        "causes": ...,
        "task_managers": ...,
    }
    return pool_header(**{**own, **changes})


# ------------------------------------------------------------------------------- recordings


@pytest.mark.slow
def test_recordings_conform() -> None:
    summaries = [replayed("traces/manager"), replayed("scenarios/manager")]
    assert all(summary.outcome is Conformance.CONFORMS for summary in summaries)
    counts = (sum(s.conforming for s in summaries), sum(s.steps for s in summaries))
    assert counts == (396, 29_022)


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed("traces/manager")
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [
        (18, 18),
        (17, 17),
        (17, 17),
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda s: s["state"]["fulfilled"].clear(), "state.fulfilled.a1"),
        (lambda s: s["state"]["slots"]["tm1/0"].update(state="FREE"), "state.slots.tm1/0.state"),
        (lambda s: s["state"].update(queued=1), "state.queued"),
        (lambda s: s.update(result=False), "result"),
        (lambda s: s.update(raises="IllegalStateException"), "raises"),
    ],
)
def test_a_changed_recording_diverges(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], path: str
) -> None:
    folder = DATA / "scenarios" / "manager" / "1.12.5"
    source = folder / "overwritten_allocation_stays_fulfilled.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(source.read_bytes()).splitlines()]
    number = next(i for i, line in enumerate(lines) if line.get("op") == "report_slot_status")
    change(lines[number])
    report = conform(write(tmp_path / "t.jsonl", *lines))
    assert report.outcome is Conformance.DIVERGES
    assert report.divergence is not None
    assert report.divergence.step == number
    assert report.divergence.differences[0].path == path


def test_the_order_of_maps_counts(tmp_path: Path) -> None:
    oracle = SlotManagerOracle("1.12")
    oracle.step("start")
    oracle.step("register_slot_request", allocation="a2", job="j1", profile="small")
    state = oracle.step("register_slot_request", allocation="a1", job="j1", profile="small").state
    assert list(state["requests"]) == ["a2", "a1"]
    for name in ("slots", "registrations", "requests", "pending_slots", "fulfilled"):
        assert name in SLOT_MANAGER.ordered


# ------------------------------------------------------------------------ reuse of numbers


def never_spare(s: SlotManagerState, call: int) -> bool:
    return s.call[call] == SlotCall.UNUSED


def never_cleared(s: SlotManagerState, request: int) -> None:
    pass


def always_another(s: SlotManagerState) -> int:
    """A new record for each expected slot."""
    pending = s.made
    fire(s.pending, pending, PendingTaskManagerSlot.ask)
    append(s.expected, pending)
    s.made += 1
    s.pending_serial[pending] = s.made
    return pending


class Wasteful(SlotManagerOracle):
    """Uses a new record each time, and clears none."""

    def __init__(self, generation: str, header: TraceHeader) -> None:
        asked: list[int] = []

        def another_query(s: SlotManagerState, instance: int) -> int:
            asked.append(instance)
            return len(asked) - 1

        rules: dict[Callable[..., Any], Callable[..., Any]] = {
            records.is_call_spare: never_spare,
            records.clear_request: never_cleared,
            placing.expect_slot: always_another,
            checks.spare_query: another_query,
        }
        super().__init__(generation, header, replace=rules)
        never_reuse(self)
        self._asked = asked

    def _make_room(self) -> None:
        super()._make_room()
        self.elastic.grow(queries, len(self._asked) + 100)
        self.elastic.grow(pending_slots, self.state.made + 100)


class Walk:
    """Arguments of random operations: mostly things that exist, sometimes things that are gone."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calls = self.queries = 0
        self.allocations = 3

    def allocation(self) -> str:
        if self.random.random() < 0.2:
            self.allocations += 1
        newest = self.allocations
        low = 1 if self.random.random() < 0.1 else max(1, newest - 4)
        return f"a{self.random.randint(low, newest)}"

    def slot(self, tm: str) -> dict[str, Any]:
        used = self.random.random() < 0.4
        return {
            "slot": f"{tm}/{self.random.randint(0, 1)}",
            "profile": self.random.choice(["small", "small", "large", "unknown"]),
            "job": "j1" if used else None,
            "allocation": self.allocation() if used else None,
        }

    def arguments(self, op: str) -> dict[str, Any]:
        random = self.random
        tm = random.choice(["tm1", "tm2", "tm3"])
        instance = f"i{random.randint(1, 3)}{tm[-1]}"
        call = f"g{random.randint(max(1, self.calls - 5), self.calls + 1)}"
        if random.random() < 0.1:
            call = f"g{random.randint(1, self.calls + 1)}"
        match op:
            case "set_resource_allocation":
                return {"allowed": random.random() < 0.8}
            case "register_slot_request":
                profile = random.choice(["small", "small", "large", "unknown"])
                return {"allocation": self.allocation(), "job": "j1", "profile": profile}
            case "unregister_slot_request":
                return {"allocation": self.allocation()}
            case "register_task_manager" | "report_slot_status":
                report = [self.slot(tm) for _ in range(random.randint(0, 3))]
                name = {"tm": tm} if op == "register_task_manager" else {}
                return {"instance": instance, "slots": report, **name}
            case "unregister_task_manager":
                return {"instance": instance}
            case "free_slot":
                return {"slot": f"{tm}/{random.randint(0, 1)}", "allocation": self.allocation()}
            case "call_acknowledged":
                return {"call": call}
            case "call_fails":
                kind = random.choice(["occupied", "cancelled", "timeout"])
                if kind == "occupied":
                    return {
                        "call": call,
                        "kind": kind,
                        "allocation": self.allocation(),
                        "job": "j2",
                    }
                return {"call": call, "kind": kind}
            case "query_answered":
                query = f"q{random.randint(max(1, self.queries - 3), self.queries + 1)}"
                return {"query": query, "answer": random.choice([True, True, False, None])}
            case "set_fail_unfulfillable_request":
                return {"fail": random.random() < 0.5}
            case "run_main_thread":
                return random.choice([{}, {"count": 1}])
            case "advance_time":
                return {"ms": random.choice([0, 5, 20, 45])}
        return {}


def walk(seed: int, generation: str) -> tuple[int, int]:
    """Run both oracles on one random sequence; returns how many records each has in the end."""
    random = Random(seed)
    walker = Walk(random)
    config = {
        **CONFIG,
        "auto_run": random.random() < 0.6,
        "spread": random.random() < 0.5,
        "wait_result_consumed": random.random() < 0.5,
        "max_slots": random.choice([4, 8, 2**31 - 1]),
    }
    given = TraceHeader(
        format=1,
        implementation=SLOT_MANAGER.implementation,
        version=f"{generation}.1",
        config=config,
        profiles=PROFILES,
    )
    thrifty, wasteful = SlotManagerOracle(generation, given), Wasteful(generation, given)
    names = SLOT_MANAGER.operations_of(generation)
    rare = {"suspend", "close", "start", "unregister_task_managers_and_release_resources"}
    weights = [0.05 if op in rare else random.choice([0.3, 1, 3]) for op in names]
    sequence: list[tuple[str, dict[str, Any]]] = [("start", {})]
    for step in range(100):
        if step:
            op = random.choices(names, weights)[0]
            sequence.append((op, walker.arguments(op)))
        op, arguments = sequence[-1]
        expected, seen = thrifty.step(op, **arguments), wasteful.step(op, **arguments)
        walker.calls += sum(e["effect"] == "tm.request_slot" for e in expected.effects)
        walker.queries += sum(e["effect"] == "tm.can_be_released" for e in expected.effects)
        assert json.dumps(expected.state) == json.dumps(seen.state), sequence
        assert expected == seen, sequence
    used = [len(o._allocations) + len(o.state.request) for o in (thrifty, wasteful)]
    return used[0], used[1]


@pytest.mark.slow
@pytest.mark.parametrize("generation", SLOT_MANAGER.generations)
def test_records_are_used_again_unnoticed(generation: str) -> None:
    sizes = [walk(seed, generation) for seed in range(25)]
    # the comparison means something only if records really were reused
    assert 5 * sum(small for small, _ in sizes) < 4 * sum(large for _, large in sizes)


def configured(**changes: Any) -> SlotManagerOracle:
    config = {**CONFIG, "max_slots": 99, "redundant_task_managers": 0, **changes}
    given = TraceHeader(
        format=1,
        implementation=SLOT_MANAGER.implementation,
        version="1.12.1",
        config=config,
        profiles=PROFILES,
    )
    oracle = SlotManagerOracle("1.12", given)
    oracle.step("start")
    return oracle


def register(oracle: SlotManagerOracle, instance: str, slot: str) -> None:
    entry = {"slot": slot, "profile": "small", "job": None, "allocation": None}
    tm = slot.partition("/")[0]
    oracle.step("register_task_manager", instance=instance, tm=tm, slots=[entry])


def request(oracle: SlotManagerOracle, allocation: str) -> dict[str, Any]:
    given = {"allocation": allocation, "job": "j1", "profile": "small"}
    return oracle.step("register_slot_request", **given).state


@pytest.mark.parametrize("names", range(6))
def test_an_outcome_keeps_its_allocation(names: int) -> None:
    """However many names come in between, the next number is not that of a1."""
    oracle = configured(auto_run=False)
    register(oracle, "i1", "tm1/0")
    request(oracle, "a1")
    oracle.step("unregister_task_manager", instance="i1")
    oracle.step("unregister_slot_request", allocation="a1")
    # by now only the outcome of the call refers to a1
    for n in range(names):
        oracle.step("unregister_slot_request", allocation=f"b{n}")
    register(oracle, "i1", "tm1/0")
    assert request(oracle, "c1")["slots"]["tm1/0"]["state"] == "PENDING"
    run = oracle.step("run_main_thread")
    assert (run.result, run.effects) == (1, [])
    assert run.state["slots"]["tm1/0"]["request"] == {"allocation": "c1", "registered": True}


def test_a_stranded_request_keeps_its_call() -> None:
    oracle = configured()
    register(oracle, "i1", "tm1/0")
    request(oracle, "a1")
    oracle.step("call_fails", call="g1", kind="cancelled")
    for n in range(2, 30):
        state = request(oracle, f"a{n}")
        assert state["requests"]["a1"]["call"] == "g1"
        oracle.step("unregister_slot_request", allocation=f"a{n}")
        oracle.step("call_acknowledged", call=f"g{n}")


def test_a_question_keeps_its_connection() -> None:
    oracle = configured(wait_result_consumed=True)
    register(oracle, "i1", "tm1/0")
    asked = oracle.step("advance_time", ms=35)
    assert [effect["query"] for effect in asked.effects] == ["q1"]
    oracle.step("unregister_task_manager", instance="i1")
    for n in range(2, 8):
        register(oracle, f"i{n}", f"tm{n}/0")
        oracle.step("unregister_task_manager", instance=f"i{n}")
    release = oracle.step("query_answered", query="q1", answer=True)
    assert [effect["instance"] for effect in release.effects] == ["i1"]


# ---------------------------------------------------------------------------------- choices


def test_defaults_without_a_header() -> None:
    oracle = SlotManagerOracle("1.13")
    oracle.step("start")
    slot = {"slot": "tm1/0", "profile": "large", "job": None, "allocation": None}
    registered = oracle.step("register_task_manager", instance="i1", tm="tm1", slots=[slot])
    assert registered.result is True
    asked = oracle.step("register_slot_request", allocation="a1", job="j1", profile="large")
    assert [effect["effect"] for effect in asked.effects] == ["tm.request_slot"]
    assert oracle.step("call_acknowledged", call="g1").state["fulfilled"] == {"a1": "tm1/0"}


def test_an_unfulfillable_request_raises_with_its_cause() -> None:
    oracle = SlotManagerOracle("1.12")
    oracle.step("start")
    step = oracle.step("register_slot_request", allocation="a1", job="j1", profile="large")
    assert (step.result, step.raises, step.raises_cause) == (
        None,
        "ResourceManagerException",
        "UnfulfillableSlotRequestException",
    )
    assert step.state["requests"] == {}


def test_a_long_wait_is_taken_in_pieces() -> None:
    oracle = SlotManagerOracle("1.12")
    oracle.step("start")
    slot = {"slot": "tm1/0", "profile": "small", "job": None, "allocation": None}
    oracle.step("register_task_manager", instance="i1", tm="tm1", slots=[slot])
    step = oracle.step("advance_time", ms=3_000_000)
    assert {effect["effect"] for effect in step.effects} == {"tm.can_be_released"}
    assert len(step.effects) == 100
    assert step.state["clock"] == 3_000_000


@pytest.mark.parametrize(
    ("op", "arguments", "code", "says"),
    [
        ("fly", {}, "TRC030", "no operation 'fly'"),
        ("call_occupied", {"call": "g1"}, "TRC030", "no operation 'call_occupied'"),
        (
            "unregister_task_managers_and_release_resources",
            {},
            "TRC030",
            r"1\.12 has no operation",
        ),
        (
            "register_slot_request",
            {"allocation": "a1", "job": "j1", "profile": "tiny"},
            "TRC031",
            "no profile 'tiny'",
        ),
        (
            "call_fails",
            {"call": "g1", "kind": "occupied"},
            "TRC016",
            "an occupied slot has an allocation and a job",
        ),
    ],
)
def test_bad_calls(op: str, arguments: dict[str, Any], code: str, says: str) -> None:
    oracle = SlotManagerOracle("1.12")
    with pytest.raises(InputError, match=says) as raised:
        oracle.step(op, **arguments)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        ([header(config={**CONFIG, "slots_per_worker": 0})], "TRC013", "slots_per_worker is 0"),
        ([header(config={**CONFIG, "slot_profile": "tiny"})], "TRC031", "no profile 'tiny'"),
        ([header(config={})], "TRC012", "is missing; add slot_re"),
        ([header(), {"op": "call_fails", "call": "g1", "kind": "odd"}], "TRC018", "odd"),
        ([header(), {"op": "free_slot", "slot": "tm1/0"}], "TRC016", "'allocation' is missing"),
        ([header(), {"op": "advance_time", "ms": 2**31 - 1}], "TRC022", "more than 1,000,000"),
    ],
)
def test_bad_input(tmp_path: Path, lines: list[dict[str, Any]], code: str, says: str) -> None:
    start = [] if len(lines) > 1 else [{"op": "start", "result": None}]
    report = conform(write(tmp_path / "t.jsonl", *lines, *start))
    assert report.error is not None
    assert report.error.code == code
    assert says in report.error.message
