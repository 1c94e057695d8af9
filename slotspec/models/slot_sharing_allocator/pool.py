"""The slot pool below the allocator, as far as the allocator can see it.

It gives its slots to requests in the order in which these came (``at_once``), or its environment
does. Flink: the interface PhysicalSlotProviderImpl has to the pool; AllocatedSlot.
"""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.lifecycles import PhysicalSlot, SharedSlot
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    SlotSharingAllocatorState,
    groups,
)
from slotspec.models.slot_sharing_allocator.walks import slot_at
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def will_do(s: SlotSharingAllocatorState, allocation: int, group: int) -> bool:
    """Whether the slot matches what the group wants."""
    return s.fits[s.slot_profile[allocation] * len(s.group) + group] == 1


def is_waiting(s: SlotSharingAllocatorState, group: int) -> bool:
    """Whether the group's physical request is pending in the pool."""
    return place_of(s.waiting, group) != NONE


def holder_of(s: SlotSharingAllocatorState, allocation: int) -> int:
    """The group whose shared slot is the payload of the slot, or NONE."""
    return next(
        (
            g
            for g in s.elements(groups)
            if s.slot_of[g] == allocation and s.group[g] == SharedSlot.PRESENT
        ),
        NONE,
    )


def free_slot_for(s: SlotSharingAllocatorState, group: int) -> int:
    """The first free slot that will do, or NONE: in a recording, that free for longest."""
    best = NONE
    for step in range(len(s.slot)):
        a = slot_at(s, step, s.free_order)
        usable = s.slot[a] == PhysicalSlot.FREE and will_do(s, a, group)
        if usable and (best == NONE or s.freed[a] < s.freed[best]):
            best = a
    return best


def first_waiting_for(s: SlotSharingAllocatorState, allocation: int) -> int:
    """The group that has waited for longest, of those that the slot will do for, or NONE."""
    return next((g for g in s.waiting if g != NONE and will_do(s, allocation, g)), NONE)


def next_age(s: SlotSharingAllocatorState) -> int:
    """The next age, in a replay; ages make no difference in a check."""
    if s.follow_clock:
        s.serial += 1
    return s.serial


def take_back(s: SlotSharingAllocatorState, allocation: int) -> None:
    """The slot is free again; another payload than the shared slot is released."""
    fire(s.slot, allocation, PhysicalSlot.free)
    s.freed[allocation] = next_age(s)
    release_foreign(s, allocation, Cause.FLINK)


def release_foreign(s: SlotSharingAllocatorState, allocation: int, cause: int) -> None:
    """Release the payload of a slot, if it is no shared slot."""
    if s.foreign[allocation] != Foreign.NOBODY:
        emit(s, Effect.FOREIGN_RELEASE, allocation, cause)
        s.foreign[allocation] = Foreign.NOBODY
