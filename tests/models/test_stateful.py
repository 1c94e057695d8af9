"""Random runs of the slot pool within bounds that no search exhausts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from slotspec.oracle.fuzzing.stateful import asked, state_machine
from slotspec.statemachine import DISABLED, Instance, Kind, fire
from tests.models.slot_pool.mutants import BREAKS
from tests.models.small import ONE, POOL
from tests.statemachine.tiny import Lamp, Room, anything, counter, room, says
from tests.variants import fast_first

LARGE = {
    "task_managers": 3,
    "slot_indices": 2,
    "requests": 5,
    "request_ids": 4,
    "foreign_allocations": 2,
    "profiles": 3,
    "gateways": 2,
    "batch_requests": 1,
    "payloads": 1,
    "timers": 6,
    "idle_timeout": 3,
    "batch_timeout": 2,
}
REUSED = {**LARGE, "reused_ids": 1, "leaks": 6, "unstarted": 1}


def large(generation: str) -> Instance:
    return POOL.instance(LARGE, generation=generation)


def reused(generation: str) -> Instance:
    return POOL.instance(REUSED, generation=generation)


Test111 = pytest.mark.slow(state_machine(large("1.11")).TestCase)
Test112 = pytest.mark.slow(state_machine(large("1.12")).TestCase)
Test113 = state_machine(large("1.13")).TestCase
TestReused111 = pytest.mark.slow(state_machine(reused("1.11")).TestCase)
TestReused112 = pytest.mark.slow(state_machine(reused("1.12")).TestCase)
TestReused113 = state_machine(reused("1.13")).TestCase

HUNT = settings(
    max_examples=600,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # that it is found matters here, not how short
    suppress_health_check=list(HealthCheck),
)


def hunted(instance: Instance, message: str) -> str:
    """What is said of the run that a hunt finds."""
    with pytest.raises(AssertionError, match=message) as caught:
        run_state_machine_as_test(state_machine(instance), settings=HUNT)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    fast_first(
        [
            ">= for > in the idle check",
            "unregistered offers accepted",
            "cancel on the current gateway",
            "suspend fails requests",
        ]
    ),
)
def test_random_runs_find_a_break(name: str) -> None:
    """The easy ones of the ten: the deep ones are for the exhaustive check."""
    broken = next(b for b in BREAKS if b.name == name)
    violated, length = broken.found["1.12"]
    instance = POOL.instance({**ONE, **broken.bounds}, generation="1.12", replace=broken.replace)
    told = hunted(instance, violated)
    assert told.splitlines()[1].startswith("  1 ")
    assert len(told.splitlines()) > length


def test_known_deviations_are_left_out() -> None:
    names = {kind: {p.name for p in asked(large("1.12"), kind)} for kind in Kind}
    assert "no_request_is_forgotten" not in names[Kind.STEP]
    assert "a_conflicting_offer_is_refused_and_changes_nothing" in names[Kind.STEP]
    assert "the_maps_of_allocated_slots_agree" in names[Kind.ALWAYS]
    of_twins = {p.name for p in asked(reused("1.12"), Kind.ALWAYS)}
    assert "the_maps_of_allocated_slots_agree" not in of_twins


def test_a_violated_invariant_is_told_with_its_run() -> None:
    model = room()
    counter(model)

    def small(s: Room) -> bool:
        """There are few."""
        return s.count < 2

    says(model, "always", small)
    assert hunted(model.instance(), "small").splitlines() == [
        "room: small: There are few.",
        "  1 count_up()",
        "  2 count_up()",
    ]


def test_a_deadlock_is_found() -> None:
    model = room()

    def once(s: Room) -> int:
        """Only once."""
        if s.count:
            return DISABLED
        s.count = 1
        return 0

    model.action()(once)
    hunted(model.instance(), "deadlock: no call is possible")
    anything(model)
    few = settings(HUNT, max_examples=20)
    run_state_machine_as_test(state_machine(model.instance()), settings=few)


def test_a_step_that_leaves_the_protocol_is_found() -> None:
    model = room()

    def burn(s: Room) -> int:
        """Burn, even if it is off."""
        fire(s.lamp, 0, Lamp.burn)
        return 0

    model.action()(burn)
    hunted(model.instance(), "STP001")


def test_a_property_that_cannot_be_evaluated_is_found() -> None:
    model = room()
    counter(model)

    def lit(s: Room) -> bool:
        """The chosen lamp is lit."""
        return s.count == 0 or s.lamp[s.chosen] == Lamp.ON

    says(model, "always", lit)
    hunted(model.instance(), "lit cannot be evaluated: IndexError")


def test_an_action_may_have_the_name_of_a_method() -> None:
    model = room()
    anything(model)

    def take(s: Room) -> int:
        """Take a step."""
        if s.count == 2:
            return DISABLED
        s.count += 1
        return 0

    def low(s: Room) -> bool:
        """It stays low."""
        return s.count < 2

    model.action()(take)
    says(model, "always", low)
    assert "2 take()" in hunted(model.instance(), "low")
