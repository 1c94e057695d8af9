"""The operations of Flink's SlotSharingExecutionSlotAllocator, and of what stands around it.

Each operation is a plain rule over :class:`SlotSharingAllocatorState`. The allocator's own are
``allocate`` and ``cancel``. The others are those of its pool, of the logical slots that it hands
out, of their payloads, and of the clock. A physical request is named by its group, a logical
slot and its payload by their vertex.
"""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.allocation import (
    ask_all,
    forget_call,
    make_bulk,
    names_twice,
    read_call,
    request_one_by_one,
    request_together,
)
from slotspec.models.slot_sharing_allocator.bulks import cancel_vertex, check_bulk
from slotspec.models.slot_sharing_allocator.lifecycles import (
    LogicalSlot,
    Payload,
    PhysicalSlot,
    Process,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import is_waiting, next_age
from slotspec.models.slot_sharing_allocator.shared_slot import (
    attach,
    begin_release,
    fail_shared_slot,
    finish_release,
    give_away,
    lose_slot,
    release_lost,
)
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    Raised,
    SlotSharingAllocatorState,
    allocations,
)
from slotspec.models.slot_sharing_allocator.versions import NewRequests, RepeatedVertex
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ------------------------------------------------------------------------------- the allocator


@slot_sharing_allocator.operation
def allocate(s: SlotSharingAllocatorState, count: int, bulk: int, walk: int) -> int:
    """Allocate a logical slot for each vertex of ``call``. NONE if it raises.

    :param count: how many vertices there are in ``call``.
    :param bulk: the record of the new bulk.
    :param walk: the order of the groups, where that is arbitrary.

    Flink: SlotSharingExecutionSlotAllocator.allocateSlotsFor.
    """
    raised = allocate_slots(s, count, bulk, walk)
    forget_call(s)
    if raised != NONE:
        emit(s, Effect.RAISES, raised)
        return NONE
    return 1


def allocate_slots(s: SlotSharingAllocatorState, count: int, bulk: int, walk: int) -> int:
    """Returns what the call raises, or NONE; what it did before is not undone."""
    if s.repeated_vertex == RepeatedVertex.REFUSED and names_twice(s, count):
        return Raised.ILLEGAL_STATE
    emit(s, Effect.RETRIEVER_CREATED)
    raised = read_call(s, count)
    if raised == NONE:
        if s.new_requests == NewRequests.ONE_BY_ONE:
            raised = request_one_by_one(s, walk)
        else:
            raised = request_together(s, walk)
    if raised == NONE:
        raised = ask_all(s, count, walk)
    if raised == NONE:
        make_bulk(s, bulk, count, walk)
    return raised


@slot_sharing_allocator.operation
def cancel(s: SlotSharingAllocatorState, vertex: int) -> int:
    """Cancel the vertex's request; one that is completed has to be released instead.

    Flink: SlotSharingExecutionSlotAllocator.cancel.
    """
    if s.group_of[vertex] == NONE:
        emit(s, Effect.RAISES, Raised.NULL_POINTER)
        return NONE
    cancel_vertex(s, vertex, Cause.CANCELLATION)
    return NONE


# ------------------------------------------------------------------------------------ the pool


@slot_sharing_allocator.operation
def add_slot(s: SlotSharingAllocatorState, allocation: int, tm: int, profile: int) -> int:
    """A TaskExecutor offers a slot. 0 if the pool has it."""
    if s.slot[allocation] != PhysicalSlot.ABSENT:
        return 0
    fire(s.slot, allocation, PhysicalSlot.arrive)
    s.slot_tm[allocation] = tm
    s.slot_profile[allocation] = profile
    s.arrived[allocation] = next_age(s)
    s.freed[allocation] = s.arrived[allocation]
    give_away(s, allocation)
    return 1


@slot_sharing_allocator.operation
def fulfil(s: SlotSharingAllocatorState, group: int, allocation: int) -> int:
    """The pool gives a free slot to a pending request, whatever its profile. 0 if it cannot."""
    if not is_waiting(s, group) or s.slot[allocation] != PhysicalSlot.FREE:
        return 0
    give_away(s, attach(s, group, allocation))
    return 1


@slot_sharing_allocator.operation
def fail_request(s: SlotSharingAllocatorState, group: int, cause: int) -> int:
    """The pool fails a pending physical request. 0 if it is not pending."""
    if not is_waiting(s, group):
        return 0
    remove(s.waiting, group)
    fail_shared_slot(s, group, cause)
    return 1


