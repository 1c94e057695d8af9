"""The trees and the tables of a slot sharing manager agree in every state."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, ReleaseFuture
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    SlotContextFuture,
    TaskSlotRegistration,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.models.slot_sharing.tree import (
    is_multi_registered,
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


@slot_sharing.always("SlotSharingManager.allTaskSlots")
def every_child_is_registered(s: SlotSharingState) -> bool:
    """What a slot's map has is found by its id."""
    for multi in range(len(s.multi)):
        if s.multi_held[multi] and not is_multi_registered(s, multi):
            return False
    for slot in range(len(s.single)):
        if s.single_held[slot] and not is_single_registered(s, slot):
            return False
    return True


@slot_sharing.always("MultiTaskSlot.children", deviation=known(REPLACED))
def what_is_registered_has_a_place(s: SlotSharingState) -> bool:
    """Every slot that is found by its id is a root or in its parent's map."""
    for multi in range(len(s.multi)):
        nested = s.parent[multi] != NONE
        if nested and is_multi_registered(s, multi) and not s.multi_held[multi]:
            return False
    for slot in range(len(s.single)):
        if is_single_registered(s, slot) and not s.single_held[slot]:
            return False
    return True


@slot_sharing.always("MultiTaskSlot.release", deviation=known(REPLACED, EVICTED, LATE))
def what_is_registered_has_a_registered_root(s: SlotSharingState) -> bool:
    """When a root leaves, everything below it has left."""
    for multi in range(len(s.multi)):
        if is_multi_registered(s, multi) and not is_multi_registered(s, root_of(s, multi)):
            return False
    for slot in range(len(s.single)):
        registered = is_single_registered(s, slot)
        if registered and not is_multi_registered(s, root_of(s, s.single_parent[slot])):
            return False
    return True


@slot_sharing.always("SlotSharingManager.unresolvedRootSlots")
def unresolved_roots_wait(s: SlotSharingState) -> bool:
    """An unresolved root is registered and has not heard from the pool."""
    for root in range(len(s.multi)):
        waits = is_multi_registered(s, root) and s.context[root] == SlotContextFuture.PENDING
        if s.listing[root] == RootListing.UNRESOLVED and not waits:
            return False
    return True


@slot_sharing.always("SlotSharingManager.unresolvedRootSlots", deviation=known(TWICE))
def registered_roots_are_listed(s: SlotSharingState) -> bool:
    """A root that is found by its id is unresolved while it waits, and resolved after that."""
    for root in range(len(s.multi)):
        if is_multi_registered(s, root) and s.parent[root] == NONE:
            if s.listing[root] == RootListing.UNLISTED:
                return False
            waits = s.context[root] == SlotContextFuture.PENDING
            if waits != (s.listing[root] == RootListing.UNRESOLVED):
                return False
    return True


@slot_sharing.always("SlotSharingManager.resolvedRootSlots", deviation=known(OVERSUBSCRIBED, TWICE))
def resolved_roots_are_registered(s: SlotSharingState) -> bool:
    """The scheduler is offered no root that has been released."""
    for root in range(len(s.multi)):
        if s.listing[root] == RootListing.RESOLVED and not is_multi_registered(s, root):
            return False
    return True


@slot_sharing.always("SlotSharingManager.resolvedRootSlots", deviation=known(TWICE))
def resolved_roots_have_a_physical_slot(s: SlotSharingState) -> bool:
    """The physical slot of a resolved root is known."""
    for root in range(len(s.multi)):
        known_slot = s.context[root] == SlotContextFuture.KNOWN
        if s.listing[root] == RootListing.RESOLVED and not known_slot:
            return False
    return True


@slot_sharing.always("SlotSharingManager.isEmpty", deviation=known(OVERSUBSCRIBED, TWICE))
def an_empty_manager_lists_nothing(s: SlotSharingState) -> bool:
    """Where no slot is found by any id, no root is resolved."""
    for multi in range(len(s.multi)):
        if is_multi_registered(s, multi):
            return True
    for slot in range(len(s.single)):
        if is_single_registered(s, slot):
            return True
    for root in range(len(s.multi)):
        if s.listing[root] == RootListing.RESOLVED:
            return False
    return True


@slot_sharing.always("SlotSharingManager.resolvedRootSlots: a map of maps")
def a_place_lists_one_root(s: SlotSharingState) -> bool:
    """No two roots are resolved under one TaskExecutor and one allocation."""
    for root in range(len(s.multi)):
        for other in range(root):
            both = (
                s.listing[root] == RootListing.RESOLVED and s.listing[other] == RootListing.RESOLVED
            )
            if both and s.tm[root] == s.tm[other] and s.allocation[root] == s.allocation[other]:
                return False
    return True


@slot_sharing.always("SlotSharingManager.resolvedRootSlots", deviation=known(TWICE))
def task_managers_with_a_map_have_roots(s: SlotSharingState) -> bool:
    """A TaskExecutor is remembered exactly while it has resolved roots."""
    for tm in range(len(s.has_roots)):
        if (s.has_roots[tm] == 1) != (resolved_roots_of(s, tm) > 0):
            return False
    return True


