"""What can happen to logical slots: without these, the other properties might be empty."""

from __future__ import annotations

from slotspec.models.logical_slot.environment import has_physical_slots
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import LogicalSlotState
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def has_broken_terminations(setting: Setting) -> bool:
    return bool(setting["faults"]) and not setting["fatal_faults"]


def has_throwing_payloads(setting: Setting) -> bool:
    return bool(setting["faults"])


def several_from_physical(setting: Setting) -> bool:
    return has_physical_slots(setting) and bool(setting["physical_slots"] > 1)


@logical_slot.sometimes("SingleLogicalSlot.releaseSlot")
def a_slot_waits_for_its_payload(s: LogicalSlotState) -> bool:
    """A release has begun, and the payload has not terminated."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == LogicalSlot.RELEASING and s.waits[slot]:
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.release")
def a_released_slot_still_has_a_running_payload(s: LogicalSlotState) -> bool:
    """release waits for nobody."""
    for slot in range(len(s.slot)):
        payload = s.payload_of[slot]
        if (
            s.slot[slot] == LogicalSlot.RELEASED
            and payload != NONE
            and s.payload[payload] == PayloadRun.RUNNING
        ):
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner")
def a_released_slot_is_returned(s: LogicalSlotState) -> bool:
    """The usual end: payload stopped, slot returned, release done."""
    for slot in range(len(s.slot)):
        if (
            s.returned[slot]
            and s.occupant[slot] == Occupant.PAYLOAD
            and s.released[slot] == ReleaseFuture.DONE
        ):
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.release")
def a_released_slot_was_never_returned(s: LogicalSlotState) -> bool:
    """A slot ends without its owner being told."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == LogicalSlot.RELEASED and not s.returned[slot]:
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.tryAssignPayload")
def a_payload_is_assigned_after_it_has_terminated(s: LogicalSlotState) -> bool:
    """The slot does not look at what it gets."""
    for slot in range(len(s.slot)):
        payload = s.payload_of[slot]
        if (
            s.slot[slot] == LogicalSlot.ALIVE
            and payload != NONE
            and s.payload[payload] == PayloadRun.ENDED
        ):
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner", when=has_broken_terminations)
def a_release_fails(s: LogicalSlotState) -> bool:
    """A slot is RELEASED, and its release future has failed."""
    for slot in range(len(s.slot)):
        if s.released[slot] == ReleaseFuture.FAILED:
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.returnSlotToOwner", when=has_broken_terminations)
def a_release_is_done_although_the_termination_failed(s: LogicalSlotState) -> bool:
    """The owner ended the release when he got the slot, before the failure was passed on."""
    for slot in range(len(s.slot)):
        payload = s.payload_of[slot]
        if (
            s.returned[slot]
            and s.released[slot] == ReleaseFuture.DONE
            and payload != NONE
            and s.payload[payload] == PayloadRun.BROKEN
        ):
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.releaseSlot", when=has_throwing_payloads)
def a_release_is_stuck(s: LogicalSlotState) -> bool:
    """A slot is RELEASING, its payload was told and is over, and nothing waits for that."""
    for slot in range(len(s.slot)):
        payload = s.payload_of[slot]
        if (
            s.slot[slot] == LogicalSlot.RELEASING
            and payload != NONE
            and s.payload[payload] != PayloadRun.RUNNING
        ):
            return True
    return False


@logical_slot.sometimes("SingleLogicalSlot.allocateFromPhysicalSlot", when=several_from_physical)
def two_physical_slots_are_taken(s: LogicalSlotState) -> bool:
    """Two logical slots have a physical slot each."""
    count = 0
    for physical in range(len(s.taken)):
        count += s.taken[physical]
    return count > 1
