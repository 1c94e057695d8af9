"""What the slot table keeps consistent: budget, numbers, timeouts, closing."""

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
from slotspec.models.task_slot_table.state import (
    TaskSlotTableState,
    allocations,
    resources,
    tasks,
)
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.properties.task_slot_table.views import used_by_slots
from slotspec.statemachine.declaration.conditions import is_set, known
from slotspec.statemachine.declaration.rules import NONE

ALLOCATION = {"allocation": allocations}


timeouts_outlive = known(
    "an inactive slot with tasks keeps its timeout while it is being released", is_set("tasks")
)
"""A slot with tasks keeps its timeout when it is freed."""
failures_block = known(
    "one failed termination future keeps the table CLOSING for ever",
    is_set("tasks", "failing_tasks"),
)
"""A termination future that fails blocks the closing."""


@task_slot_table.always("ResourceBudgetManager.reserve, release", each={"resource": resources})
def the_budget_is_used_by_slots_alone(s: TaskSlotTableState, resource: int) -> bool:
    """The amount taken from the budget is exactly what the slots in the table have."""
    return s.used[resource] == used_by_slots(s, resource)


@task_slot_table.always("ResourceBudgetManager.reserve", each={"resource": resources})
def the_budget_is_never_exceeded(s: TaskSlotTableState, resource: int) -> bool:
    """The slots never have more of a resource than there is."""
    return used_by_slots(s, resource) <= s.total[resource]


@task_slot_table.always("TaskSlotTableImpl.taskSlots", each=ALLOCATION)
def a_number_has_at_most_one_slot(s: TaskSlotTableState, allocation: int) -> bool:
    """No two slots have the same number; a negative one (1.11, 1.12) is not a number."""
    number = s.slot_number[allocation]
    if s.dynamic_number == DynamicNumber.ASKED and is_dynamic(s, number):
        return True
    return not is_known(s, allocation) or all(
        s.slot_number[other] != number for other in range(allocation)
    )


@task_slot_table.always("TaskSlotTableImpl.checkRunning")
def only_a_started_table_has_slots(s: TaskSlotTableState) -> bool:
    """Before its start, and if it is closed without one, the table is empty."""
    return s.table[0] not in (Table.CREATED, Table.DISCARDED) or not any(
        is_known(s, allocation) for allocation in s.elements(allocations)
    )


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def a_closing_table_releases_every_slot(s: TaskSlotTableState) -> bool:
    """While the table is closing, and after that, every slot in it is being released."""
    return s.table[0] not in (Table.CLOSING, Table.CLOSED) or all(
        slot in (TaskSlot.FREE, TaskSlot.RELEASING) for slot in s.slot
    )


@task_slot_table.always("TaskSlotTableImpl.allocateSlot, markSlotInactive", each=ALLOCATION)
def an_allocated_slot_has_a_timeout(s: TaskSlotTableState, allocation: int) -> bool:
    """A slot that nobody uses does not stay for ever."""
    return s.slot[allocation] != TaskSlot.ALLOCATED or s.timer[allocation] != SlotTimer.OFF


@task_slot_table.always("TaskSlotTableImpl.markExistingSlotActive", each=ALLOCATION)
def an_active_slot_has_no_timeout(s: TaskSlotTableState, allocation: int) -> bool:
    """A slot in use cannot time out."""
    return s.slot[allocation] != TaskSlot.ACTIVE or s.timer[allocation] == SlotTimer.OFF


@task_slot_table.always(
    "TaskSlotTableImpl.freeSlotInternal", each=ALLOCATION, deviation=timeouts_outlive
)
def only_an_allocated_slot_has_a_timeout(s: TaskSlotTableState, allocation: int) -> bool:
    """Only a slot that waits to be used has a timeout."""
    return s.timer[allocation] == SlotTimer.OFF or s.slot[allocation] == TaskSlot.ALLOCATED


@task_slot_table.always("TimerService.registerTimeout", each=ALLOCATION)
def a_ticket_is_for_one_allocation(s: TaskSlotTableState, allocation: int) -> bool:
    """No two timeouts have the same ticket."""
    return s.timer[allocation] == SlotTimer.OFF or all(
        s.ticket[other] != s.ticket[allocation] for other in range(allocation)
    )


@task_slot_table.always("TaskSlot.closeAsync", each=ALLOCATION)
def a_slot_closes_with_its_last_task(s: TaskSlotTableState, allocation: int) -> bool:
    """A slot that is being released is closed, has failed to close, or waits for a task."""
    pending = s.closing[allocation] == ClosingFuture.PENDING
    if s.slot[allocation] == TaskSlot.RELEASING:
        return pending == is_waiting(s, allocation)
    return pending and not is_waiting(s, allocation)


@task_slot_table.always("TaskSlot.closeAsync: memoryManager.shutdown", each={"task": tasks})
def memory_is_given_back_when_nothing_runs(s: TaskSlotTableState, task: int) -> bool:
    """A slot closes and releases its memory only after all tasks in it have terminated."""
    return (
        s.task_slot[task] == NONE
        or s.task[task] != Task.RUNNING
        or s.closing[s.task_slot[task]] != ClosingFuture.DONE
    )


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def the_table_closes_with_its_last_task(s: TaskSlotTableState) -> bool:
    """A closing table is closed, has failed to close, or waits for a task."""
    if s.table[0] == Table.CLOSING:
        return (s.table_closing[0] == ClosingFuture.PENDING) == table_waits(s)
    closed = s.table[0] in (Table.CLOSED, Table.DISCARDED)
    return closed == (s.table_closing[0] == ClosingFuture.DONE) and not table_waits(s)


@task_slot_table.always("TaskSlotTableImpl.closeAsync")
def a_closed_table_runs_nothing(s: TaskSlotTableState) -> bool:
    """A closed table has no timeouts and no running tasks."""
    return s.table[0] != Table.CLOSED or not (
        any(timer != SlotTimer.OFF for timer in s.timer)
        or any(s.task_slot[t] != NONE and s.task[t] == Task.RUNNING for t in s.elements(tasks))
    )


@task_slot_table.always("TaskSlotTableImpl.closeAsync", deviation=failures_block)
def closing_the_table_never_fails(s: TaskSlotTableState) -> bool:
    """Once closing, the table becomes closed."""
    return s.table_closing[0] != ClosingFuture.FAILED


@task_slot_table.step("TaskSlot.closeAsync", each=ALLOCATION)
def a_slot_that_is_given_up_is_not_used_again(
    before: TaskSlotTableState, after: TaskSlotTableState, allocation: int
) -> bool:
    """A slot that is being released can only leave; nothing activates it again."""
    return before.slot[allocation] != TaskSlot.RELEASING or after.slot[allocation] in (
        TaskSlot.RELEASING,
        TaskSlot.FREE,
    )
