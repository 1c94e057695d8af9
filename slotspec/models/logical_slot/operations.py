"""Logical slots: the operations of Flink's SingleLogicalSlot.

Each operation is a plain rule over :class:`LogicalSlotState`. The environment chooses in advance
what payloads and owners do when they are called (a :class:`Reaction`). As in Flink, they do it
within the call.
"""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import Effect, LogicalSlotState, Raised, Reaction
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ------------------------------------------------------------------------------- creation


@logical_slot.operation
def create_slot(s: LogicalSlotState, slot: int, on_return: int) -> int:
    """Create a slot. Flink: the constructor of SingleLogicalSlot."""
    fire(s.slot, slot, LogicalSlot.create)
    s.on_return[slot] = on_return
    return NONE


@logical_slot.operation
def allocate_from_physical_slot(
    s: LogicalSlotState, slot: int, physical: int, on_return: int
) -> int:
    """Create a slot and assign it to a physical one; if that is taken, no slot is created.

    Flink: SingleLogicalSlot.allocateFromPhysicalSlot (1.12, 1.13).
    """
    accepted = is_vacant(s, physical)
    emit(s, Effect.PHYSICAL_ASSIGN, physical, slot, accepted)
    if not accepted:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    s.taken[physical] = 1
    return create_slot(s, slot, on_return)


def is_vacant(s: LogicalSlotState, physical: int) -> int:
    """1 if no logical slot uses the physical one. Flink: AllocatedSlot.tryAssignPayload."""
    return int(s.taken[physical] == 0)


# -------------------------------------------------------------------------------- payload


@logical_slot.operation
def try_assign_payload(s: LogicalSlotState, slot: int, payload: int, on_fail: int) -> int:
    """Put a payload into the slot. Returns 0 if it has one. The slot's state does not matter.

    Flink: SingleLogicalSlot.tryAssignPayload.
    """
    if s.occupant[slot] != Occupant.NOBODY:
        return 0
    fire(s.occupant, slot, Occupant.assign)
    s.payload_of[slot] = payload
    s.on_fail[payload] = on_fail
    return 1


@logical_slot.operation
def payload_terminates(s: LogicalSlotState, payload: int, fails: int) -> int:
    """The termination future of `payload` completes or fails. Returns 0 if it already has.

    Flink: completion of LogicalSlot.Payload.getTerminalStateFuture.
    """
    if s.payload[payload] != PayloadRun.RUNNING:
        return 0
    if fails:
        fire(s.payload, payload, PayloadRun.fail)
    else:
        fire(s.payload, payload, PayloadRun.end)
    for slot, held in enumerate(s.payload_of):
        if held == payload and s.waits[slot]:
            return_slot_to_owner(s, slot, fails)
    return 1


# -------------------------------------------------------------------------------- release


@logical_slot.operation
def release_slot(s: LogicalSlotState, slot: int, cause: int) -> int:
    """Release the slot: stop its payload, and return the slot once that has terminated.

    Returns the state of the release future. Flink: SingleLogicalSlot.releaseSlot.
    """
    if s.slot[slot] == LogicalSlot.ALIVE:
        fire(s.slot, slot, LogicalSlot.release)
        if not signal_payload_release(s, slot, cause):
            return NONE
        return_when_terminated(s, slot)
    return s.released[slot]


@logical_slot.operation
def release(s: LogicalSlotState, slot: int, cause: int) -> int:
    """The physical slot is lost: stop the payload without waiting for it.

    The slot is not returned to its owner, which is the caller. Flink: SingleLogicalSlot.release.
    """
    if s.slot[slot] == LogicalSlot.ALIVE:
        fire(s.slot, slot, LogicalSlot.release)
        if not signal_payload_release(s, slot, cause):
            return NONE
    end_release(s, slot, 0)
    return NONE


