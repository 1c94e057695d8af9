"""Slots requested, reported, freed: what calls, answers and reports do.

Flink: DefaultSlotStatusSyncer. Steps return ``OK`` or how they failed; what they did before
remains.
"""

from __future__ import annotations

from slotspec.models.common.orders import arrange
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot, SlotCall
from slotspec.models.fine_grained_slot_manager.state import (
    ILLEGAL_ARGUMENT,
    ILLEGAL_STATE,
    NULL_POINTER,
    OK,
    Effect,
    FineGrainedSlotManagerState,
    Work,
    allocations,
    report_entries,
)
from slotspec.models.fine_grained_slot_manager.tracking import notify_acquired, notify_lost
from slotspec.models.fine_grained_slot_manager.workers import (
    attach,
    can_take,
    describe_slot,
    forget_slot,
    has_room_for,
    is_on,
    is_registered,
    remove_slot,
    spare_allocation,
    use_resources,
)
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ------------------------------------------------------------------------- the main thread


def queued(s: FineGrainedSlotManagerState) -> int:
    """How many things wait for the main thread."""
    n = 0
    while n < len(s.work) and s.work[n] != Work.NOTHING:
        n += 1
    return n


def enqueue(s: FineGrainedSlotManagerState, work: int, call: int = NONE, query: int = NONE) -> None:
    """Hand work to the main thread."""
    place = queued(s)
    s.work[place] = work
    s.work_call[place] = call
    s.work_query[place] = query


def dequeue(s: FineGrainedSlotManagerState) -> None:
    """Remove what is first in the queue; the others move up."""
    last = queued(s) - 1
    for place in range(last):
        s.work[place] = s.work[place + 1]
        s.work_call[place] = s.work_call[place + 1]
        s.work_query[place] = s.work_query[place + 1]
    s.work[last] = int(Work.NOTHING)
    s.work_call[last] = NONE
    s.work_query[last] = NONE


# --------------------------------------------------------------------------------- batches


def first_call_of(s: FineGrainedSlotManagerState, batch: int) -> int:
    """The first call of the batch that has not been decided, or NONE."""
    return next((call for call, own in enumerate(s.call_batch) if own == batch), NONE)


def move_batch(s: FineGrainedSlotManagerState, batch: int, name: int) -> None:
    """Give the batch another name. NONE ends it: nobody looks at its calls any more."""
    for call in s.elements(allocations):
        if s.call_batch[call] == batch:
            s.call_batch[call] = name


def close_batch(s: FineGrainedSlotManagerState, batch: int, status: int) -> None:
    """All slots of a step of work are requested, or an exception ended this half-way.

    Flink: FutureUtils.combineAll and the handler of its result. After an exception nobody
    combines the calls.
    """
    if status != OK:
        if batch != NONE:
            move_batch(s, batch, NONE)
    elif batch == NONE:
        enqueue(s, Work.BATCH_DONE)
    else:
        move_batch(s, batch, first_call_of(s, batch))


def decide(s: FineGrainedSlotManagerState, call: int, failed: bool) -> None:
    """A call is decided: its batch is decided at its first failure, or by its last call.

    Flink: the combined future of allocateSlotsAccordingTo. Only one handler runs: later
    failures of the same batch trigger nothing.
    """
    batch = s.call_batch[call]
    s.call_batch[call] = NONE
    if batch == NONE:
        return
    first = first_call_of(s, batch)
    if failed:
        enqueue(s, Work.BATCH_FAILED)
        move_batch(s, batch, NONE)
    elif first == NONE:
        enqueue(s, Work.BATCH_DONE)
    else:
        move_batch(s, batch, first)


# ------------------------------------------------------------------------------- requesting


def request_slot(
    s: FineGrainedSlotManagerState, instance: int, job: int, profile: int, batch: int
) -> tuple[int, int]:
    """Ask a TaskExecutor for a slot. Flink: DefaultSlotStatusSyncer.allocateSlot.

    PENDING slots may not need more than the TaskExecutor has in total, which fails.

    :param batch: the batch that the call belongs to; NONE if it is the first one.
    :returns: a status, and the batch.
    """
    if s.target[job] == NONE or (s.applications_needed and s.application[job] == NONE):
        return NULL_POINTER, batch
    if not has_room_for(s, instance, profile):
        return ILLEGAL_STATE, batch
    allocation = spare_allocation(s, instance)
    fire(s.slot, allocation, ManagedSlot.ask)
    describe_slot(s, allocation, job, profile, instance)
    attach(s, allocation)
    notify_acquired(s, job, profile)
    s.awaited[allocation] = 1
    fire(s.call, allocation, SlotCall.send)
    s.call_batch[allocation] = allocation if batch == NONE else batch
    emit(s, Effect.REQUEST_SLOT, allocation, instance, job, profile)
    return OK, s.call_batch[allocation]


