"""The trees and the tables of a slot sharing manager agree in every state."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, ReleaseFuture
from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    SlotContextFuture,
    TaskSlotRegistration,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import SlotSharingState, multis, task_managers
from slotspec.models.slot_sharing.tree import (
    is_multi_child,
    is_multi_registered,
    is_single_child,
    is_single_registered,
    multi_contains,
    resolved_roots_of,
    root_of,
)
from slotspec.properties.slot_sharing.deviations import (
    EVICTED,
    LATE,
    NULL_GROUP,
    OVERSUBSCRIBED,
    REPLACED,
    TWICE,
    known,
)
from slotspec.statemachine.declaration.rules import NONE

MULTI = {"multi": multis}
ROOT = {"root": multis}
SLOT = {"slot": slots}


@slot_sharing.always("SlotSharingManager.allTaskSlots")
def every_child_is_registered(s: SlotSharingState) -> bool:
    """The manager finds every child by its id."""
    return all(
        is_multi_registered(s, multi) for multi, held in enumerate(s.multi_held) if held
    ) and all(is_single_registered(s, slot) for slot, held in enumerate(s.single_held) if held)


@slot_sharing.always("MultiTaskSlot.children", deviation=known(REPLACED))
def what_is_registered_has_a_place(s: SlotSharingState) -> bool:
    """Every registered slot is a root or in its parent's map."""
    return all(
        parent == NONE or s.multi_held[multi] or not is_multi_registered(s, multi)
        for multi, parent in enumerate(s.parent)
    ) and all(held or not is_single_registered(s, slot) for slot, held in enumerate(s.single_held))


@slot_sharing.always("MultiTaskSlot.release", deviation=known(REPLACED, EVICTED, LATE))
def what_is_registered_has_a_registered_root(s: SlotSharingState) -> bool:
    """When a root leaves, everything below it has left."""
    return all(
        is_multi_registered(s, root_of(s, multi))
        for multi in s.elements(multis)
        if is_multi_registered(s, multi)
    ) and all(
        is_multi_registered(s, root_of(s, s.single_parent[slot]))
        for slot in s.elements(slots)
        if is_single_registered(s, slot)
    )


@slot_sharing.always("SlotSharingManager.unresolvedRootSlots", each=ROOT)
def unresolved_roots_wait(s: SlotSharingState, root: int) -> bool:
    """An unresolved root is registered and waits for the pool."""
    return s.listing[root] != RootListing.UNRESOLVED or (
        is_multi_registered(s, root) and s.context[root] == SlotContextFuture.PENDING
    )


@slot_sharing.always("SlotSharingManager.unresolvedRootSlots", each=ROOT, deviation=known(TWICE))
def registered_roots_are_listed(s: SlotSharingState, root: int) -> bool:
    """A registered root is unresolved while it waits for the pool, and resolved after that."""
    if s.parent[root] != NONE or not is_multi_registered(s, root):
        return True
    waits = s.context[root] == SlotContextFuture.PENDING
    return s.listing[root] == (RootListing.UNRESOLVED if waits else RootListing.RESOLVED)


@slot_sharing.always(
    "SlotSharingManager.resolvedRootSlots", each=ROOT, deviation=known(OVERSUBSCRIBED, TWICE)
)
def resolved_roots_are_registered(s: SlotSharingState, root: int) -> bool:
    """The manager offers no released root to the scheduler."""
    return s.listing[root] != RootListing.RESOLVED or is_multi_registered(s, root)


@slot_sharing.always("SlotSharingManager.resolvedRootSlots", each=ROOT, deviation=known(TWICE))
def resolved_roots_have_a_physical_slot(s: SlotSharingState, root: int) -> bool:
    """The physical slot of a resolved root is known."""
    return s.listing[root] != RootListing.RESOLVED or s.context[root] == SlotContextFuture.KNOWN


@slot_sharing.always("SlotSharingManager.isEmpty", deviation=known(OVERSUBSCRIBED, TWICE))
def an_empty_manager_lists_nothing(s: SlotSharingState) -> bool:
    """If no slot is registered, no root is resolved."""
    return (
        any(is_multi_registered(s, multi) for multi in s.elements(multis))
        or any(is_single_registered(s, slot) for slot in s.elements(slots))
        or RootListing.RESOLVED not in s.listing
    )


@slot_sharing.always("SlotSharingManager.resolvedRootSlots: a map of maps", each=ROOT)
def a_place_lists_one_root(s: SlotSharingState, root: int) -> bool:
    """No two roots are resolved under one TaskExecutor and one allocation."""
    return s.listing[root] != RootListing.RESOLVED or not any(
        s.listing[other] == RootListing.RESOLVED
        and s.tm[other] == s.tm[root]
        and s.allocation[other] == s.allocation[root]
        for other in range(root)
    )


