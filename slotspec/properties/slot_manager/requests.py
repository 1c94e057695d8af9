"""Requests: what each one waits for, and what is reserved for it."""

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
from slotspec.models.slot_manager.state import (
    SlotManagerState,
    allocations,
    pending_slots,
    requests,
)
from slotspec.properties.slot_manager.settings import (
    has_cancelled_answers,
    has_several_allocations,
    has_several_slots,
    has_workers,
    loses_reservations,
    throws,
)
from slotspec.statemachine.declaration.conditions import known
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.always("SlotManagerImpl.pendingSlotRequests", each={"request": requests})
def entered_requests_are_alive(s: SlotManagerState, request: int) -> bool:
    """The map contains exactly the live requests, each once."""
    return sum(entered == request for entered in s.entered) == is_entered(s, request)


@slot_manager.always(
    "SlotManagerImpl.pendingSlotRequests: keys by allocation", each={"allocation": allocations}
)
def requests_have_different_allocations(s: SlotManagerState, allocation: int) -> bool:
    """No two requests in the map have the same allocation id."""
    return (
        sum(s.request_allocation[request] == allocation for request in s.entered if request != NONE)
        <= 1
    )


@slot_manager.always("PendingSlotRequest: its future and its pending slot")
def requests_have_what_their_state_says(s: SlotManagerState) -> bool:
    """A request in the map has a pending slot exactly if it is RESERVED, and then no call."""
    return all(
        (s.reservation[request] != NONE) == (s.request[request] == ManagerRequest.RESERVED)
        and (s.request_call[request] == NONE or has_call(s, request))
        for request in s.entered
        if request != NONE
    )


@slot_manager.always(
    "SlotManagerImpl.assignPendingTaskManagerSlot",
    deviation=known(
        "a newer request of the same id is served again while it has a reservation",
        loses_reservations & has_several_slots,
    ),
)
def reservations_go_both_ways(s: SlotManagerState) -> bool:
    """A pending slot is reserved for a request exactly if the request has reserved it."""
    return all(
        s.reservation[request] == pending
        for pending, request in enumerate(s.pending_request)
        if request != NONE
    ) and all(
        s.pending_request[pending] == request
        for request, pending in enumerate(s.reservation)
        if pending != NONE
    )


@slot_manager.always("SlotManagerImpl.pendingSlots", each={"pending": pending_slots})
def expected_slots_are_listed(s: SlotManagerState, pending: int) -> bool:
    """The map of expected slots has exactly those that exist, reserved ones with a request."""
    state = s.pending[pending]
    reserved = s.pending_request[pending] != NONE
    return (pending in s.expected) == (state != PendingTaskManagerSlot.ABSENT) and reserved == (
        state == PendingTaskManagerSlot.RESERVED
    )


@slot_manager.always(
    "SlotManagerImpl.checkSlotRequestTimeouts",
    deviation=known(
        "a dead request keeps its reservation, or its slot until the main thread clears it",
        loses_reservations | has_queue,
    ),
)
def slots_are_given_to_living_requests(s: SlotManagerState) -> bool:
    """The request that has a PENDING slot is in the map."""
    return all(
        is_entered(s, s.slot_request[slot])
        for slot, state in enumerate(s.slot)
        if state == TaskManagerSlot.PENDING
    )


@slot_manager.always(
    "SlotManagerImpl.checkSlotRequestTimeouts",
    deviation=known(
        "a request that times out while a worker is on its way keeps its reservation",
        loses_reservations,
    ),
)
def reservations_are_for_living_requests(s: SlotManagerState) -> bool:
    """The request that has reserved an expected slot is in the map."""
    return all(is_entered(s, request) for request in s.pending_request if request != NONE)


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    each={"request": requests},
    deviation=known(
        "the failed call of a dead request serves a live one of its id that has a slot already",
        loses_reservations & has_several_slots,
    ),
)
def a_request_is_given_one_slot(s: SlotManagerState, request: int) -> bool:
    """No request has two slots."""
    return sum(served == request for served in s.slot_request) <= 1


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    deviation=known(
        "a call that fails with a cancellation is not tried again", has_cancelled_answers
    ),
)
def a_called_request_will_hear(s: SlotManagerState) -> bool:
    """The call that a request waits for still has an outcome to come: no request is stranded."""
    return all(
        s.request_call[request] != NONE and s.call[s.request_call[request]] != SlotCall.SPENT
        for request in s.entered
        if request != NONE and has_call(s, request)
    )


@slot_manager.always(
    "SlotManagerImpl.internalRequestSlot, handleFreeSlot",
    deviation=known(
        "an UNKNOWN slot earlier in the list ends the search with an exception", throws
    ),
)
def no_request_waits_beside_a_slot(s: SlotManagerState) -> bool:
    """No free slot matches a request that waits without a call."""
    return not any(
        answer(s, s.slot_profile[slot], s.request_profile[request]) == Answer.YES
        for request in s.entered
        if request != NONE and not has_call(s, request)
        for slot in s.free
        if slot != NONE
    )


@slot_manager.always(
    "SlotManagerImpl.fulfillPendingSlotRequestWithPendingTaskManagerSlot",
    deviation=known(
        "an expected slot that is given back or left over is not offered to anybody",
        has_workers & has_several_allocations,
    ),
)
def no_request_waits_beside_an_expected_slot(s: SlotManagerState) -> bool:
    """No expected slot that is not reserved matches a request that has none."""
    return PendingTaskManagerSlot.OPEN not in s.pending or not any(
        s.request[request] == ManagerRequest.WAITING
        and answer(s, s.default_profile, s.request_profile[request]) == Answer.YES
        for request in s.entered
        if request != NONE
    )
