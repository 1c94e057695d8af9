"""What a release does: to the slot, to its payload, to its owner."""

from __future__ import annotations

from slotspec.models.logical_slot.environment import (
    allocate_from_physical_slot,
    release,
    release_slot,
    try_assign_payload,
)
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import Effect, LogicalSlotState, Reaction
from slotspec.properties.common.effects import count_effects
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def owners_go_without(setting: Setting) -> str | None:
    """The surprise that holds in every setting."""
    return "release tells no owner, nor does a release while the payload still stops"


def faults_leave_it(setting: Setting) -> str | None:
    """Where payloads or owners throw, a release can get stuck."""
    if setting["faults"]:
        return "a payload that throws, or an owner that throws, leaves the slot RELEASING"
    return None


@logical_slot.always("SingleLogicalSlot.releaseFuture, markReleased")
def the_release_future_is_open_until_the_slot_is_released(s: LogicalSlotState) -> bool:
    """Whoever waits for the release hears of it exactly when the slot is RELEASED."""
    for slot in range(len(s.slot)):
        over = s.slot[slot] == LogicalSlot.RELEASED
        if over != (s.released[slot] != ReleaseFuture.PENDING):
            return False
    return True


@logical_slot.always("SingleLogicalSlot.signalPayloadRelease")
def a_released_slot_is_never_empty(s: LogicalSlotState) -> bool:
    """From its release on, the payload or the stand-in bars every further payload."""
    for slot in range(len(s.slot)):
        releasing = s.slot[slot] == LogicalSlot.RELEASING or s.slot[slot] == LogicalSlot.RELEASED
        if releasing and s.occupant[slot] == Occupant.NOBODY:
            return False
    return True


@logical_slot.always("SingleLogicalSlot.signalPayloadRelease")
def the_stand_in_means_that_the_slot_was_released(s: LogicalSlotState) -> bool:
    """A slot that is alive has a payload or nothing, never the stand-in."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == LogicalSlot.ALIVE and s.occupant[slot] == Occupant.STAND_IN:
            return False
    return True


@logical_slot.always("SingleLogicalSlot.release, releaseSlot")
def the_payload_of_a_released_slot_was_told(s: LogicalSlotState) -> bool:
    """A payload hears of the release of its slot, and of nothing else."""
    for slot in range(len(s.slot)):
        payload = s.payload_of[slot]
        if payload != NONE and s.told[payload] != int(s.slot[slot] != LogicalSlot.ALIVE):
            return False
    return True


@logical_slot.always("SingleLogicalSlot.returnSlotToOwner", deviation=faults_leave_it)
def a_releasing_slot_ends_with_its_payload(s: LogicalSlotState) -> bool:
    """A slot is RELEASING only while it waits for a payload that still runs."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == LogicalSlot.RELEASING:
            payload = s.payload_of[slot]
            if payload == NONE or s.payload[payload] != PayloadRun.RUNNING or not s.waits[slot]:
                return False
    return True


