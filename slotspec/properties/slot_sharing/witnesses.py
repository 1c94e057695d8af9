"""What can happen: without these, the other properties might hold of nothing."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun
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
    is_single_registered,
    resolved_roots_of,
)
from slotspec.properties.slot_sharing.deviations import has_unknown
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def has_two_groups(setting: Setting) -> bool:
    """Two shares of the least profile can be in one tree."""
    return bool(setting["slots"] > 1 and setting["groups"] > 1 and setting["most_reserved"] > 1)


def has_large_slots(setting: Setting) -> bool:
    """There is a slot for two shares, or nobody minds."""
    return has_two_groups(setting) and bool(setting["profiles"] > 1 or setting["small_slots"])


def has_colocation(setting: Setting) -> bool:
    return bool(setting["multis"] > 1 and setting["groups"] > 1)


def has_depth_three(setting: Setting) -> bool:
    return bool(setting["multis"] > 2 and setting["groups"] > 1)


def has_taken(setting: Setting) -> bool:
    return bool(setting["multis"] > 1 and setting["taken_allocations"])


def has_small_slots(setting: Setting) -> bool:
    """Two shares of the least profile are more than a slot of it has."""
    return has_two_groups(setting) and bool(setting["small_slots"])


def has_repeated(setting: Setting) -> bool:
    several = setting["slots"] > 1 and setting["most_reserved"] > 1
    return bool(several and setting["repeated_groups"])


def has_repeated_deployments(setting: Setting) -> bool:
    return has_repeated(setting) and has_deployments(setting)


def has_unknown_shares(setting: Setting) -> bool:
    return has_two_groups(setting) and has_unknown(setting)


@slot_sharing.sometimes("SlotSharingManager.createRootSlot", when=has_large_slots)
def two_tasks_share_a_slot(s: SlotSharingState) -> bool:
    """Two living logical slots of different groups are in one physical slot."""
    for slot in range(len(s.single)):
        for other in range(slot):
            if (
                s.slot[slot] == LogicalSlot.ALIVE
                and s.slot[other] == LogicalSlot.ALIVE
                and s.single_held[slot]
                and s.single_held[other]
                and s.single_parent[slot] == s.single_parent[other]
            ):
                return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.allocateMultiTaskSlot", when=has_colocation)
def tasks_are_colocated(s: SlotSharingState) -> bool:
    """A living logical slot is in a co-location slot."""
    for slot in range(len(s.single)):
        if s.slot[slot] == LogicalSlot.ALIVE and s.parent[s.single_parent[slot]] != NONE:
            return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.allocateMultiTaskSlot", when=has_depth_three)
def a_tree_is_deep(s: SlotSharingState) -> bool:
    """A task's share is three steps below its root."""
    for slot in range(len(s.single)):
        if s.single_held[slot]:
            above = s.parent[s.single_parent[slot]]
            if above != NONE and s.parent[above] != NONE:
                return True
    return False


@slot_sharing.sometimes("SlotSharingManager.resolvedRootSlots", when=has_taken)
def an_allocation_changes_roots(s: SlotSharingState) -> bool:
    """A registered root is overwritten by another that resolved to its allocation."""
    for root in range(len(s.multi)):
        overwritten = (
            s.context[root] == SlotContextFuture.KNOWN and s.listing[root] == RootListing.UNLISTED
        )
        if overwritten and s.parent[root] == NONE and is_multi_registered(s, root):
            return True
    return False


@slot_sharing.sometimes("SlotSharingManager.resolvedRootSlots", when=has_small_slots)
def an_oversubscribed_root_stays_listed(s: SlotSharingState) -> bool:
    """A released root whose slot was too small is still resolved."""
    for root in range(len(s.multi)):
        stays = s.listing[root] == RootListing.RESOLVED and not is_multi_registered(s, root)
        if stays and s.context[root] == SlotContextFuture.KNOWN and is_oversubscribed(s, root):
            return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.releaseChild", when=has_taken)
def a_task_manager_is_remembered_for_nothing(s: SlotSharingState) -> bool:
    """A TaskExecutor's map of roots is empty and stays."""
    for tm in range(len(s.has_roots)):
        if s.has_roots[tm] and resolved_roots_of(s, tm) == 0:
            return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.children", when=has_repeated)
def a_slot_is_replaced(s: SlotSharingState) -> bool:
    """A slot is found by its id, but has lost its place to another one of its group."""
    for slot in range(len(s.single)):
        if is_single_registered(s, slot) and not s.single_held[slot]:
            return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.releaseChild", when=has_repeated)
def a_successor_is_thrown_out(s: SlotSharingState) -> bool:
    """A logical slot lives on in no tree: it was thrown out and is not told."""
    for slot in range(len(s.single)):
        if s.slot[slot] == LogicalSlot.ALIVE and not is_single_registered(s, slot):
            return True
    return False


@slot_sharing.sometimes("ResourceProfile.subtract", when=has_unknown_shares)
def an_unknown_reservation_stays(s: SlotSharingState) -> bool:
    """A reservation is unknown, though the only share below is known."""
    for root in range(len(s.multi)):
        if s.special[root] == Special.UNKNOWN and is_multi_registered(s, root):
            unknown = 0
            others = 0
            for slot in range(len(s.single)):
                if s.single_held[slot] and s.single_parent[slot] == root:
                    if s.specials[s.single_profile[slot]] == Special.UNKNOWN:
                        unknown += 1
                    else:
                        others += 1
            if unknown == 0 and others > 0:
                return True
    return False


@slot_sharing.sometimes("SingleLogicalSlot.releaseSlot", when=has_deployments)
def a_logical_slot_waits_for_its_payload(s: SlotSharingState) -> bool:
    """A logical slot is releasing until its payload is over."""
    for slot in range(len(s.single)):
        if s.slot[slot] == LogicalSlot.RELEASING and is_single_registered(s, slot):
            return True
    return False


@slot_sharing.sometimes("SingleTaskSlot.release", when=has_repeated_deployments)
def a_payload_outlives_its_place(s: SlotSharingState) -> bool:
    """A payload runs in a logical slot that waits for it, but is in no tree any more."""
    for slot in range(len(s.single)):
        outside = s.occupant[slot] == Occupant.PAYLOAD and not is_single_registered(s, slot)
        if outside and s.payload[s.payload_of[slot]] == PayloadRun.RUNNING:
            return True
    return False


@slot_sharing.sometimes("MultiTaskSlot.allocateSingleTaskSlot", when=has_late_calls)
def a_share_below_nothing(s: SlotSharingState) -> bool:
    """A single-task slot is registered below a root that has left."""
    for slot in range(len(s.single)):
        if is_single_registered(s, slot) and s.future[slot] == LogicalSlotFuture.FULFILLED:
            parent = s.single_parent[slot]
            if s.single_held[slot] and not is_multi_registered(s, parent):
                return True
    return False
