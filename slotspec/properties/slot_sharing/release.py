"""The effects of a release: what leaves with the slot, and who is notified."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing.environment import fail_context, release_multi, release_single
from slotspec.models.slot_sharing.lifecycles import LogicalSlotFuture, MultiTaskSlot, SingleTaskSlot
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import Effect, SlotSharingState, multis
from slotspec.models.slot_sharing.tree import (
    has_children,
    is_below,
    is_multi_registered,
    is_single_child,
    is_single_registered,
    root_of,
)
from slotspec.properties.slot_sharing.deviations import EVICTED, TWICE, known
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import NONE

COMPLETED = (Effect.LOGICAL_SLOT_FULFILLED, Effect.LOGICAL_SLOT_FAILED)
"""The effects that complete the future of a logical slot."""


def times_given_back(after: SlotSharingState, root: int) -> int:
    """How often a step gave the root's slot back to the pool."""
    return sum(e.kind == Effect.RELEASE_POOL_SLOT and e.root == root for e in after.effects)


@slot_sharing.step("MultiTaskSlot.release: a root", each={"root": multis}, deviation=known(TWICE))
def a_root_that_leaves_gives_its_slot_back(
    before: SlotSharingState, after: SlotSharingState, root: int
) -> bool:
    """When a root leaves the tables, the pool gets the slot back."""
    return (
        before.parent[root] != NONE
        or not is_multi_registered(before, root)
        or is_multi_registered(after, root)
        or times_given_back(after, root) > 0
    )


@slot_sharing.step("MultiTaskSlot.release: allTaskSlots.remove")
def a_pool_slot_goes_back_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """Only a registered root gives its slot back, and only once."""
    return all(
        is_multi_registered(before, e.root) and times_given_back(after, e.root) == 1
        for e in after.effects
        if e.kind == Effect.RELEASE_POOL_SLOT
    )


@slot_sharing.step("SingleTaskSlot.singleLogicalSlotFuture: completed at most once")
def a_caller_hears_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """The future of a logical slot completes only if it is undecided, and only once."""
    return all(
        (
            before.single[e.slot] != SingleTaskSlot.EXISTS
            or before.future[e.slot] == LogicalSlotFuture.UNDECIDED
        )
        and sum(f.kind in COMPLETED and f.slot == e.slot for f in after.effects) == 1
        for e in after.effects
        if e.kind in COMPLETED
    )


@slot_sharing.step("SingleLogicalSlot.releaseSlot, SlotOwner.returnLogicalSlot")
def an_owner_hears_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """A logical slot is returned only before it is released, and only once."""
    return all(
        before.slot[e.slot] in (LogicalSlot.ALIVE, LogicalSlot.RELEASING)
        and sum(f.kind == Effect.RETURN_SLOT and f.slot == e.slot for f in after.effects) == 1
        for e in after.effects
        if e.kind == Effect.RETURN_SLOT
    )


@slot_sharing.step(
    "SlotOwner.returnLogicalSlot: SchedulerImpl releases the task slot",
    when=is_set("owner_releases"),
    deviation=known(EVICTED),
)
def a_returned_slot_leaves_its_tree(after: SlotSharingState) -> bool:
    """An owner that gets a logical slot back releases the task slot."""
    return not any(
        e.kind == Effect.RETURN_SLOT and is_single_registered(after, e.slot) for e in after.effects
    )


@slot_sharing.step("MultiTaskSlot.release", on=release_multi)
def a_released_slot_takes_all_below_along(
    before: SlotSharingState, after: SlotSharingState, multi: int
) -> bool:
    """Whatever is below a released slot leaves the tables, and its futures fail."""
    for slot, held in enumerate(before.single_held):
        if held and is_below(before, before.single_parent[slot], multi):
            if is_single_registered(after, slot) or after.slot[slot] == LogicalSlot.ALIVE:
                return False
            failures = sum(
                e.kind == Effect.LOGICAL_SLOT_FAILED and e.slot == slot for e in after.effects
            )
            if before.future[slot] == LogicalSlotFuture.UNDECIDED and failures != 1:
                return False
    return not any(
        held
        and below != multi
        and is_below(before, below, multi)
        and is_multi_registered(after, below)
        for below, held in enumerate(before.multi_held)
    )


@slot_sharing.step("SlotSharingManager.createRootSlot: the pool's future", on=fail_context)
def nobody_waits_for_a_failed_root(after: SlotSharingState, root: int) -> bool:
    """When the pool has no slot, the futures of all slots below the root complete."""
    return not any(
        single == SingleTaskSlot.EXISTS
        and after.future[slot] == LogicalSlotFuture.UNDECIDED
        and root_of(after, after.single_parent[slot]) == root
        for slot, single in enumerate(after.single)
    )


@slot_sharing.step("MultiTaskSlot.releaseChild", each={"multi": multis}, deviation=known(EVICTED))
def who_loses_the_last_child_goes(
    before: SlotSharingState, after: SlotSharingState, multi: int
) -> bool:
    """A slot that loses its last child leaves the table."""
    return (
        not is_multi_registered(before, multi)
        or not is_multi_registered(after, multi)
        or has_children(after, multi)
        or not has_children(before, multi)
    )


@slot_sharing.step("MultiTaskSlot.releaseChild", on=release_single, deviation=known(EVICTED))
def a_share_leaves_alone(before: SlotSharingState, after: SlotSharingState, slot: int) -> bool:
    """The release of a task's share leaves its siblings in the tree."""
    return all(
        other == slot
        or after.single_held[other]
        or not is_single_child(before, other, before.single_parent[slot])
        for other in before.elements(slots)
    )


@slot_sharing.step("MultiTaskSlot.release", deviation=known(TWICE, EVICTED))
def no_release_ends_with_an_exception(before: SlotSharingState, after: SlotSharingState) -> bool:
    """No release ends with an exception because of an inner contradiction."""
    if not any(e.kind == Effect.RAISES for e in after.effects):
        return True
    return not any(
        is_multi_registered(before, multi)
        and (after.multi[multi] == MultiTaskSlot.UNUSED or not is_multi_registered(after, multi))
        for multi in before.elements(multis)
    ) and not any(
        is_single_registered(before, slot) and not is_single_registered(after, slot)
        for slot in before.elements(slots)
    )


@slot_sharing.step("SingleTaskSlot.release: SingleLogicalSlot.release", on=release_multi)
def a_released_slot_is_not_returned(after: SlotSharingState) -> bool:
    """A release from above returns no logical slot to its owner."""
    return not any(e.kind == Effect.RETURN_SLOT for e in after.effects)
