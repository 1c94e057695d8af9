"""What reports, answers and lost connections do to slots and requests.

Flink: SlotManagerImpl.updateSlotState, removeSlot, and the outcome of a call in allocateSlot.
"""

from __future__ import annotations

from slotspec.models.slot_manager.lifecycles import (
    ManagedTaskManager,
    ManagerRequest,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.matching import (
    mark_used,
    offer_free_slot,
    return_reservation,
    serve,
)
from slotspec.models.slot_manager.records import (
    enter_fulfilled,
    entered_under,
    has_call,
    leave_fulfilled,
    number_of_names,
)
from slotspec.models.slot_manager.state import (
    ILLEGAL_STATE,
    OK,
    UNFULFILLABLE,
    Check,
    Effect,
    Failure,
    SlotManagerState,
)
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ------------------------------------------------------------------------- the main thread


def queued(s: SlotManagerState) -> int:
    """How many things wait in the queue of the main thread."""
    n = 0
    while n < len(s.main_check) and (
        s.main_call[n] != NONE or s.main_query[n] != NONE or s.main_check[n] != Check.UNUSED
    ):
        n += 1
    return n


def enqueue(
    s: SlotManagerState, *, call: int = NONE, query: int = NONE, check: int = Check.UNUSED
) -> None:
    """Hand a call, a query or a check to the main thread."""
    place = queued(s)
    s.main_call[place] = call
    s.main_query[place] = query
    s.main_check[place] = check


def dequeue(s: SlotManagerState) -> None:
    """Remove what is first in the queue; the others move up."""
    last = len(s.main_check) - 1
    for place in range(last):
        s.main_call[place] = s.main_call[place + 1]
        s.main_query[place] = s.main_query[place + 1]
        s.main_check[place] = s.main_check[place + 1]
    s.main_call[last] = NONE
    s.main_query[last] = NONE
    s.main_check[last] = int(Check.UNUSED)


# ---------------------------------------------------------------------------------- calls


def reject_call(s: SlotManagerState, request: int) -> None:
    """Fail the call of the request, if it is open. Flink: rejectPendingSlotRequest."""
    call = s.request_call[request]
    if call != NONE and s.call[call] == SlotCall.OPEN:
        fire(s.call, call, SlotCall.reject)
        enqueue(s, call=call)


def withdraw(s: SlotManagerState, request: int) -> None:
    """The request needs no slot any more: give up its reservation and its call.

    Flink: cancelPendingSlotRequest.
    """
    return_reservation(s, request)
    call = s.request_call[request]
    if call != NONE and s.call[call] == SlotCall.OPEN:
        fire(s.call, call, SlotCall.cancel)
        enqueue(s, call=call)


# --------------------------------------------------------------------------- registrations


def occupy_slot(s: SlotManagerState, instance: int) -> int:
    """One free slot fewer. Flink: TaskManagerRegistration.occupySlot."""
    if s.free_count[instance] == 0:
        return ILLEGAL_STATE
    s.free_count[instance] -= 1
    mark_used(s, instance)
    return OK


def release_slot(s: SlotManagerState, instance: int) -> int:
    """One free slot more; idle time begins when all slots are free.

    Flink: TaskManagerRegistration.freeSlot.
    """
    names = number_of_names(s, instance)
    if s.free_count[instance] >= names:
        return ILLEGAL_STATE
    s.free_count[instance] += 1
    if s.free_count[instance] == names and s.registration[instance] == ManagedTaskManager.IN_USE:
        fire(s.registration, instance, ManagedTaskManager.become_idle)
        s.idle_for[instance] = 0
    return OK


# ---------------------------------------------------------------------------------- slots


def carry(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """The slot carries an allocation, or nothing (NONE), and has no request."""
    s.slot_request[slot] = NONE
    s.slot_allocation[slot] = allocation
    s.slot_job[slot] = job


def set_slot(s: SlotManagerState, slot: int, allocation: int, job: int) -> int:
    """A report or an answer says that a slot carries `allocation`, or nothing if that is NONE.

    Names without a slot are skipped. Flink: updateSlot, updateSlotState.
    """
    if s.slot[slot] == TaskManagerSlot.ABSENT:
        return OK
    if s.registration[s.slot_instance[slot]] == ManagedTaskManager.UNREGISTERED:
        return ILLEGAL_STATE
    if allocation == NONE:
        return empty_slot(s, slot)
    return fill_slot(s, slot, allocation, job)


def empty_slot(s: SlotManagerState, slot: int) -> int:
    """A report or an answer says that a slot carries nothing."""
    if s.slot[slot] == TaskManagerSlot.PENDING:
        return OK
    if s.slot[slot] == TaskManagerSlot.ALLOCATED:
        fire(s.slot, slot, TaskManagerSlot.free)
        leave_fulfilled(s, s.slot_allocation[slot])
        carry(s, slot, NONE, NONE)
        status = release_slot(s, s.slot_instance[slot])
        if status != OK:
            return status
    return offer_free_slot(s, slot)


def fill_slot(s: SlotManagerState, slot: int, allocation: int, job: int) -> int:
    """A report or an answer says that a slot carries `allocation`."""
    status = OK
    match s.slot[slot]:
        case TaskManagerSlot.PENDING:
            if s.request_allocation[s.slot_request[slot]] == allocation:
                complete_allocation(s, slot, allocation, job)
            else:
                displace_allocation(s, slot, allocation, job)
            status = occupy_slot(s, s.slot_instance[slot])
        case TaskManagerSlot.ALLOCATED:
            if s.slot_allocation[slot] != allocation:
                overwrite_allocation(s, slot, allocation, job)
        case _:
            fire(s.slot, slot, TaskManagerSlot.occupy)
            remove(s.free, slot)
            carry(s, slot, allocation, job)
            status = occupy_slot(s, s.slot_instance[slot])
    if status != OK:
        return status
    enter_fulfilled(s, allocation, slot)
    return OK


def fulfil_entered(s: SlotManagerState, allocation: int) -> int:
    """Remove the request with this id from the map; returns it, or NONE if there is none."""
    request = entered_under(s, allocation)
    if request != NONE:
        remove(s.entered, request)
        fire(s.request, request, ManagerRequest.fulfil)
    return request


def complete_allocation(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """The slot carries the allocation of its request. The map entry is removed by its id."""
    withdraw(s, s.slot_request[slot])
    fulfil_entered(s, allocation)
    fire(s.slot, slot, TaskManagerSlot.complete)
    carry(s, slot, allocation, job)


def displace_allocation(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """The slot carries another allocation: its request has to look for a slot again."""
    displaced = s.slot_request[slot]
    fire(s.slot, slot, TaskManagerSlot.displace)
    carry(s, slot, allocation, job)
    found = fulfil_entered(s, allocation)
    if found != NONE:
        withdraw(s, found)
    reject_call(s, displaced)


def overwrite_allocation(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """The slot carries another allocation than before.

    Flink leaves the old one among the fulfilled ones, and tells nobody.
    """
    fire(s.slot, slot, TaskManagerSlot.overwrite)
    carry(s, slot, allocation, job)


def remove_slot(s: SlotManagerState, slot: int, cause: int) -> None:
    """The slot is gone. Flink: removeSlot."""
    if s.slot[slot] == TaskManagerSlot.ABSENT:
        return
    remove(s.free, slot)
    if s.slot[slot] == TaskManagerSlot.PENDING:
        reject_call(s, s.slot_request[slot])
    fire(s.slot, slot, TaskManagerSlot.remove)
    allocation = s.slot_allocation[slot]
    if allocation != NONE:
        leave_fulfilled(s, allocation)
        emit(s, Effect.ALLOCATION_FAILED, allocation, s.slot_job[slot], cause)
    carry(s, slot, NONE, NONE)
    s.slot_instance[slot] = NONE
    s.slot_profile[slot] = NONE
    s.slot_serial[slot] = 0


# -------------------------------------------------------------------------------- outcomes


def run_outcome(s: SlotManagerState, call: int) -> None:
    """Act on the outcome of a settled call; an exception silently ends this."""
    outcome = s.call[call]
    fire(s.call, call, SlotCall.conclude)
    slot = s.call_slot[call]
    if outcome == SlotCall.ACKNOWLEDGED:
        set_slot(s, slot, s.call_allocation[call], s.call_job[call])
        return
    if outcome == SlotCall.OCCUPIED:
        status = set_slot(s, slot, s.found_allocation[call], s.found_job[call])
    else:
        status = remove_request_from_slot(s, slot, s.call_allocation[call])
    if status == OK and outcome != SlotCall.CANCELLED:
        handle_failed_request(s, s.call_allocation[call])


def remove_request_from_slot(s: SlotManagerState, slot: int, allocation: int) -> int:
    """The slot is free again, if its request still has this allocation.

    Flink: removeSlotRequestFromSlot.
    """
    if (
        s.slot[slot] != TaskManagerSlot.PENDING
        or s.request_allocation[s.slot_request[slot]] != allocation
    ):
        return OK
    fire(s.slot, slot, TaskManagerSlot.clear)
    s.slot_request[slot] = NONE
    return offer_free_slot(s, slot)


def handle_failed_request(s: SlotManagerState, allocation: int) -> None:
    """Serve the request that now has this id again. Flink: handleFailedSlotRequest."""
    request = entered_under(s, allocation)
    if request == NONE:
        return
    s.request_call[request] = NONE
    if has_call(s, request):
        fire(s.request, request, ManagerRequest.retry)
    if serve(s, request) == UNFULFILLABLE:
        fail_unfulfillable_request(s, request)


def fail_unfulfillable_request(s: SlotManagerState, request: int) -> None:
    """Fail a request that no slot can ever match, and tell its JobMaster."""
    remove(s.entered, request)
    fire(s.request, request, ManagerRequest.fail)
    notify_allocation_failure(s, request, Failure.UNFULFILLABLE)


def notify_allocation_failure(s: SlotManagerState, request: int, failure: int) -> None:
    """Tell the JobMaster that a request has failed. Flink: notifyAllocationFailure."""
    emit(
        s,
        Effect.ALLOCATION_FAILED,
        allocation=s.request_allocation[request],
        job=s.request_job[request],
        failure=failure,
    )
