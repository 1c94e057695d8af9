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
    allocations,
    resources,
    tasks,
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
    """The allocation of the slot with this number, or NONE. Flink: TaskSlotTableImpl.taskSlots."""
    if number == NONE or (s.dynamic_number == DynamicNumber.ASKED and is_dynamic(s, number)):
        return NONE
    return next(
        (a for a in s.elements(allocations) if is_known(s, a) and s.slot_number[a] == number), NONE
    )


def indexed_task(s: TaskSlotTableState, execution: int) -> int:
    """The task that the index has under this execution id, or NONE."""
    return next(
        (t for t in s.elements(tasks) if s.indexed[t] and s.execution[t] == execution), NONE
    )


def task_in(s: TaskSlotTableState, allocation: int, execution: int) -> int:
    """The task that the slot itself has under this execution id, or NONE."""
    return next(
        (
            t
            for t in s.elements(tasks)
            if s.task_slot[t] == allocation and s.execution[t] == execution
        ),
        NONE,
    )


def is_empty(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the slot has no tasks. Flink: TaskSlot.isEmpty."""
    return allocation not in s.task_slot


# -------------------------------------------------------------------- profiles and budget


def profile_for(s: TaskSlotTableState, number: int, profile: int) -> int:
    """The profile that a request gets; `profile` may be NONE. The caller refuses UNKNOWN."""
    if s.static_profile == StaticProfile.DEFAULT and not is_dynamic(s, number):
        return s.default_profile
    if profile == NONE:
        return s.default_profile
    if s.unknown_profile == UnknownProfile.DEFAULT and s.special[profile] == UNKNOWN_PROFILE:
        return s.default_profile
    return profile


def amount_of(s: TaskSlotTableState, profile: int, resource: int) -> int:
    """How much of a resource a profile has."""
    return s.amount[profile * len(s.used) + resource]


def is_covered(s: TaskSlotTableState, profile: int) -> bool:
    """Whether enough is left of the budget. Flink: ResourceBudgetManager.reserve."""
    if s.boundless:
        return True
    return s.special[profile] != ANY_PROFILE and all(
        s.total[r] - s.used[r] >= amount_of(s, profile, r) for r in s.elements(resources)
    )


def reserve(s: TaskSlotTableState, profile: int) -> None:
    """Take a profile from the budget."""
    if not s.boundless:
        for r in s.elements(resources):
            s.used[r] += amount_of(s, profile, r)


def give_back(s: TaskSlotTableState, profile: int) -> None:
    """Return a profile to the budget. Flink: ResourceBudgetManager.release."""
    if not s.boundless:
        for r in s.elements(resources):
            s.used[r] -= amount_of(s, profile, r)


def is_acknowledged(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    """Whether a request for an allocation that has a slot is answered yes.

    Flink: TaskSlotTableImpl.isDuplicatedSlot (since 1.13).
    """
    return (
        s.repeated_allocation == RepeatedAllocation.ACKNOWLEDGED
        and s.slot_job[allocation] == job
        and s.twin[s.slot_profile[allocation]] == s.twin[profile]
        and (dynamic or s.slot_number[allocation] == number)
    )


# --------------------------------------------------------------------------------- timers


def register_timeout(s: TaskSlotTableState, allocation: int, ticket: int, timeout: int) -> None:
    """Give the allocation a new ticket; its older one is no longer valid.

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
    """The allocation whose timeout fires next, no later than `until`, or NONE."""
    first = NONE
    for a in s.elements(allocations):
        if (
            s.timer[a] == SlotTimer.RUNNING
            and s.due[a] <= until
            and (first == NONE or is_due_before(s, a, first))
        ):
            first = a
    return first


def is_due_before(s: TaskSlotTableState, allocation: int, other: int) -> bool:
    """Whether a timeout fires before another: by time, then by registration."""
    if s.due[allocation] == s.due[other]:
        return s.registered[allocation] < s.registered[other]
    return s.due[allocation] < s.due[other]


# ------------------------------------------------------------------------------- releasing


def fail_tasks(s: TaskSlotTableState, allocation: int) -> None:
    """Fail every task in the slot, even those that have terminated."""
    for task, slot in enumerate(s.task_slot):
        if slot == allocation:
            emit(s, Effect.FAIL_TASK, task)
            if s.quick[task] and s.task[task] == Task.RUNNING:
                fire(s.task, task, Task.finish)


def close_slot(s: TaskSlotTableState, allocation: int) -> None:
    """Close the slot: its closing future waits for the tasks that are in it now.

    Does nothing if the slot is already closing. Flink: TaskSlot.closeAsync.
    """
    if s.slot[allocation] == TaskSlot.RELEASING:
        return
    fire(s.slot, allocation, TaskSlot.release)
    fail_tasks(s, allocation)
    failed = False
    for task, slot in enumerate(s.task_slot):
        if slot == allocation:
            if s.task[task] == Task.FAILED:
                failed = True
            elif s.task[task] == Task.RUNNING:
                s.awaited_by[task] = allocation
    advance_closing(s, allocation, failed)


def advance_closing(s: TaskSlotTableState, allocation: int, failed: bool) -> None:
    """Settle the slot's closing future if a task failed, or if it waits for none."""
    if failed:
        fire(s.closing, allocation, ClosingFuture.fail)
        wait_no_more(s, allocation)
    elif not is_waiting(s, allocation):
        fire(s.closing, allocation, ClosingFuture.complete)


def wait_no_more(s: TaskSlotTableState, allocation: int) -> None:
    """The slot's closing waits for no task any more."""
    for task, slot in enumerate(s.awaited_by):
        if slot == allocation:
            s.awaited_by[task] = NONE


def is_waiting(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the slot's closing waits for a task."""
    return allocation in s.awaited_by


def leave_if_empty(s: TaskSlotTableState, allocation: int) -> None:
    """Remove a slot that is being released from the table, with all it had, if it has no tasks."""
    if not is_empty(s, allocation):
        return
    fire(s.slot, allocation, TaskSlot.leave)
    unregister_timeout(s, allocation)
    give_back(s, s.slot_profile[allocation])
    wait_no_more(s, allocation)
    recycle(s.slot, allocation)
    recycle(s.closing, allocation)
    s.slot_number[allocation] = NONE
    s.slot_job[allocation] = NONE
    s.slot_profile[allocation] = NONE


def table_waits(s: TaskSlotTableState) -> bool:
    """Whether the closing of the table waits for a task."""
    return any(s.closing_waits)


def advance_table_closing(s: TaskSlotTableState, failed: bool) -> None:
    """Settle the table's closing future if a task failed, or if it waits for none."""
    if failed:
        fail_table(s)
    elif not table_waits(s):
        finish_closing(s)


def fail_table(s: TaskSlotTableState) -> None:
    """A slot could not be closed: the table stays CLOSING for ever."""
    for task in s.elements(tasks):
        s.closing_waits[task] = 0
    fire(s.table_closing, 0, ClosingFuture.fail)
    emit(s, Effect.CLOSE_FAILED)


def finish_closing(s: TaskSlotTableState) -> None:
    """Every slot is closed: stop the timers and complete the table's closing."""
    fire(s.table, 0, Table.finish)
    for allocation in s.elements(allocations):
        unregister_timeout(s, allocation)
    emit(s, Effect.TIMERS_SHUT_DOWN)
    fire(s.table_closing, 0, ClosingFuture.complete)
    emit(s, Effect.TABLE_CLOSED)
