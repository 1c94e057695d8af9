"""One call that allocates slots: physical requests, logical requests, and their bulk.

Rules below the operation. Flink: SlotSharingExecutionSlotAllocator.allocateSlotsFor,
PhysicalSlotProviderImpl.
"""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.bulks import schedule
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    PhysicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.pool import free_slot_for
from slotspec.models.slot_sharing_allocator.shared_slot import (
    complete_request,
    fail_in_bulk,
    fail_logical_request,
    give_away,
    mark_fulfilled,
    next_number,
    tell_completed,
)
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    PoolMode,
    Raised,
    SlotSharingAllocatorState,
    groups,
    positions,
)
from slotspec.models.slot_sharing_allocator.versions import GroupOrder
from slotspec.models.slot_sharing_allocator.walks import (
    group_at,
    in_bulk,
    requesting_group,
    vertex_in_bulk,
)
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def read_call(s: SlotSharingAllocatorState, count: int) -> int:
    """Note where each group is named first. Returns what is wrong with the call, or NONE."""
    for at in range(count):
        group = s.group_of[s.call[at] - 1]
        if group == NONE:
            return Raised.NULL_POINTER
        if not s.named[group]:
            s.named[group] = at + 1
    return NONE


def names_twice(s: SlotSharingAllocatorState, count: int) -> bool:
    """Whether the call names a vertex twice."""
    return any(s.call[i] == s.call[j] for i in range(count) for j in range(i))


def forget_call(s: SlotSharingAllocatorState) -> None:
    """Clear what only the call has needed."""
    s.request_order = 0
    s.free_order = 0
    for at in s.elements(positions):
        s.call[at] = 0
    for g in s.elements(groups):
        s.named[g] = 0
        s.chosen[g] = 0
        s.dead[g] = 0


# ------------------------------------------------------------------------- physical requests


def is_new(s: SlotSharingAllocatorState, group: int) -> bool:
    """Whether the call names the group, and it has no shared slot."""
    return s.named[group] > 0 and s.group[group] == SharedSlot.ABSENT


def request_one_by_one(s: SlotSharingAllocatorState, walk: int) -> int:
    """Make the shared slots, group after group (1.12). Returns what the pool raises, or NONE."""
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, walk)
        if is_new(s, g):
            s.request_number[g] = next_number(s)
            emit(s, Effect.ASKED, g)
            raised = choose_slot(s, g)
            if raised == NONE:
                raised = request_slot(s, g)
            if raised != NONE:
                return raised
            make_shared_slot(s, g)
    return NONE


def request_together(s: SlotSharingAllocatorState, walk: int) -> int:
    """Take all free slots, request the others, then make all shared slots (since 1.20).

    Returns what the pool raises, or NONE. Then there are no shared slots, but the free slots
    stay taken. Flink: PhysicalSlotProviderImpl.allocatePhysicalSlots.
    """
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, walk)
        if is_new(s, g):
            s.request_number[g] = next_number(s)
            emit(s, Effect.ASKED, g)
    for step in range(len(s.group)):
        g = requesting_group(s, step, walk)
        if is_new(s, g):
            raised = choose_slot(s, g)
            if raised != NONE:
                return raised
    for step in range(len(s.group)):
        g = requesting_group(s, step, walk)
        if is_new(s, g):
            raised = request_slot(s, g)
            if raised != NONE:
                return raised
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, walk)
        if is_new(s, g):
            make_shared_slot(s, g)
    return NONE


def choose_slot(s: SlotSharingAllocatorState, group: int) -> int:
    """Take a free slot for the group, if there is one. Returns what the pool raises, or NONE."""
    allocation = free_slot_for(s, group)
    if allocation == NONE:
        return NONE
    emit(s, Effect.ALLOCATE_AVAILABLE, group, s.request_number[group], allocation)
    if s.mode == PoolMode.RAISES:
        return Raised.ILLEGAL_STATE
    fire(s.slot, allocation, PhysicalSlot.take)
    s.chosen[group] = allocation + 1
    return NONE


