"""Slot sharing: the operations of Flink's SlotSharingManager and of its task slots.

Each operation is a plain rule over :class:`SlotSharingState`. Ids of new slots are arguments.
Each operation on a TaskSlot is two here, because the two kinds of task slots have separate
numbers.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.logical_slot.state import slots
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
    multis,
)
from slotspec.models.slot_sharing.tree import (
    build_multi,
    enlist,
    is_multi_registered,
    is_open_for,
    is_resolved_at,
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
    """Create an unresolved root for a slot that was requested from the pool.

    Flink: SlotSharingManager.createRootSlot.
    """
    build_multi(s, root, NONE, NONE)
    enlist(s, root)
    return NONE


@slot_sharing.operation
def allocate_multi(s: SlotSharingState, parent: int, multi: int, group: int) -> int:
    """Create a co-location slot below another one; it replaces a child of the same group.

    Flink: MultiTaskSlot.allocateMultiTaskSlot.
    """
    if s.group[parent] == group:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
        return NONE
    if s.context[parent] == SlotContextFuture.FAILED:
        # the new slot is released while it is built, before it is in its parent's map
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
    """Create a single-task slot; it replaces a child of the same group without releasing it.

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
    """The root's physical slot is there. 0 if its future was complete before.

    This reaches everything that was ever built below the root, in the tables or not. A slot
    that has less than what is reserved is returned at once. Flink:
    SlotSharingManager.createRootSlot, tryMarkSlotAsResolved.
    """
    if s.context[root] != SlotContextFuture.PENDING:
        return 0
    s.tm[root] = tm
    s.allocation[root] = allocation
    s.profile[root] = profile
    if s.listing[root] == RootListing.UNRESOLVED and move(s, root) != NONE:
        fail_future(s, root, Cause.ILLEGAL_STATE)
        return 1
    if not has_room(s, root, NONE):
        release_multi_slot(s, root, Cause.ILLEGAL_STATE)
    for multi, context in enumerate(s.context):
        if context == SlotContextFuture.PENDING and is_built_below(s, multi, root):
            fire(s.context, multi, SlotContextFuture.resolve)
    emit(s, Effect.ANY_ORDER, 1)
    for slot in s.elements(slots):
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
    """There will be no physical slot. 0 if the root's future was complete before.

    Flink: the future of the slot pool fails.
    """
    if s.context[root] != SlotContextFuture.PENDING:
        return 0
    fail_future(s, root, cause)
    return 1


def fail_future(s: SlotSharingState, root: int, cause: int) -> None:
    """Release the root, then fail everything that was ever built below it."""
    s.failure[root] = cause
    release_multi_slot(s, root, cause)
    fire(s.context, root, SlotContextFuture.fail_context)
    emit(s, Effect.ANY_ORDER, 1)
    while (multi := next_to_fail(s)) != NONE:
        fire(s.context, multi, SlotContextFuture.fail_context)
        empty(s, multi, cause)
        leave_parent(s, multi, cause)
    for slot in s.elements(slots):
        if is_undecided_below(s, slot, root):
            fail_single(s, slot, cause)
    emit(s, Effect.ANY_ORDER, 0)


def next_to_fail(s: SlotSharingState) -> int:
    """A slot whose parent has failed, but which has not failed itself yet, or NONE."""
    return next(
        (
            multi
            for multi, parent in enumerate(s.parent)
            if s.context[multi] == SlotContextFuture.PENDING
            and parent != NONE
            and s.context[parent] == SlotContextFuture.FAILED
        ),
        NONE,
    )


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
    """Assign a payload to a logical slot. 0 if it has one, or is no logical slot.

    Flink: SingleLogicalSlot.tryAssignPayload.
    """
    if s.future[slot] != LogicalSlotFuture.FULFILLED:
        return 0
    return logical_slot.try_assign_payload(s, slot, payload, on_fail)


@slot_sharing.operation
def release_logical_slot(s: SlotSharingState, slot: int, cause: int) -> int:
    """The execution that has the logical slot returns it. Flink: SingleLogicalSlot.releaseSlot."""
    if s.future[slot] == LogicalSlotFuture.FULFILLED:
        logical_slot.release_slot(s, slot, cause)
        let_owner_release(s)
    return NONE


@slot_sharing.operation
def payload_terminates(s: SlotSharingState, payload: int) -> int:
    """A payload terminates. 0 if it had already. Flink: Payload.getTerminalStateFuture."""
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
        return next(
            (root for root in s.unresolved if root != NONE and is_open_for(s, root, group)), NONE
        )
    if preferred != NONE and is_unresolved_without(s, preferred, group):
        return preferred
    return NONE


def is_unresolved_without(s: SlotSharingState, root: int, group: int) -> bool:
    """Whether an unresolved root has room for the group."""
    return s.listing[root] == RootListing.UNRESOLVED and is_open_for(s, root, group)


@slot_sharing.operation
def list_resolved_roots(s: SlotSharingState, group: int) -> int:
    """List each resolved root without the group, with the utilization of its TaskExecutor.

    The whole call fails if one root has more reserved than there is, or no physical slot. The
    order of the tables decides which of several such roots it fails for. Flink:
    SlotSharingManager.listResolvedRootSlotInfo.
    """
    if s.map_order == MapOrder.ARBITRARY:
        for root, listing in enumerate(s.listing):
            if listing == RootListing.RESOLVED and not list_root(s, root, group):
                return NONE
        return 1
    for tm in s.tm_order:
        for root in s.resolved:
            if root != NONE and s.tm[root] == tm and not list_root(s, root, group):
                return NONE
    return 1


def list_root(s: SlotSharingState, root: int, group: int) -> bool:
    """List a root unless it has the group; False if that ends with an exception."""
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
    """The number of roots of a TaskExecutor that have the group."""
    return sum(
        is_resolved_at(s, root, tm) and multi_contains(s, root, group)
        for root in s.elements(multis)
    )


@slot_sharing.operation
def get_resolved_root(s: SlotSharingState, tm: int, allocation: int) -> int:
    """The root that is listed there, or NONE. Flink: getResolvedRootSlot."""
    return resolved_root(s, tm, allocation)


@slot_sharing.operation
def may_have_enough_resources(s: SlotSharingState, multi: int, profile: int) -> int:
    """1 unless the physical slot has too little. Flink: mayHaveEnoughResourcesToFulfill."""
    if s.context[multi] == SlotContextFuture.PENDING:
        return 1
    if s.context[multi] == SlotContextFuture.FAILED:
        emit(s, Effect.RAISES, Raised.COMPLETION)
        return NONE
    return int(has_room(s, root_of(s, multi), profile))


@slot_sharing.operation
def contains_multi(s: SlotSharingState, multi: int) -> int:
    """1 if the manager finds the slot by its id. Flink: SlotSharingManager.contains."""
    return int(is_multi_registered(s, multi))


@slot_sharing.operation
def contains_single(s: SlotSharingState, slot: int) -> int:
    """1 if the manager finds the slot by its id. Flink: SlotSharingManager.contains."""
    return int(is_single_registered(s, slot))


@slot_sharing.operation
def is_empty(s: SlotSharingState) -> int:
    """1 if the manager finds no slot by any id. Flink: SlotSharingManager.isEmpty."""
    return int(
        not any(is_multi_registered(s, multi) for multi in s.elements(multis))
        and not any(is_single_registered(s, slot) for slot in s.elements(slots))
    )
