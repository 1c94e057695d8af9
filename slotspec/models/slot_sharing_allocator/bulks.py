"""Bulks: whether the requests of a call can be fulfilled together, and their timeout.

Flink: PhysicalSlotRequestBulkCheckerImpl, SharingPhysicalSlotRequestBulk.
"""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    PhysicalSlot,
)
from slotspec.models.slot_sharing_allocator.pool import holder_of, will_do
from slotspec.models.slot_sharing_allocator.shared_slot import fail_logical_request
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    SlotSharingAllocatorState,
    allocations,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import (
    group_at,
    in_bulk,
    slot_at,
    vertex_in_bulk,
)
from slotspec.statemachine.declaration.queues import append, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire, recycle


def schedule(s: SlotSharingAllocatorState, bulk: int) -> None:
    """Check the bulk one timeout from now."""
    append(s.queue, bulk)
    if s.follow_clock:
        s.due[bulk] = s.clock + s.timeout


def is_awaiting(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether a group of the bulk is pending."""
    return any(s.pending[in_bulk(s, bulk, g)] for g in s.elements(groups))


def check_bulk(s: SlotSharingAllocatorState, bulk: int) -> None:
    """One check: the bulk ends, times out, or is checked again.

    Flink: PhysicalSlotRequestBulkCheckerImpl.checkPhysicalSlotRequestBulkTimeout.
    """
    remove(s.queue, bulk)
    if not is_awaiting(s, bulk):
        fire(s.bulk, bulk, Bulk.end)
        forget(s, bulk)
        return
    if is_fulfillable(s, bulk):
        s.unfulfillable[bulk] = 0
    elif s.unfulfillable[bulk]:
        # checks are one timeout apart, and the call counts as the first
        time_out(s, bulk)
        forget(s, bulk)
        return
    else:
        s.unfulfillable[bulk] = 1
        s.since[bulk] = s.clock
    schedule(s, bulk)


def forget(s: SlotSharingAllocatorState, bulk: int) -> None:
    """Nobody checks the bulk any more."""
    recycle(s.bulk, bulk)
    s.unfulfillable[bulk] = 0
    s.walk[bulk] = 0
    s.due[bulk] = 0
    s.since[bulk] = 0
    for g in s.elements(groups):
        at = in_bulk(s, bulk, g)
        s.pending[at] = 0
        s.fulfilled[at] = 0
        s.fulfilled_by[at] = NONE
        s.place[at] = 0
        s.listens[at] = 0
        s.fulfilled_age[at] = 0
    for v in s.elements(vertices):
        s.includes[vertex_in_bulk(s, bulk, v)] = 0


# ------------------------------------------------------------------------------ fulfillability


def is_fulfillable(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether the pool has a slot for every pending group, if others return theirs.

    Each group takes the first slot that will do, even if another group needs just that one.
    Flink: PhysicalSlotRequestBulkCheckerImpl.areRequestsFulfillableWithSlots.
    """
    fulfillable = True
    for step in range(len(s.group)):
        g = group_at(s, s.place, in_bulk(s, bulk, 0), step, s.walk[bulk])
        if fulfillable and s.pending[in_bulk(s, bulk, g)]:
            found = usable_slot(s, bulk, g)
            if found == NONE:
                fulfillable = False
            else:
                s.used[found] = 1
    for a in s.elements(allocations):
        s.used[a] = 0
    s.check_order = 0
    return fulfillable


def usable_slot(s: SlotSharingAllocatorState, bulk: int, group: int) -> int:
    """A slot that the group could get, or NONE: in a recording, free and older ones first."""
    best = NONE
    for step in range(len(s.slot)):
        a = slot_at(s, step, s.check_order)
        usable = not s.used[a] and is_usable(s, bulk, a) and will_do(s, a, group)
        if usable and (best == NONE or comes_before(s, a, best)):
            best = a
    return best


def is_usable(s: SlotSharingAllocatorState, bulk: int, allocation: int) -> bool:
    """Whether the slot is there, not occupied for ever, and not this bulk's already."""
    if s.slot[allocation] not in (PhysicalSlot.FREE, PhysicalSlot.TAKEN):
        return False
    if s.foreign[allocation] == Foreign.INDEFINITELY:
        return False
    if s.indefinitely and holder_of(s, allocation) != NONE:
        return False
    return not any(
        s.fulfilled[in_bulk(s, bulk, g)] and s.fulfilled_by[in_bulk(s, bulk, g)] == allocation
        for g in s.elements(groups)
    )


def comes_before(s: SlotSharingAllocatorState, allocation: int, other: int) -> bool:
    """Whether a slot is looked at before another one that a walk over all slots meets first."""
    if s.any_order:
        return False
    free = s.slot[allocation] == PhysicalSlot.FREE
    if free != (s.slot[other] == PhysicalSlot.FREE):
        return free
    if free:
        return s.freed[allocation] < s.freed[other]
    return s.arrived[allocation] < s.arrived[other]


# ------------------------------------------------------------------------------------ timeout


def time_out(s: SlotSharingAllocatorState, bulk: int) -> None:
    """Cancel all requests of the bulk: those of pending groups, then those of the others.

    A walk over the pending groups goes on only if nothing has changed them: the first shared
    slot that is given back clears them. Flink: SharingPhysicalSlotRequestBulk.cancel.
    """
    for g in s.elements(groups):
        s.walked[g] = s.pending[in_bulk(s, bulk, g)]
    broken = cancel_pending(s, bulk)
    for g in s.elements(groups):
        s.walked[g] = 0
    if broken:
        emit(s, Effect.TIMER_RAISED)
        fire(s.bulk, bulk, Bulk.break_off)
        return
    cancel_fulfilled(s, bulk)
    fire(s.bulk, bulk, Bulk.time_out)


def cancel_pending(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Cancel the requests of the pending groups; True if an exception ends the walk."""
    walk = s.walk[bulk]
    for step in range(len(s.group)):
        g = group_at(s, s.place, in_bulk(s, bulk, 0), step, walk)
        if s.walked[g]:
            if has_changed(s, bulk):
                return True
            cancel_group(s, bulk, g)
    return False


def has_changed(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether the pending groups are others than when the walk over them began."""
    return any(s.walked[g] != s.pending[in_bulk(s, bulk, g)] for g in s.elements(groups))


def cancel_fulfilled(s: SlotSharingAllocatorState, bulk: int) -> None:
    """Cancel the requests of the groups that count as fulfilled."""
    for step in range(len(s.group)):
        g = group_at(s, s.fulfilled_age, in_bulk(s, bulk, 0), step, s.walk[bulk])
        if s.fulfilled[in_bulk(s, bulk, g)]:
            cancel_group(s, bulk, g)


def cancel_group(s: SlotSharingAllocatorState, bulk: int, group: int) -> None:
    """Cancel the requests of the bulk's vertices that are in a group."""
    for v in s.elements(vertices):
        if s.includes[vertex_in_bulk(s, bulk, v)] and s.group_of[v] == group:
            cancel_vertex(s, v, Cause.NO_RESOURCE)


def cancel_vertex(s: SlotSharingAllocatorState, vertex: int, cause: int) -> None:
    """Cancel the request of a vertex, if it is pending. Flink: SharedSlot.cancelLogicalSlotRequest.

    The shared slot of a pending request has no slot of the pool that it could free.
    """
    if s.request[vertex] == LogicalRequest.PENDING:
        fail_logical_request(s, vertex, cause)
