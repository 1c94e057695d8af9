"""The slot table's bookkeeping below its operations: budget, numbers, timers, tasks.

Flink: the private methods and maps of TaskSlotTableImpl, TaskSlot and TimerService.
"""

from __future__ import annotations

from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.state import (
    ANY_PROFILE,
    UNKNOWN_PROFILE,
    Effect,
    TaskSlotTableState,
)
from slotspec.models.task_slot_table.versions import (
    DynamicNumber,
    RepeatedAllocation,
    StaticProfile,
    UnknownProfile,
)
from slotspec.statemachine.declaration.rules import NONE, emit, fire, recycle

# --------------------------------------------------------------------------------- lookup


def is_known(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the table has a slot under this allocation, in whatever state."""
    return s.slot[allocation] != TaskSlot.FREE


def is_dynamic(s: TaskSlotTableState, number: int) -> bool:
    """Whether this is the number of a dynamic slot, or asks for one."""
    return number >= s.static_count


def allocation_under(s: TaskSlotTableState, number: int) -> int:
    """The allocation in the table of numbers, or NONE. Flink: TaskSlotTableImpl.taskSlots."""
    if number == NONE or (s.dynamic_number == DynamicNumber.ASKED and is_dynamic(s, number)):
        return NONE
    for allocation in range(len(s.slot)):
        if is_known(s, allocation) and s.slot_number[allocation] == number:
            return allocation
    return NONE


def indexed_task(s: TaskSlotTableState, execution: int) -> int:
    """The task that the index knows by this execution id, or NONE."""
    for task in range(len(s.task)):
        if s.indexed[task] and s.execution[task] == execution:
            return task
    return NONE


def task_in(s: TaskSlotTableState, allocation: int, execution: int) -> int:
    """The task that the slot itself has under this execution id, or NONE."""
    for task in range(len(s.task)):
        if s.task_slot[task] == allocation and s.execution[task] == execution:
            return task
    return NONE


def is_empty(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the slot has no tasks. Flink: TaskSlot.isEmpty."""
    for task in range(len(s.task)):
        if s.task_slot[task] == allocation:
            return False
    return True


# -------------------------------------------------------------------- profiles and budget


def profile_for(s: TaskSlotTableState, number: int, profile: int) -> int:
    """The profile that a request gets; `profile` may be NONE. UNKNOWN is for the caller."""
    if s.static_profile == StaticProfile.DEFAULT and not is_dynamic(s, number):
        return s.default_profile
    if profile == NONE:
        return s.default_profile
    if s.unknown_profile == UnknownProfile.DEFAULT and s.special[profile] == UNKNOWN_PROFILE:
        return s.default_profile
    return profile


def is_covered(s: TaskSlotTableState, profile: int) -> bool:
    """Whether enough is left of the budget. Flink: ResourceBudgetManager.reserve."""
    if s.boundless:
        return True
    if s.special[profile] == ANY_PROFILE:
        return False
    for resource in range(len(s.used)):
        left = s.total[resource] - s.used[resource]
        if left < s.amount[profile * len(s.used) + resource]:
            return False
    return True


def reserve(s: TaskSlotTableState, profile: int) -> None:
    """Take a profile from the budget."""
    if not s.boundless:
        for resource in range(len(s.used)):
            s.used[resource] += s.amount[profile * len(s.used) + resource]


def give_back(s: TaskSlotTableState, profile: int) -> None:
    """Return a profile to the budget. Flink: ResourceBudgetManager.release."""
    if not s.boundless:
        for resource in range(len(s.used)):
            s.used[resource] -= s.amount[profile * len(s.used) + resource]


def is_acknowledged(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    """Whether a request for an allocation that has a slot is answered yes.

    Flink: TaskSlotTableImpl.isDuplicatedSlot (1.13).
    """
    if s.repeated_allocation == RepeatedAllocation.DISABLED:
        return False
    if s.slot_job[allocation] != job:
        return False
    if s.twin[s.slot_profile[allocation]] != s.twin[profile]:
        return False
    return dynamic or s.slot_number[allocation] == number


# --------------------------------------------------------------------------------- timers


def register_timeout(s: TaskSlotTableState, allocation: int, ticket: int, timeout: int) -> None:
    """A new ticket; an older one of this allocation is no longer valid.

    Flink: TimerService.registerTimeout.
    """
    fire(s.timer, allocation, SlotTimer.register)
    s.ticket[allocation] = ticket
    if s.follow_clock:
        s.serial += 1
        s.registered[allocation] = s.serial
        s.due[allocation] = s.clock + timeout


def unregister_timeout(s: TaskSlotTableState, allocation: int) -> None:
    """Forget the timeout of an allocation, if it has one."""
    if s.timer[allocation] != SlotTimer.OFF:
        fire(s.timer, allocation, SlotTimer.unregister)
        s.ticket[allocation] = NONE
        s.registered[allocation] = 0
        s.due[allocation] = 0


def has_ticket(s: TaskSlotTableState, allocation: int, ticket: int) -> bool:
    """Whether this is the ticket of the allocation's present timeout, fired or not.

    Flink: TimerService.isValid.
    """
    return s.timer[allocation] != SlotTimer.OFF and s.ticket[allocation] == ticket


def next_to_fire(s: TaskSlotTableState, until: int) -> int:
    """The allocation whose timeout fires next, no later than `until`; NONE without one."""
    found = NONE
    for allocation in range(len(s.slot)):
        if (
            s.timer[allocation] == SlotTimer.RUNNING
            and s.due[allocation] <= until
            and (found == NONE or is_due_before(s, allocation, found))
        ):
            found = allocation
    return found


def is_due_before(s: TaskSlotTableState, allocation: int, other: int) -> bool:
    """Whether a timeout fires before another: by time, then by registration."""
    if s.due[allocation] == s.due[other]:
        return s.registered[allocation] < s.registered[other]
    return s.due[allocation] < s.due[other]


# ------------------------------------------------------------------------------- releasing


def fail_tasks(s: TaskSlotTableState, allocation: int) -> None:
    """Tell every task in the slot to fail, terminated ones too."""
    for task in range(len(s.task)):
        if s.task_slot[task] == allocation:
            emit(s, Effect.FAIL_TASK, task)
            if s.quick[task] and s.task[task] == Task.RUNNING:
                fire(s.task, task, Task.finish)


def close_slot(s: TaskSlotTableState, allocation: int) -> None:
    """Give the slot up: its closing waits for the tasks that are in it now.

    Flink: TaskSlot.closeAsync. A slot that is closing already is left alone.
    """
    if s.slot[allocation] == TaskSlot.RELEASING:
        return
    fire(s.slot, allocation, TaskSlot.release)
    fail_tasks(s, allocation)
    failed = False
    waits = False
    for task in range(len(s.task)):
        if s.task_slot[task] == allocation:
            if s.task[task] == Task.FAILED:
                failed = True
            elif s.task[task] == Task.RUNNING:
                s.awaited_by[task] = allocation
                waits = True
    if failed:
        fail_closing(s, allocation)
    elif not waits:
        fire(s.closing, allocation, ClosingFuture.complete)


def fail_closing(s: TaskSlotTableState, allocation: int) -> None:
    """A termination future of the slot has failed: it waits for nothing more."""
    fire(s.closing, allocation, ClosingFuture.fail)
    wait_no_more(s, allocation)


def wait_no_more(s: TaskSlotTableState, allocation: int) -> None:
    """No task is waited for under this allocation any more."""
    for task in range(len(s.task)):
        if s.awaited_by[task] == allocation:
            s.awaited_by[task] = NONE


def is_waiting(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the slot's closing waits for a task."""
    for task in range(len(s.task)):
        if s.awaited_by[task] == allocation:
            return True
    return False


def leave_if_empty(s: TaskSlotTableState, allocation: int) -> bool:
    """A slot that is given up and has no tasks leaves the table, with all that it had."""
    if not is_empty(s, allocation):
        return False
    fire(s.slot, allocation, TaskSlot.leave)
    unregister_timeout(s, allocation)
    give_back(s, s.slot_profile[allocation])
    wait_no_more(s, allocation)
    recycle(s.slot, allocation)
    recycle(s.closing, allocation)
    s.slot_number[allocation] = NONE
    s.slot_job[allocation] = NONE
    s.slot_profile[allocation] = NONE
    return True


def slot_hears(s: TaskSlotTableState, allocation: int, fails: int) -> None:
    """A task that the slot's closing waits for has terminated."""
    if fails:
        fail_closing(s, allocation)
    elif not is_waiting(s, allocation):
        fire(s.closing, allocation, ClosingFuture.complete)


def table_waits(s: TaskSlotTableState) -> bool:
    """Whether the closing of the table waits for a task."""
    for task in range(len(s.task)):
        if s.closing_waits[task]:
            return True
    return False


def fail_table(s: TaskSlotTableState) -> None:
    """One slot could not be closed: the table stays CLOSING for ever."""
    for task in range(len(s.task)):
        s.closing_waits[task] = 0
    fire(s.table_closing, 0, ClosingFuture.fail)
    emit(s, Effect.CLOSE_FAILED)


def finish_closing(s: TaskSlotTableState) -> None:
    """Every slot is closed: the timers end, and so does the table."""
    fire(s.table, 0, Table.finish)
    for allocation in range(len(s.slot)):
        unregister_timeout(s, allocation)
    emit(s, Effect.TIMERS_SHUT_DOWN)
    fire(s.table_closing, 0, ClosingFuture.complete)
    emit(s, Effect.TABLE_CLOSED)


def table_hears(s: TaskSlotTableState, fails: int) -> None:
    """A task that the closing of the table waits for has terminated."""
    if fails:
        fail_table(s)
    elif not table_waits(s):
        finish_closing(s)
