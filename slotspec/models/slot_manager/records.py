"""The manager's maps: what is registered under which name, and who is asked for what.

Rules below the operations. Flink: ``slots``, ``freeSlots``, ``taskManagerRegistrations``,
``fulfilledSlotRequests``, ``pendingSlotRequests`` and ``pendingSlots`` of SlotManagerImpl.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_manager.lifecycles import (
    ManagedTaskManager,
    ManagerRequest,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE, recycle

# ------------------------------------------------------------------------------- counting


def number_of_slots(s: SlotManagerState) -> int:
    """Slots of registered TaskExecutors. Flink: getNumberRegisteredSlots."""
    count = 0
    for slot in range(len(s.slot)):
        if s.slot[slot] != TaskManagerSlot.ABSENT:
            count += 1
    return count


def number_of_names(s: SlotManagerState, instance: int) -> int:
    """Different slot names that a connection came with."""
    width = len(s.slot)
    count = 0
    while count < width and s.reported[instance * width + count] != NONE:
        count += 1
    return count


def exceeds_maximum(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """Whether `more` slots would be too many. Flink: isMaxSlotNumExceededAfterAdding."""
    return slots + pending + more > s.max_slots


# ------------------------------------------------------------------------------- requests


def is_entered(s: SlotManagerState, request: int) -> bool:
    """Whether this very request object is in the map of requests."""
    return (
        s.request[request] == ManagerRequest.WAITING
        or s.request[request] == ManagerRequest.RESERVED
        or s.request[request] == ManagerRequest.REQUESTED
    )


def has_call(s: SlotManagerState, request: int) -> bool:
    """Whether an entered request waits for a call. Flink: PendingSlotRequest.isAssigned."""
    return s.request[request] == ManagerRequest.REQUESTED


def entered_under(s: SlotManagerState, allocation: int) -> int:
    """The request in the map under this allocation id, or NONE."""
    for place in range(len(s.entered)):
        request = s.entered[place]
        if request == NONE:
            return NONE
        if s.request_allocation[request] == allocation:
            return request
    return NONE


def is_referred_to(s: SlotManagerState, request: int) -> bool:
    """Whether a slot or a pending slot has this request object."""
    for slot in range(len(s.slot)):
        if s.slot_request[slot] == request:
            return True
    for pending in range(len(s.pending)):
        if s.pending_request[pending] == request:
            return True
    return False


def spare_request(s: SlotManagerState, allocation: int) -> int:
    """A record for one more request with this allocation id, or NONE."""
    width = len(s.request) // len(s.fulfilled)
    first = 0 if s.follow_clock else allocation * width
    last = len(s.request) if s.follow_clock else first + width
    for request in range(first, last):
        if s.request[request] == ManagerRequest.UNUSED:
            return request
    return NONE


def is_known(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request is entered or fulfilled under this id. Flink: checkDuplicateRequest."""
    return s.fulfilled[allocation] != NONE or entered_under(s, allocation) != NONE


def clear_request(s: SlotManagerState, request: int) -> None:
    """Nothing refers to the request any more: its record may serve another."""
    recycle(s.request, request)
    s.request_allocation[request] = NONE
    s.request_job[request] = NONE
    s.request_profile[request] = NONE
    s.request_age[request] = 0
    s.request_call[request] = NONE
    s.reservation[request] = NONE


# ---------------------------------------------------------------------------------- calls


def is_waited_for(s: SlotManagerState, call: int) -> bool:
    """Whether a request still has this call, however dead either is."""
    for request in range(len(s.request)):
        if s.request_call[request] == call:
            return True
    return False


def is_call_spare(s: SlotManagerState, call: int) -> bool:
    """Whether the record of a call may serve another one."""
    if s.call[call] == SlotCall.UNUSED:
        return True
    if s.call[call] != SlotCall.SPENT or is_waited_for(s, call):
        return False
    return s.answered[call] == 1 or not s.follow_clock


def clear_call(s: SlotManagerState, call: int) -> None:
    """Nothing refers to the call any more."""
    recycle(s.call, call)
    s.call_slot[call] = NONE
    s.call_allocation[call] = NONE
    s.call_job[call] = NONE
    s.found_allocation[call] = NONE
    s.found_job[call] = NONE
    s.answered[call] = 0


