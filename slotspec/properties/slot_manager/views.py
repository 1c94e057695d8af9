"""What the slot manager's properties look at: effects counted, states compared."""

from __future__ import annotations

from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


def same_slot(a: SlotManagerState, b: SlotManagerState, slot: int) -> bool:
    """Whether both states have the same slot of this name, in the same use."""
    return (
        a.slot[slot] == b.slot[slot]
        and a.slot_instance[slot] == b.slot_instance[slot]
        and a.slot_profile[slot] == b.slot_profile[slot]
        and a.slot_allocation[slot] == b.slot_allocation[slot]
        and a.slot_request[slot] == b.slot_request[slot]
        and a.free[slot] == b.free[slot]
    )


def same_request(a: SlotManagerState, b: SlotManagerState, request: int) -> bool:
    """Whether both states have the same request in this record."""
    return (
        a.request[request] == b.request[request]
        and a.request_allocation[request] == b.request_allocation[request]
        and a.request_call[request] == b.request_call[request]
        and a.reservation[request] == b.reservation[request]
        and a.entered[request] == b.entered[request]
    )


def is_unchanged(a: SlotManagerState, b: SlotManagerState) -> bool:
    """Whether both states have the same slots, requests, connections, calls and map entries."""
    for slot in range(len(a.slot)):
        if not same_slot(a, b, slot):
            return False
    for request in range(len(a.request)):
        if not same_request(a, b, request):
            return False
    for instance in range(len(a.registration)):
        if (
            a.registration[instance] != b.registration[instance]
            or a.free_count[instance] != b.free_count[instance]
        ):
            return False
    for pending in range(len(a.pending)):
        if (
            a.pending[pending] != b.pending[pending]
            or a.pending_request[pending] != b.pending_request[pending]
        ):
            return False
    for call in range(len(a.call)):
        if a.call[call] != b.call[call]:
            return False
    for allocation in range(len(a.fulfilled)):
        if a.fulfilled[allocation] != b.fulfilled[allocation]:
            return False
    return a.manager[0] == b.manager[0]


def is_seen(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request is in the map, or an allocation fulfilled, under this id."""
    for place in range(len(s.entered)):
        request = s.entered[place]
        if request != NONE and s.request_allocation[request] == allocation:
            return True
    return s.fulfilled[allocation] != NONE
