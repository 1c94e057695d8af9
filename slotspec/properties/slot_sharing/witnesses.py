"""What can happen to shared slots: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun
from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing.environment import has_deployments, has_late_calls
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    RootListing,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.resources import is_oversubscribed
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.models.slot_sharing.tree import (
    is_multi_registered,
    is_single_child,
    is_single_registered,
    resolved_roots_of,
)
from slotspec.properties.slot_sharing.deviations import has_unknown
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.rules import NONE

has_two_groups = exceeds("slots", 1) & exceeds("groups", 1) & exceeds("most_reserved", 1)
"""Two shares of the least profile can be in one tree."""
has_large_slots = has_two_groups & (exceeds("profiles", 1) | is_set("small_slots"))
"""A slot may get two shares: it has room for them, or nothing forbids it."""
has_colocation = exceeds("multis", 1) & exceeds("groups", 1)
has_depth_three = exceeds("multis", 2) & exceeds("groups", 1)
has_taken = exceeds("multis", 1) & is_set("taken_allocations")
has_small_slots = has_two_groups & is_set("small_slots")
"""Two shares of the least profile are more than a slot of it has."""
has_repeated = exceeds("slots", 1) & exceeds("most_reserved", 1) & is_set("repeated_groups")
has_repeated_deployments = has_repeated & has_deployments
has_unknown_shares = has_two_groups & has_unknown


@slot_sharing.sometimes("SlotSharingManager.createRootSlot", when=has_large_slots)
def two_tasks_share_a_slot(s: SlotSharingState) -> bool:
    """Two living logical slots of different groups are in one physical slot."""
    return any(
        is_alive_in(s, slot, parent) and is_alive_in(s, other, parent)
        for slot, parent in enumerate(s.single_parent)
        for other in range(slot)
    )


def is_alive_in(s: SlotSharingState, slot: int, parent: int) -> bool:
    """Whether a living logical slot is in the map of `parent`."""
    return s.slot[slot] == LogicalSlot.ALIVE and is_single_child(s, slot, parent)


@slot_sharing.sometimes("MultiTaskSlot.allocateMultiTaskSlot", when=has_colocation)
def tasks_are_colocated(s: SlotSharingState) -> bool:
    """A living logical slot is in a co-location slot."""
    return any(
        logical == LogicalSlot.ALIVE and s.parent[s.single_parent[slot]] != NONE
        for slot, logical in enumerate(s.slot)
    )


@slot_sharing.sometimes("MultiTaskSlot.allocateMultiTaskSlot", when=has_depth_three)
def a_tree_is_deep(s: SlotSharingState) -> bool:
    """A task's share is three levels below its root."""
    return any(
        held and (above := s.parent[s.single_parent[slot]]) != NONE and s.parent[above] != NONE
        for slot, held in enumerate(s.single_held)
    )


@slot_sharing.sometimes("SlotSharingManager.resolvedRootSlots", when=has_taken)
def an_allocation_changes_roots(s: SlotSharingState) -> bool:
    """Another root that resolved to the allocation of a registered root has replaced it."""
    return any(
        context == SlotContextFuture.KNOWN
        and s.listing[root] == RootListing.UNLISTED
        and s.parent[root] == NONE
        and is_multi_registered(s, root)
        for root, context in enumerate(s.context)
    )


@slot_sharing.sometimes("SlotSharingManager.resolvedRootSlots", when=has_small_slots)
def an_oversubscribed_root_stays_listed(s: SlotSharingState) -> bool:
    """A released root whose slot was too small is still resolved."""
    return any(
        listing == RootListing.RESOLVED
        and not is_multi_registered(s, root)
        and s.context[root] == SlotContextFuture.KNOWN
        and is_oversubscribed(s, root)
        for root, listing in enumerate(s.listing)
    )


@slot_sharing.sometimes("MultiTaskSlot.releaseChild", when=has_taken)
def a_task_manager_is_remembered_for_nothing(s: SlotSharingState) -> bool:
    """A TaskExecutor's map of roots is empty, but was not removed."""
    return any(has_map and resolved_roots_of(s, tm) == 0 for tm, has_map in enumerate(s.has_roots))


@slot_sharing.sometimes("MultiTaskSlot.children", when=has_repeated)
def a_slot_is_replaced(s: SlotSharingState) -> bool:
    """A slot is registered, but another one of its group has replaced it in its parent's map."""
    return any(not held and is_single_registered(s, n) for n, held in enumerate(s.single_held))


@slot_sharing.sometimes("MultiTaskSlot.releaseChild", when=has_repeated)
def a_successor_is_thrown_out(s: SlotSharingState) -> bool:
    """A logical slot lives on outside any tree: it was removed, but not released."""
    return any(
        logical == LogicalSlot.ALIVE and not is_single_registered(s, slot)
        for slot, logical in enumerate(s.slot)
    )


@slot_sharing.sometimes("ResourceProfile.subtract", when=has_unknown_shares)
def an_unknown_reservation_stays(s: SlotSharingState) -> bool:
    """A reservation is unknown, though all shares below have known profiles."""
    return any(
        special == Special.UNKNOWN
        and is_multi_registered(s, root)
        and any(is_single_child(s, slot, root) for slot in s.elements(slots))
        and not any(
            is_single_child(s, slot, root) and s.specials[profile] == Special.UNKNOWN
            for slot, profile in enumerate(s.single_profile)
        )
        for root, special in enumerate(s.special)
    )


@slot_sharing.sometimes("SingleLogicalSlot.releaseSlot", when=has_deployments)
def a_logical_slot_waits_for_its_payload(s: SlotSharingState) -> bool:
    """A logical slot is RELEASING until its payload terminates."""
    return any(
        logical == LogicalSlot.RELEASING and is_single_registered(s, slot)
        for slot, logical in enumerate(s.slot)
    )


@slot_sharing.sometimes("SingleTaskSlot.release", when=has_repeated_deployments)
def a_payload_outlives_its_place(s: SlotSharingState) -> bool:
    """A payload runs in a logical slot that waits for it, but is in no tree any more."""
    return any(
        occupant == Occupant.PAYLOAD
        and not is_single_registered(s, slot)
        and s.payload[s.payload_of[slot]] == PayloadRun.RUNNING
        for slot, occupant in enumerate(s.occupant)
    )


@slot_sharing.sometimes("MultiTaskSlot.allocateSingleTaskSlot", when=has_late_calls)
def a_share_below_nothing(s: SlotSharingState) -> bool:
    """A single-task slot is registered below a root that has left."""
    return any(
        future == LogicalSlotFuture.FULFILLED
        and s.single_held[slot]
        and is_single_registered(s, slot)
        and not is_multi_registered(s, s.single_parent[slot])
        for slot, future in enumerate(s.future)
    )
