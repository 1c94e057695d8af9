"""What may happen to logical slots: owners, schedulers and payloads act in any order.

A slot can be released repeatedly and in both ways, before and after it gets a payload. A payload
can terminate before it is assigned, before it is asked to fail, afterwards, or never. A payload
is in at most one slot.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as slots_of
from slotspec.models.logical_slot.lifecycles import LogicalSlot, PayloadRun
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import (
    LogicalSlotState,
    Outcome,
    Reaction,
    payloads,
    physical_slots,
    slots,
)
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED

CAUSE = 0
"""The cause of a release: it makes no difference to the slot."""


has_physical_slots = is_set("from_physical_slot", "physical_slots")


def is_first_absent(s: LogicalSlotState, slot: int) -> bool:
    """Whether `slot` is the record for the next slot. Any record would do, so take the first."""
    return s.slot[slot] == LogicalSlot.ABSENT and all(
        s.slot[smaller] != LogicalSlot.ABSENT for smaller in range(slot)
    )


def may_react(s: LogicalSlotState, reaction: int) -> bool:
    """Whether the bounds allow payloads and owners to react like this."""
    match reaction:
        case Reaction.NOTHING:
            return True
        case Reaction.RAISE:
            return s.faults == 1
        case _:
            return s.reactions == 1


def may_owner_react(s: LogicalSlotState, reaction: int) -> bool:
    """An owner terminates nothing, and does not throw where that would end the process."""
    if reaction == Reaction.TERMINATE or (reaction == Reaction.RAISE and s.fatal_faults):
        return False
    return may_react(s, reaction)


@logical_slot.action(slot=slots, on_return=Reaction)
def create_slot(s: LogicalSlotState, slot: int, on_return: int) -> int:
    """The scheduler creates a slot."""
    if not is_first_absent(s, slot) or not may_owner_react(s, on_return):
        return DISABLED
    return slots_of.create_slot(s, slot, on_return)


@logical_slot.action(
    when=has_physical_slots, slot=slots, physical=physical_slots, on_return=Reaction
)
def allocate_from_physical_slot(
    s: LogicalSlotState, slot: int, physical: int, on_return: int
) -> int:
    """The scheduler creates a slot from a physical one, which may be taken."""
    if not is_first_absent(s, slot) or not may_owner_react(s, on_return):
        return DISABLED
    return slots_of.allocate_from_physical_slot(s, slot, physical, on_return)


@logical_slot.action(slot=slots, payload=payloads, on_fail=Reaction)
def try_assign_payload(s: LogicalSlotState, slot: int, payload: int, on_fail: int) -> int:
    """A payload that is in no slot is assigned: early, late, or to a slot that has one."""
    absent = s.slot[slot] == LogicalSlot.ABSENT
    if absent or payload in s.payload_of or not may_react(s, on_fail):
        return DISABLED
    return slots_of.try_assign_payload(s, slot, payload, on_fail)


@logical_slot.action(slot=slots)
def release_slot(s: LogicalSlotState, slot: int) -> int:
    """The slot is released, for the first time or again."""
    if s.slot[slot] == LogicalSlot.ABSENT:
        return DISABLED
    return slots_of.release_slot(s, slot, CAUSE)


@logical_slot.action(slot=slots)
def release(s: LogicalSlotState, slot: int) -> int:
    """The underlying physical slot is lost, at any time."""
    if s.slot[slot] == LogicalSlot.ABSENT:
        return DISABLED
    return slots_of.release(s, slot, CAUSE)


@logical_slot.action(payload=payloads, outcome=Outcome)
def payload_terminates(s: LogicalSlotState, payload: int, outcome: int) -> int:
    """A payload terminates, by itself or because it was asked to fail."""
    if s.payload[payload] != PayloadRun.RUNNING:
        return DISABLED
    if outcome == Outcome.FAILS and (s.faults == 0 or s.fatal_faults == 1):
        return DISABLED
    return slots_of.payload_terminates(s, payload, outcome)


@logical_slot.action(slot=slots)
def is_alive(s: LogicalSlotState, slot: int) -> int:
    """The scheduler asks whether it can use the slot."""
    if s.slot[slot] == LogicalSlot.ABSENT:
        return DISABLED
    return slots_of.is_alive(s, slot)


@logical_slot.action(slot=slots)
def get_payload(s: LogicalSlotState, slot: int) -> int:
    """Somebody asks what runs in the slot."""
    if s.slot[slot] == LogicalSlot.ABSENT:
        return DISABLED
    return slots_of.get_payload(s, slot)
