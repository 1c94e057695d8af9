"""The shared slot of a group and its logical slots: how they come, fail, return and are lost.

Rules below the operations. Flink: SharedSlot, SingleLogicalSlot. A rule that may free a slot of
the pool returns its allocation, or NONE; whoever calls it lets the pool give the slot away.
"""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.lifecycles import (
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    Process,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.pool import (
    first_waiting_for,
    holder_of,
    release_foreign,
    take_back,
)
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    Raised,
    SlotSharingAllocatorState,
    bulks,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.versions import FailedTermination
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire, recycle

# ---------------------------------------------------------------------------------- requests


def next_number(s: SlotSharingAllocatorState) -> int:
    """The number of a new request, in a replay; numbers make no difference in a check."""
    if s.follow_clock:
        s.ids += 1
    return s.ids


def is_used(s: SlotSharingAllocatorState, group: int) -> bool:
    """Whether a vertex of the group has a request."""
    return any(
        s.group_of[v] == group and s.request[v] != LogicalRequest.UNASKED
        for v in s.elements(vertices)
    )


def complete_request(s: SlotSharingAllocatorState, vertex: int) -> None:
    """The vertex gets a logical slot. Flink: SharedSlot.createLogicalSlot."""
    fire(s.request, vertex, LogicalRequest.complete)
    fire(s.logical, vertex, LogicalSlot.create)
    tell_completed(s, vertex)


def tell_completed(s: SlotSharingAllocatorState, vertex: int) -> None:
    """Whoever asked for the logical slot of the vertex gets it."""
    emit(s, Effect.COMPLETED, vertex, s.logical_number[vertex], s.slot_of[s.group_of[vertex]])


def fail_logical_request(s: SlotSharingAllocatorState, vertex: int, cause: int) -> int:
    """Fail a pending request. The last request of a group gives its shared slot back.

    Flink: SharedSlot.removeLogicalSlotRequest.
    """
    fire(s.request, vertex, LogicalRequest.fail)
    emit(s, Effect.FAILED, vertex, cause)
    recycle(s.request, vertex)
    return give_back_if_unused(s, s.group_of[vertex])


def give_back_if_unused(s: SlotSharingAllocatorState, group: int) -> int:
    """Give the shared slot back, unless a vertex has a request. Flink: releaseExternally."""
    if s.group[group] == SharedSlot.ABSENT or is_used(s, group):
        return NONE
    return give_back(s, group)


def give_back(s: SlotSharingAllocatorState, group: int) -> int:
    """The group has no shared slot any more, and the pool gets the physical request back.

    If that is pending, it fails, which every bulk of the group hears. Flink:
    SlotSharingExecutionSlotAllocator.releaseSharedSlot.
    """
    emit(s, Effect.RELEASE_SLOT, group, s.request_number[group])
    was_requested = s.group[group] == SharedSlot.REQUESTED
    allocation = s.slot_of[group]
    fire(s.group, group, SharedSlot.give_back)
    recycle(s.group, group)
    s.slot_of[group] = NONE
    s.failure[group] = 0
    if was_requested:
        remove(s.waiting, group)
        fail_bulks(s, group)
    if allocation == NONE or s.slot[allocation] != PhysicalSlot.TAKEN:
        return NONE
    take_back(s, allocation)
    return allocation


# -------------------------------------------------------------------------- the physical slot


def give_away(s: SlotSharingAllocatorState, allocation: int) -> None:
    """The pool gives a free slot to the first request that it will do for.

    If the slot has another payload, the request fails, which frees the slot once more.
    """
    while s.at_once and allocation != NONE and s.slot[allocation] == PhysicalSlot.FREE:
        group = first_waiting_for(s, allocation)
        if group == NONE:
            return
        allocation = attach(s, group, allocation)


def attach(s: SlotSharingAllocatorState, group: int, allocation: int) -> int:
    """A free slot fulfils a pending physical request, and with it all of its logical ones.

    Flink: SharedSlot, completion of slotContextFuture.
    """
    remove(s.waiting, group)
    fire(s.slot, allocation, PhysicalSlot.take)
    s.slot_of[group] = allocation
    if s.foreign[allocation] != Foreign.NOBODY:
        return fail_shared_slot(s, group, Cause.ILLEGAL_STATE)
    fire(s.group, group, SharedSlot.fulfil)
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] == LogicalRequest.PENDING:
            complete_request(s, v)
            if s.losing[allocation]:
                s.losing[allocation] = 0
                lose_slot(s, allocation, Cause.GIVEN)
    for bulk in s.elements(bulks):
        at = in_bulk(s, bulk, group)
        if s.pending[at] or s.listens[at]:
            mark_fulfilled(s, bulk, group, allocation)
    return NONE


def fail_shared_slot(s: SlotSharingAllocatorState, group: int, cause: int) -> int:
    """There is no physical slot for the group: all its requests fail."""
    fire(s.group, group, SharedSlot.fail)
    s.failure[group] = cause
    freed = NONE
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] == LogicalRequest.PENDING:
            freed = fail_logical_request(s, v, cause)
    fail_bulks(s, group)
    return freed


