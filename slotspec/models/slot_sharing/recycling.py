"""Which records are in use: bounded checking reuses them once they no longer matter.

A task slot can be called for ever. If the environment includes late calls, it decides when a
slot is called no more; otherwise a record is cleared as soon as nothing can read it any more.
"""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.logical_slot.operations import forget_reactions
from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.state import SlotSharingState, multis
from slotspec.models.slot_sharing.tree import is_multi_registered, is_single_registered
from slotspec.statemachine.declaration.rules import NONE, fire, recycle


def is_single_over(s: SlotSharingState, slot: int) -> bool:
    """Whether a single-task slot has left its tree, and its logical slot has ended or failed."""
    return (
        s.single[slot] == SingleTaskSlot.EXISTS
        and not s.single_held[slot]
        and not is_single_registered(s, slot)
        and (s.future[slot] == LogicalSlotFuture.FAILED or s.slot[slot] == LogicalSlot.RELEASED)
    )


def is_multi_over(s: SlotSharingState, multi: int) -> bool:
    """Whether a multi-task slot has left all tables, and no record refers to it as a parent."""
    return (
        s.multi[multi] == MultiTaskSlot.EXISTS
        and not s.multi_held[multi]
        and not is_multi_registered(s, multi)
        and s.listing[multi] == RootListing.UNLISTED
        and multi not in s.parent
        and multi not in s.single_parent
    )


def clear_single(s: SlotSharingState, slot: int) -> None:
    """Clear the record of the slot, and that of its payload, for reuse."""
    payload = s.payload_of[slot]
    if payload != NONE:
        recycle(s.payload, payload)
        s.on_fail[payload] = 0
        s.told[payload] = 0
    recycle(s.slot, slot)
    recycle(s.occupant, slot)
    recycle(s.released, slot)
    s.payload_of[slot] = NONE
    s.waits[slot] = 0
    s.on_return[slot] = 0
    s.returned[slot] = 0
    recycle(s.future, slot)
    recycle(s.single_registration, slot)
    fire(s.single, slot, SingleTaskSlot.forget)
    s.single_parent[slot] = NONE
    s.single_group[slot] = NONE
    s.single_profile[slot] = NONE


def clear_multi(s: SlotSharingState, multi: int) -> None:
    """Clear the record of the slot for reuse."""
    recycle(s.context, multi)
    recycle(s.multi_registration, multi)
    fire(s.multi, multi, MultiTaskSlot.forget)
    s.parent[multi] = NONE
    s.group[multi] = NONE
    s.tm[multi] = NONE
    s.allocation[multi] = NONE
    s.profile[multi] = NONE
    s.failure[multi] = 0
    s.special[multi] = Special.AMOUNTS
    for r in range(s.resource_count):
        s.reserved[multi * s.resource_count + r] = 0


def first_over(s: SlotSharingState) -> int:
    """A multi-task slot whose record can be cleared, or NONE."""
    return next((multi for multi in s.elements(multis) if is_multi_over(s, multi)), NONE)


@slot_sharing.after_each_step
def recycle_records(s: SlotSharingState) -> None:
    """Clear the records that nothing can read any more."""
    forget_reactions(s)
    if s.late_calls:
        return
    for slot in s.elements(slots):
        if is_single_over(s, slot):
            clear_single(s, slot)
    while (multi := first_over(s)) != NONE:
        clear_multi(s, multi)
