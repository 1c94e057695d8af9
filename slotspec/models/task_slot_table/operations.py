"""The operations of Flink's TaskSlotTable, as TaskSlotTableImpl implements them.

Each operation is a plain rule over :class:`TaskSlotTableState`. The number of a static slot is
its index; numbers from ``static_count`` on mean dynamic slots, and NONE means no slot at all.
Flink generates tickets; here they are arguments.
"""

from __future__ import annotations

from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.slots import (
    advance_closing,
    advance_table_closing,
    allocation_under,
    close_slot,
    has_ticket,
    indexed_task,
    is_acknowledged,
    is_covered,
    is_dynamic,
    is_empty,
    is_known,
    leave_if_empty,
    next_to_fire,
    profile_for,
    register_timeout,
    reserve,
    task_in,
    unregister_timeout,
)
from slotspec.models.task_slot_table.state import (
    ANY_PROFILE,
    UNKNOWN_PROFILE,
    Effect,
    Raised,
    TaskSlotTableState,
    allocations,
    tasks,
)
from slotspec.models.task_slot_table.versions import (
    DynamicNumber,
    RefusedAllocation,
    UnnumberedSlot,
)
from slotspec.statemachine.declaration.rules import NONE, emit, fire, recycle


def is_running(s: TaskSlotTableState) -> bool:
    """Whether the table is RUNNING; if not, the operation ends with an exception."""
    if s.table[0] != Table.RUNNING:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return False
    return True


def was_started(s: TaskSlotTableState) -> bool:
    """Whether the table is past CREATED; if not, the operation ends with an exception."""
    if s.table[0] == Table.CREATED:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return False
    return True


def is_found(s: TaskSlotTableState, allocation: int) -> bool:
    """Whether the table knows the allocation; if not, the operation ends with an exception."""
    if not is_known(s, allocation):
        emit(s, Effect.RAISES, Raised.SLOT_NOT_FOUND)
        return False
    return True


# ------------------------------------------------------------------------------ lifecycle


@task_slot_table.operation
def start(s: TaskSlotTableState) -> int:
    """Start the table, once. Flink: TaskSlotTableImpl.start."""
    if s.table[0] != Table.CREATED:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    fire(s.table, 0, Table.start)
    return NONE


@task_slot_table.operation
def close(s: TaskSlotTableState) -> int:
    """Free every slot, and close the table once all their tasks have terminated.

    Flink: TaskSlotTableImpl.closeAsync.
    """
    if s.table[0] == Table.CREATED:
        fire(s.table, 0, Table.discard)
        fire(s.table_closing, 0, ClosingFuture.complete)
        emit(s, Effect.TABLE_CLOSED)
        return NONE
    if s.table[0] != Table.RUNNING:
        return NONE
    fire(s.table, 0, Table.close)
    failed = False
    emit(s, Effect.ANY_ORDER, 1)
    for allocation in s.elements(allocations):
        if is_known(s, allocation):
            close_slot(s, allocation)
            if s.closing[allocation] == ClosingFuture.FAILED:
                failed = True
            wait_for_slot(s, allocation)
            leave_if_empty(s, allocation)
    emit(s, Effect.ANY_ORDER, 0)
    advance_table_closing(s, failed)
    return NONE


def wait_for_slot(s: TaskSlotTableState, allocation: int) -> None:
    """The closing of the table waits for the tasks that the closing of this slot waits for."""
    for task, slot in enumerate(s.awaited_by):
        if slot == allocation:
            s.closing_waits[task] = 1


# ---------------------------------------------------------------------------------- slots


