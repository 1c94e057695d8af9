"""Who hears of a release, and what goes with it."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.slot_sharing.environment import fail_context, release_multi, release_single
from slotspec.models.slot_sharing.lifecycles import LogicalSlotFuture, MultiTaskSlot, SingleTaskSlot
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import Effect, SlotSharingState
from slotspec.models.slot_sharing.tree import (
    has_children,
    is_below,
    is_multi_registered,
    is_single_registered,
    root_of,
)
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_sharing.deviations import EVICTED, TWICE, known
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def has_releasing_owner(setting: Setting) -> bool:
    return bool(setting["owner_releases"])


@slot_sharing.step("MultiTaskSlot.release: a root", deviation=known(TWICE))
def a_root_that_leaves_gives_its_slot_back(
    before: SlotSharingState, after: SlotSharingState
) -> bool:
    """When a root leaves the tables, the pool gets the slot back."""
    for root in range(len(before.multi)):
        if before.parent[root] == NONE and is_multi_registered(before, root):
            left = not is_multi_registered(after, root)
            if left and count_effects(after, int(Effect.RELEASE_POOL_SLOT), root) == 0:
                return False
    return True


@slot_sharing.step("MultiTaskSlot.release: allTaskSlots.remove")
def a_pool_slot_goes_back_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """Only a root that was registered gives its slot back, and once."""
    for root in range(len(before.multi)):
        times = count_effects(after, int(Effect.RELEASE_POOL_SLOT), root)
        if times > 1 or (times == 1 and not is_multi_registered(before, root)):
            return False
    return True


@slot_sharing.step("SingleTaskSlot.singleLogicalSlotFuture: completed at most once")
def a_caller_hears_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """Whoever waits for a logical slot hears at most once, and only while it waits."""
    for slot in range(len(before.single)):
        times = count_effects(after, int(Effect.LOGICAL_SLOT_FULFILLED), slot)
        times += count_effects(after, int(Effect.LOGICAL_SLOT_FAILED), slot)
        decided = (
            before.single[slot] == SingleTaskSlot.EXISTS
            and before.future[slot] != LogicalSlotFuture.UNDECIDED
        )
        if times > 1 or (times == 1 and decided):
            return False
    return True


@slot_sharing.step("SingleLogicalSlot.releaseSlot, SlotOwner.returnLogicalSlot")
def an_owner_hears_once(before: SlotSharingState, after: SlotSharingState) -> bool:
    """A logical slot is returned at most once, and only one that is not released."""
    for slot in range(len(before.single)):
        times = count_effects(after, int(Effect.RETURN_SLOT), slot)
        alive = before.slot[slot] == LogicalSlot.ALIVE or before.slot[slot] == LogicalSlot.RELEASING
        if times > 1 or (times == 1 and not alive):
            return False
    return True


@slot_sharing.step(
    "SlotOwner.returnLogicalSlot: SchedulerImpl releases the task slot",
    when=has_releasing_owner,
    deviation=known(EVICTED),
)
def a_returned_slot_leaves_its_tree(before: SlotSharingState, after: SlotSharingState) -> bool:
    """An owner that gets a logical slot back releases the task slot."""
    for slot in range(len(before.single)):
        returned = count_effects(after, int(Effect.RETURN_SLOT), slot) > 0
        if returned and is_single_registered(after, slot):
            return False
    return True


@slot_sharing.step("MultiTaskSlot.release", on=release_multi)
def a_released_slot_takes_all_below_along(
    before: SlotSharingState, after: SlotSharingState, result: int, multi: int
) -> bool:
    """Whatever the maps below a released slot had is out of the tables, and told."""
    for slot in range(len(before.single)):
        held = before.single_held[slot] == 1
        if held and is_below(before, before.single_parent[slot], multi):
            if is_single_registered(after, slot) or after.slot[slot] == LogicalSlot.ALIVE:
                return False
            waited = before.future[slot] == LogicalSlotFuture.UNDECIDED
            if waited and count_effects(after, int(Effect.LOGICAL_SLOT_FAILED), slot) != 1:
                return False
    for below in range(len(before.multi)):
        nested = before.multi_held[below] and below != multi
        if nested and is_below(before, below, multi) and is_multi_registered(after, below):
            return False
    return True


@slot_sharing.step("SlotSharingManager.createRootSlot: the pool's future", on=fail_context)
def nobody_waits_for_a_failed_root(
    before: SlotSharingState, after: SlotSharingState, result: int, root: int
) -> bool:
    """When the pool has no slot, everybody who waits below the root hears of it."""
    for slot in range(len(after.single)):
        if after.single[slot] == SingleTaskSlot.EXISTS:
            undecided = after.future[slot] == LogicalSlotFuture.UNDECIDED
            if undecided and root_of(after, after.single_parent[slot]) == root:
                return False
    return True


@slot_sharing.step("MultiTaskSlot.releaseChild", deviation=known(EVICTED))
def who_loses_the_last_child_goes(before: SlotSharingState, after: SlotSharingState) -> bool:
    """No slot that had children stays registered without any."""
    for multi in range(len(before.multi)):
        stays = is_multi_registered(before, multi) and is_multi_registered(after, multi)
        if stays and has_children(before, multi) and not has_children(after, multi):
            return False
    return True


@slot_sharing.step("MultiTaskSlot.releaseChild", on=release_single, deviation=known(EVICTED))
def a_share_leaves_alone(
    before: SlotSharingState, after: SlotSharingState, result: int, slot: int
) -> bool:
    """The release of a task's share leaves the shares beside it where they are."""
    for other in range(len(before.single)):
        beside = before.single_held[other] and other != slot
        sibling = beside and before.single_parent[other] == before.single_parent[slot]
        if sibling and not after.single_held[other]:
            return False
    return True


@slot_sharing.step("MultiTaskSlot.release", deviation=known(TWICE, EVICTED))
def no_release_ends_with_an_exception(before: SlotSharingState, after: SlotSharingState) -> bool:
    """Whatever is released, the caller hears of no inner contradiction."""
    released = False
    for multi in range(len(before.multi)):
        gone = after.multi[multi] == MultiTaskSlot.UNUSED or not is_multi_registered(after, multi)
        if is_multi_registered(before, multi) and gone:
            released = True
    for slot in range(len(before.single)):
        if is_single_registered(before, slot) and not is_single_registered(after, slot):
            released = True
    return not released or count_effects(after, int(Effect.RAISES)) == 0


@slot_sharing.step("SingleTaskSlot.release: SingleLogicalSlot.release", on=release_multi)
def a_released_slot_is_not_returned(
    before: SlotSharingState, after: SlotSharingState, result: int, multi: int
) -> bool:
    """Who releases a slot from above does not want the logical slots below returned."""
    for slot in range(len(before.single)):
        if count_effects(after, int(Effect.RETURN_SLOT), slot) > 0:
            return False
    return True
