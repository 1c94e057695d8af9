"""Tasks: in which slot they are, who can find them, what tells them to fail."""

from __future__ import annotations

from slotspec.models.task_slot_table.environment import (
    add_task,
    has_tasks,
    remove_task,
    task_terminates,
)
from slotspec.models.task_slot_table.lifecycles import ClosingFuture, TaskSlot
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.slots import is_empty, is_known
from slotspec.models.task_slot_table.state import Effect, TaskSlotTableState
from slotspec.properties.common.effects import count_effects
from slotspec.properties.task_slot_table.views import same_slots, same_tasks
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def executions_meet(setting: Setting) -> str | None:
    if setting["allocations"] > 1 and setting["tasks"] > 1:
        return "an execution that is added to a second slot can only be removed from there"
    return None


@task_slot_table.always("TaskSlotTableImpl.addTask", when=has_tasks, deviation=executions_meet)
def every_task_can_be_removed(s: TaskSlotTableState) -> bool:
    """The index of tasks knows every task in a slot, so that the slot can become empty."""
    for task in range(len(s.task)):
        if s.task_slot[task] != NONE and not s.indexed[task]:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.taskSlotMappings", when=has_tasks)
def the_index_knows_tasks_in_slots_only(s: TaskSlotTableState) -> bool:
    """What the index knows is in a slot, and each execution leads to one task."""
    for first in range(len(s.task)):
        if s.indexed[first] and s.task_slot[first] == NONE:
            return False
        for second in range(first):
            if s.indexed[first] and s.indexed[second] and s.execution[first] == s.execution[second]:
                return False
    return True


@task_slot_table.always("TaskSlot.add", when=has_tasks)
def a_slot_has_an_execution_once(s: TaskSlotTableState) -> bool:
    """No slot has two tasks of one execution."""
    for first in range(len(s.task)):
        for second in range(first):
            if (
                s.task_slot[first] != NONE
                and s.task_slot[first] == s.task_slot[second]
                and s.execution[first] == s.execution[second]
            ):
                return False
    return True


@task_slot_table.always("TaskSlotTableImpl.freeSlotInternal", when=has_tasks)
def a_slot_with_tasks_stays_in_the_table(s: TaskSlotTableState) -> bool:
    """No task is in a slot that has left."""
    for task in range(len(s.task)):
        if s.task_slot[task] != NONE and not is_known(s, s.task_slot[task]):
            return False
    return True


@task_slot_table.step("TaskSlotTableImpl.addTask", on=add_task)
def only_an_active_slot_of_its_job_takes_a_task(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    execution: int,
    job: int,
    allocation: int,
    quick: int,
) -> bool:
    """A task that is not taken changes nothing; slots are never changed by tasks."""
    if not same_slots(before, after):
        return False
    if result == 1:
        return before.slot[allocation] == TaskSlot.ACTIVE and before.slot_job[allocation] == job
    return same_tasks(before, after)


@task_slot_table.step("TaskSlotTableImpl.removeTask", on=remove_task)
def the_last_task_of_a_slot_asks_to_free_it(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, execution: int
) -> bool:
    """Whoever frees slots is told exactly when a slot that is given up becomes empty."""
    told = count_effects(after, int(Effect.FREE_SLOT))
    if result == NONE:
        return told == 0 and same_tasks(before, after)
    allocation = before.task_slot[result]
    due = after.slot[allocation] == TaskSlot.RELEASING and is_empty(after, allocation)
    return told == int(due) and count_effects(after, int(Effect.FREE_SLOT), allocation) == told


@task_slot_table.step("TaskSlot.closeAsync", when=has_tasks)
def tasks_are_told_to_fail_once(before: TaskSlotTableState, after: TaskSlotTableState) -> bool:
    """A task is told to fail when its slot is given up, once, and at no other time."""
    for task in range(len(before.task)):
        allocation = before.task_slot[task]
        told = count_effects(after, int(Effect.FAIL_TASK), task)
        if allocation == NONE:
            if told != 0:
                return False
        else:
            given_up = (
                before.slot[allocation] != TaskSlot.RELEASING
                and after.slot[allocation] == TaskSlot.RELEASING
            )
            if told != int(given_up):
                return False
    return True


@task_slot_table.step("TaskSlot.closeAsync", on=task_terminates)
def one_failed_termination_fails_the_slot(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, task: int, outcome: int
) -> bool:
    """A slot that waits for a task whose termination fails is never closed."""
    allocation = before.awaited_by[task]
    if allocation == NONE:
        return True
    if outcome == 1:
        return after.closing[allocation] == ClosingFuture.FAILED
    return after.closing[allocation] != ClosingFuture.FAILED
