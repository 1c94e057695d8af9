"""Slot sharing: the operations of Flink's SlotSharingManager and of its task slots.

Each operation is a plain rule over :class:`SlotSharingState`. Ids of new slots come in as
arguments. An operation on a TaskSlot is two here, since the two kinds of task slots are
numbered apart.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.release import (
    child_released,
    empty,
    leave_parent,
    let_owner_release,
    release_multi_slot,
    release_single_slot,
)
from slotspec.models.slot_sharing.resources import has_room, is_oversubscribed
from slotspec.models.slot_sharing.shares import enter_single, fail_single, fulfil_single
from slotspec.models.slot_sharing.state import (
    Cause,
    Effect,
    Raised,
    SlotSharingState,
)
from slotspec.models.slot_sharing.tree import (
    build_multi,
    enlist,
    is_multi_registered,
    is_open_for,
    is_single_registered,
    move,
    multi_contains,
    put_out_of_map,
    resolved_root,
    resolved_roots_of,
    root_of,
)
from slotspec.models.slot_sharing.versions import MapOrder
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# -------------------------------------------------------------------------------- creation


@slot_sharing.operation
def create_root_slot(s: SlotSharingState, root: int) -> int:
    """Create a root for a slot that was asked of the pool. It is unresolved.

    Flink: SlotSharingManager.createRootSlot.
    """
    build_multi(s, root, NONE, NONE)
    enlist(s, root)
    return NONE


@slot_sharing.operation
def allocate_multi(s: SlotSharingState, parent: int, multi: int, group: int) -> int:
    """Create a co-location slot below another one; a child of the same group is replaced.

    Flink: MultiTaskSlot.allocateMultiTaskSlot.
    """
    if s.group[parent] == group:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    if s.context[parent] == SlotContextFuture.FAILED:
        # the new slot is released while it is built, before its parent's map has it
        child_released(s, parent, group)
    put_out_of_map(s, parent, group)
    build_multi(s, multi, parent, group)
    s.multi_held[multi] = 1
    if s.context[parent] == SlotContextFuture.KNOWN:
        fire(s.context, multi, SlotContextFuture.resolve)
    elif s.context[parent] == SlotContextFuture.FAILED:
        fire(s.context, multi, SlotContextFuture.fail_context)
    return NONE


@slot_sharing.operation
def allocate_single(s: SlotSharingState, parent: int, slot: int, group: int, profile: int) -> int:
    """Create a single-task slot; a child of the same group is replaced, and not told.

    The profile is reserved all the way up. Flink: MultiTaskSlot.allocateSingleTaskSlot.
    """
    if s.group[parent] == group:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    enter_single(s, parent, slot, group, profile)
    return NONE


# ----------------------------------------------------------------------- the physical slot


@slot_sharing.operation
def resolve_context(s: SlotSharingState, root: int, tm: int, allocation: int, profile: int) -> int:
    """The root's physical slot is there. 0 if its future was decided before.

    Everything ever built below the root hears of it, in the tables or not. A slot with less
    than what is reserved is given back at once. Flink: SlotSharingManager.createRootSlot,
    tryMarkSlotAsResolved.
    """
    if s.context[root] != SlotContextFuture.PENDING:
        return 0
    s.tm[root] = tm
    s.allocation[root] = allocation
    s.profile[root] = profile
    if s.listing[root] == RootListing.UNRESOLVED and move(s, root) != NONE:
        fail_future(s, root, int(Cause.ILLEGAL_STATE))
        return 1
    if not has_room(s, root, NONE):
        release_multi_slot(s, root, int(Cause.ILLEGAL_STATE))
    for multi in range(len(s.multi)):
        if s.context[multi] == SlotContextFuture.PENDING and is_built_below(s, multi, root):
            fire(s.context, multi, SlotContextFuture.resolve)
    emit(s, Effect.ANY_ORDER, 1)
    for slot in range(len(s.single)):
        if is_undecided_below(s, slot, root):
            fulfil_single(s, slot, root)
    emit(s, Effect.ANY_ORDER, 0)
    return 1


def is_built_below(s: SlotSharingState, multi: int, root: int) -> bool:
    """Whether a slot was ever created below the root, or is the root."""
    return s.multi[multi] == MultiTaskSlot.EXISTS and root_of(s, multi) == root


def is_undecided_below(s: SlotSharingState, slot: int, root: int) -> bool:
    """Whether a single-task slot below the root waits for the physical slot."""
    return (
        s.single[slot] == SingleTaskSlot.EXISTS
        and s.future[slot] == LogicalSlotFuture.UNDECIDED
        and root_of(s, s.single_parent[slot]) == root
    )


@slot_sharing.operation
def fail_context(s: SlotSharingState, root: int, cause: int) -> int:
    """There will be no physical slot. 0 if the root's future was decided before.

    Flink: the future of the slot pool fails.
    """
    if s.context[root] != SlotContextFuture.PENDING:
        return 0
    fail_future(s, root, cause)
    return 1


def fail_future(s: SlotSharingState, root: int, cause: int) -> None:
    """Release the root, then all that was ever built below it and has not heard."""
    s.failure[root] = cause
    release_multi_slot(s, root, cause)
    fire(s.context, root, SlotContextFuture.fail_context)
    emit(s, Effect.ANY_ORDER, 1)
    multi = next_to_fail(s)
    while multi != NONE:
        fire(s.context, multi, SlotContextFuture.fail_context)
        empty(s, multi, cause)
        leave_parent(s, multi, cause)
        multi = next_to_fail(s)
    for slot in range(len(s.single)):
        if is_undecided_below(s, slot, root):
            fail_single(s, slot, cause)
    emit(s, Effect.ANY_ORDER, 0)


def next_to_fail(s: SlotSharingState) -> int:
    """A slot that has not heard that its parent has no physical slot, or NONE."""
    for multi in range(len(s.multi)):
        waits = s.context[multi] == SlotContextFuture.PENDING and s.parent[multi] != NONE
        if waits and s.context[s.parent[multi]] == SlotContextFuture.FAILED:
            return multi
    return NONE


# --------------------------------------------------------------------------------- release


@slot_sharing.operation
def release_multi(s: SlotSharingState, multi: int, cause: int) -> int:
    """Release a multi-task slot. Flink: MultiTaskSlot.release."""
    raised = release_multi_slot(s, multi, cause)
    if raised != NONE:
        emit(s, Effect.RAISES, raised)
    return NONE


@slot_sharing.operation
def release_single(s: SlotSharingState, slot: int, cause: int) -> int:
    """Release a single-task slot. Flink: SingleTaskSlot.release."""
    raised = release_single_slot(s, slot, cause)
    if raised != NONE:
        emit(s, Effect.RAISES, raised)
    return NONE


# --------------------------------------------------------------------------- logical slots


@slot_sharing.operation
def assign_payload(s: SlotSharingState, slot: int, payload: int, on_fail: int) -> int:
    """Put a payload into a logical slot. 0 if there is one, or no logical slot.

    Flink: SingleLogicalSlot.tryAssignPayload.
    """
    if s.future[slot] != LogicalSlotFuture.FULFILLED:
        return 0
    return logical_slot.try_assign_payload(s, slot, payload, on_fail)


@slot_sharing.operation
def release_logical_slot(s: SlotSharingState, slot: int, cause: int) -> int:
    """Whoever has a logical slot gives it up. Flink: SingleLogicalSlot.releaseSlot."""
    if s.future[slot] == LogicalSlotFuture.FULFILLED:
        logical_slot.release_slot(s, slot, cause)
        let_owner_release(s)
    return NONE


@slot_sharing.operation
def payload_terminates(s: SlotSharingState, payload: int) -> int:
    """A payload is over. 0 if it was before. Flink: Payload.getTerminalStateFuture."""
    first = logical_slot.payload_terminates(s, payload, 0)
    let_owner_release(s)
    return first


# --------------------------------------------------------------------------------- queries


@slot_sharing.operation
def contains_group_multi(s: SlotSharingState, multi: int, group: int) -> int:
    """1 if the slot or anything below it is of the group. Flink: MultiTaskSlot.contains."""
    return int(multi_contains(s, multi, group))


@slot_sharing.operation
def contains_group_single(s: SlotSharingState, slot: int, group: int) -> int:
    """1 if the slot is of the group. Flink: TaskSlot.contains."""
    return int(s.single_group[slot] == group)


@slot_sharing.operation
def get_unresolved_root(s: SlotSharingState, group: int, preferred: int) -> int:
    """An unresolved root without the group, or NONE: the oldest, or `preferred` if it is one.

    Flink: SlotSharingManager.getUnresolvedRootSlot.
    """
    if s.map_order == MapOrder.OLDEST_FIRST:
        for place in range(len(s.unresolved)):
            root = s.unresolved[place]
            if root != NONE and is_open_for(s, root, group):
                return root
        return NONE
    if preferred != NONE and is_unresolved_without(s, preferred, group):
        return preferred
    return NONE


def is_unresolved_without(s: SlotSharingState, root: int, group: int) -> bool:
    """Whether an unresolved root has room for the group."""
    return s.listing[root] == RootListing.UNRESOLVED and is_open_for(s, root, group)


@slot_sharing.operation
def list_resolved_roots(s: SlotSharingState, group: int) -> int:
    """List each resolved root without the group, with the utilization of its TaskExecutor.

    The whole call fails over one root that has more reserved than there is, or no physical
    slot; over which of them, the order of the tables decides. Flink:
    SlotSharingManager.listResolvedRootSlotInfo.
    """
    if s.map_order == MapOrder.ARBITRARY:
        for root in range(len(s.multi)):
            if s.listing[root] == RootListing.RESOLVED and not list_root(s, root, group):
                return NONE
        return 1
    for place in range(len(s.tm_order)):
        for at in range(len(s.resolved)):
            root = s.resolved[at]
            listed = root != NONE and s.tm[root] == s.tm_order[place]
            if listed and not list_root(s, root, group):
                return NONE
    return 1


def list_root(s: SlotSharingState, root: int, group: int) -> bool:
    """List a root if it is without the group; False if that ends with an exception."""
    if not is_open_for(s, root, group):
        return True
    if s.context[root] == SlotContextFuture.FAILED:
        emit(s, Effect.RAISES, Raised.COMPLETION)
        return False
    if is_oversubscribed(s, root):
        emit(s, Effect.RAISES, Raised.ILLEGAL_ARGUMENT)
        return False
    with_group = resolved_roots_with(s, s.tm[root], group)
    emit(s, Effect.LISTED, root, with_group, resolved_roots_of(s, s.tm[root]))
    return True


def resolved_roots_with(s: SlotSharingState, tm: int, group: int) -> int:
    """How many roots of a TaskExecutor have the group."""
    found = 0
    for root in range(len(s.multi)):
        listed = s.listing[root] == RootListing.RESOLVED and s.tm[root] == tm
        if listed and multi_contains(s, root, group):
            found += 1
    return found


@slot_sharing.operation
def get_resolved_root(s: SlotSharingState, tm: int, allocation: int) -> int:
    """The root that is listed there, or NONE. Flink: getResolvedRootSlot."""
    return resolved_root(s, tm, allocation)


@slot_sharing.operation
def may_have_enough_resources(s: SlotSharingState, multi: int, profile: int) -> int:
    """1 while nothing is known against it. Flink: mayHaveEnoughResourcesToFulfill."""
    if s.context[multi] == SlotContextFuture.PENDING:
        return 1
    if s.context[multi] == SlotContextFuture.FAILED:
        emit(s, Effect.RAISES, Raised.COMPLETION)
        return NONE
    return int(has_room(s, root_of(s, multi), profile))


@slot_sharing.operation
def contains_multi(s: SlotSharingState, multi: int) -> int:
    """1 if the slot is found by its id. Flink: SlotSharingManager.contains."""
    return int(is_multi_registered(s, multi))


@slot_sharing.operation
def contains_single(s: SlotSharingState, slot: int) -> int:
    """1 if the slot is found by its id. Flink: SlotSharingManager.contains."""
    return int(is_single_registered(s, slot))


@slot_sharing.operation
def is_empty(s: SlotSharingState) -> int:
    """1 if no slot is found by any id. Flink: SlotSharingManager.isEmpty."""
    for multi in range(len(s.multi)):
        if is_multi_registered(s, multi):
            return 0
    for slot in range(len(s.single)):
        if is_single_registered(s, slot):
            return 0
    return 1
