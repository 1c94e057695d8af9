"""What the slot table keeps straight: budget, numbers, timeouts, closing."""

from __future__ import annotations

from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.slots import is_dynamic, is_known, is_waiting, table_waits
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.properties.task_slot_table.views import used_by_slots
from slotspec.statemachine.declaration.records import Setting


def timeouts_outlive(setting: Setting) -> str | None:
    """A slot with tasks keeps its timeout when it is freed."""
    if setting["tasks"]:
        return "an inactive slot with tasks keeps its timeout while it is being released"
    return None


def failures_block(setting: Setting) -> str | None:
    """A termination future that fails blocks the closing."""
    if setting["tasks"] and setting["failing_tasks"]:
        return "one failed termination future keeps the table CLOSING for ever"
    return None


@task_slot_table.always("ResourceBudgetManager.reserve, release")
def the_budget_is_used_by_slots_alone(s: TaskSlotTableState) -> bool:
    """What is taken from the budget is what the slots in the table have, no more and no less."""
    for resource in range(len(s.used)):
        if s.used[resource] != used_by_slots(s, resource):
            return False
    return True


@task_slot_table.always("ResourceBudgetManager.reserve")
def the_budget_is_never_exceeded(s: TaskSlotTableState) -> bool:
    """The slots never have more of a resource than there is."""
    for resource in range(len(s.used)):
        if used_by_slots(s, resource) > s.total[resource]:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.taskSlots")
def a_number_has_at_most_one_slot(s: TaskSlotTableState) -> bool:
    """No two slots have the same number; negative numbers (1.11, 1.12) are none."""
    for first in range(len(s.slot)):
        for second in range(first):
            if (
                is_known(s, first)
                and s.slot_number[first] == s.slot_number[second]
                and (
                    s.dynamic_number == DynamicNumber.COUNTED
                    or not is_dynamic(s, s.slot_number[first])
                )
            ):
                return False
    return True


@task_slot_table.always("TaskSlotTableImpl.checkRunning")
def only_a_started_table_has_slots(s: TaskSlotTableState) -> bool:
    """Before its start, and when it is closed without one, the table is empty."""
    if s.table[0] != Table.CREATED and s.table[0] != Table.DISCARDED:
        return True
    for allocation in range(len(s.slot)):
        if is_known(s, allocation):
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def a_closing_table_releases_every_slot(s: TaskSlotTableState) -> bool:
    """While the table is closing, and after, every slot in it is being released."""
    if s.table[0] != Table.CLOSING and s.table[0] != Table.CLOSED:
        return True
    for allocation in range(len(s.slot)):
        if is_known(s, allocation) and s.slot[allocation] != TaskSlot.RELEASING:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.allocateSlot, markSlotInactive")
def an_allocated_slot_has_a_timeout(s: TaskSlotTableState) -> bool:
    """A slot that nobody uses does not stay for ever."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == TaskSlot.ALLOCATED and s.timer[allocation] == SlotTimer.OFF:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.markExistingSlotActive")
def an_active_slot_has_no_timeout(s: TaskSlotTableState) -> bool:
    """A slot that is used cannot time out."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == TaskSlot.ACTIVE and s.timer[allocation] != SlotTimer.OFF:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.freeSlotInternal", deviation=timeouts_outlive)
def only_an_allocated_slot_has_a_timeout(s: TaskSlotTableState) -> bool:
    """Whatever has a timeout waits to be used."""
    for allocation in range(len(s.slot)):
        if s.timer[allocation] != SlotTimer.OFF and s.slot[allocation] != TaskSlot.ALLOCATED:
            return False
    return True


@task_slot_table.always("TimerService.registerTimeout")
def a_ticket_is_for_one_allocation(s: TaskSlotTableState) -> bool:
    """No two timeouts have the same ticket."""
    for first in range(len(s.slot)):
        for second in range(first):
            if s.timer[first] != SlotTimer.OFF and s.ticket[first] == s.ticket[second]:
                return False
    return True


@task_slot_table.always("TaskSlot.closeAsync")
def a_slot_closes_with_its_last_task(s: TaskSlotTableState) -> bool:
    """A slot that is being released is closed, has failed to, or waits for a task."""
    for allocation in range(len(s.slot)):
        releasing = s.slot[allocation] == TaskSlot.RELEASING
        pending = s.closing[allocation] == ClosingFuture.PENDING
        if releasing and pending != is_waiting(s, allocation):
            return False
        if not releasing and (not pending or is_waiting(s, allocation)):
            return False
    return True


@task_slot_table.always("TaskSlot.closeAsync: memoryManager.shutdown")
def memory_is_given_back_when_nothing_runs(s: TaskSlotTableState) -> bool:
    """A slot is closed, and its memory given back, only when all tasks in it have terminated."""
    for task in range(len(s.task)):
        if (
            is_inside(s, task)
            and s.task[task] == Task.RUNNING
            and s.closing[s.task_slot[task]] == ClosingFuture.DONE
        ):
            return False
    return True


def is_inside(s: TaskSlotTableState, task: int) -> bool:
    """Whether a task is in a slot."""
    return s.task_slot[task] < len(s.slot)


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def the_table_closes_with_its_last_task(s: TaskSlotTableState) -> bool:
    """A closing table is closed, has failed to, or waits for a task."""
    if s.table[0] == Table.CLOSING:
        return (s.table_closing[0] == ClosingFuture.PENDING) == table_waits(s)
    closed = s.table[0] == Table.CLOSED or s.table[0] == Table.DISCARDED
    return closed == (s.table_closing[0] == ClosingFuture.DONE) and not table_waits(s)


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def a_closed_table_runs_nothing(s: TaskSlotTableState) -> bool:
    """In a closed table no timeout is registered and every task has terminated."""
    if s.table[0] != Table.CLOSED:
        return True
    for allocation in range(len(s.slot)):
        if s.timer[allocation] != SlotTimer.OFF:
            return False
    for task in range(len(s.task)):
        if is_inside(s, task) and s.task[task] == Task.RUNNING:
            return False
    return True


@task_slot_table.always("TaskSlotTableImpl.closeAsync", deviation=failures_block)
def closing_the_table_never_fails(s: TaskSlotTableState) -> bool:
    """A table that is closed comes to its end."""
    return s.table_closing[0] != ClosingFuture.FAILED


@task_slot_table.step("TaskSlot.closeAsync")
def a_slot_that_is_given_up_is_not_used_again(
    before: TaskSlotTableState, after: TaskSlotTableState
) -> bool:
    """A slot that is being released only leaves; nothing activates it, for nobody."""
    for allocation in range(len(before.slot)):
        if (
            before.slot[allocation] == TaskSlot.RELEASING
            and after.slot[allocation] != TaskSlot.RELEASING
            and after.slot[allocation] != TaskSlot.FREE
        ):
            return False
    return True