@slot_sharing.always(
    "SlotSharingManager.resolvedRootSlots", each={"tm": task_managers}, deviation=known(TWICE)
)
def task_managers_with_a_map_have_roots(s: SlotSharingState, tm: int) -> bool:
    """A TaskExecutor has a map exactly while it has resolved roots."""
    return (s.has_roots[tm] == 1) == (resolved_roots_of(s, tm) > 0)


@slot_sharing.always("SlotSharingManager.createRootSlot", each=MULTI)
def only_roots_are_listed(s: SlotSharingState, multi: int) -> bool:
    """A co-location slot is in no table of roots."""
    return s.parent[multi] == NONE or s.listing[multi] == RootListing.UNLISTED


@slot_sharing.always("MultiTaskSlot.children: a map by group")
def a_group_is_once_below_a_slot(s: SlotSharingState) -> bool:
    """No two children of a slot are of one group."""
    return (
        not any(
            is_multi_child(s, other, s.parent[multi]) and s.group[other] == s.group[multi]
            for multi, held in enumerate(s.multi_held)
            if held
            for other in range(multi)
        )
        and not any(
            is_single_child(s, other, s.single_parent[slot]) and s.single_group[other] == group
            for slot, group in enumerate(s.single_group)
            if s.single_held[slot]
            for other in range(slot)
        )
        and not any(
            is_single_child(s, slot, s.parent[multi]) and s.single_group[slot] == s.group[multi]
            for multi, held in enumerate(s.multi_held)
            if held
            for slot in s.elements(slots)
        )
    )


@slot_sharing.always("MultiTaskSlot.allocateSingleTaskSlot, allocateMultiTaskSlot")
def no_slot_is_below_its_own_group(s: SlotSharingState) -> bool:
    """No slot has the group of its parent."""
    return all(
        parent == NONE or s.group[multi] != s.group[parent] for multi, parent in enumerate(s.parent)
    ) and all(
        parent == NONE or s.single_group[slot] != s.group[parent]
        for slot, parent in enumerate(s.single_parent)
    )


@slot_sharing.always(
    "SlotSharingManager.getUnresolvedRootSlot", each=ROOT, deviation=known(NULL_GROUP)
)
def a_new_root_contains_no_group(s: SlotSharingState, root: int) -> bool:
    """A root without children contains nothing, not even the null group."""
    return (
        s.parent[root] != NONE
        or not is_multi_registered(s, root)
        or not multi_contains(s, root, NONE)
    )


@slot_sharing.always("MultiTaskSlot.slotContextFuture: of its parent", each=MULTI)
def a_tree_has_one_physical_slot(s: SlotSharingState, multi: int) -> bool:
    """Everything that was built below a root has the root's future of a physical slot."""
    return (
        s.multi[multi] != MultiTaskSlot.EXISTS or s.context[multi] == s.context[root_of(s, multi)]
    )


@slot_sharing.always("SingleTaskSlot.singleLogicalSlotFuture", each=SLOT)
def undecided_slots_wait_for_the_pool(s: SlotSharingState, slot: int) -> bool:
    """No caller waits for a logical slot once the pool has answered."""
    return (
        s.single[slot] != SingleTaskSlot.EXISTS
        or s.future[slot] != LogicalSlotFuture.UNDECIDED
        or s.context[s.single_parent[slot]] == SlotContextFuture.PENDING
    )


@slot_sharing.always("SingleTaskSlot.release", each=SLOT, deviation=known(EVICTED))
def living_logical_slots_are_in_a_tree(s: SlotSharingState, slot: int) -> bool:
    """A usable logical slot is registered."""
    return s.slot[slot] != LogicalSlot.ALIVE or is_single_registered(s, slot)


@slot_sharing.always("the lifecycles of shared slots, as they nest")
def lifecycles_are_nested(s: SlotSharingState) -> bool:
    """A child machine is in its initial state unless its parent is in the state around it."""
    return all(
        (multi == MultiTaskSlot.UNUSED) == (s.multi_registration[m] == TaskSlotRegistration.BUILT)
        and (
            multi == MultiTaskSlot.EXISTS
            or (s.context[m] == SlotContextFuture.PENDING and s.listing[m] == RootListing.UNLISTED)
        )
        for m, multi in enumerate(s.multi)
    ) and all(
        (single == SingleTaskSlot.UNUSED)
        == (s.single_registration[slot] == TaskSlotRegistration.BUILT)
        and (single == SingleTaskSlot.EXISTS or s.future[slot] == LogicalSlotFuture.UNDECIDED)
        and (
            s.slot[slot] != LogicalSlot.ABSENT
            if s.future[slot] == LogicalSlotFuture.FULFILLED
            else s.slot[slot] == LogicalSlot.ABSENT
            and s.occupant[slot] == Occupant.NOBODY
            and s.released[slot] == ReleaseFuture.PENDING
        )
        for slot, single in enumerate(s.single)
    )
