"""Bringing requests and slots together: serving a request, offering a slot.

Steps return ``OK`` or how they failed; what they did before a failure stays, as it does
behind a Java exception. Flink: the private methods of SlotManagerImpl, as named.
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
from slotspec.statemachine.declaration.queues import append, length, place_of, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# --------------------------------------------------------------------------- registrations


def mark_used(s: SlotManagerState, instance: int) -> None:
    """The connection does not count as idle. Flink: TaskManagerRegistration.markUsed."""
    if s.registration[instance] != ManagedTaskManager.IDLE:
        return
    fire(s.registration, instance, ManagedTaskManager.use)
    s.idle_for[instance] = 0
    for query in range(len(s.query)):
        if s.query_instance[query] == instance and s.query[query] == IdleQuery.ASKED:
            fire(s.query, query, IdleQuery.use)


# ---------------------------------------------------------------------------- reservations


def return_reservation(s: SlotManagerState, request: int) -> None:
    """The request's pending slot is reserved for nobody.

    Flink: returnPendingTaskManagerSlotIfAssigned.
    """
    pending = s.reservation[request]
    if pending != NONE:
        s.pending_request[pending] = NONE
        fire(s.pending, pending, PendingTaskManagerSlot.give_back)
        forget_reservation(s, request)


def forget_reservation(s: SlotManagerState, request: int) -> None:
    """The request has no pending slot. Flink: unassignPendingTaskManagerSlot."""
    s.reservation[request] = NONE
    if s.request[request] == ManagerRequest.RESERVED:
        fire(s.request, request, ManagerRequest.lose_reservation)


def reserve(s: SlotManagerState, request: int, pending: int) -> int:
    """Reserve both ways. Flink: assignPendingTaskManagerSlot."""
    s.pending_request[pending] = request
    fire(s.pending, pending, PendingTaskManagerSlot.reserve)
    if s.reservation[request] != NONE:
        return ILLEGAL_STATE
    s.reservation[request] = pending
    if is_entered(s, request):
        fire(s.request, request, ManagerRequest.reserve)
    return OK


def open_pending_slot(s: SlotManagerState) -> int:
    """The first expected slot that is reserved for nobody, or NONE."""
    for place in range(length(s.expected)):
        pending = s.expected[place]
        if s.pending[pending] == PendingTaskManagerSlot.OPEN:
            return pending
    return NONE


def find_pending_slot(s: SlotManagerState, wanted: int) -> int:
    """An expected slot for a request, NONE, or UNSUPPORTED.

    Flink: findFreeMatchingPendingTaskManagerSlot.
    """
    pending = open_pending_slot(s)
    if pending == NONE:
        return NONE
    match = answer(s, s.default_profile, wanted)
    if match == Answer.THROWS:
        return UNSUPPORTED
    return pending if match == Answer.YES else NONE


def expect_slot(s: SlotManagerState) -> int:
    """One more slot of a worker that was asked for."""
    for pending in range(len(s.pending)):
        if s.pending[pending] == PendingTaskManagerSlot.ABSENT:
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
    match = answer(s, s.default_profile, wanted)
    if match == Answer.THROWS:
        return UNSUPPORTED
    if match == Answer.NO:
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
    for place in range(len(s.free)):
        slot = s.free[place]
        if slot == NONE:
            return NONE
        match = answer(s, s.slot_profile[slot], wanted)
        if match == Answer.THROWS:
            return UNSUPPORTED
        if match == Answer.YES:
            return slot
    return NONE


def free_slots_of(s: SlotManagerState, instance: int) -> int:
    """How many slots in the list of free ones belong to a connection."""
    count = 0
    for place in range(length(s.free)):
        if s.slot_instance[s.free[place]] == instance:
            count += 1
    return count


def is_less_utilized(s: SlotManagerState, instance: int, other: int) -> bool:
    """Whether a smaller part of the slots of `instance` is in use than of `other`."""
    names = number_of_names(s, instance)
    others = number_of_names(s, other)
    return (names - free_slots_of(s, instance)) * others < (
        others - free_slots_of(s, other)
    ) * names


def find_least_utilized(s: SlotManagerState, wanted: int) -> int:
    """The matching free slot of the least utilized connection; else as the other strategy.

    Flink: LeastUtilizationSlotMatchingStrategy.
    """
    found = NONE
    for place in range(length(s.free)):
        slot = s.free[place]
        match = answer(s, s.slot_profile[slot], wanted)
        if match == Answer.THROWS:
            return UNSUPPORTED
        if match == Answer.YES and (
            found == NONE or is_less_utilized(s, s.slot_instance[slot], s.slot_instance[found])
        ):
            found = slot
    return found


def find_slot(s: SlotManagerState, wanted: int) -> int:
    """Take a matching slot out of the free ones: a slot, NONE, or how it failed.

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
    """The first request without a call that a slot of `profile` serves, NONE, UNSUPPORTED.

    Flink: findMatchingRequest.
    """
    for place in range(len(s.entered)):
        request = s.entered[place]
        if request == NONE:
            return NONE
        if not has_call(s, request):
            match = answer(s, profile, s.request_profile[request])
            if match == Answer.THROWS:
                return UNSUPPORTED
            if match == Answer.YES:
                return request
    return NONE


def allocate(s: SlotManagerState, slot: int, request: int) -> int:
    """Give a free slot to a request, entered or dead, and ask its TaskExecutor.

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
    """A free slot goes to the first request that it matches, or to the free slots.

    Flink: handleFreeSlot.
    """
    if s.slot[slot] != TaskManagerSlot.FREE:
        return ILLEGAL_STATE
    request = find_matching_request(s, s.slot_profile[slot])
    if request == UNSUPPORTED:
        return UNSUPPORTED
    if request != NONE:
        return allocate(s, slot, request)
    if place_of(s.free, slot) == NONE:
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
    """Reserve a slot that is to come.

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
        found = fulfillable(s, wanted)
        if found == Answer.THROWS:
            return UNSUPPORTED
        if found == Answer.NO:
            return UNFULFILLABLE
    return OK
