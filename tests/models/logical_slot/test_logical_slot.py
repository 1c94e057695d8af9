"""Logical slots: counts, verdicts, both engines, symmetry, and mutants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.logical_slot import operations as rules
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, ReleaseFuture
from slotspec.models.logical_slot.state import Effect, LogicalSlotState
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.statemachine.declaration.rules import NONE, emit, fire
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.mutation import any_notices, noticed_by
from tests.models.searches import searched
from tests.variants import fast_last

model = load_model("logical_slot")
LIMITS = Limits(states=3_000_000, seconds=60)

SMALL = {"slots": 2, "payloads": 1, "physical_slots": 1, "reactions": 1, "faults": 1}
SMALL_COUNTS = {"1.11": (1_446, 14_145, 6), "1.12": (2_889, 29_136, 6), "1.13": (1_068, 10_419, 6)}
SCOPE_COUNTS = {
    ("1.11", "release"): (396_498, 8_321_882, 9),
    ("1.11", "faults"): (404_120, 6_714_636, 10),
    ("1.11", "many"): (77_282, 1_568_090, 14),
    ("1.12", "release"): (792_988, 16_738_936, 9),
    ("1.12", "faults"): (404_120, 6_714_636, 10),
    ("1.12", "many"): (308_996, 6_360_000, 14),
    ("1.13", "release"): (792_988, 16_738_936, 9),
    ("1.13", "faults"): (74_584, 1_196_482, 10),
    ("1.13", "many"): (308_996, 6_360_000, 14),
}


@pytest.mark.parametrize("generation", fast_last(["1.11", "1.12", "1.13"]))
def test_both_engines_agree(generation: str) -> None:
    instance = model.instance(SMALL, generation=generation)
    results = [explore_interpreted(instance, LIMITS), explore_compiled(instance, LIMITS)]
    for result in results:
        assert (result.states, result.transitions, result.depth) == SMALL_COUNTS[generation]
        assert result.limit is None
    left, right = results
    assert left.fired == right.fired
    assert left.taken == right.taken
    for mine, other in zip(left.properties, right.properties, strict=True):
        assert (mine.property.name, mine.verdict) == (other.property.name, other.verdict)
        if mine.finding and other.finding:
            assert len(mine.finding.steps) == len(other.finding.steps)


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "scope"), SCOPE_COUNTS)
def test_scopes(generation: str, scope: str) -> None:
    counts = SCOPE_COUNTS[generation, scope]
    result = searched(model.instance(generation=generation, scope=scope), counts[1])
    assert (result.states, result.transitions, result.depth) == counts
    assert result.verdict is Verdict.HOLDS
    deviating = {p.property.name for p in result.properties if p.verdict is Verdict.DEVIATES}
    stuck = {"a_releasing_slot_ends_with_its_payload", "release_ends_the_slot"}
    expected = {"the_owner_gets_every_slot_back"} | (stuck if scope == "faults" else set())
    assert deviating == expected


def test_every_transition_fires_where_faults_are_not_fatal() -> None:
    for generation in ("1.11", "1.12"):
        result = explore_compiled(model.instance(SMALL, generation=generation), LIMITS)
        assert result.dead == []


@pytest.mark.slow
def test_names_make_no_difference() -> None:
    instance = model.instance(SMALL, generation="1.12")
    plain = explore_compiled(instance, LIMITS)
    reduced = explore_compiled(instance, LIMITS, symmetry="exact")
    assert reduced.states < plain.states
    assert reduced.depth == plain.depth
    verdicts = [
        [(p.property.name, p.verdict) for p in result.properties] for result in (plain, reduced)
    ]
    assert verdicts[0] == verdicts[1]


# ----------------------------------------------------------------------------------- mutants


def returned_however_late(s: LogicalSlotState, slot: int, fails: int) -> None:
    s.waits[slot] = 0
    emit(s, Effect.RETURN_SLOT, slot)
    s.returned[slot] = 1
    rules.end_release(s, slot, fails)


def release_tells_the_owner(s: LogicalSlotState, slot: int, cause: int) -> int:
    if s.slot[slot] == LogicalSlot.ALIVE:
        fire(s.slot, slot, LogicalSlot.release)
        if not rules.signal_payload_release(s, slot, cause):
            return NONE
        rules.return_slot_to_owner(s, slot, 0)
    rules.end_release(s, slot, 0)
    return NONE


def release_waits_too(s: LogicalSlotState, slot: int, cause: int) -> int:
    rules.release_slot(s, slot, cause)
    return NONE


def assigned_after_release(s: LogicalSlotState, slot: int, payload: int, on_fail: int) -> int:
    if s.payload_of[slot] != NONE:
        return 0
    if s.occupant[slot] == Occupant.NOBODY:
        fire(s.occupant, slot, Occupant.assign)
    s.payload_of[slot] = payload
    s.on_fail[payload] = on_fail
    return 1


def returned_at_once(s: LogicalSlotState, slot: int) -> None:
    rules.return_slot_to_owner(s, slot, 0)


def failure_forgotten(s: LogicalSlotState, slot: int, fails: int) -> None:
    if s.slot[slot] == LogicalSlot.RELEASING:
        fire(s.slot, slot, LogicalSlot.end)
    if s.released[slot] == ReleaseFuture.PENDING:
        fire(s.released, slot, ReleaseFuture.complete)
        emit(s, Effect.RELEASE_DONE, slot)


def told_again(s: LogicalSlotState, slot: int, cause: int) -> int:
    if s.slot[slot] == LogicalSlot.RELEASING:
        rules.signal_payload_release(s, slot, cause)
        return s.released[slot]
    return rules.release_slot(s, slot, cause)


def always_vacant(s: LogicalSlotState, physical: int) -> int:
    return 1


def thrown_and_swallowed(s: LogicalSlotState, slot: int, cause: int) -> bool:
    rules.signal_payload_release(s, slot, cause)
    return True


def no_stand_in(s: LogicalSlotState, slot: int, cause: int) -> bool:
    if s.occupant[slot] == Occupant.NOBODY:
        return True
    return rules.signal_payload_release(s, slot, cause)


MUTANTS: Mapping[str, tuple[Any, Any, str, str]] = {
    "returned however late": (
        rules.return_slot_to_owner,
        returned_however_late,
        "release",
        "the_owner_gets_a_slot_at_most_once",
    ),
    "release tells the owner": (
        rules.release,
        release_tells_the_owner,
        "release",
        "release_tells_no_owner",
    ),
    "release waits too": (rules.release, release_waits_too, "release", "release_ends_the_slot"),
    "assigned after release": (
        rules.try_assign_payload,
        assigned_after_release,
        "release",
        "a_payload_is_assigned_exactly_if_the_slot_is_empty",
    ),
    "returned at once": (
        rules.return_when_terminated,
        returned_at_once,
        "release",
        "a_slot_is_returned_when_its_payload_has_terminated",
    ),
    "failure forgotten": (
        rules.end_release,
        failure_forgotten,
        "faults",
        "a_failed_termination_is_passed_on",
    ),
    "told again": (rules.release_slot, told_again, "release", "a_payload_is_told_at_most_once"),
    "always vacant": (
        rules.is_vacant,
        always_vacant,
        "many",
        "a_physical_slot_has_one_logical_slot",
    ),
    "no stand-in": (
        rules.signal_payload_release,
        no_stand_in,
        "release",
        "a_released_slot_is_never_empty",
    ),
    "thrown and swallowed": (rules.signal_payload_release, thrown_and_swallowed, "faults", ""),
}
"""Name -> the rule, its mutant, the scope that shows it, and the property that it violates
there (none if only the recordings object)."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice_a_mutant(name: str) -> None:
    rule, mutant, _, _ = MUTANTS[name]
    assert any_notices(LogicalSlotOracle, "logical", "1.12.5", {rule: mutant})


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices_a_mutant(name: str) -> None:
    rule, mutant, scope, violated = MUTANTS[name]
    bounds = {"slots": 2, "payloads": 2}
    found = noticed_by(model, "1.12", scope, bounds, {rule: mutant})
    assert violated in found if violated else found == set()


@pytest.mark.slow
def test_recordings_conform_to_the_rules_as_they_are() -> None:
    assert not any_notices(LogicalSlotOracle, "logical", "1.12.5", {})
