"""Sequences on which the model once differed from the real class; each found by the fuzz."""

from __future__ import annotations

import pytest

from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.slot_pool.schema import SCHEMA as SLOT_POOL
from slotspec.oracle.traces.trace import TraceHeader


def offer(tm: str, *offers: tuple[str, str]) -> dict[str, object]:
    """Offers of allocations with their profiles, each at an index of its own."""
    told = [{"allocation": a, "index": i, "profile": p} for i, (a, p) in enumerate(offers)]
    return {"tm": tm, "offers": told}


def test_a_batch_check_that_meets_an_unknown_slot_throws_out_of_the_wait() -> None:
    idle_longer = {"idle_slot_timeout_ms": 100, "batch_slot_timeout_ms": 30}
    header = TraceHeader(
        format=1,
        implementation=SLOT_POOL.implementation,
        version="1.13.6",
        config=idle_longer,
        profiles={"unknown": "UNKNOWN", "any": "ANY"},
    )
    oracle = SlotPoolOracle("1.13", header)
    oracle.step("start")
    oracle.step("register_task_manager", tm="tm1")
    oracle.step("offer_slots", **offer("tm1", ("x1", "unknown")))
    oracle.step("request_new_allocated_batch_slot", request="r1", profile="any")
    waited = oracle.step("advance_time", ms=500)
    assert waited.raises == "UnsupportedOperationException"
    # all the time passes, the other check goes on, and this one never comes again
    assert waited.state["clock"] == 500
    assert [effect["effect"] for effect in waited.effects] == ["tm.free_slot"]
    assert oracle.step("advance_time", ms=500).effects == []


@pytest.mark.parametrize("generation", ["1.11", "1.12", "1.13"])
def test_two_leaked_slots_of_one_allocation_have_an_order(generation: str) -> None:
    oracle = SlotPoolOracle(generation)
    oracle.step("start")
    oracle.step("register_task_manager", tm="tm1")
    oracle.step("register_task_manager", tm="tm2")
    for tm, request, other in (("tm2", "r1", "x4"), ("tm1", "r2", "x1")):
        oracle.step("request_new_allocated_slot", request=request, profile="large")
        oracle.step("offer_slots", **offer(tm, (other, "small"), ("a1", "large")))
        oracle.step("allocate_available_slot", request=request, allocation=other)
    leaked = oracle.step("get_allocated_slots_information").state["leaked"]
    assert [(slot["allocation"], slot["tm"]) for slot in leaked] == [("a1", "tm1"), ("a1", "tm2")]
