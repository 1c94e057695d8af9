"""Tasks: the slots they are in, how to find them, when they fail."""

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
from slotspec.models.task_slot_table.state import Effect, Outcome, TaskSlotTableState, tasks
from slotspec.properties.task_slot_table.views import same_slots, same_tasks
from slotspec.statemachine.declaration.conditions import exceeds, known
from slotspec.statemachine.declaration.rules import NONE

TASK = {"task": tasks}


@task_slot_table.always(
    "TaskSlotTableImpl.addTask",
    each=TASK,
    when=has_tasks,
    deviation=known(
        "an execution that is added to a second slot can only be removed from there",
        exceeds("allocations", 1) & exceeds("tasks", 1),
    ),
)
def every_task_can_be_removed(s: TaskSlotTableState, task: int) -> bool:
    """The index has every task in a slot, so that the slot can become empty."""
    return s.task_slot[task] == NONE or s.indexed[task] == 1


@task_slot_table.always("TaskSlotTableImpl.taskSlotMappings", each=TASK, when=has_tasks)
def the_index_knows_tasks_in_slots_only(s: TaskSlotTableState, task: int) -> bool:
    """A task in the index is in a slot, and is the only one there of its execution."""
    return not s.indexed[task] or (
        s.task_slot[task] != NONE
        and not any(
            s.indexed[other] and s.execution[other] == s.execution[task] for other in range(task)
        )
    )


@task_slot_table.always("TaskSlot.add", each=TASK, when=has_tasks)
def a_slot_has_an_execution_once(s: TaskSlotTableState, task: int) -> bool:
    """No slot has two tasks of one execution."""
    return s.task_slot[task] == NONE or not any(
        s.task_slot[other] == s.task_slot[task] and s.execution[other] == s.execution[task]
        for other in range(task)
    )


@task_slot_table.always("TaskSlotTableImpl.freeSlotInternal", each=TASK, when=has_tasks)
def a_slot_with_tasks_stays_in_the_table(s: TaskSlotTableState, task: int) -> bool:
    """No task is in a slot that has left."""
    return s.task_slot[task] == NONE or is_known(s, s.task_slot[task])


@task_slot_table.step("TaskSlotTableImpl.addTask", on=add_task)
def only_an_active_slot_of_its_job_takes_a_task(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """A task that is refused changes nothing; one that is added changes no slot."""
    if result != 1:
        return same_slots(before, after) and same_tasks(before, after)
    return (
        before.slot[allocation] == TaskSlot.ACTIVE
        and before.slot_job[allocation] == job
        and same_slots(before, after)
    )


@task_slot_table.step("TaskSlotTableImpl.removeTask", on=remove_task)
def the_last_task_of_a_slot_asks_to_free_it(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int
) -> bool:
    """Removing a task calls freeSlot exactly if it empties a slot that is being released."""
    calls = sum(e.kind == Effect.FREE_SLOT for e in after.effects)
    if result == NONE:
        return calls == 0 and same_tasks(before, after)
    slot = before.task_slot[result]
    due = after.slot[slot] == TaskSlot.RELEASING and is_empty(after, slot)
    return calls == int(due) and all(
        e.allocation == slot for e in after.effects if e.kind == Effect.FREE_SLOT
    )


@task_slot_table.step("TaskSlot.closeAsync", each=TASK, when=has_tasks)
def tasks_are_told_to_fail_once(
    before: TaskSlotTableState, after: TaskSlotTableState, task: int
) -> bool:
    """A task is failed once, when its slot is released, and at no other time."""
    slot = before.task_slot[task]
    released = (
        slot != NONE
        and before.slot[slot] != TaskSlot.RELEASING
        and after.slot[slot] == TaskSlot.RELEASING
    )
    return sum(e.kind == Effect.FAIL_TASK and e.task == task for e in after.effects) == released


@task_slot_table.step("TaskSlot.closeAsync", on=task_terminates)
def one_failed_termination_fails_the_slot(
    before: TaskSlotTableState, after: TaskSlotTableState, task: int, outcome: int
) -> bool:
    """A slot that waits for a task whose termination fails never closes."""
    slot = before.awaited_by[task]
    return slot == NONE or (outcome == Outcome.FAILS) == (
        after.closing[slot] == ClosingFuture.FAILED
    )
