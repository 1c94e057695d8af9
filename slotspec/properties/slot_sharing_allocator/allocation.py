"""What holds of the calls that allocate slots and cancel requests."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.environment import allocate, cancel
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    LogicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import free_slot_for
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    PoolMode,
    SlotSharingAllocatorState,
    bulks,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.properties.slot_sharing_allocator.views import (
    a_dying_slot_is_handed_out,
    calls_are_not_undone,
    has_several_groups,
    is_in_bulk,
    is_named,
    is_pending,
    raises,
    was_told,
)
from slotspec.statemachine.declaration.rules import NONE, unchanged

has_one_group = ~has_several_groups


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor", on=allocate, each={"vertex": vertices}
)
def every_vertex_of_a_call_gets_an_answer(
    after: SlotSharingAllocatorState, result: int, selection: int, vertex: int
) -> bool:
    """A vertex that a call names is told of its slot or its failure, or waits for a slot."""
    if result != 1 or not is_named(selection, vertex):
        return True
    match after.request[vertex]:
        case LogicalRequest.PENDING:
            return True
        case LogicalRequest.COMPLETED:
            return was_told(after, Effect.COMPLETED, vertex) > 0
    return was_told(after, Effect.FAILED, vertex) == 1


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor", on=allocate, each={"vertex": vertices}
)
def a_vertex_that_is_not_named_asks_for_nothing(
    before: SlotSharingAllocatorState,
    after: SlotSharingAllocatorState,
    selection: int,
    vertex: int,
) -> bool:
    """Only the vertices of a call have new requests after it."""
    return (
        is_named(selection, vertex)
        or before.request[vertex] != LogicalRequest.UNASKED
        or after.request[vertex] == LogicalRequest.UNASKED
    )


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor", on=allocate, each={"vertex": vertices}
)
def a_call_changes_no_slot_that_is_in_use(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A vertex keeps its logical slot during a call, unless it is being released."""
    return before.logical[vertex] != LogicalSlot.ALIVE or after.logical[vertex] == LogicalSlot.ALIVE


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor", on=allocate, each={"group": groups}
)
def a_group_requests_one_physical_slot(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, group: int
) -> bool:
    """A call requests at most one physical slot for a group, and none if it has one."""
    requested = sum(
        e.kind in (Effect.REQUEST_NEW, Effect.ALLOCATE_AVAILABLE) and e[1] == group
        for e in after.effects
    )
    return requested <= (before.group[group] == SharedSlot.ABSENT)


@slot_sharing_allocator.step(
    "PhysicalSlotProviderImpl.tryAllocateFromAvailable",
    on=allocate,
    each={"group": groups},
    when=has_one_group,
)
def a_free_slot_is_taken_first(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, result: int, group: int
) -> bool:
    """A group for which there is a free slot requests no new one."""
    free = free_slot_for(before, group)
    return (
        free == NONE
        or result != 1
        or not any(e.kind == Effect.REQUEST_NEW and e.group == group for e in after.effects)
    )


@slot_sharing_allocator.step(
    "SharedSlot.allocateLogicalSlot",
    on=allocate,
    each={"vertex": vertices},
    deviation=a_dying_slot_is_handed_out,
)
def a_vertex_gets_a_slot_that_it_can_use(after: SlotSharingAllocatorState, vertex: int) -> bool:
    """The logical slot that a call hands out is alive: an execution can be deployed to it."""
    return (
        was_told(after, Effect.COMPLETED, vertex) == 0
        or after.logical[vertex] == LogicalSlot.ALIVE
        or after.logical[vertex] == LogicalSlot.RELEASED
    )


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor",
    on=allocate,
    deviation=calls_are_not_undone,
)
def a_call_that_raises_changes_nothing(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState
) -> bool:
    """A call that ends with an exception leaves everything as it was."""
    return not raises(after) or unchanged(before, after)


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.allocateSlotsFor", on=allocate, each={"vertex": vertices}
)
def every_call_makes_a_bulk(
    before: SlotSharingAllocatorState,
    after: SlotSharingAllocatorState,
    result: int,
    selection: int,
    vertex: int,
) -> bool:
    """A call that returns has one more bulk, which has its vertices and is unfulfillable yet."""
    if result != 1:
        return True
    new = next((b for b in before.elements(bulks) if before.bulk[b] == Bulk.UNUSED), NONE)
    return after.unfulfillable[new] == 1 and (
        is_in_bulk(after, new, vertex) == is_named(selection, vertex)
    )


@slot_sharing_allocator.step(
    "PhysicalSlotProviderImpl", on=allocate, each={"group": groups}, when=has_one_group
)
def a_slot_with_another_payload_fails_its_requests(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, group: int
) -> bool:
    """A new shared slot whose physical slot has another payload is gone after the call."""
    free = free_slot_for(before, group)
    return (
        free == NONE
        or before.group[group] != SharedSlot.ABSENT
        or before.foreign[free] == Foreign.NOBODY
        or before.mode == PoolMode.RAISES
        or after.group[group] in (SharedSlot.ABSENT, SharedSlot.FAILED)
    )


@slot_sharing_allocator.step(
    "SharingPhysicalSlotRequestBulk.markFulfilled", on=allocate, each={"group": groups}
)
def a_new_bulk_knows_what_it_has(
    before: SlotSharingAllocatorState,
    after: SlotSharingAllocatorState,
    result: int,
    selection: int,
    group: int,
) -> bool:
    """A new bulk counts those groups as fulfilled that have their slots already."""
    if result != 1:
        return True
    new = next((b for b in before.elements(bulks) if before.bulk[b] == Bulk.UNUSED), NONE)
    at = in_bulk(after, new, group)
    named = any(
        is_named(selection, v) and after.group_of[v] == group for v in after.elements(vertices)
    )
    present = named and after.group[group] == SharedSlot.PRESENT
    return after.fulfilled[at] == present and (
        not present or after.fulfilled_by[at] == after.slot_of[group]
    )


# ------------------------------------------------------------------------------------ cancelling


@slot_sharing_allocator.step(
    "SlotSharingExecutionSlotAllocator.cancel", on=cancel, each={"other": vertices}
)
def cancelling_ends_exactly_one_pending_request(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int, other: int
) -> bool:
    """A pending request that is cancelled fails; no other request changes."""
    if vertex == other and is_pending(before, vertex):
        return after.request[vertex] == LogicalRequest.UNASKED and any(
            e.kind == Effect.FAILED and e.vertex == vertex and e.cause == Cause.CANCELLATION
            for e in after.effects
        )
    return after.request[other] == before.request[other]


@slot_sharing_allocator.step("SharedSlot", each={"vertex": vertices})
def nobody_is_told_two_things(after: SlotSharingAllocatorState, vertex: int) -> bool:
    """A step fails the request of a vertex at most once, and never if it also completes it."""
    failed = was_told(after, Effect.FAILED, vertex)
    return failed == 0 or (failed == 1 and was_told(after, Effect.COMPLETED, vertex) == 0)


@slot_sharing_allocator.step("SharedSlot", each={"vertex": vertices})
def no_pending_request_ends_in_silence(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """Whoever waits for a slot is told when the request completes or fails."""
    return (
        not is_pending(before, vertex)
        or is_pending(after, vertex)
        or was_told(after, Effect.COMPLETED, vertex) + was_told(after, Effect.FAILED, vertex) > 0
    )