@task_slot_table.operation
def allocate_slot(
    s: TaskSlotTableState,
    number: int,
    job: int,
    allocation: int,
    profile: int,
    ticket: int,
    timeout: int,
) -> int:
    """Allocate a slot for a job. 1 if the job has it now (from 1.13 on, also if it had it).

    :param number: a static slot, any dynamic number for a dynamic slot, or NONE for a static
        number that is too large.
    :param profile: the profile of the request, or NONE if it has none.

    Flink: TaskSlotTableImpl.allocateSlot.
    """
    if not is_running(s):
        return NONE
    if number == NONE:
        emit(s, Effect.RAISES, Raised.ILLEGAL_ARGUMENT)
        return NONE
    dynamic = is_dynamic(s, number)
    if dynamic and s.dynamic_number == DynamicNumber.COUNTED:
        number = s.static_count + s.dynamic_requests
        s.dynamic_requests += 1
    wanted = profile_for(s, number, profile)
    if is_known(s, allocation):
        if is_acknowledged(s, allocation, job, wanted, number, dynamic):
            return 1
        return refuse(s)
    if allocation_under(s, number) != NONE:
        return refuse(s)
    if s.special[wanted] == UNKNOWN_PROFILE:
        emit(s, Effect.RAISES, Raised.ILLEGAL_ARGUMENT)
        return NONE
    if not is_covered(s, wanted):
        return refuse(s)
    if s.special[wanted] == ANY_PROFILE:
        # no memory manager can be that large
        emit(s, Effect.RAISES, Raised.ILLEGAL_ARGUMENT)
        return NONE
    reserve(s, wanted)
    fire(s.slot, allocation, TaskSlot.allocate)
    s.slot_number[allocation] = number
    s.slot_job[allocation] = job
    s.slot_profile[allocation] = wanted
    register_timeout(s, allocation, ticket, timeout)
    return 1


def refuse(s: TaskSlotTableState) -> int:
    """A request is not granted: the answer is no, or (2.3) an exception."""
    if s.refused_allocation == RefusedAllocation.RAISED:
        emit(s, Effect.RAISES, Raised.SLOT_ALLOCATION)
        return NONE
    return 0


@task_slot_table.operation
def mark_slot_active(s: TaskSlotTableState, allocation: int) -> int:
    """The job uses the slot, which ends its timeout. 0 if it is being released.

    Flink: TaskSlotTableImpl.markSlotActive.
    """
    if not is_running(s) or not is_found(s, allocation):
        return NONE
    return mark_existing_slot_active(s, allocation)


def mark_existing_slot_active(s: TaskSlotTableState, allocation: int) -> int:
    """Flink: TaskSlotTableImpl.markExistingSlotActive."""
    if s.slot[allocation] == TaskSlot.RELEASING:
        return 0
    fire(s.slot, allocation, TaskSlot.activate)
    unregister_timeout(s, allocation)
    return 1


@task_slot_table.operation
def mark_slot_inactive(s: TaskSlotTableState, allocation: int, ticket: int, timeout: int) -> int:
    """The slot is ALLOCATED again, with a new timeout; its tasks stay.

    0 if it is being released. Flink: TaskSlotTableImpl.markSlotInactive.
    """
    if not was_started(s) or not is_found(s, allocation):
        return NONE
    if s.slot[allocation] == TaskSlot.RELEASING:
        return 0
    fire(s.slot, allocation, TaskSlot.inactivate)
    register_timeout(s, allocation, ticket, timeout)
    return 1


@task_slot_table.operation
def try_mark_slot_active(s: TaskSlotTableState, job: int, allocation: int) -> int:
    """Like mark_slot_active for a slot of this job; 0 if the job has no such slot.

    Flink: TaskSlotTableImpl.tryMarkSlotActive.
    """
    if not is_known(s, allocation) or s.slot_job[allocation] != job:
        return 0
    return mark_existing_slot_active(s, allocation)


@task_slot_table.operation
def free_slot(s: TaskSlotTableState, allocation: int) -> int:
    """Free the slot; if it has no tasks, it leaves the table at once.

    Returns its number if its closing future is done or failed, else NONE. Neither says whether
    the slot has left. Flink: TaskSlotTableImpl.freeSlot, freeSlotInternal.
    """
    if not was_started(s) or not is_found(s, allocation):
        return NONE
    number = s.slot_number[allocation]
    emit(s, Effect.ANY_ORDER, 1)
    close_slot(s, allocation)
    emit(s, Effect.ANY_ORDER, 0)
    closed = s.closing[allocation] != ClosingFuture.PENDING
    leave_if_empty(s, allocation)
    return number if closed else NONE


# ---------------------------------------------------------------------------------- tasks


@task_slot_table.operation
def add_task(
    s: TaskSlotTableState, task: int, execution: int, job: int, allocation: int, quick: int
) -> int:
    """Add a task to an active slot of its job. 0 if the slot already has its execution.

    If another slot has the execution, the index of tasks finds only the newer task.
    Flink: TaskSlotTableImpl.addTask.
    """
    if not is_running(s) or not is_found(s, allocation):
        return NONE
    if s.slot[allocation] != TaskSlot.ACTIVE or s.slot_job[allocation] != job:
        emit(s, Effect.RAISES, Raised.SLOT_NOT_ACTIVE)
        return NONE
    if task_in(s, allocation, execution) != NONE:
        return 0
    older = indexed_task(s, execution)
    if older != NONE:
        s.indexed[older] = 0
    s.task_slot[task] = allocation
    s.execution[task] = execution
    s.quick[task] = quick
    s.indexed[task] = 1
    return 1


