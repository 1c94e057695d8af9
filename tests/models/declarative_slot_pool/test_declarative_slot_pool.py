"""The declarative slot pool: exact counts, deviations, both engines, lifecycles.

A change of any of these numbers is a change of the protocol that is modelled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.oracle.fuzzing.stateful import state_machine
from slotspec.statemachine import Instance, Limits, Result, Verdict, check
from slotspec.statemachine.errors import UsageError
from tests.models.searches import searched
from tests.variants import fast_only

POOL = load_model("declarative_slot_pool")
NEWEST = "2.3"

COUNTS = {
    "core": (8_177, 187_777, 15),
    "profiles": (62_750, 887_715, 25),
    "any_slots": (48_566, 819_371, 22),
    "restarts": (4_133, 69_793, 16),
    "delay": (90_595, 1_237_806, 24),
    "repetition": (3_511, 50_108, 16),
    "deferral": (19_261, 1_178_931, 12),
    "balanced": (11_085, 378_673, 12),
    "preferences": (57_234, 2_853_421, 16),
    "picky": (1_789, 39_513, 13),
    "idle": (75_052, 1_024_241, 26),
    "batch": (8_270, 139_741, 18),
    "unknown_slots": (91_264, 2_169_997, 34),
    "mistakes": (339_720, 6_414_903, 28),
    "late": (108_863, 1_430_526, 21),
    "any_order": (259_860, 7_684_585, 26),
    "pool": (29_720, 686_848, 15),
    "pool_mistakes": (27_816, 750_134, 17),
}
"""States, transitions and depth of the newest generation."""

OLDER = {
    ("1.13", "core"): (5_825, 126_673, 15),
    ("1.13", "any_slots"): (113_470, 1_793_937, 30),
    ("1.13", "batch"): (8_270, 131_581, 18),
    ("1.13", "pool"): (2_670, 54_579, 12),
    ("1.14", "restarts"): (907, 12_785, 14),
    ("1.14", "preferences"): (4_530, 74_653, 16),
    ("1.20", "restarts"): (4_133, 69_793, 16),
    ("1.20", "preferences"): (57_234, 2_853_421, 16),
    ("1.13", "pool_mistakes"): (2_040, 53_470, 10),
    ("1.20", "pool"): (4_170, 91_053, 11),
}

STALE = {"a_fulfilled_request_has_its_slot": 5, "a_slot_is_that_of_one_request": 7}
DELAYED = {
    "requirements_that_change_will_be_stable": 5,
    "what_is_required_is_finally_declared": 6,
    "nothing_raises": 5,
}
LENGTHS: dict[str, dict[str, int]] = {
    "core": {**STALE, "another_slot_of_a_held_allocation_is_refused": 6},
    "profiles": {**STALE, "what_is_required_is_needed": 6},
    "any_slots": {**STALE, "what_is_required_is_needed": 7},
    "restarts": STALE,
    "delay": {**DELAYED, "what_is_required_is_needed": 7},
    "repetition": {"nothing_raises": 4},
    "deferral": {
        "requirements_that_change_will_be_stable": 5,
        "deferred_requests_are_finally_served": 7,
        "another_slot_of_a_held_allocation_is_refused": 6,
        "nothing_raises": 4,
    },
    "balanced": {
        **STALE,
        "another_slot_of_a_held_allocation_is_refused": 6,
        "a_new_slot_serves_a_request": 5,
        "two_new_slots_serve_requests": 6,
    },
    "preferences": {"requests_of_one_profile_are_served_in_order": 5},
    "picky": {"requests_of_one_profile_are_served_in_order": 5},
    "idle": {"what_is_required_is_needed": 7, "what_nobody_needs_is_given_back": 9},
    "batch": STALE,
    "unknown_slots": {
        "a_fulfilled_request_has_its_slot": 5,
        "what_is_required_is_needed": 7,
        "a_hopeless_batch_request_ends": 5,
        "the_batch_check_goes_on": 5,
        "nothing_raises": 4,
    },
    "mistakes": {
        "what_is_acquired_is_there": 5,
        "a_slot_that_is_gone_counts_for_nothing": 6,
        "a_fulfilled_request_has_its_slot": 5,
        "a_reserved_slot_is_that_of_a_request": 5,
        "payloads_run_in_reserved_slots": 5,
        "what_is_required_is_needed": 2,
        "what_nobody_needs_is_given_back": 6,
        "a_slot_that_leaves_is_freed": 6,
        "a_payload_is_stopped_when_its_slot_goes": 6,
        "the_idle_check_goes_on": 7,
        "a_new_resource_manager_is_told_everything": 7,
        "nothing_raises": 2,
    },
    "late": {"requirements_that_change_will_be_stable": 3, "nothing_raises": 2},
    "any_order": {"what_is_required_is_needed": 7, "what_nobody_needs_is_given_back": 9},
    "pool": {"requirements_that_change_will_be_stable": 3},
    "pool_mistakes": {
        "what_is_acquired_is_there": 3,
        "a_slot_that_is_gone_counts_for_nothing": 3,
        "payloads_run_in_reserved_slots": 2,
        "a_slot_that_leaves_is_freed": 3,
        "a_payload_is_stopped_when_its_slot_goes": 3,
        "nothing_raises": 1,
    },
}
"""The known deviations of the newest generation, with the lengths of their shortest traces."""

OLDER_LENGTHS = {
    ("1.13", "batch"): {**STALE, "a_hopeless_batch_request_ends": 3},
    ("1.14", "batch"): STALE,
    ("1.14", "preferences"): {},
    ("1.20", "balanced"): {**STALE, "another_slot_of_a_held_allocation_is_refused": 6},
    ("1.20", "delay"): {"what_is_required_is_needed": 7},
    ("1.14", "any_slots"): {**STALE, "what_is_required_is_needed": 6},
}

DEAD = {
    # an adjustment after the close, which takes mixed profiles; the recordings have it
    ("SlotRequest", "BOUND", "forget"),
}
"""What no default scope of the newest generation fires."""


@cache
def checked(scope: str, generation: str = NEWEST) -> Result:
    _, transitions, _ = OLDER.get((generation, scope), COUNTS[scope])
    return searched(POOL.instance(generation=generation, scope=scope), transitions)


def deviations(result: Result) -> dict[str, int]:
    return {
        p.property.name: len(p.finding.steps)
        for p in result.properties
        if p.verdict is Verdict.DEVIATES and p.finding
    }


def compared(result: Result) -> dict[str, Any]:
    """What engines have to agree on."""
    return {
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "fired": result.fired,
        "taken": result.taken,
        "fault": result.fault,
        "properties": {
            p.property.name: (p.verdict, p.finding and len(p.finding.steps))
            for p in result.properties
        },
    }


@pytest.mark.parametrize("scope", fast_only(COUNTS, "restarts"))
def test_exact_counts(scope: str) -> None:
    result = checked(scope)
    assert result.verdict is Verdict.HOLDS
    assert result.limit is None
    assert (result.states, result.transitions, result.depth) == COUNTS[scope]


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "scope"), OLDER)
def test_exact_counts_of_older_generations(generation: str, scope: str) -> None:
    result = checked(scope, generation)
    assert result.verdict is Verdict.HOLDS
    assert (result.states, result.transitions, result.depth) == OLDER[generation, scope]


@pytest.mark.slow
@pytest.mark.parametrize("scope", COUNTS)
def test_exact_lengths_of_deviations(scope: str) -> None:
    assert deviations(checked(scope)) == LENGTHS[scope]


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "scope"), OLDER_LENGTHS)
def test_what_older_generations_deviate_in(generation: str, scope: str) -> None:
    assert deviations(checked(scope, generation)) == OLDER_LENGTHS[generation, scope]


@pytest.mark.slow
@pytest.mark.parametrize("scope", COUNTS)
def test_the_engines_agree_step_by_step(scope: str) -> None:
    instance = POOL.instance(generation=NEWEST, scope=scope)
    limits = Limits(depth=5)
    interpreted = check(instance, "interpreted", limits)
    compiled = check(instance, "compiled", limits, symmetry=False)
    assert compared(compiled) == compared(interpreted)


FEW = {"allocations": 1, "most_required": 3}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "bounds"), [("core", FEW), ("restarts", FEW), ("repetition", {})]
)
def test_the_engines_agree_on_the_whole_of_a_small_scope(
    scope: str, bounds: dict[str, int]
) -> None:
    instance = POOL.instance(bounds, generation=NEWEST, scope=scope)
    interpreted = check(instance, "interpreted")
    assert compared(interpreted) == compared(check(instance, "compiled", symmetry=False))
    # what happens in the scope happens within fewer allocations, too
    whole = checked(scope)
    assert interpreted.dead == whole.dead
    for few, many in zip(interpreted.properties, whole.properties, strict=True):
        assert (few.property.name, few.verdict) == (many.property.name, many.verdict)


@pytest.mark.slow
def test_what_is_never_fired() -> None:
    fired = [checked(scope).fired for scope in COUNTS]
    assert {key for key in fired[0] if not any(counts[key] for counts in fired)} == DEAD


LARGE = {
    "task_managers": 2,
    "allocations": 4,
    "requests": 3,
    "request_ids": 3,
    "profiles": 3,
    "most_required": 8,
    "offer_entries": 2,
    "gateways": 2,
    "restarts": 1,
    "payloads": 1,
    "batch_requests": 1,
    "idle_timeout": 3,
    "batch_timeout": 2,
    "interval": 2,
    "longest_backoff": 4,
    "timers": 5,
    "preferences": 1,
    "loads": 3,
    "strategy": Strategy.PREFERRED_BALANCED,
}
"""Bounds that no search exhausts."""


def large(generation: str, **bounds: int) -> Instance:
    return POOL.instance({**LARGE, **bounds}, generation=generation)


Test113 = pytest.mark.slow(state_machine(large("1.13")).TestCase)
Test114 = pytest.mark.slow(state_machine(large("1.14")).TestCase)
Test120 = pytest.mark.slow(state_machine(large("1.20")).TestCase)
Test23 = state_machine(large("2.3")).TestCase
TestDeferred23 = pytest.mark.slow(state_machine(large("2.3", defer=1)).TestCase)
TestPool23 = pytest.mark.slow(state_machine(large("2.3", bridge=0)).TestCase)


def test_too_few_timers_are_refused() -> None:
    with pytest.raises(UsageError, match="set timers=2") as error:
        POOL.instance({"idle_timeout": 1, "batch_timeout": 1, "timers": 1}, generation=NEWEST)
    assert error.value.code == "SET002"


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ({"allocations": 4}, "set allocations=3 or iteration_order=0"),
        ({"profiles": 4}, "set profiles=3"),
        ({"requests": 4, "most_required": 8}, "set requests=3"),
        ({"strategy": 3}, "one strategy at a time"),
    ],
)
def test_orders_that_are_not_tried_are_refused(bounds: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        POOL.instance(bounds, scope="any_order")
    POOL.instance({**bounds, "iteration_order": 0}, scope="any_order")


def test_every_scope_is_pinned() -> None:
    assert list(COUNTS) == list(LENGTHS) == list(POOL.scopes)