def fail_bulks(s: SlotSharingAllocatorState, group: int) -> None:
    """Every bulk that waits for the group hears that it will have no slot."""
    for bulk in s.elements(bulks):
        at = in_bulk(s, bulk, group)
        if s.pending[at]:
            fail_in_bulk(s, bulk, group)
        if s.follow_clock:
            s.listens[at] = 0


def fail_in_bulk(s: SlotSharingAllocatorState, bulk: int, group: int) -> None:
    """A group of the bulk will have no slot: none of its groups is pending any more.

    The scheduler is expected to cancel all of them. Flink: clearPendingRequests.
    """
    for g in s.elements(groups):
        s.pending[in_bulk(s, bulk, g)] = 0
    s.walk[bulk] = 0


def mark_fulfilled(s: SlotSharingAllocatorState, bulk: int, group: int, allocation: int) -> None:
    """The bulk has a slot for the group. Flink: SharingPhysicalSlotRequestBulk.markFulfilled."""
    at = in_bulk(s, bulk, group)
    s.pending[at] = 0
    s.fulfilled[at] = 1
    s.fulfilled_by[at] = allocation
    if sum(s.pending[in_bulk(s, bulk, g)] for g in s.elements(groups)) < 2:
        s.walk[bulk] = 0  # it makes no difference any more
    if s.follow_clock:
        s.listens[at] = 0
        # the highest goes first
        s.fulfilled_age[at] = len(s.group) - sum(
            s.fulfilled[in_bulk(s, bulk, g)] for g in s.elements(groups)
        )


def lose_slot(s: SlotSharingAllocatorState, allocation: int, cause: int) -> None:
    """A slot leaves the pool, and its payload is released. Flink: AllocatedSlot.releasePayload."""
    fire(s.slot, allocation, PhysicalSlot.lose)
    release_lost(s, allocation, cause)


def release_lost(s: SlotSharingAllocatorState, allocation: int, cause: int) -> None:
    """Release the payload of a slot that has left the pool."""
    release_foreign(s, allocation, cause)
    group = holder_of(s, allocation)
    if group != NONE:
        lose_shared_slot(s, group, cause)
    recycle(s.slot, allocation)
    s.slot_tm[allocation] = NONE
    s.slot_profile[allocation] = NONE
    s.arrived[allocation] = 0
    s.freed[allocation] = 0


def lose_shared_slot(s: SlotSharingAllocatorState, group: int, cause: int) -> int:
    """End all logical slots of the group, without waiting for their payloads.

    If a request has no slot yet, this ends half-way with an exception, which is returned. Flink:
    SharedSlot.release.
    """
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] != LogicalRequest.UNASKED:
            if s.request[v] == LogicalRequest.PENDING:
                return Raised.ILLEGAL_STATE
            end_logical_slot(s, v, cause)
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] != LogicalRequest.UNASKED:
            remove_request(s, v)
    give_back(s, group)
    return NONE


def end_logical_slot(s: SlotSharingAllocatorState, vertex: int, cause: int) -> None:
    """The logical slot is released at once. Flink: SingleLogicalSlot.release."""
    if s.logical[vertex] == LogicalSlot.RELEASED:
        return
    if s.logical[vertex] == LogicalSlot.ALIVE:
        begin_release(s, vertex, cause)
    fire(s.logical, vertex, LogicalSlot.finish)
    emit(s, Effect.RELEASED, vertex, s.logical_number[vertex], 0)


# ----------------------------------------------------------------------------- logical slots


def begin_release(s: SlotSharingAllocatorState, vertex: int, cause: int) -> None:
    """The logical slot takes no payload any more, and fails the one that it has.

    Flink: SingleLogicalSlot.signalPayloadRelease.
    """
    fire(s.logical, vertex, LogicalSlot.release)
    if s.payload[vertex] == Payload.EMPTY:
        fire(s.payload, vertex, Payload.stand_in)
        return
    emit(s, Effect.PAYLOAD_FAIL, vertex, cause)
    if s.quick[vertex] and s.payload[vertex] == Payload.RUNNING:
        fire(s.payload, vertex, Payload.terminate)


def finish_release(s: SlotSharingAllocatorState, vertex: int) -> int:
    """The payload of a slot that is released has terminated: the slot is returned.

    Flink: SingleLogicalSlot.returnSlotToOwner, SharedSlot.returnLogicalSlot.
    """
    failed = s.payload[vertex] == Payload.FAILED
    if failed and s.failed_termination == FailedTermination.FATAL:
        emit(s, Effect.PROCESS_ENDS)
        fire(s.process, 0, Process.die)
        return NONE
    logical_number = s.logical_number[vertex]
    fire(s.logical, vertex, LogicalSlot.finish)
    remove_request(s, vertex)
    give_away(s, give_back_if_unused(s, s.group_of[vertex]))
    emit(s, Effect.RELEASED, vertex, logical_number, failed)
    return NONE


def remove_request(s: SlotSharingAllocatorState, vertex: int) -> None:
    """The shared slot forgets a request whose logical slot is released."""
    fire(s.request, vertex, LogicalRequest.remove)
    recycle(s.request, vertex)
    recycle(s.logical, vertex)
    if s.payload[vertex] == Payload.RUNNING:
        fire(s.payload, vertex, Payload.abandon)
    recycle(s.payload, vertex)
    s.quick[vertex] = 0
