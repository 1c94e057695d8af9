"""What holds when logical slots are released, returned and lost."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.environment import (
    add_slot,
    fail_slot,
    fail_task_manager,
    is_over,
    release_logical,
)
from slotspec.models.slot_sharing_allocator.lifecycles import (
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import holder_of, will_do
from slotspec.models.slot_sharing_allocator.state import (
    Effect,
    SlotSharingAllocatorState,
    groups,
    vertices,
)
from slotspec.properties.slot_sharing_allocator.views import serves_at_once, was_told
from slotspec.statemachine.declaration.rules import NONE


@slot_sharing_allocator.step("SingleLogicalSlot.releaseSlot", on=release_logical)
def a_release_is_done_or_waits_for_its_payload(
    after: SlotSharingAllocatorState, result: int, vertex: int
) -> bool:
    """A release is done at once, unless an execution runs in the slot."""
    if result == 1:
        return after.request[vertex] != LogicalRequest.COMPLETED
    return is_over(after) or (
        after.logical[vertex] == LogicalSlot.RELEASING and after.payload[vertex] == Payload.RUNNING
    )


@slot_sharing_allocator.step("SingleLogicalSlot", each={"vertex": vertices})
def a_logical_slot_never_comes_back(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A logical slot that is being released never becomes usable again."""
    return before.logical[vertex] == LogicalSlot.ALIVE or (
        before.logical[vertex] == LogicalSlot.ABSENT
        or after.logical[vertex] != LogicalSlot.ALIVE
        or was_told(after, Effect.RELEASED, vertex) == 1
    )


@slot_sharing_allocator.step("SingleLogicalSlot.signalPayloadRelease", each={"vertex": vertices})
def an_execution_is_failed_once(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A payload is told to fail once, when its logical slot stops being alive."""
    told = was_told(after, Effect.PAYLOAD_FAIL, vertex)
    return told == 0 or (told == 1 and before.logical[vertex] == LogicalSlot.ALIVE)


@slot_sharing_allocator.step("SingleLogicalSlot.releaseSlot", on=release_logical)
def a_release_waits_for_its_execution(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """While an execution runs that was told to fail, its slot is not returned."""
    runs = before.payload[vertex] == Payload.RUNNING and not before.quick[vertex]
    return not runs or after.logical[vertex] == LogicalSlot.RELEASING


@slot_sharing_allocator.step("SharedSlot.releaseExternally", each={"group": groups})
def a_shared_slot_is_given_back_once(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, group: int
) -> bool:
    """The pool gets each request back once, and exactly when the shared slot goes."""
    returned = sum(e.kind == Effect.RELEASE_SLOT and e.group == group for e in after.effects)
    was_there = before.group[group] != SharedSlot.ABSENT
    is_there = after.group[group] != SharedSlot.ABSENT
    return returned <= 1 and (not was_there or is_there or returned == 1)


@slot_sharing_allocator.step("SharedSlot.release", on=fail_slot, each={"vertex": vertices})
def a_lost_slot_ends_all_that_is_in_it(
    before: SlotSharingAllocatorState,
    after: SlotSharingAllocatorState,
    allocation: int,
    vertex: int,
) -> bool:
    """With a physical slot, all its logical slots end at once, and their executions fail."""
    group = holder_of(before, allocation)
    if group == NONE or before.group_of[vertex] != group:
        return True
    alive = before.logical[vertex] == LogicalSlot.ALIVE
    busy = alive and before.payload[vertex] != Payload.EMPTY
    return after.request[vertex] == LogicalRequest.UNASKED and (
        was_told(after, Effect.PAYLOAD_FAIL, vertex) == busy
    )


@slot_sharing_allocator.step("SharedSlot.release", on=fail_slot, each={"vertex": vertices})
def a_lost_slot_ends_nothing_else(
    before: SlotSharingAllocatorState,
    after: SlotSharingAllocatorState,
    allocation: int,
    vertex: int,
) -> bool:
    """Vertices of other groups keep their requests and slots."""
    return (
        before.request[vertex] == LogicalRequest.UNASKED
        or before.slot_of[before.group_of[vertex]] == allocation
        or after.request[vertex] == before.request[vertex]
    )


@slot_sharing_allocator.step("SlotPool.releaseTaskManager", on=fail_task_manager)
def a_lost_task_executor_has_no_slots(after: SlotSharingAllocatorState, tm: int) -> bool:
    """No slot of a TaskExecutor that is lost stays in the pool."""
    return tm not in after.slot_tm


@slot_sharing_allocator.step("SlotPool.offerSlot", on=add_slot, when=serves_at_once)
def who_waited_longest_is_served(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, allocation: int
) -> bool:
    """A new slot goes to the first request in the pool that it matches, if there is one."""
    first = next((g for g in before.waiting if g != NONE and will_do(after, allocation, g)), NONE)
    return (
        after.slot[allocation] == PhysicalSlot.FREE
        if first == NONE
        else after.slot_of[first] == allocation
    )


def is_returned(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Whether the logical slot of the vertex is not being released."""
    return s.logical[vertex] != LogicalSlot.RELEASING or is_over(s)


@slot_sharing_allocator.leads_to(
    "SingleLogicalSlot.releaseSlot", to=is_returned, each={"vertex": vertices}
)
def a_released_slot_is_returned(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A logical slot that is released is returned, as soon as its execution terminates."""
    return s.logical[vertex] == LogicalSlot.RELEASING
