"""What a release does to the slot, to its payload and to its owner."""

from __future__ import annotations

from slotspec.models.logical_slot.environment import (
    allocate_from_physical_slot,
    release,
    release_slot,
    try_assign_payload,
)
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import (
    Effect,
    LogicalSlotState,
    Reaction,
    slots,
)
from slotspec.statemachine.declaration.conditions import is_set, known
from slotspec.statemachine.declaration.rules import NONE

owners_go_without = known(
    "release tells no owner, nor does a release while the payload still stops"
)
"""The surprise that every setting shows."""
faults_leave_it = known(
    "a payload that throws, or an owner that throws, leaves the slot RELEASING", is_set("faults")
)
"""Where payloads or owners throw, a release can get stuck."""


def has_running_payload(s: LogicalSlotState, slot: int) -> bool:
    """Whether the payload of the slot, if it has one, has not terminated."""
    payload = s.payload_of[slot]
    return payload != NONE and s.payload[payload] == PayloadRun.RUNNING


@logical_slot.always("SingleLogicalSlot.releaseFuture, markReleased", each={"slot": slots})
def the_release_future_is_open_until_the_slot_is_released(s: LogicalSlotState, slot: int) -> bool:
    """The release future is complete exactly when the slot is RELEASED."""
    is_open = s.released[slot] == ReleaseFuture.PENDING
    return is_open == (s.slot[slot] != LogicalSlot.RELEASED)


@logical_slot.always("SingleLogicalSlot.signalPayloadRelease", each={"slot": slots})
def a_released_slot_is_never_empty(s: LogicalSlotState, slot: int) -> bool:
    """From its release on, the payload or the stand-in keeps every further payload out."""
    return (
        s.slot[slot] in (LogicalSlot.ABSENT, LogicalSlot.ALIVE)
        or s.occupant[slot] != Occupant.NOBODY
    )


@logical_slot.always("SingleLogicalSlot.signalPayloadRelease", each={"slot": slots})
def the_stand_in_means_that_the_slot_was_released(s: LogicalSlotState, slot: int) -> bool:
    """A slot that is alive has a payload or nothing, never the stand-in."""
    return s.slot[slot] != LogicalSlot.ALIVE or s.occupant[slot] != Occupant.STAND_IN


@logical_slot.always("SingleLogicalSlot.release, releaseSlot", each={"slot": slots})
def the_payload_of_a_released_slot_was_told(s: LogicalSlotState, slot: int) -> bool:
    """A payload is asked to fail exactly when its slot is released."""
    payload = s.payload_of[slot]
    return payload == NONE or s.told[payload] == (s.slot[slot] != LogicalSlot.ALIVE)


@logical_slot.always(
    "SingleLogicalSlot.returnSlotToOwner", each={"slot": slots}, deviation=faults_leave_it
)
def a_releasing_slot_ends_with_its_payload(s: LogicalSlotState, slot: int) -> bool:
    """A slot is RELEASING only while it waits for a payload that still runs."""
    return s.slot[slot] != LogicalSlot.RELEASING or bool(
        s.waits[slot] and has_running_payload(s, slot)
    )


