"""The manager's maps: what is registered under which name, and which calls are open.

The operations use these rules. Flink: ``slots``, ``freeSlots``, ``taskManagerRegistrations``,
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
from slotspec.statemachine.declaration.rules import NONE, recycle

# ------------------------------------------------------------------------------- counting


def number_of_slots(s: SlotManagerState) -> int:
    """The number of slots of registered TaskExecutors. Flink: getNumberRegisteredSlots."""
    return sum(state != TaskManagerSlot.ABSENT for state in s.slot)


def came_with(s: SlotManagerState, instance: int, slot: int) -> bool:
    """Whether a connection reported a slot of this name when it registered."""
    width = len(s.slot)
    return any(
        s.reported[place] == slot for place in range(instance * width, (instance + 1) * width)
    )


def number_of_names(s: SlotManagerState, instance: int) -> int:
    """How many different slot names a connection reported."""
    width = len(s.slot)
    return sum(
        s.reported[place] != NONE for place in range(instance * width, (instance + 1) * width)
    )


def exceeds_maximum(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """Whether `more` slots would be too many. Flink: isMaxSlotNumExceededAfterAdding."""
    return slots + pending + more > s.max_slots


# ------------------------------------------------------------------------------- requests


def is_entered(s: SlotManagerState, request: int) -> bool:
    """Whether this very request object is in the map of requests."""
    return s.request[request] in (
        ManagerRequest.WAITING,
        ManagerRequest.RESERVED,
        ManagerRequest.REQUESTED,
    )


def has_call(s: SlotManagerState, request: int) -> bool:
    """Whether an entered request waits for a call. Flink: PendingSlotRequest.isAssigned."""
    return s.request[request] == ManagerRequest.REQUESTED


def entered_under(s: SlotManagerState, allocation: int) -> int:
    """The request in the map under this allocation id, or NONE."""
    return next((r for r in s.entered if r != NONE and s.request_allocation[r] == allocation), NONE)


def is_referred_to(s: SlotManagerState, request: int) -> bool:
    """Whether a slot or a pending slot has this request object."""
    return request in s.slot_request or request in s.pending_request


def spare_request(s: SlotManagerState, allocation: int) -> int:
    """A record for one more request with this allocation id, or NONE."""
    width = len(s.request) // len(s.fulfilled)
    first = 0 if s.follow_clock else allocation * width
    last = len(s.request) if s.follow_clock else first + width
    return next((r for r in range(first, last) if s.request[r] == ManagerRequest.UNUSED), NONE)


def is_known(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request is entered or fulfilled under this id. Flink: checkDuplicateRequest."""
    return s.fulfilled[allocation] != NONE or entered_under(s, allocation) != NONE


def clear_request(s: SlotManagerState, request: int) -> None:
    """Clear the record of a request that nothing refers to any more, for the next request."""
    recycle(s.request, request)
    s.request_allocation[request] = NONE
    s.request_job[request] = NONE
    s.request_profile[request] = NONE
    s.request_age[request] = 0
    s.request_call[request] = NONE
    s.reservation[request] = NONE


# ---------------------------------------------------------------------------------- calls


def is_waited_for(s: SlotManagerState, call: int) -> bool:
    """Whether a request, live or dead, still has this call."""
    return call in s.request_call


def is_call_spare(s: SlotManagerState, call: int) -> bool:
    """Whether the next call may use this record."""
    if s.call[call] == SlotCall.UNUSED:
        return True
    if s.call[call] != SlotCall.SPENT or is_waited_for(s, call):
        return False
    return s.answered[call] == 1 or not s.follow_clock


def clear_call(s: SlotManagerState, call: int) -> None:
    """Clear the record of a call that nothing refers to any more."""
    recycle(s.call, call)
    s.call_slot[call] = NONE
    s.call_allocation[call] = NONE
    s.call_job[call] = NONE
    s.found_allocation[call] = NONE
    s.found_job[call] = NONE
    s.answered[call] = 0


def spare_call(s: SlotManagerState, slot: int) -> int:
    """A cleared record for one more call for `slot`, or NONE."""
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
    """Compare the profile of a slot with a requested one; returns an Answer."""
    return s.satisfies[profile * s.profile_count + wanted]


def is_older(s: SlotManagerState, slot: int, other: int) -> bool:
    """Whether `slot` was registered before `other`."""
    return s.slot_serial[slot] < s.slot_serial[other]


def fulfillable_by_slots(s: SlotManagerState, wanted: int) -> int:
    """Whether some registered slot matches, in whatever state; returns an Answer.

    The oldest slot that matches or cannot be compared decides.
    """
    match = NONE
    throws = NONE
    for slot, state in enumerate(s.slot):
        if state != TaskManagerSlot.ABSENT:
            found = answer(s, s.slot_profile[slot], wanted)
            if found == Answer.YES and (match == NONE or is_older(s, slot, match)):
                match = slot
            if found == Answer.THROWS and (throws == NONE or is_older(s, slot, throws)):
                throws = slot
    if throws != NONE and (match == NONE or is_older(s, throws, match)):
        return int(Answer.THROWS)
    return int(Answer.YES) if match != NONE else int(Answer.NO)


def fulfillable(s: SlotManagerState, wanted: int) -> int:
    """Whether some registered or expected slot matches; returns an Answer.

    Flink: isFulfillableByRegisteredOrPendingSlots.
    """
    found = fulfillable_by_slots(s, wanted)
    if found != Answer.NO or s.expected[0] == NONE:
        return found
    return answer(s, s.default_profile, wanted)


def enter_fulfilled(s: SlotManagerState, allocation: int, slot: int) -> None:
    """From now on this slot carries the allocation; an older entry keeps its place."""
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


def is_allocation_unused(s: SlotManagerState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id."""
    return (
        s.fulfilled[allocation] == NONE
        and allocation not in s.request_allocation
        and allocation not in s.slot_allocation
        and allocation not in s.call_allocation
        and allocation not in s.found_allocation
    )


def is_instance_unused(s: SlotManagerState, instance: int) -> bool:
    """Whether nothing refers to this connection."""
    return not is_registered(s, instance) and instance not in s.query_instance


def is_slot_unused(s: SlotManagerState, slot: int) -> bool:
    """Whether nothing refers to a slot of this name."""
    return (
        s.slot[slot] == TaskManagerSlot.ABSENT
        and slot not in s.reported
        and slot not in s.call_slot
        and slot not in s.fulfilled
    )