def signal_payload_release(s: LogicalSlotState, slot: int, cause: int) -> bool:
    """Ask the payload to fail; False if it throws. An empty slot gets the stand-in.

    Flink: SingleLogicalSlot.signalPayloadRelease.
    """
    if s.occupant[slot] == Occupant.NOBODY:
        fire(s.occupant, slot, Occupant.fill)
    if s.occupant[slot] == Occupant.STAND_IN:
        return True
    payload = s.payload_of[slot]
    emit(s, Effect.PAYLOAD_FAIL, payload, cause)
    s.told[payload] = 1
    match s.on_fail[payload]:
        case Reaction.RAISE:
            emit(s, Effect.RAISES, Raised.PAYLOADS_OWN)
            return False
        case Reaction.TERMINATE:
            payload_terminates(s, payload, 0)
        case reaction:
            call_back(s, slot, reaction)
    return True


def call_back(s: LogicalSlotState, slot: int, reaction: int) -> None:
    """What a payload or an owner calls on the slot while it is RELEASING.

    In that state release only ends it, and release_slot does nothing.
    """
    if reaction == Reaction.RELEASE:
        end_release(s, slot, 0)


def return_when_terminated(s: LogicalSlotState, slot: int) -> None:
    """Wait for the payload's termination; the stand-in has terminated already."""
    if s.occupant[slot] == Occupant.STAND_IN:
        return_slot_to_owner(s, slot, 0)
        return
    run = s.payload[s.payload_of[slot]]
    if run == PayloadRun.RUNNING:
        s.waits[slot] = 1
    else:
        return_slot_to_owner(s, slot, run == PayloadRun.BROKEN)


def return_slot_to_owner(s: LogicalSlotState, slot: int, fails: int) -> None:
    """The payload has terminated: return the slot, unless it has been released meanwhile.

    If the owner throws, the exception is swallowed and the release is not completed.
    Flink: SingleLogicalSlot.returnSlotToOwner.
    """
    s.waits[slot] = 0
    if s.slot[slot] == LogicalSlot.RELEASING:
        emit(s, Effect.RETURN_SLOT, slot)
        s.returned[slot] = 1
        if s.on_return[slot] == Reaction.RAISE:
            return
        call_back(s, slot, s.on_return[slot])
    end_release(s, slot, fails)


def end_release(s: LogicalSlotState, slot: int, fails: int) -> None:
    """The slot is released; its release future completes or fails, unless it already has."""
    if s.slot[slot] == LogicalSlot.RELEASING:
        fire(s.slot, slot, LogicalSlot.end)
    if s.released[slot] == ReleaseFuture.PENDING:
        if fails:
            fire(s.released, slot, ReleaseFuture.fail)
            emit(s, Effect.RELEASE_FAILED, slot)
        else:
            fire(s.released, slot, ReleaseFuture.complete)
            emit(s, Effect.RELEASE_DONE, slot)


# -------------------------------------------------------------------------------- queries


@logical_slot.operation
def is_alive(s: LogicalSlotState, slot: int) -> int:
    """1 until somebody releases the slot. Flink: SingleLogicalSlot.isAlive."""
    return int(s.slot[slot] == LogicalSlot.ALIVE)


@logical_slot.operation
def get_payload(s: LogicalSlotState, slot: int) -> int:
    """The payload; NONE if there is none or the stand-in. Flink: SingleLogicalSlot.getPayload."""
    return s.payload_of[slot]


@logical_slot.operation
def describe(s: LogicalSlotState, slot: int) -> int:
    """The slot itself; its location never changes. Flink: the getters of SingleLogicalSlot."""
    return slot


@logical_slot.after_each_step
def forget_reactions(s: LogicalSlotState) -> None:
    """Forget a reaction once it has happened, or can no longer happen."""
    for slot, state in enumerate(s.slot):
        if state == LogicalSlot.RELEASED or s.returned[slot]:
            s.on_return[slot] = 0
    for payload, told in enumerate(s.told):
        if told:
            s.on_fail[payload] = 0
