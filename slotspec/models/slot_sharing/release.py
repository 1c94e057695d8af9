"""The release of slots: down to everything below, and up while nothing is left.

Rules below the operations. Flink: SingleTaskSlot.release, MultiTaskSlot.release and
releaseChild. A rule that may end with an exception returns it (a Raised), or NONE; what was
done before stays done.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.logical_slot.state import Reaction
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    RootListing,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.resources import unreserve
from slotspec.models.slot_sharing.shares import enter_single, fail_single
from slotspec.models.slot_sharing.state import Cause, Effect, Raised, SlotSharingState, Wanted
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
    """Release a single-task slot: its logical slot, then its place below its parent."""
    end_single(s, slot, cause)
    return child_released(s, s.single_parent[slot], s.single_group[slot])


def end_single(s: SlotSharingState, slot: int, cause: int) -> None:
    """Fail an undecided logical slot, or release it; whoever hears of that may call back."""
    if s.future[slot] == LogicalSlotFuture.UNDECIDED:
        fail_single(s, slot, cause)
    elif s.future[slot] == LogicalSlotFuture.FULFILLED:
        logical_slot.release(s, slot, cause)
    if s.callbacks:
        call_back(s, slot)


def call_back(s: SlotSharingState, slot: int) -> None:
    """The scheduler hears that a share is over, and does at once what it wants to.

    It asks only for roots that it would be offered now.
    """
    for other in range(len(s.single)):
        wanted = s.wanted[other]
        if wanted == Wanted.CANCEL:
            s.wanted[other] = int(Wanted.NOTHING)
            logical_slot.release_slot(s, other, int(Cause.OTHER))
            let_owner_release(s)
        elif wanted == Wanted.ANOTHER or wanted == Wanted.AGAIN:
            root, group = s.single_parent[other], s.single_group[other]
            if is_open_for(s, root, group):
                s.wanted[other] = int(Wanted.NOTHING)
                if wanted == Wanted.AGAIN:
                    unregister_single(s, slot)
                    s.wanted[other] = int(Wanted.NAMESAKE)
                enter_single(s, root, other, group, s.single_profile[other])


def release_multi_slot(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release a multi-task slot with all below it, and its place below its parent."""
    raised = release_children(s, multi, cause)
    return leave_parent(s, multi, cause) if raised == NONE else raised


def leave_parent(s: SlotSharingState, multi: int, cause: int) -> int:
    """The slot has no children any more: tell its parent, or leave the table of roots."""
    if s.parent[multi] == NONE:
        return release_root(s, multi, cause)
    return child_released(s, s.parent[multi], s.group[multi])


def release_children(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release all that the maps below the slot have, in any order."""
    emit(s, Effect.ANY_ORDER, 1)
    raised = empty(s, multi, cause)
    emit(s, Effect.ANY_ORDER, 0)
    return raised


def empty(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release all that the maps below the slot have, and empty them.

    Nobody below tells its parent of it meanwhile, and reservations stay as they are. A map
    that has changed before the last of its children was reached ends this with an exception.
    """
    s.releasing[multi] = 1
    grows = True
    while grows:
        grows = False
        for below in range(len(s.multi)):
            if s.multi_held[below] and not s.releasing[below] and s.releasing[s.parent[below]]:
                s.releasing[below] = 1
                grows = True
    for slot in range(len(s.single)):
        if s.single_held[slot] and s.releasing[s.single_parent[slot]]:
            s.leaving[slot] = 1
    raised = NONE
    for slot in range(len(s.single)):
        if s.leaving[slot]:
            s.leaving[slot] = 0
            if raised == NONE:
                end_single(s, slot, cause)
                unregister_single(s, slot)
                if s.callbacks and is_walk_broken(s, s.single_parent[slot]):
                    raised = int(Raised.CONCURRENT_MODIFICATION)
    clear_maps(s, multi, raised == NONE)
    return raised


def is_walk_broken(s: SlotSharingState, parent: int) -> bool:
    """Whether a slot's map has changed while some of its children are yet to be released."""
    if s.changed[parent]:
        for slot in range(len(s.single)):
            if s.leaving[slot] and s.single_parent[slot] == parent:
                return True
    return False


def clear_maps(s: SlotSharingState, multi: int, to_the_end: bool) -> None:
    """The release of the children is over: forget them, if it has not ended before."""
    for slot in range(len(s.single)):
        if to_the_end and s.single_held[slot] and s.releasing[s.single_parent[slot]]:
            s.single_held[slot] = 0
    for below in range(len(s.multi)):
        if to_the_end and s.releasing[below] and below != multi:
            unregister_multi(s, below)
            s.multi_held[below] = 0
    for below in range(len(s.multi)):
        s.releasing[below] = 0
        s.changed[below] = 0


def child_released(s: SlotSharingState, parent: int, group: int) -> int:
    """A child of this group is released: take whoever has its place, then go up.

    A slot that has lost its last child is released in its turn. One that releases its
    children itself knows.
    """
    while not is_releasing(s, parent):
        if not take_child(s, parent, group):
            return int(Raised.ILLEGAL_ARGUMENT)
        if has_children(s, parent):
            return NONE
        if s.parent[parent] == NONE:
            return release_root(s, parent, int(Cause.FLINK))
        group = s.group[parent]
        parent = s.parent[parent]
    return NONE


def take_child(s: SlotSharingState, parent: int, group: int) -> bool:
    """Take whatever child has this group now out of the map, the table, the reservations.

    It is not released: if it is another than the one that was, it does not hear of it.
    False if the reservations do not have it: a slot that was taken out in the place of
    another one has taken them along.
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
    """A root without children leaves the tables and gives its slot back to the pool.

    If another root stands in its place that one is thrown out, and an exception keeps this
    root's slot from being given back.
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
            return int(Raised.ILLEGAL_STATE)
        drop_map(s, s.tm[root])
    emit(s, Effect.RELEASE_POOL_SLOT, root, cause)
    return NONE


def let_owner_release(s: SlotSharingState) -> None:
    """The owner has released returned logical slots: their task slots leave the tree.

    What goes wrong there stays in a future that nobody looks at.
    """
    for slot in range(len(s.single)):
        if s.returned[slot] and s.on_return[slot] == Reaction.RELEASE:
            s.on_return[slot] = int(Reaction.NOTHING)
            child_released(s, s.single_parent[slot], s.single_group[slot])
