"""Sequences on which the model once differed from the real class; found by the fuzz or recorded."""

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


def pool_with_a_leak(generation: str) -> SlotPoolOracle:
    """x1 of tm1 has leaked; both TaskExecutors are registered and x2 of tm1 serves r1."""
    oracle = SlotPoolOracle(generation)
    oracle.step("start")
    oracle.step("register_task_manager", tm="tm1")
    oracle.step("register_task_manager", tm="tm2")
    oracle.step("offer_slots", **offer("tm1", ("x1", "small"), ("x2", "small")))
    oracle.step("allocate_available_slot", request="r1", allocation="x1")
    oracle.step("assign_payload", allocation="x1")
    leaked = oracle.step("allocate_available_slot", request="r1", allocation="x2").state["leaked"]
    assert [(slot["allocation"], slot["tm"], slot["payload"]) for slot in leaked] == [
        ("x1", "tm1", True)
    ]
    return oracle


def freed(effects: list[dict[str, object]]) -> list[tuple[object, object]]:
    """The slots that are freed, by TaskExecutor and allocation, sorted."""
    return sorted((e["tm"], e["allocation"]) for e in effects if e["effect"] == "tm.free_slot")


GENERATIONS = pytest.mark.parametrize("generation", ["1.11", "1.12", "1.13"])


class TestALeakedSlotThatSharesItsAllocation:
    """The map by allocation is emptied by id, whoever is there."""

    @GENERATIONS
    def test_an_allocated_one_leaks_when_the_leaked_one_is_freed(self, generation: str) -> None:
        oracle = pool_with_a_leak(generation)
        oracle.step("offer_slots", **offer("tm2", ("x1", "large")))
        oracle.step("allocate_available_slot", request="r2", allocation="x1")
        oracle.step("assign_payload", allocation="x1")
        released = oracle.step("release_task_manager", tm="tm1")
        assert freed(released.effects) == [("tm1", "x1"), ("tm1", "x2")]
        # the payload of the leaked one alone
        assert [e["effect"] for e in released.effects].count("payload.released") == 1
        assert released.state["allocated"] == {}
        assert released.state["leaked"] == [
            {"allocation": "x1", "tm": "tm2", "index": 0, "profile": "large", "payload": True}
        ]
        # nothing finds it: neither its request nor its allocation
        for op, named in (
            ("release_slot", {"request": "r2", "cause": "other"}),
            ("fail_allocation", {"allocation": "x1", "cause": "other"}),
        ):
            assert oracle.step(op, **named).effects == []
        gone = oracle.step("release_task_manager", tm="tm2")
        assert freed(gone.effects) == [("tm2", "x1")]
        assert gone.effects[0] == {"effect": "payload.released", "allocation": "x1"}
        assert "leaked" not in gone.state

    @GENERATIONS
    def test_an_available_one_stays(self, generation: str) -> None:
        oracle = pool_with_a_leak(generation)
        oracle.step("offer_slots", **offer("tm2", ("x1", "large")))
        released = oracle.step("release_task_manager", tm="tm1")
        assert list(released.state["available"]) == ["x1"]
        assert "leaked" not in released.state

    @GENERATIONS
    def test_the_leaked_one_stays_when_the_allocated_one_is_freed(self, generation: str) -> None:
        oracle = pool_with_a_leak(generation)
        oracle.step("offer_slots", **offer("tm2", ("x1", "large")))
        oracle.step("allocate_available_slot", request="r2", allocation="x1")
        released = oracle.step("release_task_manager", tm="tm2")
        assert freed(released.effects) == [("tm2", "x1")]
        assert [slot["tm"] for slot in released.state["leaked"]] == ["tm1"]

    @GENERATIONS
    def test_one_of_the_same_task_manager_is_freed_with_it(self, generation: str) -> None:
        oracle = pool_with_a_leak(generation)
        oracle.step("offer_slots", **offer("tm1", ("x1", "large")))
        oracle.step("allocate_available_slot", request="r2", allocation="x1")
        released = oracle.step("release_task_manager", tm="tm1")
        assert freed(released.effects) == [("tm1", "x1"), ("tm1", "x1"), ("tm1", "x2")]
        assert "leaked" not in released.state

    @GENERATIONS
    def test_closing_frees_each_once(self, generation: str) -> None:
        oracle = pool_with_a_leak(generation)
        oracle.step("offer_slots", **offer("tm2", ("x1", "large")))
        oracle.step("allocate_available_slot", request="r2", allocation="x1")
        oracle.step("assign_payload", allocation="x1")
        closed = oracle.step("close")
        assert freed(closed.effects) == [("tm1", "x1"), ("tm1", "x2"), ("tm2", "x1")]
        assert [e["effect"] for e in closed.effects].count("payload.released") == 2
        assert "leaked" not in closed.state


@GENERATIONS
@pytest.mark.parametrize("batch", ["", "batch_"])
def test_a_request_that_raises_is_no_attempt(generation: str, batch: str) -> None:
    oracle = SlotPoolOracle(generation)
    ask = {"request": "r1", "profile": "small"}
    assert oracle.step(f"request_new_allocated_{batch}slot", **ask).raises == "NullPointerException"
    assert oracle.step("request_timeout", request="r1").result is False
    oracle.step("start")
    oracle.step(f"request_new_allocated_{batch}slot", **ask)
    oracle.step(f"request_new_allocated_{batch}slot", **ask)
    told = [
        effect
        for attempt in (2, 1)
        for effect in oracle.step("request_timeout", request="r1", attempt=attempt).effects
    ]
    assert [(effect["request"], effect.get("attempt", 1)) for effect in told] == [
        ("r1", 2),
        ("r1", 1),
    ]
