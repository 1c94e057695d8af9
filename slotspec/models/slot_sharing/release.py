"""The release of slots: down to everything below, and up as long as slots become empty.

Rules below the operations. Flink: SingleTaskSlot.release, MultiTaskSlot.release and
releaseChild. A rule that may end with an exception returns it (a Raised), or NONE; what it did
before is not undone.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.logical_slot.state import Reaction, slots
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    RootListing,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.resources import unreserve
from slotspec.models.slot_sharing.shares import enter_single, fail_single
from slotspec.models.slot_sharing.state import (
    Cause,
    Effect,
    Raised,
    SlotSharingState,
    Wanted,
    multis,
)
from slotspec.models.slot_sharing.tree import (
    drop_map,
    has_children,
    is_multi_registered,
    is_open_for,
    is_releasing,
    multi_child,
    note_change,
    resolved_root,
    single_child,
    unlist,
    unregister_multi,
    unregister_single,
)
from slotspec.statemachine.declaration.rules import NONE, emit


def release_single_slot(s: SlotSharingState, slot: int, cause: int) -> int:
    """Release a single-task slot: end its logical slot, then remove it from its parent."""
    end_single(s, slot, cause)
    return child_released(s, s.single_parent[slot], s.single_group[slot])


def end_single(s: SlotSharingState, slot: int, cause: int) -> None:
    """Fail the future of the logical slot, or release it; the scheduler may call back."""
    if s.future[slot] == LogicalSlotFuture.UNDECIDED:
        fail_single(s, slot, cause)
    elif s.future[slot] == LogicalSlotFuture.FULFILLED:
        logical_slot.release(s, slot, cause)
    if s.callbacks:
        call_back(s, slot)


def call_back(s: SlotSharingState, slot: int) -> None:
    """The scheduler learns that a share has ended, and does at once what it wants.

    It requests shares only in roots that the manager would offer now.
    """
    for other, wanted in enumerate(s.wanted):
        match wanted:
            case Wanted.CANCEL:
                s.wanted[other] = Wanted.NOTHING
                logical_slot.release_slot(s, other, Cause.OTHER)
                let_owner_release(s)
            case Wanted.ANOTHER | Wanted.AGAIN:
                root, group = s.single_parent[other], s.single_group[other]
                if is_open_for(s, root, group):
                    s.wanted[other] = Wanted.NOTHING
                    if wanted == Wanted.AGAIN:
                        unregister_single(s, slot)
                        s.wanted[other] = Wanted.NAMESAKE
                    enter_single(s, root, other, group, s.single_profile[other])


def release_multi_slot(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release a multi-task slot and all below it, then remove it from its parent."""
    raised = release_children(s, multi, cause)
    return leave_parent(s, multi, cause) if raised == NONE else raised


def leave_parent(s: SlotSharingState, multi: int, cause: int) -> int:
    """Remove a slot without children from its parent, or from the table of roots."""
    if s.parent[multi] == NONE:
        return release_root(s, multi, cause)
    return child_released(s, s.parent[multi], s.group[multi])


def release_children(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release all that is in the maps below the slot, in any order."""
    emit(s, Effect.ANY_ORDER, 1)
    raised = empty(s, multi, cause)
    emit(s, Effect.ANY_ORDER, 0)
    return raised


def empty(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release all that is in the maps below the slot, and clear the maps.

    The slots below do not notify their parents meanwhile, and reservations do not change. If a
    map changes before the last of its children was released, this ends with an exception.
    """
    s.releasing[multi] = 1
    grows = True
    while grows:
        grows = False
        for below in s.elements(multis):
            if s.multi_held[below] and not s.releasing[below] and s.releasing[s.parent[below]]:
                s.releasing[below] = 1
                grows = True
    for slot, held in enumerate(s.single_held):
        if held and s.releasing[s.single_parent[slot]]:
            s.leaving[slot] = 1
    raised = NONE
    for slot in s.elements(slots):
        if s.leaving[slot]:
            s.leaving[slot] = 0
            if raised == NONE:
                end_single(s, slot, cause)
                unregister_single(s, slot)
                if s.callbacks and is_walk_broken(s, s.single_parent[slot]):
                    raised = Raised.CONCURRENT_MODIFICATION
    clear_maps(s, multi, raised == NONE)
    return raised


def is_walk_broken(s: SlotSharingState, parent: int) -> bool:
    """Whether a slot's map has changed before all of its children were released."""
    return s.changed[parent] == 1 and any(
        s.leaving[slot] and s.single_parent[slot] == parent for slot in s.elements(slots)
    )


def clear_maps(s: SlotSharingState, multi: int, complete: bool) -> None:
    """End the release of the children; if it was `complete`, remove them."""
    if complete:
        for slot, held in enumerate(s.single_held):
            if held and s.releasing[s.single_parent[slot]]:
                s.single_held[slot] = 0
        for below in s.elements(multis):
            if s.releasing[below] and below != multi:
                unregister_multi(s, below)
                s.multi_held[below] = 0
    for below in s.elements(multis):
        s.releasing[below] = 0
        s.changed[below] = 0


def child_released(s: SlotSharingState, parent: int, group: int) -> int:
    """A child of this group was released: remove the present child of the group, then go up.

    A slot that loses its last child is released, too. A slot that is releasing its children
    ignores the call.
    """
    while not is_releasing(s, parent):
        if not take_child(s, parent, group):
            return Raised.ILLEGAL_ARGUMENT
        if has_children(s, parent):
            return NONE
        if s.parent[parent] == NONE:
            return release_root(s, parent, Cause.FLINK)
        group = s.group[parent]
        parent = s.parent[parent]
    return NONE


def take_child(s: SlotSharingState, parent: int, group: int) -> bool:
    """Remove the present child of this group from the map, the table and the reservations.

    It is not released, even if it has replaced the child that was. False if its reservations
    are missing: another slot that was removed in its place has taken them.
    """
    slot = single_child(s, parent, group)
    if slot != NONE:
        s.single_held[slot] = 0
        note_change(s, parent)
        unregister_single(s, slot)
        return unreserve(s, parent, s.single_profile[slot], NONE)
    multi = multi_child(s, parent, group)
    if multi != NONE:
        s.multi_held[multi] = 0
        note_change(s, parent)
        unregister_multi(s, multi)
        return unreserve(s, parent, NONE, multi)
    return True


def release_root(s: SlotSharingState, root: int, cause: int) -> int:
    """Remove a root without children from the tables, and give its slot back to the pool.

    If another root is listed in its place, this removes the other one from the list, and ends
    with an exception: the pool does not get the slot back.
    """
    if not is_multi_registered(s, root):
        return NONE
    unregister_multi(s, root)
    if s.listing[root] == RootListing.UNRESOLVED:
        unlist(s, root)
    elif s.context[root] == SlotContextFuture.KNOWN and s.has_roots[s.tm[root]]:
        there = resolved_root(s, s.tm[root], s.allocation[root])
        if there != NONE:
            unlist(s, there)
        if there != root:
            return Raised.ILLEGAL_STATE
        drop_map(s, s.tm[root])
    emit(s, Effect.RELEASE_POOL_SLOT, root, cause)
    return NONE


def let_owner_release(s: SlotSharingState) -> None:
    """The owner releases the task slots of returned logical slots.

    Exceptions end up in a future that nobody reads.
    """
    for slot, returned in enumerate(s.returned):
        if returned and s.on_return[slot] == Reaction.RELEASE:
            s.on_return[slot] = Reaction.NOTHING
            child_released(s, s.single_parent[slot], s.single_group[slot])