@logical_slot.always("SingleLogicalSlot.release", deviation=owners_go_without)
def the_owner_gets_every_slot_back(s: LogicalSlotState) -> bool:
    """A slot that is RELEASED was returned to its owner."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == LogicalSlot.RELEASED and not s.returned[slot]:
            return False
    return True


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def the_owner_gets_a_slot_at_most_once(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """A slot is returned once, and only while it is RELEASING."""
    for slot in range(len(after.slot)):
        times = count_effects(after, int(Effect.RETURN_SLOT), slot)
        if times + before.returned[slot] > 1:
            return False
        if times == 1 and before.slot[slot] == LogicalSlot.RELEASED:
            return False
    return True


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner, releaseFuture")
def a_release_is_done_only_after_the_return(
    before: LogicalSlotState, after: LogicalSlotState
) -> bool:
    """Whoever waits for the release hears of it once the owner has the slot, not before."""
    return not any(
        told.slot == returned.slot
        for last, returned in enumerate(after.effects)
        if returned.kind == Effect.RETURN_SLOT
        for first, told in enumerate(after.effects)
        if first < last and told.kind in (Effect.RELEASE_DONE, Effect.RELEASE_FAILED)
    )


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def a_slot_is_returned_when_its_payload_has_terminated(
    before: LogicalSlotState, after: LogicalSlotState
) -> bool:
    """The owner never gets a slot in which a payload still runs."""
    for slot in range(len(after.slot)):
        payload = after.payload_of[slot]
        if (
            count_effects(after, int(Effect.RETURN_SLOT), slot) > 0
            and payload != NONE
            and after.payload[payload] == PayloadRun.RUNNING
        ):
            return False
    return True


@logical_slot.step("SingleLogicalSlot.signalPayloadRelease")
def a_payload_is_told_at_most_once(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """However often a slot is released, its payload hears it once."""
    for payload in range(len(after.payload)):
        times = count_effects(after, int(Effect.PAYLOAD_FAIL), payload)
        if times + before.told[payload] > 1:
            return False
    return True


@logical_slot.step("SingleLogicalSlot.tryAssignPayload", on=try_assign_payload)
def a_payload_is_assigned_exactly_if_the_slot_is_empty(
    before: LogicalSlotState,
    after: LogicalSlotState,
    result: int,
    slot: int,
    payload: int,
    on_fail: int,
) -> bool:
    """The first payload stays; one that comes later, or after the release, is refused."""
    if before.occupant[slot] == Occupant.NOBODY:
        return result == 1 and after.payload_of[slot] == payload
    return result == 0 and after.payload_of[slot] == before.payload_of[slot]


@logical_slot.step("SingleLogicalSlot.releaseSlot", on=release_slot)
def a_second_release_changes_nothing(
    before: LogicalSlotState, after: LogicalSlotState, result: int, slot: int
) -> bool:
    """release_slot on a slot that is not alive only answers with the state of the future."""
    if before.slot[slot] == LogicalSlot.ALIVE:
        return True
    return (
        len(after.effects) == 0
        and result == before.released[slot]
        and after.slot[slot] == before.slot[slot]
        and after.waits[slot] == before.waits[slot]
    )


@logical_slot.step("SingleLogicalSlot.release", on=release, deviation=faults_leave_it)
def release_ends_the_slot(
    before: LogicalSlotState, after: LogicalSlotState, result: int, slot: int
) -> bool:
    """After release the slot is RELEASED, whatever its payload does."""
    return after.slot[slot] == LogicalSlot.RELEASED


@logical_slot.step("SingleLogicalSlot.release", on=release)
def release_tells_no_owner(
    before: LogicalSlotState, after: LogicalSlotState, result: int, slot: int
) -> bool:
    """release is for the owner itself: he hears nothing of it."""
    return count_effects(after, int(Effect.RETURN_SLOT)) == 0


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def a_failed_termination_is_passed_on(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """When a returned slot is released at once, its future has the termination's outcome.

    Unless the owner ends the release himself, by calling release when he gets the slot.
    """
    for slot in range(len(after.slot)):
        payload = after.payload_of[slot]
        if (
            count_effects(after, int(Effect.RETURN_SLOT), slot) > 0
            and after.released[slot] != ReleaseFuture.PENDING
            and payload != NONE
            and before.on_return[slot] != Reaction.RELEASE
        ):
            broken = after.payload[payload] == PayloadRun.BROKEN
            if broken != (after.released[slot] == ReleaseFuture.FAILED):
                return False
    return True


@logical_slot.step("SingleLogicalSlot.allocateFromPhysicalSlot", on=allocate_from_physical_slot)
def a_physical_slot_has_one_logical_slot(
    before: LogicalSlotState,
    after: LogicalSlotState,
    result: int,
    slot: int,
    physical: int,
    on_return: int,
) -> bool:
    """A physical slot that is taken gets no second logical slot, and none comes to be."""
    made = after.slot[slot] == LogicalSlot.ALIVE
    return made == (before.taken[physical] == 0) and after.taken[physical] == 1