def confirm(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A PENDING slot becomes ALLOCATED, and takes its resources.

    Flink: notifySlotStatus. If they are not there, it stays ALLOCATED all the same.
    """
    instance, profile = s.slot_instance[allocation], s.slot_profile[allocation]
    fire(s.slot, allocation, ManagedSlot.confirm)
    if not can_take(s, instance, profile):
        return ILLEGAL_ARGUMENT
    use_resources(s, instance, profile)
    return OK


def run_answer(s: FineGrainedSlotManagerState, call: int) -> int:
    """Act on the answer to a call. A failure ends the process.

    Flink: the handler of requestSlot in DefaultSlotStatusSyncer.allocateSlot.
    """
    outcome = s.call[call]
    fire(s.call, call, SlotCall.conclude)
    status, failed = OK, False
    if s.awaited[call]:
        s.awaited[call] = 0
        if s.slot[call] != ManagedSlot.ABSENT:
            if outcome == SlotCall.ACKNOWLEDGED:
                status = confirm(s, call)
            else:
                failed = True
                if outcome == SlotCall.FAILED:
                    status = withdraw(s, call)
    if status == OK:
        decide(s, call, failed)
    return status


def withdraw(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A slot that was refused is lost and leaves."""
    status = notify_lost(s, s.slot_job[allocation], s.slot_profile[allocation])
    if status == OK:
        remove_slot(s, allocation)
    return status


# --------------------------------------------------------------------------------- freeing


def free(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A slot is free. Flink: DefaultSlotStatusSyncer.freeSlot."""
    if s.slot[allocation] == ManagedSlot.PENDING:
        s.awaited[allocation] = 0
    status = notify_lost(s, s.slot_job[allocation], s.slot_profile[allocation])
    if status != OK:
        return status
    if not is_registered(s, s.slot_instance[allocation]):
        return NULL_POINTER
    if not s.slot_known[allocation]:
        # it leaves the table of slots before its TaskExecutor's record is asked
        forget_slot(s, allocation)
        return NULL_POINTER
    remove_slot(s, allocation)
    return OK


def mark_going(s: FineGrainedSlotManagerState, allocation: int) -> None:
    """Mark a slot that leaves."""
    s.is_going[allocation] = 1


def list_going(s: FineGrainedSlotManagerState, allocation: int) -> None:
    """Put a marked slot at the end of the list of those that leave."""
    if s.is_going[allocation]:
        append(s.going, allocation)
        s.is_going[allocation] = 0


def order_going(s: FineGrainedSlotManagerState) -> None:
    """List the marked slots in the order in which they leave.

    The order is that of a hash map: as a recording says, or as a check has chosen.
    """
    for place, allocation in enumerate(s.leaving):
        if allocation != NONE:
            list_going(s, allocation)
            s.leaving[place] = NONE
    for allocation in s.elements(allocations):
        list_going(s, allocation)
    arrange(s.going, 0, s.leaving_order)
    s.leaving_order = 0


def clear_going(s: FineGrainedSlotManagerState) -> None:
    """All have left, or an exception ended this."""
    for place in s.elements(allocations):
        s.going[place] = NONE


def free_all(s: FineGrainedSlotManagerState, instance: int) -> int:
    """Free every slot of a TaskExecutor that leaves. Flink: unregisterTaskManager."""
    for allocation in s.elements(allocations):
        if is_on(s, allocation, instance):
            mark_going(s, allocation)
    order_going(s)
    status = OK
    for allocation in s.going:
        if allocation != NONE and status == OK:
            status = free(s, allocation)
    clear_going(s)
    return status


# --------------------------------------------------------------------------------- reports


def is_reported(s: FineGrainedSlotManagerState, allocation: int) -> bool:
    """Whether the report names an allocation."""
    return allocation in s.report_allocation


def lose_unreported(s: FineGrainedSlotManagerState, instance: int) -> tuple[int, int]:
    """ALLOCATED slots that are not reported leave: how it ended, and how many left."""
    for allocation in s.elements(allocations):
        if (
            is_on(s, allocation, instance)
            and s.slot[allocation] == ManagedSlot.ALLOCATED
            and not is_reported(s, allocation)
        ):
            mark_going(s, allocation)
    order_going(s)
    status, count = OK, 0
    for allocation in s.going:
        if allocation != NONE and status == OK:
            job, profile = s.slot_job[allocation], s.slot_profile[allocation]
            remove_slot(s, allocation)
            status = notify_lost(s, job, profile)
            count += 1
    clear_going(s)
    return status, count


def appear(
    s: FineGrainedSlotManagerState, instance: int, allocation: int, job: int, profile: int
) -> int:
    """A report shows a slot that the manager did not know.

    If it does not fit, it is in the map of slots, but its TaskExecutor's record has it not.
    """
    fire(s.slot, allocation, ManagedSlot.appear)
    describe_slot(s, allocation, job, profile, instance)
    if not can_take(s, instance, profile):
        return ILLEGAL_ARGUMENT
    use_resources(s, instance, profile)
    attach(s, allocation)
    notify_acquired(s, job, profile)
    return OK


def sync_slot(s: FineGrainedSlotManagerState, instance: int, entry: int) -> tuple[int, int]:
    """Take over one reported allocation: how it ended, and whether it is new."""
    allocation = s.report_allocation[entry]
    status, new = OK, 0
    if s.slot[allocation] == ManagedSlot.ABSENT:
        status = appear(s, instance, allocation, s.report_job[entry], s.report_profile[entry])
        new = 1
    elif not is_on(s, allocation, instance):
        status = ILLEGAL_STATE
    elif s.slot[allocation] == ManagedSlot.PENDING:
        s.awaited[allocation] = 0
        status = confirm(s, allocation)
    if status == OK:
        s.assigned_tasks[allocation] = s.report_tasks[entry]
    return status, new


def sync(s: FineGrainedSlotManagerState, instance: int) -> tuple[int, int]:
    """Take over a report: how it ended, and how many slots it changed.

    Flink: DefaultSlotStatusSyncer.reconcileSlotStatus.
    """
    status, changes = lose_unreported(s, instance)
    for entry in s.elements(report_entries):
        if status == OK and s.report_allocation[entry] != NONE:
            status, new = sync_slot(s, instance, entry)
            changes += new
    return status, changes