def spare_call(s: SlotManagerState, slot: int) -> int:
    """A record for one more call that is made for `slot`, or NONE."""
    width = len(s.call) // len(s.slot)
    first = 0 if s.follow_clock else slot * width
    last = len(s.call) if s.follow_clock else first + width
    for call in range(first, last):
        if is_call_spare(s, call):
            clear_call(s, call)
            return call
    return NONE


# ---------------------------------------------------------------------------------- slots


def answer(s: SlotManagerState, profile: int, wanted: int) -> int:
    """Compare a slot's profile with a wanted one; an Answer."""
    return s.satisfies[profile * s.profile_count + wanted]


def is_older(s: SlotManagerState, slot: int, other: int) -> bool:
    """Whether `slot` was registered before `other`."""
    return s.slot_serial[slot] < s.slot_serial[other]


def fulfillable_by_slots(s: SlotManagerState, wanted: int) -> int:
    """Whether some registered slot matches, in whatever state; an Answer.

    The first that matches or cannot be compared decides.
    """
    match = NONE
    throws = NONE
    for slot in range(len(s.slot)):
        if s.slot[slot] != TaskManagerSlot.ABSENT:
            found = answer(s, s.slot_profile[slot], wanted)
            if found == Answer.YES and (match == NONE or is_older(s, slot, match)):
                match = slot
            if found == Answer.THROWS and (throws == NONE or is_older(s, slot, throws)):
                throws = slot
    if throws != NONE and (match == NONE or is_older(s, throws, match)):
        return int(Answer.THROWS)
    return int(Answer.YES) if match != NONE else int(Answer.NO)


def fulfillable(s: SlotManagerState, wanted: int) -> int:
    """Whether some registered or expected slot matches; an Answer.

    Flink: isFulfillableByRegisteredOrPendingSlots.
    """
    found = fulfillable_by_slots(s, wanted)
    if found != Answer.NO or s.expected[0] == NONE:
        return found
    return answer(s, s.default_profile, wanted)


def enter_fulfilled(s: SlotManagerState, allocation: int, slot: int) -> None:
    """This slot carries the allocation from now on; an older entry keeps its place."""
    if s.fulfilled[allocation] == NONE and s.follow_clock:
        s.serial += 1
        s.fulfilled_serial[allocation] = s.serial
    s.fulfilled[allocation] = slot


def leave_fulfilled(s: SlotManagerState, allocation: int) -> None:
    """No slot carries the allocation any more."""
    s.fulfilled[allocation] = NONE
    s.fulfilled_serial[allocation] = 0


def is_registered(s: SlotManagerState, instance: int) -> bool:
    """Whether this connection is registered."""
    return s.registration[instance] != ManagedTaskManager.UNREGISTERED


def is_free_listed(s: SlotManagerState, slot: int) -> bool:
    """Whether the slot is in the list of free slots, whatever its own state says."""
    return place_of(s.free, slot) != NONE


def is_allocation_unused(s: SlotManagerState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id."""
    if s.fulfilled[allocation] != NONE:
        return False
    for request in range(len(s.request)):
        if s.request_allocation[request] == allocation:
            return False
    for slot in range(len(s.slot)):
        if s.slot_allocation[slot] == allocation:
            return False
    for call in range(len(s.call)):
        if s.call_allocation[call] == allocation or s.found_allocation[call] == allocation:
            return False
    return True


def is_instance_unused(s: SlotManagerState, instance: int) -> bool:
    """Whether nothing refers to this connection."""
    for query in range(len(s.query)):
        if s.query_instance[query] == instance:
            return False
    return not is_registered(s, instance)


def is_slot_unused(s: SlotManagerState, slot: int) -> bool:
    """Whether nothing refers to a slot of this name."""
    for place in range(len(s.reported)):
        if s.reported[place] == slot:
            return False
    for call in range(len(s.call)):
        if s.call_slot[call] == slot:
            return False
    for allocation in range(len(s.fulfilled)):
        if s.fulfilled[allocation] == slot:
            return False
    return s.slot[slot] == TaskManagerSlot.ABSENT
