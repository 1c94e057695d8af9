"""The oracle as a library: a few lines, without a trace."""

from __future__ import annotations

import subprocess
import sys

import pytest

import slotspec.oracle
from slotspec.oracle import Expected, Oracle
from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.statemachine.errors import InputError

PREPARED = (
    ("start", {}),
    ("connect_to_resource_manager", {"rm": "rm1"}),
    ("register_task_manager", {"tm": "tm1"}),
)


def test_five_lines() -> None:
    pool = Oracle("1.12")
    pool.step("start")
    pool.step("request_new_allocated_slot", request="r1", profile="small")
    sent = pool.step("connect_to_resource_manager", rm="rm1")
    assert sent.effects == [
        {"effect": "rm.request_slot", "allocation": "a1", "profile": "small", "rm": "rm1"}
    ]


def offer(pool: Oracle, allocation: str, profile: str = "small", index: int = 0) -> Expected:
    offered = {"allocation": allocation, "index": index, "profile": profile}
    return pool.step("offer_slots", tm="tm1", offers=[offered])


def prepared(generation: str) -> Oracle:
    pool = Oracle(generation)
    for op, arguments in PREPARED:
        pool.step(op, **arguments)
    return pool


def test_releases_differ_in_whom_an_offered_slot_serves() -> None:
    served = {}
    for generation in ("1.11", "1.12"):
        pool = prepared(generation)
        pool.step("request_new_allocated_slot", request="r1", profile="small")
        pool.step("request_new_allocated_slot", request="r2", profile="small")
        served[generation] = offer(pool, "a2").effects[0]["request"]
    assert served == {"1.11": "r2", "1.12": "r1"}


def test_a_larger_slot_serves_up_to_1_12() -> None:
    served = {}
    for generation in ("1.11", "1.12", "1.13"):
        pool = prepared(generation)
        pool.step("request_new_allocated_slot", request="r1", profile="small")
        served[generation] = [e["effect"] for e in offer(pool, "x1", "large").effects]
    assert served["1.11"] == ["request.fulfilled", "rm.cancel_slot_request"]
    assert served["1.12"] == ["request.fulfilled", "rm.cancel_slot_request"]
    assert served["1.13"] == []


def test_before_the_start_operations_raise() -> None:
    raised = Oracle("1.13").step("register_task_manager", tm="tm1")
    assert (raised.raises, raised.result) == ("NullPointerException", None)
    assert raised.state["started"] is False


def test_an_idle_slot_is_freed_after_its_timeout() -> None:
    pool = prepared("1.12")
    assert offer(pool, "x1").result == ["x1"]
    assert pool.step("advance_time", ms=50_000).effects == []
    freed = {"effect": "tm.free_slot", "tm": "tm1", "allocation": "x1"}
    assert pool.step("advance_time", ms=50_000).effects == [freed]


def test_an_operation_that_a_release_lacks_is_refused() -> None:
    with pytest.raises(InputError, match=r"TRC030: .*1\.13 has no operation 'suspend'"):
        Oracle("1.13").step("suspend")


def test_the_package_names_what_it_exports() -> None:
    assert Oracle is SlotPoolOracle
    assert all(hasattr(slotspec.oracle, name) for name in slotspec.oracle.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Orcale'"):
        slotspec.oracle.Orcale  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    asked = "import sys, slotspec.oracle; print('msgspec' in sys.modules, 'numpy' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout
    assert told.split() == ["False", "False"]
