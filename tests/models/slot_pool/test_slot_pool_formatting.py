"""The text of a slot pool's trace."""

from __future__ import annotations

import pytest

from slotspec.models.slot_pool.state import Effect
from slotspec.statemachine import Instance, TraceStep, replay
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import formatter_of
from tests.models.small import BOUNDS, POOL, calls, formatter, instance

REQUEST = "request_new_allocated_slot(request=0, request_id=0, profile=0)"
OFFER = "offer_slot(tm=0, index=0, allocation=0, profile=0)"
BEGIN = ("start()", "connect_to_resource_manager(gateway=0)", "register_task_manager(tm=0)")


def last_step(instance: Instance, *wanted: str) -> TraceStep:
    return replay(instance, calls(instance, *wanted))[-1]


def rendered(instance: Instance, *wanted: str) -> tuple[str, list[str], list[str]]:
    """Call, effects and changes of the last of these calls."""
    step = last_step(instance, *wanted)
    by = formatter_of(instance)
    return by.format_step(step), by.effects(step), by.changes(step)


def test_a_request_is_sent() -> None:
    assert rendered(instance("time", "1.12"), *BEGIN, REQUEST) == (
        "request_new_allocated_slot(request_id=r1, profile=small)",
        ["rm1.request_slot(a1, small)"],
        ["r1: - -> PENDING", "pending: [] -> [r1]", "a1: - -> PENDING"],
    )


def test_an_offer_serves_a_request() -> None:
    assert rendered(instance("time", "1.12"), *BEGIN, REQUEST, OFFER) == (
        "offer_slot(tm=tm1, index=0, allocation=a1, profile=small)",
        ["r1 fulfilled with a1"],
        [
            "r1: PENDING -> -",
            "pending: [r1] -> []",
            "a1: PENDING -> ALLOCATED (tm1 slot 0 small for r1)",
        ],
    )


def test_a_foreign_slot_becomes_available_and_ages() -> None:
    pool = instance("time", "1.12")
    offer = OFFER.replace("allocation=0", "allocation=1")
    assert rendered(pool, *BEGIN, offer)[2] == ["x1: - -> AVAILABLE (tm1 slot 0 small)"]
    assert rendered(pool, *BEGIN, offer, "advance_time()") == (
        "advance_time()",
        [],
        ["x1 available for: 0 -> 1"],
    )


def test_a_failure_names_its_error_and_who_receives_it() -> None:
    pool = instance("time", "1.12")
    assert rendered(pool, *BEGIN, REQUEST, "request_timeout(request=0)")[:2] == (
        "request_timeout(request=r1)",
        ["r1 failed (TimeoutException)", "rm1.cancel_slot_request(a1)"],
    )
    failed = "resource_manager_fails(request=0, failure=1)"
    assert rendered(pool, *BEGIN, REQUEST, failed)[:2] == (
        "resource_manager_fails(allocation=a1, failure=unfulfillable)",
        ["r1 failed (NoResourceAvailableException)", "rm1.cancel_slot_request(a1)"],
    )
    given = "fail_allocation(allocation=0, failure=0)"
    assert rendered(pool, *BEGIN, REQUEST, given)[1][0] == "r1 failed (the given cause)"
    released = "release_slot(request_id=0)"
    assert rendered(pool, *BEGIN, REQUEST, released)[1][0] == "r1 failed (FlinkException)"


def test_connections_and_timers() -> None:
    pool = instance("time", "1.12")
    assert rendered(pool, "start()")[2] == [
        "pool: CREATED -> STARTED",
        "timers: - -> idle check, batch check",
    ]
    assert rendered(pool, *BEGIN)[2] == ["tm1: UNREGISTERED -> REGISTERED"]
    assert rendered(pool, *BEGIN[:2])[2] == ["connected to: - -> rm1"]
    assert rendered(pool, *BEGIN, "suspend()")[2] == [
        "pool: STARTED -> SUSPENDED",
        "connected to: rm1 -> -",
        "tm1: REGISTERED -> UNREGISTERED",
    ]
    disabled = "disable_batch_slot_request_timeout_check()"
    assert rendered(pool, *BEGIN, disabled)[2] == ["batch timeout check: 1 -> 0"]


def test_payloads() -> None:
    pool = instance("time", "1.12")
    runs = (*BEGIN, REQUEST, OFFER, "assign_payload(allocation=0)")
    assert rendered(pool, *runs)[2] == ["payload of a1: UNASSIGNED -> ASSIGNED"]
    assert rendered(pool, *runs, "release_task_manager(tm=0)")[1] == [
        "payload of a1 released",
        "tm1.free_slot(a1)",
    ]


def test_a_remap_is_rendered() -> None:
    pool = instance("queue", "1.12")
    second = REQUEST.replace("=0, request_id=0", "=1, request_id=1")
    offer = OFFER.replace("allocation=0", "allocation=1")
    effects, changes = rendered(pool, *BEGIN, REQUEST, second, offer)[1:]
    assert effects == ["r1 fulfilled with a2"]
    assert "r2 pending under: a2 -> a1" in changes


def test_twins_and_the_order_of_effects() -> None:
    pool = POOL.instance({**BOUNDS["reuse"], "foreign_allocations": 1}, generation="1.12")
    again = REQUEST.replace("request=0", "request=1")
    twin = (*BEGIN, REQUEST, "disconnect_resource_manager()", again)
    assert rendered(pool, *twin)[2] == ["r1/a2: - -> WAITING", "waiting: [] -> [r1/a2]"]
    leak = (
        *BEGIN,
        OFFER.replace("allocation=0", "allocation=2"),
        REQUEST,
        OFFER,
        "allocate_available_slot(request_id=0, allocation=2)",
    )
    assert "leaked: - -> a1 of tm1" in rendered(pool, *leak)[2]
    assert rendered(pool, *leak, "close()")[1] == [
        "in any order: tm1.free_slot(x1), tm1.free_slot(a1)"
    ]


def test_what_is_listed_and_raised() -> None:
    pool = instance("time", "1.12")
    asked = (*BEGIN, REQUEST, OFFER, "get_allocated_slots_information()")
    assert rendered(pool, *asked)[1] == ["lists a1"]
    early = POOL.instance({**BOUNDS["reuse"], "unstarted": 1}, generation="1.12")
    assert rendered(early, REQUEST)[1] == ["raises NullPointerException"]


def test_without_a_state_a_request_has_no_id() -> None:
    by = formatter()
    assert by.effect((Effect.REQUEST_FULFILLED, 0, 1, NONE, NONE)) == "?/a1 fulfilled with x1"
    pool = instance("time", "1.12")
    (call,) = calls(pool, "request_timeout(request=0)")
    assert by.call(call) == "request_timeout(request=?/a1)"


@pytest.mark.parametrize("generation", list(POOL.generations))
def test_every_call_and_every_change_is_rendered(generation: str) -> None:
    """Changes of a field without a label follow from others: no step seems to change nothing."""
    for scope in BOUNDS:
        pool = instance(scope, generation)
        by = formatter_of(pool)
        for call in pool.calls:
            assert by.call(call).startswith(call.action.name)
        run = replay(pool, calls(pool, *BEGIN, REQUEST, OFFER, "close()"))
        assert all(by.changes(step) for step in run)