@logical_slot.always("SingleLogicalSlot.release", each={"slot": slots}, deviation=owners_go_without)
def the_owner_gets_every_slot_back(s: LogicalSlotState, slot: int) -> bool:
    """Every RELEASED slot was returned to its owner."""
    return s.slot[slot] != LogicalSlot.RELEASED or s.returned[slot] == 1


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def the_owner_gets_a_slot_at_most_once(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """A slot is returned once, and never after it was RELEASED."""
    return all(
        not before.returned[e.slot]
        and before.slot[e.slot] != LogicalSlot.RELEASED
        and sum(f.kind == Effect.RETURN_SLOT and f.slot == e.slot for f in after.effects) == 1
        for e in after.effects
        if e.kind == Effect.RETURN_SLOT
    )


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner, releaseFuture")
def a_release_is_done_only_after_the_return(after: LogicalSlotState) -> bool:
    """The release future completes after the owner has the slot, not before."""
    return not any(
        completed.slot == returned.slot
        for last, returned in enumerate(after.effects)
        if returned.kind == Effect.RETURN_SLOT
        for first, completed in enumerate(after.effects)
        if first < last and completed.kind in (Effect.RELEASE_DONE, Effect.RELEASE_FAILED)
    )


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def a_slot_is_returned_when_its_payload_has_terminated(after: LogicalSlotState) -> bool:
    """The owner never gets a slot in which a payload still runs."""
    return not any(
        e.kind == Effect.RETURN_SLOT and has_running_payload(after, e.slot) for e in after.effects
    )


@logical_slot.step("SingleLogicalSlot.signalPayloadRelease")
def a_payload_is_told_at_most_once(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """However often a slot is released, its payload is asked to fail once."""
    return all(
        not before.told[e.payload]
        and sum(f.kind == Effect.PAYLOAD_FAIL and f.payload == e.payload for f in after.effects)
        == 1
        for e in after.effects
        if e.kind == Effect.PAYLOAD_FAIL
    )


@logical_slot.step("SingleLogicalSlot.tryAssignPayload", on=try_assign_payload)
def a_payload_is_assigned_exactly_if_the_slot_is_empty(
    before: LogicalSlotState, after: LogicalSlotState, result: int, slot: int, payload: int
) -> bool:
    """The first payload stays; a second one, or one after the release, is refused."""
    if before.occupant[slot] == Occupant.NOBODY:
        return result == 1 and after.payload_of[slot] == payload
    return result == 0 and after.payload_of[slot] == before.payload_of[slot]


@logical_slot.step("SingleLogicalSlot.releaseSlot", on=release_slot)
def a_second_release_changes_nothing(
    before: LogicalSlotState, after: LogicalSlotState, result: int, slot: int
) -> bool:
    """On a slot that is not alive, release_slot only returns the state of the future."""
    return before.slot[slot] == LogicalSlot.ALIVE or (
        not after.effects
        and result == before.released[slot]
        and after.slot[slot] == before.slot[slot]
        and after.waits[slot] == before.waits[slot]
    )


@logical_slot.step("SingleLogicalSlot.release", on=release, deviation=faults_leave_it)
def release_ends_the_slot(after: LogicalSlotState, slot: int) -> bool:
    """After release the slot is RELEASED, whatever its payload does."""
    return after.slot[slot] == LogicalSlot.RELEASED


@logical_slot.step("SingleLogicalSlot.release", on=release)
def release_tells_no_owner(after: LogicalSlotState) -> bool:
    """release is for the owner itself: it does not return the slot."""
    return all(e.kind != Effect.RETURN_SLOT for e in after.effects)


@logical_slot.step("SingleLogicalSlot.returnSlotToOwner")
def a_failed_termination_is_passed_on(before: LogicalSlotState, after: LogicalSlotState) -> bool:
    """When a returned slot is released at once, its future has the termination's outcome.

    Unless the owner ends the release itself, by calling release when it gets the slot.
    """
    return all(
        (after.released[e.slot] == ReleaseFuture.FAILED)
        == (after.payload[after.payload_of[e.slot]] == PayloadRun.BROKEN)
        for e in after.effects
        if e.kind == Effect.RETURN_SLOT
        and after.released[e.slot] != ReleaseFuture.PENDING
        and after.payload_of[e.slot] != NONE
        and before.on_return[e.slot] != Reaction.RELEASE
    )


@logical_slot.step("SingleLogicalSlot.allocateFromPhysicalSlot", on=allocate_from_physical_slot)
def a_physical_slot_has_one_logical_slot(
    before: LogicalSlotState, after: LogicalSlotState, slot: int, physical: int
) -> bool:
    """If a physical slot is taken, it gets no second logical slot, and none is created."""
    created = after.slot[slot] == LogicalSlot.ALIVE
    return created == (before.taken[physical] == 0) and after.taken[physical] == 1
