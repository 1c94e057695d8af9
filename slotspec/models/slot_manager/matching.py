"""Matching requests and slots: serving a request, offering a slot.

Steps return ``OK`` or how they failed. Their effects before a failure remain, as they do after a
Java exception. Flink: the private methods of SlotManagerImpl that the rules name.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.records import (
    answer,
    exceeds_maximum,
    fulfillable,
    has_call,
    is_entered,
    number_of_names,
    number_of_slots,
    spare_call,
)
from slotspec.models.slot_manager.state import (
    ILLEGAL_STATE,
    OK,
    UNFULFILLABLE,
    UNSUPPORTED,
    Effect,
    SlotManagerState,
)
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# --------------------------------------------------------------------------- registrations


def mark_used(s: SlotManagerState, instance: int) -> None:
    """The connection no longer counts as idle. Flink: TaskManagerRegistration.markUsed."""
    if s.registration[instance] != ManagedTaskManager.IDLE:
        return
    fire(s.registration, instance, ManagedTaskManager.use)
    s.idle_for[instance] = 0
    for query, asked in enumerate(s.query_instance):
        if asked == instance and s.query[query] == IdleQuery.ASKED:
            fire(s.query, query, IdleQuery.use)


# ---------------------------------------------------------------------------- reservations


def return_reservation(s: SlotManagerState, request: int) -> None:
    """Give up the reservation of a pending slot, if the request has one.

    Flink: returnPendingTaskManagerSlotIfAssigned.
    """
    pending = s.reservation[request]
    if pending != NONE:
        s.pending_request[pending] = NONE
        fire(s.pending, pending, PendingTaskManagerSlot.give_back)
        forget_reservation(s, request)


def forget_reservation(s: SlotManagerState, request: int) -> None:
    """The request has no pending slot any more. Flink: unassignPendingTaskManagerSlot."""
    s.reservation[request] = NONE
    if s.request[request] == ManagerRequest.RESERVED:
        fire(s.request, request, ManagerRequest.lose_reservation)


def reserve(s: SlotManagerState, request: int, pending: int) -> int:
    """Reserve a pending slot for a request. Flink: assignPendingTaskManagerSlot."""
    s.pending_request[pending] = request
    fire(s.pending, pending, PendingTaskManagerSlot.reserve)
    if s.reservation[request] != NONE:
        return ILLEGAL_STATE
    s.reservation[request] = pending
    if is_entered(s, request):
        fire(s.request, request, ManagerRequest.reserve)
    return OK


def open_pending_slot(s: SlotManagerState) -> int:
    """The first expected slot that is not reserved, or NONE."""
    return next(
        (p for p in s.expected if p != NONE and s.pending[p] == PendingTaskManagerSlot.OPEN), NONE
    )


def find_pending_slot(s: SlotManagerState, wanted: int) -> int:
    """An expected slot that matches a request, NONE, or UNSUPPORTED.

    Flink: findFreeMatchingPendingTaskManagerSlot.
    """
    pending = open_pending_slot(s)
    if pending == NONE:
        return NONE
    match answer(s, s.default_profile, wanted):
        case Answer.THROWS:
            return UNSUPPORTED
        case Answer.YES:
            return pending
    return NONE


def expect_slot(s: SlotManagerState) -> int:
    """Expect one more slot of a worker that was asked for; NONE without a spare record."""
    for pending, state in enumerate(s.pending):
        if state == PendingTaskManagerSlot.ABSENT:
            fire(s.pending, pending, PendingTaskManagerSlot.ask)
            append(s.expected, pending)
            if s.follow_clock:
                s.made += 1
                s.pending_serial[pending] = s.made
            return pending
    return NONE


def new_worker(s: SlotManagerState, wanted: int) -> int:
    """Ask for a worker; the last of its slots, NONE, or UNSUPPORTED. Flink: allocateResource."""
    if exceeds_maximum(s, number_of_slots(s), length(s.expected), s.slots_per_worker):
        return NONE
    match answer(s, s.default_profile, wanted):
        case Answer.THROWS:
            return UNSUPPORTED
        case Answer.NO:
            return NONE
    granted = s.resources_granted * s.workers
    emit(s, Effect.ALLOCATE_RESOURCE, granted)
    if not granted:
        return NONE
    pending = NONE
    for _ in range(s.slots_per_worker):
        pending = expect_slot(s)
    return pending


# ----------------------------------------------------------------------------- free slots


def find_first_matching(s: SlotManagerState, wanted: int) -> int:
    """The first free slot that matches, NONE, or UNSUPPORTED.

    Flink: AnyMatchingSlotMatchingStrategy.
    """
    for slot in s.free:
        if slot == NONE:
            return NONE
        match answer(s, s.slot_profile[slot], wanted):
            case Answer.THROWS:
                return UNSUPPORTED
            case Answer.YES:
                return slot
    return NONE


def free_slots_of(s: SlotManagerState, instance: int) -> int:
    """How many slots in the list of free ones belong to a connection."""
    return sum(slot != NONE and s.slot_instance[slot] == instance for slot in s.free)


def is_less_utilized(s: SlotManagerState, instance: int, other: int) -> bool:
    """Whether `instance` uses a smaller share of its slots than `other`."""
    total, total_of_other = number_of_names(s, instance), number_of_names(s, other)
    used, used_of_other = (
        total - free_slots_of(s, instance),
        total_of_other - free_slots_of(s, other),
    )
    return used * total_of_other < used_of_other * total


def find_least_utilized(s: SlotManagerState, wanted: int) -> int:
    """The matching free slot of the least utilized connection, NONE, or UNSUPPORTED.

    Flink: LeastUtilizationSlotMatchingStrategy.
    """
    found = NONE
    for slot in s.free:
        if slot == NONE:
            break
        matches = answer(s, s.slot_profile[slot], wanted)
        if matches == Answer.THROWS:
            return UNSUPPORTED
        if matches == Answer.YES and (
            found == NONE or is_less_utilized(s, s.slot_instance[slot], s.slot_instance[found])
        ):
            found = slot
    return found


def find_slot(s: SlotManagerState, wanted: int) -> int:
    """Take a matching slot from the list of free ones: the slot, NONE, or how it failed.

    Flink: findMatchingSlot.
    """
    slot = find_least_utilized(s, wanted) if s.spread else find_first_matching(s, wanted)
    if slot == NONE or slot < 0:
        return slot
    if s.slot[slot] != TaskManagerSlot.FREE:
        return ILLEGAL_STATE
    remove(s.free, slot)
    return slot


def find_matching_request(s: SlotManagerState, profile: int) -> int:
    """The first request without a call that `profile` matches, NONE, or UNSUPPORTED.

    Flink: findMatchingRequest.
    """
    for request in s.entered:
        if request == NONE:
            return NONE
        if not has_call(s, request):
            match answer(s, profile, s.request_profile[request]):
                case Answer.THROWS:
                    return UNSUPPORTED
                case Answer.YES:
                    return request
    return NONE


def allocate(s: SlotManagerState, slot: int, request: int) -> int:
    """Assign a free slot to a request, live or dead, and call its TaskExecutor.

    Flink: allocateSlot.
    """
    if s.slot[slot] != TaskManagerSlot.FREE:
        return ILLEGAL_STATE
    fire(s.slot, slot, TaskManagerSlot.assign)
    s.slot_request[slot] = request
    return_reservation(s, request)
    call = spare_call(s, slot)
    fire(s.call, call, SlotCall.send)
    s.call_slot[call] = slot
    s.call_allocation[call] = s.request_allocation[request]
    s.call_job[call] = s.request_job[request]
    s.request_call[request] = call
    if is_entered(s, request):
        fire(s.request, request, ManagerRequest.call)
    mark_used(s, s.slot_instance[slot])
    emit(s, Effect.REQUEST_SLOT, call, slot, request)
    return OK


def offer_free_slot(s: SlotManagerState, slot: int) -> int:
    """A free slot goes to the first request that it matches, or to the list of free slots.

    Flink: handleFreeSlot.
    """
    if s.slot[slot] != TaskManagerSlot.FREE:
        return ILLEGAL_STATE
    request = find_matching_request(s, s.slot_profile[slot])
    if request == UNSUPPORTED:
        return UNSUPPORTED
    if request != NONE:
        return allocate(s, slot, request)
    if slot not in s.free:
        append(s.free, slot)
    return OK


# ------------------------------------------------------------------------------- requests


def serve(s: SlotManagerState, request: int) -> int:
    """Look for a slot: a free one, an expected one, or one of a new worker.

    Flink: internalRequestSlot.
    """
    wanted = s.request_profile[request]
    slot = find_slot(s, wanted)
    if slot < 0:
        return slot
    if slot != NONE:
        return allocate(s, slot, request)
    return fulfill_with_pending_slot(s, request, wanted)


def fulfill_with_pending_slot(s: SlotManagerState, request: int, wanted: int) -> int:
    """Reserve an expected slot, or one of a new worker.

    Flink: fulfillPendingSlotRequestWithPendingTaskManagerSlot.
    """
    pending = find_pending_slot(s, wanted)
    if pending == NONE:
        pending = new_worker(s, wanted)
    if pending < 0:
        return pending
    if pending != NONE:
        return reserve(s, request, pending)
    if s.fail_unfulfillable:
        match fulfillable(s, wanted):
            case Answer.THROWS:
                return UNSUPPORTED
            case Answer.NO:
                return UNFULFILLABLE
    return OK
