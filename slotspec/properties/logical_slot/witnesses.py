"""What can happen to logical slots: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.logical_slot.environment import has_physical_slots
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import LogicalSlotState
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.rules import NONE

has_broken_terminations = is_set("faults") & ~is_set("fatal_faults")
has_throwing_payloads = is_set("faults")
several_from_physical = has_physical_slots & exceeds("physical_slots", 1)


@logical_slot.sometimes("SingleLogicalSlot.releaseSlot")
def a_slot_waits_for_its_payload(s: LogicalSlotState) -> bool:
    """A release has begun, and the payload has not terminated."""
    return any(
        state == LogicalSlot.RELEASING and s.waits[slot] for slot, state in enumerate(s.slot)
    )


@logical_slot.sometimes("SingleLogicalSlot.release")
def a_released_slot_still_has_a_running_payload(s: LogicalSlotState) -> bool:
    """release does not wait for the payload."""
    return any(
        s.slot[slot] == LogicalSlot.RELEASED and s.payload[payload] == PayloadRun.RUNNING
        for slot, payload in enumerate(s.payload_of)
        if payload != NONE
    )


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner")
def a_released_slot_is_returned(s: LogicalSlotState) -> bool:
    """The usual end: the payload has stopped, the slot is returned, the release is done."""
    return any(
        returned and s.occupant[slot] == Occupant.PAYLOAD and s.released[slot] == ReleaseFuture.DONE
        for slot, returned in enumerate(s.returned)
    )


@logical_slot.sometimes("SingleLogicalSlot.release")
def a_released_slot_was_never_returned(s: LogicalSlotState) -> bool:
    """A slot ends, and its owner does not get it back."""
    return any(
        state == LogicalSlot.RELEASED and not s.returned[slot] for slot, state in enumerate(s.slot)
    )


@logical_slot.sometimes("SingleLogicalSlot.tryAssignPayload")
def a_payload_is_assigned_after_it_has_terminated(s: LogicalSlotState) -> bool:
    """The slot does not check the state of the payload that it gets."""
    return any(
        s.slot[slot] == LogicalSlot.ALIVE and s.payload[payload] == PayloadRun.ENDED
        for slot, payload in enumerate(s.payload_of)
        if payload != NONE
    )


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner", when=has_broken_terminations)
def a_release_fails(s: LogicalSlotState) -> bool:
    """A slot is RELEASED, and its release future has failed."""
    return ReleaseFuture.FAILED in s.released


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner", when=has_broken_terminations)
def a_release_is_done_although_the_termination_failed(s: LogicalSlotState) -> bool:
    """The owner ended the release when it got the slot, before the failure was passed on."""
    return any(
        s.returned[slot]
        and s.released[slot] == ReleaseFuture.DONE
        and s.payload[payload] == PayloadRun.BROKEN
        for slot, payload in enumerate(s.payload_of)
        if payload != NONE
    )


@logical_slot.sometimes("SingleLogicalSlot.releaseSlot", when=has_throwing_payloads)
def a_release_is_stuck(s: LogicalSlotState) -> bool:
    """A slot is RELEASING although its payload has terminated, and nothing will end that."""
    return any(
        s.slot[slot] == LogicalSlot.RELEASING and s.payload[payload] != PayloadRun.RUNNING
        for slot, payload in enumerate(s.payload_of)
        if payload != NONE
    )


@logical_slot.sometimes("SingleLogicalSlot.allocateFromPhysicalSlot", when=several_from_physical)
def two_physical_slots_are_taken(s: LogicalSlotState) -> bool:
    """Two logical slots have a physical slot each."""
    return sum(s.taken) > 1