@task_slot_table.operation
def remove_task(s: TaskSlotTableState, execution: int) -> int:
    """Remove a task from its slot; NONE if the index has no task of this execution.

    If a slot that is being released loses its last task, SlotActions.freeSlot is called.
    Flink: TaskSlotTableImpl.removeTask.
    """
    if not was_started(s):
        return NONE
    task = indexed_task(s, execution)
    if task == NONE:
        return NONE
    allocation = s.task_slot[task]
    s.indexed[task] = 0
    s.task_slot[task] = NONE
    s.execution[task] = NONE
    s.quick[task] = 0
    if s.slot[allocation] == TaskSlot.RELEASING and is_empty(s, allocation):
        emit(s, Effect.FREE_SLOT, allocation)
    return task


@task_slot_table.operation
def task_terminates(s: TaskSlotTableState, task: int, fails: int) -> int:
    """The termination future of a task completes or fails. 0 if it is not the first time.

    Flink: completion of TaskSlotPayload.getTerminationFuture.
    """
    if s.task[task] != Task.RUNNING:
        return 0
    if fails:
        fire(s.task, task, Task.fail)
    else:
        fire(s.task, task, Task.finish)
    allocation = s.awaited_by[task]
    awaited = s.closing_waits[task]
    s.awaited_by[task] = NONE
    s.closing_waits[task] = 0
    if allocation != NONE:
        advance_closing(s, allocation, bool(fails))
    if awaited:
        advance_table_closing(s, bool(fails))
    return 1


# ---------------------------------------------------------------------------------- time


@task_slot_table.operation
def advance_time(s: TaskSlotTableState, ms: int) -> int:
    """Let `ms` pass and fire the timeouts that are due, by time, then by registration.

    Flink: the scheduler of TimerService, on a clock of our own.
    """
    until = s.clock + ms
    while (allocation := next_to_fire(s, until)) != NONE:
        fire_timeout(s, allocation)
    s.clock = until
    return NONE


def fire_timeout(s: TaskSlotTableState, allocation: int) -> None:
    """The timeout of an allocation is over; its ticket stays registered."""
    fire(s.timer, allocation, SlotTimer.fire)
    ticket = s.ticket[allocation]
    notify_timeout(s, allocation, ticket)
    if not s.follow_clock:
        s.sent[ticket] = allocation


@task_slot_table.operation
def notify_timeout(s: TaskSlotTableState, allocation: int, ticket: int) -> int:
    """Call SlotActions.timeoutSlot, however stale the timeout is.

    A table that was never started has no SlotActions. Flink: TaskSlotTableImpl.notifyTimeout.
    """
    if not was_started(s):
        return NONE
    if s.table[0] != Table.DISCARDED:
        emit(s, Effect.TIMEOUT_SLOT, allocation, ticket)
    return NONE


@task_slot_table.operation
def is_valid_timeout(s: TaskSlotTableState, allocation: int, ticket: int) -> int:
    """1 if the timeout is still valid. Flink: TaskSlotTableImpl.isValidTimeout."""
    if not was_started(s):
        return NONE
    return int(s.table[0] == Table.RUNNING and has_ticket(s, allocation, ticket))


# ------------------------------------------------------------------------------- queries


@task_slot_table.operation
def is_allocated(s: TaskSlotTableState, number: int, job: int, allocation: int) -> int:
    """1 if the job has this slot. For a negative number the job does not matter.

    Flink: TaskSlotTableImpl.isAllocated.
    """
    found = allocation_under(s, number)
    if found != NONE:
        return int(
            found == allocation and s.slot_job[found] == job and s.slot[found] != TaskSlot.RELEASING
        )
    if s.unnumbered_slot == UnnumberedSlot.NEVER or number == NONE:
        return 0
    return int(is_dynamic(s, number) and is_known(s, allocation))


@task_slot_table.operation
def is_slot_free(s: TaskSlotTableState, number: int) -> int:
    """1 if no slot has the number. Flink: TaskSlotTableImpl.isSlotFree."""
    return int(allocation_under(s, number) == NONE)


@task_slot_table.operation
def get_current_allocation(s: TaskSlotTableState, number: int) -> int:
    """The allocation of the slot with this number, or NONE. Flink: getCurrentAllocation."""
    return allocation_under(s, number)


