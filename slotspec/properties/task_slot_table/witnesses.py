"""What can happen to a slot table: without these, the other properties might be empty."""

from __future__ import annotations

from slotspec.models.task_slot_table.environment import has_tasks
from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.resources import FIXED_COUNT
from slotspec.models.task_slot_table.slots import (
    allocation_under,
    is_covered,
    is_dynamic,
    is_empty,
    is_known,
    table_waits,
)
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def has_dynamic(setting: Setting) -> bool:
    return bool(setting["dynamic_slots"])


def dynamic_take_all(setting: Setting) -> bool:
    """Whether dynamic slots can use up what the static ones need."""
    numbers = setting["dynamic_slots"]
    if setting["dynamic_number"] == DynamicNumber.ASKED and numbers:
        numbers = setting["allocations"]
    shares = setting["static_slots"] + setting["spare"]
    return bool(numbers > setting["spare"] and setting["allocations"] >= shares)


def has_failing_tasks(setting: Setting) -> bool:
    return has_tasks(setting) and bool(setting["failing_tasks"])


def has_twins(setting: Setting) -> bool:
    """Whether two slots can be used at a time, with a task each."""
    shares = setting["static_slots"] + setting["spare"]
    numbers = setting["static_slots"] + setting["dynamic_slots"]
    return bool(min(setting["tasks"], setting["allocations"], shares, numbers) > 1)


def has_late_tickets(setting: Setting) -> bool:
    return bool(setting["tickets"] > 1)


def has_gpu(setting: Setting) -> bool:
    return bool(setting["profiles"] > 2 and setting["dynamic_slots"])


@task_slot_table.sometimes("TaskSlotTableImpl.allocateSlot", when=has_dynamic)
def a_dynamic_slot_is_used(s: TaskSlotTableState) -> bool:
    """A slot beyond the static ones is active."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == TaskSlot.ACTIVE and is_dynamic(s, s.slot_number[allocation]):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.allocateSlot", when=dynamic_take_all)
def a_static_slot_lacks_its_share(s: TaskSlotTableState) -> bool:
    """Dynamic slots have used up what a free static slot would need."""
    if s.table[0] != Table.RUNNING:
        return False
    for number in range(s.static_count):
        if allocation_under(s, number) == NONE and not is_covered(s, s.default_profile):
            return True
    return False


@task_slot_table.sometimes("ResourceBudgetManager.reserve", when=has_gpu)
def an_extended_resource_is_used_up(s: TaskSlotTableState) -> bool:
    """Nothing is left of the extended resource."""
    for resource in range(FIXED_COUNT, len(s.used)):
        if s.used[resource] > 0 and s.used[resource] == s.total[resource]:
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.markSlotInactive", when=has_tasks)
def an_inactive_slot_has_tasks(s: TaskSlotTableState) -> bool:
    """A slot whose JobMaster is lost keeps what runs in it."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == TaskSlot.ALLOCATED and not is_empty(s, allocation):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.removeTask", when=has_tasks)
def an_empty_slot_waits_for_tasks_that_were_removed(s: TaskSlotTableState) -> bool:
    """Tasks were removed before they terminated: the slot is empty, and not closed."""
    for allocation in range(len(s.slot)):
        if (
            s.slot[allocation] == TaskSlot.RELEASING
            and is_empty(s, allocation)
            and s.closing[allocation] == ClosingFuture.PENDING
        ):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.freeSlotInternal", when=has_tasks)
def a_closed_slot_is_still_in_the_table(s: TaskSlotTableState) -> bool:
    """Tasks have terminated before they were removed: the slot is closed, and not gone."""
    for allocation in range(len(s.slot)):
        if s.closing[allocation] == ClosingFuture.DONE and not is_empty(s, allocation):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.addTask", when=has_twins)
def an_execution_is_in_two_slots(s: TaskSlotTableState) -> bool:
    """Two tasks of one execution, and the index knows the newer one."""
    for first in range(len(s.task)):
        for second in range(first):
            if (
                s.task_slot[first] != NONE
                and s.task_slot[second] != NONE
                and s.execution[first] == s.execution[second]
            ):
                return True
    return False


@task_slot_table.sometimes("TimerService.Timeout")
def a_fired_timeout_is_valid_until_it_arrives(s: TaskSlotTableState) -> bool:
    """A timeout is under way to the slot that still waits for it."""
    for allocation in range(len(s.slot)):
        if (
            s.slot[allocation] == TaskSlot.ALLOCATED
            and s.timer[allocation] == SlotTimer.FIRED
            and s.sent[s.ticket[allocation]] == allocation
        ):
            return True
    return False


@task_slot_table.sometimes("TaskExecutor.timeoutSlot")
def a_timeout_is_under_way_to_an_active_slot(s: TaskSlotTableState) -> bool:
    """The slot was activated after its timeout had fired, before that arrived."""
    for ticket in range(len(s.sent)):
        allocation = s.sent[ticket]
        if allocation != NONE and s.slot[allocation] == TaskSlot.ACTIVE:
            return True
    return False


@task_slot_table.sometimes("TaskExecutor.timeoutSlot", when=has_late_tickets)
def a_timeout_is_under_way_to_the_next_slot(s: TaskSlotTableState) -> bool:
    """The allocation was freed and allocated again before its old timeout arrived."""
    for ticket in range(len(s.sent)):
        allocation = s.sent[ticket]
        if (
            allocation != NONE
            and s.slot[allocation] == TaskSlot.ALLOCATED
            and s.ticket[allocation] != ticket
        ):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_tasks)
def a_closed_table_still_has_slots(s: TaskSlotTableState) -> bool:
    """Every task has terminated, but not every one was removed."""
    if s.table[0] != Table.CLOSED:
        return False
    for allocation in range(len(s.slot)):
        if is_known(s, allocation):
            return True
    return False


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_tasks)
def a_table_without_slots_waits_for_tasks(s: TaskSlotTableState) -> bool:
    """The closing waits for tasks that were removed, and their slots have gone."""
    if s.table[0] != Table.CLOSING or not table_waits(s):
        return False
    for allocation in range(len(s.slot)):
        if is_known(s, allocation):
            return False
    return True


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_failing_tasks)
def a_table_is_closing_for_ever(s: TaskSlotTableState) -> bool:
    """A termination future has failed: every task is over, and the table stays CLOSING."""
    if s.table[0] != Table.CLOSING or s.table_closing[0] != ClosingFuture.FAILED:
        return False
    for task in range(len(s.task)):
        if s.task[task] == Task.RUNNING and s.task_slot[task] != NONE:
            return False
    return True


@task_slot_table.sometimes("TaskSlotTableImpl.freeSlotInternal", when=has_tasks)
def a_slot_times_out_while_it_is_released(s: TaskSlotTableState) -> bool:
    """A timeout fires for a slot that was given up already."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == TaskSlot.RELEASING and s.timer[allocation] == SlotTimer.FIRED:
            return True
    return False
