"""The public oracle: asked by hand, without a trace."""

from __future__ import annotations

import subprocess
import sys

import pytest

import slotspec.oracle
from slotspec.oracle import Expected, Oracle
from slotspec.statemachine.errors import InputError, UsageError

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


def test_any_class_by_its_name() -> None:
    manager = Oracle("slot_manager", "1.13")
    manager.step("start")
    assert manager.state["started"] is True
    assert (manager.model, manager.generation) == ("slot_manager", "1.13")
    assert "counts" in manager.operations
    pool = Oracle("1.12")
    assert (pool.model, pool.generation) == ("slot_pool", "1.12")
    assert pool.state == Oracle("slot_pool", "1.12").state


@pytest.mark.parametrize(
    ("given", "model", "generation"),
    [
        ((), "declarative_slot_pool", "2.3"),
        (("1.20",), "declarative_slot_pool", "1.20"),
        (("1.13",), "slot_pool", "1.13"),
        (("slot_pool",), "slot_pool", "1.13"),
        (("declarative_slot_pool", "1.13"), "declarative_slot_pool", "1.13"),
    ],
)
def test_the_newest_is_the_default(given: tuple[str, ...], model: str, generation: str) -> None:
    found = Oracle(*given)
    assert (found.model, found.generation) == (model, generation)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1.12,), "SET043: .*names as texts"),
        (("slot_poll", "1.12"), "SET112: .*did you mean slot_pool"),
        (("cluster", "1.12"), "SET112: no class implements model 'cluster'"),
        (("slot_pool", "1.14"), "SET101: there is no generation '1.14' of the slot pool; use one"),
        (("3.0",), "SET101: there is no generation '3.0' of the declarative slot pool"),
    ],
)
def test_an_unknown_class_or_generation_is_named(given: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Oracle(*given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "TRC016: register_task_manager needs the argument 'tm'"),
        ({"tm": "tm1", "rm": "rm1"}, "TRC017: .*no argument 'rm'; its arguments are: tm"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Oracle("1.12").step("register_task_manager", **arguments)


def test_the_package_offers_what_it_names() -> None:
    assert all(hasattr(slotspec.oracle, name) for name in slotspec.oracle.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Orcale'"):
        slotspec.oracle.Orcale  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import sys, slotspec.oracle; print('msgspec' in sys.modules, 'numpy' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == ["False", "False"]
