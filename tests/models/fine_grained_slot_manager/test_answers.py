"""What answers and reports must do to slots: one mistake for each promise that Flink keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.fine_grained_slot_manager import checking, operations, syncing, timers
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot, ManagedTaskManager
from slotspec.models.fine_grained_slot_manager.state import (
    OK,
    FineGrainedSlotManagerState,
    allocations,
)
from slotspec.models.fine_grained_slot_manager.workers import is_on
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Verdict
from tests.variants import fast_first

State = FineGrainedSlotManagerState


def give_up_every_slot(s: State, call: int) -> None:
    """A refusal takes all PENDING slots away."""
    for allocation in s.elements(allocations):
        if allocation != call and s.slot[allocation] == ManagedSlot.PENDING:
            syncing.free(s, allocation)
    timers.run_call(s, call)


def wait_for_the_answer(s: State, instance: int) -> tuple[int, int]:
    """A report does not confirm what has been requested."""
    for allocation in s.elements(allocations):
        if s.slot[allocation] == ManagedSlot.PENDING:
            return OK, 0
    return syncing.sync(s, instance)


def free_everything(s: State, instance: int) -> int:
    """With one connection, the slots of all go."""
    status = OK
    for allocation in s.elements(allocations):
        for other in range(len(s.registration)):
            if status == OK and is_on(s, allocation, other):
                status = syncing.free(s, allocation)
    return status


def idle_or_not(s: State, instance: int) -> bool:
    """Whoever is registered has been idle for too long."""
    return s.registration[instance] != ManagedTaskManager.UNREGISTERED


MISTAKES: dict[str, tuple[str, dict[str, int], dict[Callable[..., Any], Callable[..., Any]]]] = {
    "a_refusal_takes_no_other_slot": ("requests", {}, {timers.run_call: give_up_every_slot}),
    "a_reported_slot_is_allocated": ("reports", {}, {operations.sync: wait_for_the_answer}),
    "who_leaves_takes_only_own_slots": (
        "requests",
        {"losses": 1},
        {operations.free_all: free_everything},
    ),
    "only_idle_task_managers_are_asked": (
        "workers",
        {},
        {checking.is_idle_too_long: idle_or_not},
    ),
}


@pytest.mark.parametrize("name", fast_first(MISTAKES))
def test_a_mistake_is_found(name: str) -> None:
    scope, bounds, replace = MISTAKES[name]
    instance = load_model("fine_grained_slot_manager").instance(
        bounds, generation="2.3", scope=scope, replace=replace
    )
    instance.properties = {name: instance.properties[name]}
    (found,) = explore_interpreted(instance, Limits(states=1_500, until=name)).properties
    assert found.verdict is Verdict.VIOLATED