@slot_sharing_allocator.operation
def fail_slot(s: SlotSharingAllocatorState, allocation: int, cause: int) -> int:
    """A slot is lost, and its payload is released. 0 if the pool does not have it."""
    if s.slot[allocation] == PhysicalSlot.ABSENT:
        return 0
    lose_slot(s, allocation, cause)
    return 1


@slot_sharing_allocator.operation
def fail_task_manager(s: SlotSharingAllocatorState, tm: int, cause: int) -> int:
    """A TaskExecutor is lost: all its slots go, then their payloads are released."""
    for a in s.elements(allocations):
        if s.slot[a] != PhysicalSlot.ABSENT and s.slot_tm[a] == tm:
            fire(s.slot, a, PhysicalSlot.lose)
    while (lost := oldest_lost(s)) != NONE:
        emit(s, Effect.LOST, lost)
        release_lost(s, lost, cause)
    return NONE


def oldest_lost(s: SlotSharingAllocatorState) -> int:
    """The slot that came first, of those that are lost and still have their payloads, or NONE."""
    best = NONE
    for a in s.elements(allocations):
        if s.slot[a] == PhysicalSlot.LOST and (best == NONE or s.arrived[a] < s.arrived[best]):
            best = a
    return best


@slot_sharing_allocator.operation
def foreign_payload(s: SlotSharingAllocatorState, allocation: int, indefinitely: int) -> int:
    """A slot gets a payload that is no shared slot. NONE if it is absent, 0 if it has one."""
    if s.slot[allocation] == PhysicalSlot.ABSENT:
        return NONE
    if s.foreign[allocation] != Foreign.NOBODY or holder_has(s, allocation):
        return 0
    s.foreign[allocation] = Foreign.INDEFINITELY if indefinitely else Foreign.FOR_A_WHILE
    return 1


def holder_has(s: SlotSharingAllocatorState, allocation: int) -> bool:
    """Whether a shared slot is the payload of the slot."""
    return s.slot[allocation] == PhysicalSlot.TAKEN and allocation in s.slot_of


@slot_sharing_allocator.operation
def pool_mode(s: SlotSharingAllocatorState, mode: int) -> int:
    """The pool answers otherwise from now on."""
    s.mode = mode
    return NONE


# -------------------------------------------------------------------- logical slots, payloads


@slot_sharing_allocator.operation
def assign_payload(s: SlotSharingAllocatorState, vertex: int, quick: int) -> int:
    """Assign a payload to the logical slot of a vertex. 0 if it has one.

    Flink: SingleLogicalSlot.tryAssignPayload.
    """
    if s.logical[vertex] == LogicalSlot.ABSENT or s.payload[vertex] != Payload.EMPTY:
        return 0
    fire(s.payload, vertex, Payload.assign)
    s.quick[vertex] = quick
    return 1


@slot_sharing_allocator.operation
def release_logical(s: SlotSharingAllocatorState, vertex: int, cause: int) -> int:
    """Release the logical slot of a vertex. 1 if that is done: its payload has terminated.

    Flink: SingleLogicalSlot.releaseSlot.
    """
    if s.logical[vertex] == LogicalSlot.RELEASED:
        return 1
    if s.logical[vertex] != LogicalSlot.ALIVE:
        return 0
    begin_release(s, vertex, cause)
    if s.payload[vertex] == Payload.RUNNING:
        return 0
    finish_release(s, vertex)
    return int(s.process[0] == Process.RUNNING)


@slot_sharing_allocator.operation
def terminate(s: SlotSharingAllocatorState, vertex: int, failed: int) -> int:
    """The payload in the logical slot of a vertex terminates. 0 if it had already.

    Flink: completion of LogicalSlot.Payload.getTerminalStateFuture.
    """
    if s.payload[vertex] != Payload.RUNNING:
        return 0
    if failed:
        fire(s.payload, vertex, Payload.fail)
    else:
        fire(s.payload, vertex, Payload.terminate)
    if s.logical[vertex] == LogicalSlot.RELEASING:
        finish_release(s, vertex)
    return 1


# ---------------------------------------------------------------------------------------- time


@slot_sharing_allocator.operation
def advance_time(s: SlotSharingAllocatorState, ms: int) -> int:
    """Let `ms` pass: run the checks that are due, by time, then by scheduling."""
    until = s.clock + ms
    while s.queue[0] != NONE and s.due[s.queue[0]] <= until:
        s.clock = s.due[s.queue[0]]
        check_bulk(s, s.queue[0])
    s.clock = until
    return NONE


@slot_sharing_allocator.operation
def run_check(s: SlotSharingAllocatorState) -> int:
    """The next check is due. NONE if there is none."""
    if s.queue[0] == NONE:
        return NONE
    check_bulk(s, s.queue[0])
    return 1