def request_slot(s: SlotSharingAllocatorState, group: int) -> int:
    """Request a new slot for the group, unless it has one. Returns what the pool raises."""
    if s.chosen[group]:
        return NONE
    emit(s, Effect.REQUEST_NEW, group, s.request_number[group])
    if s.mode in (PoolMode.RAISES, PoolMode.REFUSES):
        return Raised.ILLEGAL_STATE
    if s.mode == PoolMode.NORMAL:
        append(s.waiting, group)
    return NONE


def make_shared_slot(s: SlotSharingAllocatorState, group: int) -> None:
    """The group has a shared slot now, perhaps with its physical slot, or without hope."""
    fire(s.group, group, SharedSlot.request)
    if s.chosen[group]:
        allocation = s.chosen[group] - 1
        s.slot_of[group] = allocation
        if s.foreign[allocation] == Foreign.NOBODY:
            fire(s.group, group, SharedSlot.fulfil)
        else:
            fire(s.group, group, SharedSlot.fail)
            s.failure[group] = Cause.ILLEGAL_STATE
    elif s.mode == PoolMode.FAILS:
        fire(s.group, group, SharedSlot.fail)
        s.failure[group] = Cause.POOL


# -------------------------------------------------------------------------- logical requests


def ask_all(s: SlotSharingAllocatorState, count: int, walk: int) -> int:
    """Every vertex of the call asks its shared slot. Returns what one raises, or NONE."""
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, walk)
        for at in range(count):
            vertex = s.call[at] - 1
            if s.named[g] and s.group_of[vertex] == g:
                if not s.member[vertex]:
                    return Raised.ILLEGAL_ARGUMENT
                ask(s, vertex)
    return NONE


def ask(s: SlotSharingAllocatorState, vertex: int) -> None:
    """Ask the shared slot for a logical slot of the vertex: the one it has, even if it is dying.

    Flink: SharedSlot.allocateLogicalSlot.
    """
    if s.request[vertex] == LogicalRequest.COMPLETED:
        tell_completed(s, vertex)
        return
    if s.request[vertex] == LogicalRequest.PENDING:
        return
    ask_anew(s, vertex)


def ask_anew(s: SlotSharingAllocatorState, vertex: int) -> None:
    """Make a request for the vertex. It is decided at once if its physical request is."""
    group = s.group_of[vertex]
    fire(s.request, vertex, LogicalRequest.ask)
    s.logical_number[vertex] = next_number(s)
    if s.group[group] == SharedSlot.PRESENT:
        complete_request(s, vertex)
    elif s.dead[group]:
        fail_logical_request(s, vertex, s.dead[group] - 1)
    elif s.group[group] == SharedSlot.FAILED:
        # the first request to fail gives the shared slot back, but the call goes on with it
        s.dead[group] = s.failure[group] + 1
        give_away(s, fail_logical_request(s, vertex, s.failure[group]))


# -------------------------------------------------------------------------------------- bulk


def make_bulk(s: SlotSharingAllocatorState, bulk: int, count: int, walk: int) -> None:
    """Check the physical requests of the call together, those that are fulfilled included."""
    fire(s.bulk, bulk, Bulk.make)
    if s.group_order == GroupOrder.ARBITRARY and sum(n > 0 for n in s.named) > 1:
        s.walk[bulk] = walk
    s.unfulfillable[bulk] = 1
    s.since[bulk] = s.clock
    for at in range(count):
        s.includes[vertex_in_bulk(s, bulk, s.call[at] - 1)] = 1
    for g in s.elements(groups):
        s.pending[in_bulk(s, bulk, g)] = int(s.named[g] > 0)
        if s.follow_clock:
            s.place[in_bulk(s, bulk, g)] = s.named[g]
    for step in range(len(s.group)):
        g = group_at(s, s.named, 0, step, walk)
        if s.named[g]:
            if s.dead[g] or s.group[g] == SharedSlot.FAILED:
                fail_in_bulk(s, bulk, g)
            elif s.group[g] == SharedSlot.PRESENT:
                mark_fulfilled(s, bulk, g, s.slot_of[g])
            elif s.follow_clock:
                s.listens[in_bulk(s, bulk, g)] = 1
    schedule(s, bulk)
