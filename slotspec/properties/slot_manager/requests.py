"""Requests: what each waits for, and what is kept for it."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_manager.environment import has_queue
from slotspec.models.slot_manager.lifecycles import (
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import answer, has_call, is_entered
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.properties.slot_manager.settings import (
    both,
    either,
    has_cancelled_answers,
    has_several_allocations,
    has_several_slots,
    has_workers,
    known,
    loses_reservations,
    throws,
)
from slotspec.statemachine.declaration.queues import length, place_of
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.always("SlotManagerImpl.pendingSlotRequests")
def entered_requests_are_alive(s: SlotManagerState) -> bool:
    """The map has exactly the requests that are not over, each once."""
    for request in range(len(s.request)):
        if is_entered(s, request) != (place_of(s.entered, request) != NONE):
            return False
    for place in range(length(s.entered)):
        for other in range(place):
            if s.entered[place] == s.entered[other]:
                return False
    return True


@slot_manager.always("SlotManagerImpl.pendingSlotRequests: keys by allocation")
def requests_have_different_allocations(s: SlotManagerState) -> bool:
    """No two requests in the map have the same allocation id."""
    for place in range(length(s.entered)):
        for other in range(place):
            if s.request_allocation[s.entered[place]] == s.request_allocation[s.entered[other]]:
                return False
    return True


@slot_manager.always("PendingSlotRequest: its future and its pending slot")
def requests_have_what_their_state_says(s: SlotManagerState) -> bool:
    """A request in the map has a pending slot exactly if it is RESERVED, and then no call."""
    for place in range(length(s.entered)):
        request = s.entered[place]
        if (s.reservation[request] != NONE) != (s.request[request] == ManagerRequest.RESERVED):
            return False
        if s.request_call[request] != NONE and not has_call(s, request):
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.assignPendingTaskManagerSlot",
    deviation=known(
        "a newer request of the same id is served again while it has a reservation",
        both(loses_reservations, has_several_slots),
    ),
)
def reservations_go_both_ways(s: SlotManagerState) -> bool:
    """A pending slot is reserved for a request exactly if that has reserved it."""
    for pending in range(len(s.pending)):
        request = s.pending_request[pending]
        if request != NONE and s.reservation[request] != pending:
            return False
    for request in range(len(s.request)):
        pending = s.reservation[request]
        if pending != NONE and s.pending_request[pending] != request:
            return False
    return True


@slot_manager.always("SlotManagerImpl.pendingSlots")
def expected_slots_are_listed(s: SlotManagerState) -> bool:
    """The map of expected slots has exactly those that exist, reserved ones with a request."""
    for pending in range(len(s.pending)):
        exists = s.pending[pending] != PendingTaskManagerSlot.ABSENT
        if exists != (place_of(s.expected, pending) != NONE):
            return False
        reserved = s.pending[pending] == PendingTaskManagerSlot.RESERVED
        if reserved != (s.pending_request[pending] != NONE):
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.checkSlotRequestTimeouts",
    deviation=known(
        "a request that dies keeps its reservation, or until the main thread runs its slot",
        either(loses_reservations, has_queue),
    ),
)
def slots_are_given_to_living_requests(s: SlotManagerState) -> bool:
    """The request that a PENDING slot was given to is in the map."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.PENDING and not is_entered(s, s.slot_request[slot]):
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.checkSlotRequestTimeouts",
    deviation=known(
        "a request that times out while a worker is on its way keeps its reservation",
        loses_reservations,
    ),
)
def reservations_are_for_living_requests(s: SlotManagerState) -> bool:
    """The request that an expected slot is reserved for is in the map."""
    for pending in range(len(s.pending)):
        request = s.pending_request[pending]
        if request != NONE and not is_entered(s, request):
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    deviation=known(
        "the failed call of a dead request serves a living one of its id that has a slot already",
        both(loses_reservations, has_several_slots),
    ),
)
def a_request_is_given_one_slot(s: SlotManagerState) -> bool:
    """No two slots are given to the same request."""
    for slot in range(len(s.slot)):
        for other in range(slot):
            if s.slot_request[slot] != NONE and s.slot_request[slot] == s.slot_request[other]:
                return False
    return True


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    deviation=known(
        "a call that fails with a cancellation is not tried again", has_cancelled_answers
    ),
)
def a_called_request_will_hear(s: SlotManagerState) -> bool:
    """The call that a request waits for has an outcome to come: no request is stranded."""
    for place in range(length(s.entered)):
        request = s.entered[place]
        if has_call(s, request):
            call = s.request_call[request]
            if call == NONE or s.call[call] == SlotCall.SPENT:
                return False
    return True


@slot_manager.always(
    "SlotManagerImpl.internalRequestSlot, handleFreeSlot",
    deviation=known("an UNKNOWN slot before it ends the search with an exception", throws),
)
def no_request_waits_beside_a_slot(s: SlotManagerState) -> bool:
    """No free slot matches a request that no TaskExecutor was asked for."""
    for place in range(length(s.entered)):
        request = s.entered[place]
        if not has_call(s, request):
            for other in range(length(s.free)):
                profile = s.slot_profile[s.free[other]]
                if answer(s, profile, s.request_profile[request]) == Answer.YES:
                    return False
    return True


@slot_manager.always(
    "SlotManagerImpl.fulfillPendingSlotRequestWithPendingTaskManagerSlot",
    deviation=known(
        "an expected slot that is given back or left over is offered to nobody",
        both(has_workers, has_several_allocations),
    ),
)
def no_request_waits_beside_an_expected_slot(s: SlotManagerState) -> bool:
    """No expected slot that is reserved for nobody matches a request that has none."""
    for place in range(length(s.entered)):
        request = s.entered[place]
        if s.request[request] == ManagerRequest.WAITING:
            for pending in range(len(s.pending)):
                if (
                    s.pending[pending] == PendingTaskManagerSlot.OPEN
                    and answer(s, s.default_profile, s.request_profile[request]) == Answer.YES
                ):
                    return False
    return True