@task_slot_table.operation
def get_owning_job(s: TaskSlotTableState, allocation: int) -> int:
    """The job of a slot, or NONE. Flink: TaskSlotTableImpl.getOwningJob."""
    return s.slot_job[allocation]


@task_slot_table.operation
def get_task(s: TaskSlotTableState, execution: int) -> int:
    """The task that the index has under this execution id, or NONE. Flink: getTask."""
    return indexed_task(s, execution)


@task_slot_table.operation
def get_task_memory_manager(s: TaskSlotTableState, allocation: int) -> int:
    """The profile whose managed memory the slot has. Flink: getTaskMemoryManager."""
    if not is_found(s, allocation):
        return NONE
    return s.slot_profile[allocation]


@task_slot_table.operation
def get_allocation_ids(s: TaskSlotTableState, job: int) -> int:
    """List the allocations of a job, in any state. Flink: getAllocationIdsPerJob."""
    for allocation, owner in enumerate(s.slot_job):
        if owner == job:
            emit(s, Effect.LISTED, allocation)
    return NONE


@task_slot_table.operation
def get_allocated_slots(s: TaskSlotTableState, job: int) -> int:
    """List the slots to offer to a job: its ALLOCATED ones. Flink: getAllocatedSlots."""
    for allocation, owner in enumerate(s.slot_job):
        if owner == job and s.slot[allocation] == TaskSlot.ALLOCATED:
            emit(s, Effect.LISTED, allocation)
    return NONE


@task_slot_table.operation
def has_allocated_slots(s: TaskSlotTableState, job: int) -> int:
    """1 if there are slots to offer to a job. Flink: hasAllocatedSlots."""
    return int(
        any(
            owner == job and s.slot[allocation] == TaskSlot.ALLOCATED
            for allocation, owner in enumerate(s.slot_job)
        )
    )


@task_slot_table.operation
def get_active_slots(s: TaskSlotTableState, job: int) -> int:
    """List the ACTIVE slots of a job, or of every job (NONE; 1.12). Flink: getActiveSlots."""
    for allocation, owner in enumerate(s.slot_job):
        if s.slot[allocation] == TaskSlot.ACTIVE and job in (NONE, owner):
            emit(s, Effect.LISTED, allocation)
    return NONE


@task_slot_table.operation
def get_tasks(s: TaskSlotTableState, job: int) -> int:
    """List the tasks in the ACTIVE slots of a job. Flink: TaskSlotTableImpl.getTasks."""
    for task, slot in enumerate(s.task_slot):
        if slot != NONE and s.slot_job[slot] == job and s.slot[slot] == TaskSlot.ACTIVE:
            emit(s, Effect.LISTED, slot, task)
    return NONE


@task_slot_table.operation
def generate_slot_offer(s: TaskSlotTableState, allocation: int) -> int:
    """The slot to offer; NONE if there is none. Flink: TaskSlot.generateSlotOffer."""
    if not is_known(s, allocation):
        return NONE
    if s.slot[allocation] == TaskSlot.RELEASING:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    return allocation


@task_slot_table.operation
def create_slot_report(s: TaskSlotTableState) -> int:
    """List each static number with its slot, if any, then the dynamic slots.

    The report includes slots that are being released, and all free static numbers, even if
    dynamic slots have used up their budget. Flink: createSlotReport.
    """
    for number in range(s.static_count):
        emit(s, Effect.LISTED, allocation_under(s, number), number=number)
    for allocation, number in enumerate(s.slot_number):
        if is_known(s, allocation) and is_dynamic(s, number):
            emit(s, Effect.LISTED, allocation, number=number)
    return NONE


# -------------------------------------------------------------------------------- records


def is_over(s: TaskSlotTableState, task: int) -> bool:
    """Whether the task has terminated, is in no slot, and no closing waits for it."""
    return s.task[task] != Task.RUNNING and is_unused(s, task)


def is_unused(s: TaskSlotTableState, task: int) -> bool:
    """Whether the task is in no slot and no closing waits for it."""
    return s.task_slot[task] == NONE and s.awaited_by[task] == NONE and not s.closing_waits[task]


@task_slot_table.after_each_step
def forget_tasks(s: TaskSlotTableState) -> None:
    """Free the records of tasks that are over for other tasks."""
    if not s.follow_clock:
        for task in s.elements(tasks):
            if is_over(s, task):
                recycle(s.task, task)
