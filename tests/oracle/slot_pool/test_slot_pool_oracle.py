"""The oracle of the slot pool reuses records that nothing refers to, without visible effect.

The tests compare it with an oracle that never uses a record or an id twice. Any difference means
that something still referred to a reused record.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.slot_pool.schema import SCHEMA as SLOT_POOL
from slotspec.oracle.traces.trace import TraceHeader
from tests.oracle.wasteful import never_reuse
from tests.variants import fast_last

PROFILES: dict[str, Any] = {
    "any": "ANY",
    "unknown": "UNKNOWN",
    "small": {"cpu": 1.0, "task_heap_mb": 256},
    "large": {"cpu": 2.0, "task_heap_mb": 1024},
}


class Wasteful(SlotPoolOracle):
    """Uses a new record each time."""

    def __init__(self, generation: str, header: TraceHeader) -> None:
        super().__init__(generation, header)
        never_reuse(self)


def arguments(random: Random, op: str, generated: int, generation: str) -> dict[str, Any]:
    """Arguments for `op`: mostly things that exist, sometimes things that are long gone."""
    recent = [f"a{n}" for n in range(max(1, generated - 6), generated + 1)]
    old = [f"a{random.randint(1, generated)}"] if generated else []
    allocation = random.choice([*recent, *old, "x1", "x2", "x3"])
    profile = random.choice([p for p in PROFILES if p != "unknown" or generation != "1.13"])
    request = f"r{random.randint(1, 6)}"
    tm = random.choice(["tm1", "tm2"])
    cause = random.choice(["other", "unfulfillable"])
    match op:
        case "connect_to_resource_manager":
            return {"rm": random.choice(["rm1", "rm2"])}
        case "register_task_manager" | "release_task_manager" | "create_allocated_slot_report":
            return {"tm": tm}
        case "offer_slots":
            offers = [
                {"allocation": random.choice([allocation, "x1"]), "index": i, "profile": profile}
                for i in range(random.randint(0, 2))
            ]
            return {"tm": tm, "offers": offers}
        case "fail_allocation" | "resource_manager_fails":
            return {"allocation": allocation, "cause": cause}
        case "resource_manager_acknowledges" | "assign_payload":
            return {"allocation": allocation}
        case "allocate_available_slot":
            return {"request": request, "allocation": allocation}
        case "request_new_allocated_slot" | "request_new_allocated_batch_slot":
            return {"request": request, "profile": profile}
        case "release_slot":
            return {"request": request, "cause": random.choice([None, cause])}
        case "request_timeout":
            return {"request": request, "attempt": random.randint(1, 4)}
        case "advance_time":
            return {"ms": random.randint(0, 90)}
    return {}


def walk(seed: int, generation: str) -> tuple[int, int]:
    """Run both oracles on one random sequence; returns how many records each has in the end."""
    random = Random(seed)
    header = TraceHeader(
        format=1,
        implementation="org.apache.flink SlotPoolImpl",
        version=f"{generation}.1",
        config={"idle_slot_timeout_ms": 20, "batch_slot_timeout_ms": 30},
        profiles=PROFILES,
        causes={
            "other": "RuntimeException",
            "unfulfillable": "UnfulfillableSlotRequestException",
        },
        task_managers={"tm1": {"host": "h"}, "tm2": {"host": "h"}},
    )
    thrifty, wasteful = SlotPoolOracle(generation, header), Wasteful(generation, header)
    rare = {"suspend", "close", "start", "disable_batch_slot_request_timeout_check"}
    names = sorted(SLOT_POOL.operations_of(generation))
    weights = [0.1 if op in rare else random.choice([0.3, 1, 3]) for op in names]
    sequence: list[tuple[str, dict[str, Any]]] = [("start", {})]
    generated = 0
    for step in range(120):
        if step:
            op = random.choices(names, weights)[0]
            sequence.append((op, arguments(random, op, generated, generation)))
        op, given = sequence[-1]
        expected, seen = thrifty.step(op, **given), wasteful.step(op, **given)
        generated += sum(e["effect"] == "rm.request_slot" for e in expected.effects)
        assert expected.state == seen.state, sequence
        assert (expected.result, expected.raises) == (seen.result, seen.raises), sequence
        assert sorted(map(str, expected.effects)) == sorted(map(str, seen.effects)), sequence
    return len(thrifty.state.request), len(wasteful.state.request)


@pytest.mark.parametrize("generation", fast_last(["1.11", "1.12", "1.13"]))
def test_reuse_of_records_has_no_visible_effect(generation: str) -> None:
    sizes = [walk(seed, generation) for seed in range(60)]
    # the comparison means something only if records really were reused
    assert 5 * sum(small for small, _ in sizes) < 4 * sum(large for _, large in sizes)


def test_an_id_that_is_offered_before_it_is_generated() -> None:
    oracle = SlotPoolOracle("1.12")
    oracle.step("start")
    oracle.step("register_task_manager", tm="tm1")
    oracle.step("connect_to_resource_manager", rm="rm1")
    oracle.step("request_new_allocated_slot", request="r1", profile="large")
    offer = {"allocation": "a2", "index": 0, "profile": "small"}
    assert oracle.step("offer_slots", tm="tm1", offers=[offer]).result == ["a2"]
    sent = oracle.step("request_new_allocated_slot", request="r2", profile="large")
    assert sent.effects[0]["allocation"] == "a3"
    assert list(sent.state["available"]) == ["a2"]


@pytest.mark.parametrize("generation", ["1.11", "1.12", "1.13"])
def test_a_waiting_batch_request_that_timed_out_is_sent_and_cancelled(generation: str) -> None:
    oracle = SlotPoolOracle(generation)
    oracle.step("start")
    oracle.step("request_new_allocated_batch_slot", request="r1", profile="small")
    assert oracle.step("request_timeout", request="r1").result is True
    sent = oracle.step("connect_to_resource_manager", rm="rm1")
    assert [effect["effect"] for effect in sent.effects] == [
        "rm.cancel_slot_request",
        "rm.request_slot",
    ]
    assert [pending["allocation"] for pending in sent.state["pending"]] == ["a1"]
