"""The trees of shared slots: their structure, and the tables that they are in.

Rules below the operations. Flink: TaskSlot.contains, MultiTaskSlot.children, and the tables
of SlotSharingManager.
"""

from __future__ import annotations

from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing.lifecycles import (
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    TaskSlotRegistration,
)
from slotspec.models.slot_sharing.state import SlotSharingState, multis
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


def is_multi_child(s: SlotSharingState, multi: int, parent: int) -> bool:
    """Whether the multi-task slot is in the map of `parent`."""
    return s.multi_held[multi] == 1 and s.parent[multi] == parent


def is_single_child(s: SlotSharingState, slot: int, parent: int) -> bool:
    """Whether the single-task slot is in the map of `parent`."""
    return s.single_held[slot] == 1 and s.single_parent[slot] == parent


def multi_child(s: SlotSharingState, parent: int, group: int) -> int:
    """The multi-task slot of the group in the parent's map, or NONE."""
    return next(
        (m for m in s.elements(multis) if is_multi_child(s, m, parent) and s.group[m] == group),
        NONE,
    )


def single_child(s: SlotSharingState, parent: int, group: int) -> int:
    """The single-task slot of the group in the parent's map, or NONE."""
    return next(
        (
            slot
            for slot in s.elements(slots)
            if is_single_child(s, slot, parent) and s.single_group[slot] == group
        ),
        NONE,
    )


def has_children(s: SlotSharingState, parent: int) -> bool:
    """Whether there is anything in the parent's map."""
    return any(is_multi_child(s, m, parent) for m in s.elements(multis)) or any(
        is_single_child(s, slot, parent) for slot in s.elements(slots)
    )


def put_out_of_map(s: SlotSharingState, parent: int, group: int) -> None:
    """Remove the child of the group from the parent's map, without releasing it."""
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
    return (
        s.group[multi] == group
        or any(
            s.multi_held[m] and s.group[m] == group and is_below(s, m, multi)
            for m in s.elements(multis)
        )
        or any(
            s.single_held[slot]
            and s.single_group[slot] == group
            and is_below(s, s.single_parent[slot], multi)
            for slot in s.elements(slots)
        )
    )


def is_open_for(s: SlotSharingState, root: int, group: int) -> bool:
    """Whether the manager offers the root to the scheduler for a task of the group.

    Flink: SlotSharingManager.validMultiTaskSlotAndDoesNotContain.
    """
    return not multi_contains(s, root, group) and not is_releasing(s, root)


def is_releasing(s: SlotSharingState, multi: int) -> bool:
    """Whether the slot is releasing its children. Flink: MultiTaskSlot.isReleasing."""
    return s.releasing[multi] == 1


def note_change(s: SlotSharingState, parent: int) -> None:
    """Note that the parent's map has got or lost a child, if someone is iterating over it.

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
    """Create a multi-task slot and register it under its id."""
    fire(s.multi, multi, MultiTaskSlot.build)
    fire(s.multi_registration, multi, TaskSlotRegistration.register)
    s.parent[multi] = parent
    s.group[multi] = group


def build_single(s: SlotSharingState, slot: int, parent: int, group: int, profile: int) -> None:
    """Create a single-task slot; register it under its id and in its parent's map."""
    fire(s.single, slot, SingleTaskSlot.build)
    fire(s.single_registration, slot, TaskSlotRegistration.register)
    s.single_parent[slot] = parent
    s.single_group[slot] = group
    s.single_profile[slot] = profile
    s.single_held[slot] = 1


def unregister_multi(s: SlotSharingState, multi: int) -> None:
    """Remove the multi-task slot from the table of ids."""
    if is_multi_registered(s, multi):
        fire(s.multi_registration, multi, TaskSlotRegistration.leave)


def unregister_single(s: SlotSharingState, slot: int) -> None:
    """Remove the single-task slot from the table of ids; its owner no longer releases it."""
    if is_single_registered(s, slot):
        fire(s.single_registration, slot, TaskSlotRegistration.leave)
        s.on_return[slot] = 0


def enlist(s: SlotSharingState, root: int) -> None:
    """Add a root to the unresolved ones."""
    fire(s.listing, root, RootListing.enlist)
    if s.map_order == MapOrder.OLDEST_FIRST:
        append(s.unresolved, root)


def move(s: SlotSharingState, root: int) -> int:
    """List an unresolved root under its TaskExecutor and allocation.

    Returns the root that it replaces there, or NONE.
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
    """Remove a root from the table that it is in."""
    fire(s.listing, root, RootListing.unlist)
    if s.map_order == MapOrder.OLDEST_FIRST:
        remove(s.unresolved, root)
        remove(s.resolved, root)


def drop_map(s: SlotSharingState, tm: int) -> None:
    """Remove the map of a TaskExecutor's roots if it is empty."""
    if resolved_roots_of(s, tm) == 0:
        s.has_roots[tm] = 0
        if s.map_order == MapOrder.OLDEST_FIRST:
            remove(s.tm_order, tm)


def is_resolved_at(s: SlotSharingState, root: int, tm: int) -> bool:
    """Whether the root is listed under this TaskExecutor."""
    return s.listing[root] == RootListing.RESOLVED and s.tm[root] == tm


def resolved_root(s: SlotSharingState, tm: int, allocation: int) -> int:
    """The root that is listed under a TaskExecutor and an allocation, or NONE."""
    return next(
        (
            root
            for root in s.elements(multis)
            if is_resolved_at(s, root, tm) and s.allocation[root] == allocation
        ),
        NONE,
    )


def resolved_roots_of(s: SlotSharingState, tm: int) -> int:
    """The number of roots that are listed under a TaskExecutor."""
    return sum(is_resolved_at(s, root, tm) for root in s.elements(multis))
