"""The trees of shared slots: who is below whom, and in which table.

Rules below the operations. Flink: TaskSlot.contains, MultiTaskSlot.children, and the tables
of SlotSharingManager.
"""

from __future__ import annotations

from slotspec.models.slot_sharing.lifecycles import (
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    TaskSlotRegistration,
)
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.models.slot_sharing.versions import MapOrder
from slotspec.statemachine.declaration.queues import append, place_of, remove
from slotspec.statemachine.declaration.rules import NONE, fire

# ------------------------------------------------------------------------------- the tree


def root_of(s: SlotSharingState, multi: int) -> int:
    """The root above a multi-task slot, or the slot itself."""
    at = multi
    while s.parent[at] != NONE:
        at = s.parent[at]
    return at


def multi_child(s: SlotSharingState, parent: int, group: int) -> int:
    """The multi-task slot that the parent's map has under the group, or NONE."""
    for multi in range(len(s.multi)):
        if s.multi_held[multi] and s.parent[multi] == parent and s.group[multi] == group:
            return multi
    return NONE


def single_child(s: SlotSharingState, parent: int, group: int) -> int:
    """The single-task slot that the parent's map has under the group, or NONE."""
    for slot in range(len(s.single)):
        held = s.single_held[slot] and s.single_parent[slot] == parent
        if held and s.single_group[slot] == group:
            return slot
    return NONE


def has_children(s: SlotSharingState, parent: int) -> bool:
    """Whether the parent's map has anything."""
    for multi in range(len(s.multi)):
        if s.multi_held[multi] and s.parent[multi] == parent:
            return True
    for slot in range(len(s.single)):
        if s.single_held[slot] and s.single_parent[slot] == parent:
            return True
    return False


def put_out_of_map(s: SlotSharingState, parent: int, group: int) -> None:
    """Clear the place of `group` in the parent's map, whoever has it; nobody is told."""
    multi = multi_child(s, parent, group)
    if multi != NONE:
        s.multi_held[multi] = 0
    slot = single_child(s, parent, group)
    if slot != NONE:
        s.single_held[slot] = 0


def is_below(s: SlotSharingState, multi: int, top: int) -> bool:
    """Whether the maps lead from `top` down to `multi`."""
    at = multi
    while at != top and at != NONE:
        at = s.parent[at] if s.multi_held[at] else NONE
    return at == top


def multi_contains(s: SlotSharingState, multi: int, group: int) -> bool:
    """Whether the slot or anything below it is of the group. Flink: TaskSlot.contains."""
    if s.group[multi] == group:
        return True
    for below in range(len(s.multi)):
        if s.multi_held[below] and s.group[below] == group and is_below(s, below, multi):
            return True
    for slot in range(len(s.single)):
        held = s.single_held[slot] and s.single_group[slot] == group
        if held and is_below(s, s.single_parent[slot], multi):
            return True
    return False


def is_open_for(s: SlotSharingState, root: int, group: int) -> bool:
    """Whether the scheduler is offered the root for a task of the group.

    Flink: SlotSharingManager.validMultiTaskSlotAndDoesNotContain.
    """
    return not multi_contains(s, root, group) and not is_releasing(s, root)


def is_releasing(s: SlotSharingState, multi: int) -> bool:
    """Whether the slot releases its children at this moment. Flink: MultiTaskSlot.isReleasing."""
    return s.releasing[multi] == 1


def note_change(s: SlotSharingState, parent: int) -> None:
    """The parent's map has got or lost a child; whoever is going through it may not see that.

    Flink: java.util.HashMap.modCount.
    """
    if s.releasing[parent]:
        s.changed[parent] = 1


# ----------------------------------------------------------------------------- the tables


def is_multi_registered(s: SlotSharingState, multi: int) -> bool:
    return s.multi_registration[multi] == TaskSlotRegistration.REGISTERED


def is_single_registered(s: SlotSharingState, slot: int) -> bool:
    return s.single_registration[slot] == TaskSlotRegistration.REGISTERED


def build_multi(s: SlotSharingState, multi: int, parent: int, group: int) -> None:
    """A new multi-task slot, entered under its id."""
    fire(s.multi, multi, MultiTaskSlot.build)
    fire(s.multi_registration, multi, TaskSlotRegistration.register)
    s.parent[multi] = parent
    s.group[multi] = group


def build_single(s: SlotSharingState, slot: int, parent: int, group: int, profile: int) -> None:
    """A new single-task slot, entered under its id and below its parent."""
    fire(s.single, slot, SingleTaskSlot.build)
    fire(s.single_registration, slot, TaskSlotRegistration.register)
    s.single_parent[slot] = parent
    s.single_group[slot] = group
    s.single_profile[slot] = profile
    s.single_held[slot] = 1


def unregister_multi(s: SlotSharingState, multi: int) -> None:
    """The multi-task slot is no longer found by its id."""
    if is_multi_registered(s, multi):
        fire(s.multi_registration, multi, TaskSlotRegistration.leave)


def unregister_single(s: SlotSharingState, slot: int) -> None:
    """The single-task slot is no longer found by its id; its owner no longer releases it."""
    if is_single_registered(s, slot):
        fire(s.single_registration, slot, TaskSlotRegistration.leave)
        s.on_return[slot] = 0


def enlist(s: SlotSharingState, root: int) -> None:
    """Enter a root among the unresolved ones."""
    fire(s.listing, root, RootListing.enlist)
    if s.map_order == MapOrder.OLDEST_FIRST:
        append(s.unresolved, root)


def move(s: SlotSharingState, root: int) -> int:
    """Enter an unresolved root under its TaskExecutor and allocation; whose place it takes.

    NONE if nobody was there.
    """
    tm = s.tm[root]
    there = resolved_root(s, tm, s.allocation[root])
    if there != NONE:
        fire(s.listing, there, RootListing.overwrite)
    fire(s.listing, root, RootListing.move)
    if s.map_order == MapOrder.OLDEST_FIRST:
        remove(s.unresolved, root)
        if not s.has_roots[tm]:
            append(s.tm_order, tm)
        if there == NONE:
            append(s.resolved, root)
        else:
            s.resolved[place_of(s.resolved, there)] = root
    s.has_roots[tm] = 1
    return there


def unlist(s: SlotSharingState, root: int) -> None:
    """Take a root out of the table that it is in."""
    fire(s.listing, root, RootListing.unlist)
    if s.map_order == MapOrder.OLDEST_FIRST:
        remove(s.unresolved, root)
        remove(s.resolved, root)


def drop_map(s: SlotSharingState, tm: int) -> None:
    """The map of a TaskExecutor's roots goes when it is empty."""
    if resolved_roots_of(s, tm) == 0:
        s.has_roots[tm] = 0
        if s.map_order == MapOrder.OLDEST_FIRST:
            remove(s.tm_order, tm)


def resolved_root(s: SlotSharingState, tm: int, allocation: int) -> int:
    """The root that is listed under a TaskExecutor and an allocation, or NONE."""
    for root in range(len(s.multi)):
        listed = s.listing[root] == RootListing.RESOLVED and s.tm[root] == tm
        if listed and s.allocation[root] == allocation:
            return root
    return NONE


def resolved_roots_of(s: SlotSharingState, tm: int) -> int:
    """How many roots are listed under a TaskExecutor."""
    found = 0
    for root in range(len(s.multi)):
        if s.listing[root] == RootListing.RESOLVED and s.tm[root] == tm:
            found += 1
    return found
