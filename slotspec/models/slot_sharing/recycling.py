"""Which records are in use: bounded checking needs them back when nobody can tell.

A task slot can be called for ever. Where late calls are part of the environment, it says when
nobody will call a slot again; where they are not, a record goes as soon as nothing that is
still to come would look at it.
"""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.logical_slot.operations import forget_reactions
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.models.slot_sharing.tree import is_multi_registered, is_single_registered
from slotspec.statemachine.declaration.rules import NONE, fire, recycle


def is_single_over(s: SlotSharingState, slot: int) -> bool:
    """Whether a single-task slot has left its tree, and its logical slot is over or failed."""
    if s.single[slot] != SingleTaskSlot.EXISTS or s.single_held[slot]:
        return False
    if is_single_registered(s, slot):
        return False
    return s.future[slot] == LogicalSlotFuture.FAILED or s.slot[slot] == LogicalSlot.RELEASED


def is_multi_over(s: SlotSharingState, multi: int) -> bool:
    """Whether a multi-task slot has left all tables, and nothing was built below it."""
    if s.multi[multi] != MultiTaskSlot.EXISTS or s.multi_held[multi]:
        return False
    if is_multi_registered(s, multi) or s.listing[multi] != RootListing.UNLISTED:
        return False
    for below in range(len(s.multi)):
        if s.parent[below] == multi:
            return False
    for slot in range(len(s.single)):
        if s.single_parent[slot] == multi:
            return False
    return True


def clear_single(s: SlotSharingState, slot: int) -> None:
    """The slot is forgotten: its record, and that of its payload, may serve another."""
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
    """The slot is forgotten: its record may serve another."""
    recycle(s.context, multi)
    recycle(s.multi_registration, multi)
    fire(s.multi, multi, MultiTaskSlot.forget)
    s.parent[multi] = NONE
    s.group[multi] = NONE
    s.tm[multi] = NONE
    s.allocation[multi] = NONE
    s.profile[multi] = NONE
    s.failure[multi] = 0
    s.special[multi] = int(Special.AMOUNTS)
    for resource in range(s.resource_count):
        s.reserved[multi * s.resource_count + resource] = 0


def first_over(s: SlotSharingState) -> int:
    """A multi-task slot whose record can be cleared, or NONE."""
    for multi in range(len(s.multi)):
        if is_multi_over(s, multi):
            return multi
    return NONE


@slot_sharing.after_each_step
def recycle_records(s: SlotSharingState) -> None:
    """Clear the records that nobody will look at again."""
    forget_reactions(s)
    if s.late_calls:
        return
    for slot in range(len(s.single)):
        if is_single_over(s, slot):
            clear_single(s, slot)
    multi = first_over(s)
    while multi != NONE:
        clear_multi(s, multi)
        multi = first_over(s)