@slot_sharing.always("SlotSharingManager.createRootSlot")
def only_roots_are_listed(s: SlotSharingState) -> bool:
    """A co-location slot is in no table of roots."""
    for multi in range(len(s.multi)):
        if s.parent[multi] != NONE and s.listing[multi] != RootListing.UNLISTED:
            return False
    return True


@slot_sharing.always("MultiTaskSlot.children: a map by group")
def a_group_is_once_below_a_slot(s: SlotSharingState) -> bool:
    """No two children of a slot are of one group."""
    for multi in range(len(s.multi)):
        if s.multi_held[multi]:
            for other in range(multi):
                same = s.multi_held[other] and s.parent[other] == s.parent[multi]
                if same and s.group[other] == s.group[multi]:
                    return False
            for slot in range(len(s.single)):
                same = s.single_held[slot] and s.single_parent[slot] == s.parent[multi]
                if same and s.single_group[slot] == s.group[multi]:
                    return False
    for slot in range(len(s.single)):
        if s.single_held[slot]:
            for other in range(slot):
                same = s.single_held[other] and s.single_parent[other] == s.single_parent[slot]
                if same and s.single_group[other] == s.single_group[slot]:
                    return False
    return True


@slot_sharing.always("MultiTaskSlot.allocateSingleTaskSlot, allocateMultiTaskSlot")
def no_slot_is_below_its_own_group(s: SlotSharingState) -> bool:
    """No slot has the group of its parent."""
    for multi in range(len(s.multi)):
        if s.parent[multi] != NONE and s.group[multi] == s.group[s.parent[multi]]:
            return False
    for slot in range(len(s.single)):
        parent = s.single_parent[slot]
        if parent != NONE and s.single_group[slot] == s.group[parent]:
            return False
    return True


@slot_sharing.always("SlotSharingManager.getUnresolvedRootSlot", deviation=known(NULL_GROUP))
def a_new_root_contains_no_group(s: SlotSharingState) -> bool:
    """A root without children contains nothing, not even the null group."""
    for root in range(len(s.multi)):
        if (
            is_multi_registered(s, root)
            and s.parent[root] == NONE
            and multi_contains(s, root, NONE)
        ):
            return False
    return True


@slot_sharing.always("MultiTaskSlot.slotContextFuture: of its parent")
def a_tree_has_one_physical_slot(s: SlotSharingState) -> bool:
    """Everything that was built below a root knows of its physical slot what the root knows."""
    for multi in range(len(s.multi)):
        exists = s.multi[multi] == MultiTaskSlot.EXISTS
        if exists and s.context[multi] != s.context[root_of(s, multi)]:
            return False
    return True


@slot_sharing.always("SingleTaskSlot.singleLogicalSlotFuture")
def undecided_slots_wait_for_the_pool(s: SlotSharingState) -> bool:
    """No caller waits for a logical slot once the pool has answered."""
    for slot in range(len(s.single)):
        if s.single[slot] == SingleTaskSlot.EXISTS:
            undecided = s.future[slot] == LogicalSlotFuture.UNDECIDED
            if undecided and s.context[s.single_parent[slot]] != SlotContextFuture.PENDING:
                return False
    return True


@slot_sharing.always("SingleTaskSlot.release", deviation=known(EVICTED))
def living_logical_slots_are_in_a_tree(s: SlotSharingState) -> bool:
    """A logical slot that can be used is found by its id."""
    for slot in range(len(s.single)):
        if s.slot[slot] == LogicalSlot.ALIVE and not is_single_registered(s, slot):
            return False
    return True


@slot_sharing.always("the lifecycles of shared slots, as they nest")
def lifecycles_are_nested(s: SlotSharingState) -> bool:
    """A child machine is at rest while its parent is not in the state that it is inside of."""
    for multi in range(len(s.multi)):
        built = s.multi_registration[multi] == TaskSlotRegistration.BUILT
        if built != (s.multi[multi] == MultiTaskSlot.UNUSED):
            return False
        if built and s.context[multi] != SlotContextFuture.PENDING:
            return False
        if built and s.listing[multi] != RootListing.UNLISTED:
            return False
    for slot in range(len(s.single)):
        built = s.single_registration[slot] == TaskSlotRegistration.BUILT
        if built != (s.single[slot] == SingleTaskSlot.UNUSED):
            return False
        if built and s.future[slot] != LogicalSlotFuture.UNDECIDED:
            return False
        fulfilled = s.future[slot] == LogicalSlotFuture.FULFILLED
        if fulfilled != (s.slot[slot] != LogicalSlot.ABSENT):
            return False
        if not fulfilled and s.occupant[slot] != Occupant.NOBODY:
            return False
        if not fulfilled and s.released[slot] != ReleaseFuture.PENDING:
            return False
    return True
