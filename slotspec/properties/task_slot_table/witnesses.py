"""What can happen to a slot table: guards against vacuous properties."""

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
from slotspec.models.task_slot_table.state import TaskSlotTableState, allocations, tasks
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def dynamic_take_all(setting: Setting) -> bool:
    """Whether dynamic slots can use up what the static ones need."""
    numbers = setting["dynamic_slots"]
    if setting["dynamic_number"] == DynamicNumber.ASKED and numbers:
        numbers = setting["allocations"]
    shares = setting["static_slots"] + setting["spare"]
    return bool(numbers > setting["spare"] and setting["allocations"] >= shares)


has_failing_tasks = has_tasks & is_set("failing_tasks")


def has_twins(setting: Setting) -> bool:
    """Whether two slots can be in use at a time, with a task each."""
    shares = setting["static_slots"] + setting["spare"]
    numbers = setting["static_slots"] + setting["dynamic_slots"]
    return bool(min(setting["tasks"], setting["allocations"], shares, numbers) > 1)


has_gpu = exceeds("profiles", 2) & is_set("dynamic_slots")


@task_slot_table.sometimes("TaskSlotTableImpl.allocateSlot", when=is_set("dynamic_slots"))
def a_dynamic_slot_is_used(s: TaskSlotTableState) -> bool:
    """A slot beyond the static ones is active."""
    return any(
        slot == TaskSlot.ACTIVE and is_dynamic(s, s.slot_number[a]) for a, slot in enumerate(s.slot)
    )


@task_slot_table.sometimes("TaskSlotTableImpl.allocateSlot", when=dynamic_take_all)
def a_static_slot_lacks_its_share(s: TaskSlotTableState) -> bool:
    """Dynamic slots have used up what a free static slot would need."""
    return (
        s.table[0] == Table.RUNNING
        and any(allocation_under(s, number) == NONE for number in range(s.static_count))
        and not is_covered(s, s.default_profile)
    )


@task_slot_table.sometimes("ResourceBudgetManager.reserve", when=has_gpu)
def an_extended_resource_is_used_up(s: TaskSlotTableState) -> bool:
    """Nothing is left of the extended resource."""
    return any(0 < s.used[r] == s.total[r] for r in range(FIXED_COUNT, len(s.used)))


@task_slot_table.sometimes("TaskSlotTableImpl.markSlotInactive", when=has_tasks)
def an_inactive_slot_has_tasks(s: TaskSlotTableState) -> bool:
    """A slot whose JobMaster is lost keeps its tasks."""
    return any(slot == TaskSlot.ALLOCATED and not is_empty(s, a) for a, slot in enumerate(s.slot))


@task_slot_table.sometimes("TaskSlotTableImpl.removeTask", when=has_tasks)
def an_empty_slot_waits_for_tasks_that_were_removed(s: TaskSlotTableState) -> bool:
    """Tasks were removed before they terminated: the slot is empty, but not closed."""
    return any(
        slot == TaskSlot.RELEASING and is_empty(s, a) and s.closing[a] == ClosingFuture.PENDING
        for a, slot in enumerate(s.slot)
    )


@task_slot_table.sometimes("TaskSlotTableImpl.freeSlotInternal", when=has_tasks)
def a_closed_slot_is_still_in_the_table(s: TaskSlotTableState) -> bool:
    """Tasks have terminated before they were removed: the slot is closed, but has not left."""
    return any(
        closing == ClosingFuture.DONE and not is_empty(s, a) for a, closing in enumerate(s.closing)
    )


@task_slot_table.sometimes("TaskSlotTableImpl.addTask", when=has_twins)
def an_execution_is_in_two_slots(s: TaskSlotTableState) -> bool:
    """Two tasks have the same execution, and the index has only the newer one."""
    return any(
        s.task_slot[first] != NONE
        and s.task_slot[second] != NONE
        and s.execution[first] == s.execution[second]
        for first in s.elements(tasks)
        for second in range(first)
    )


@task_slot_table.sometimes("TimerService.Timeout")
def a_fired_timeout_is_valid_until_it_arrives(s: TaskSlotTableState) -> bool:
    """A timeout is under way to the slot that still waits for it."""
    return any(
        slot == TaskSlot.ALLOCATED and s.timer[a] == SlotTimer.FIRED and s.sent[s.ticket[a]] == a
        for a, slot in enumerate(s.slot)
    )


@task_slot_table.sometimes("TaskExecutor.timeoutSlot")
def a_timeout_is_under_way_to_an_active_slot(s: TaskSlotTableState) -> bool:
    """The slot was activated after its timeout had fired, but before it arrived."""
    return any(a != NONE and s.slot[a] == TaskSlot.ACTIVE for a in s.sent)


@task_slot_table.sometimes("TaskExecutor.timeoutSlot", when=exceeds("tickets", 1))
def a_timeout_is_under_way_to_the_next_slot(s: TaskSlotTableState) -> bool:
    """The allocation was freed and allocated again before its old timeout arrived."""
    return any(
        a != NONE and s.slot[a] == TaskSlot.ALLOCATED and s.ticket[a] != ticket
        for ticket, a in enumerate(s.sent)
    )


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_tasks)
def a_closed_table_still_has_slots(s: TaskSlotTableState) -> bool:
    """Every task has terminated, but not every one was removed."""
    return s.table[0] == Table.CLOSED and has_slots(s)


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_tasks)
def a_table_without_slots_waits_for_tasks(s: TaskSlotTableState) -> bool:
    """The closing waits for tasks that were removed, and their slots have left."""
    return s.table[0] == Table.CLOSING and table_waits(s) and not has_slots(s)


def has_slots(s: TaskSlotTableState) -> bool:
    """Whether any slot is in the table."""
    return any(is_known(s, a) for a in s.elements(allocations))


@task_slot_table.sometimes("TaskSlotTableImpl.closeAsync", when=has_failing_tasks)
def a_table_is_closing_for_ever(s: TaskSlotTableState) -> bool:
    """A termination future has failed: every task is over, but the table stays CLOSING."""
    return (
        s.table[0] == Table.CLOSING
        and s.table_closing[0] == ClosingFuture.FAILED
        and not any(s.task[t] == Task.RUNNING and s.task_slot[t] != NONE for t in s.elements(tasks))
    )


@task_slot_table.sometimes("TaskSlotTableImpl.freeSlotInternal", when=has_tasks)
def a_slot_times_out_while_it_is_released(s: TaskSlotTableState) -> bool:
    """A timeout fires for a slot that is already being released."""
    return any(
        slot == TaskSlot.RELEASING and s.timer[a] == SlotTimer.FIRED
        for a, slot in enumerate(s.slot)
    )
