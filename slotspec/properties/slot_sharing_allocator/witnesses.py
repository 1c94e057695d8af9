"""States that must be reachable, so that no property holds for lack of cases."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.environment import (
    has_foreigners,
    has_payloads,
    is_scripted,
)
from slotspec.models.slot_sharing_allocator.lifecycles import (
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import will_do
from slotspec.models.slot_sharing_allocator.state import (
    Foreign,
    SlotSharingAllocatorState,
    allocations,
    bulks,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.properties.slot_sharing_allocator.views import (
    has_several_groups,
    slots_are_never_reusable,
)
from slotspec.statemachine.declaration.conditions import exceeds
from slotspec.statemachine.declaration.records import Setting


def shares_are_possible(setting: Setting) -> bool:
    members = setting["vertices"] - bool(setting["strangers"])
    return bool(members > setting["groups"])


has_small_slots = exceeds("profiles", 1)


@slot_sharing_allocator.sometimes("SharedSlot", when=shares_are_possible)
def two_vertices_share_a_slot(s: SlotSharingAllocatorState) -> bool:
    """Two vertices have logical slots in the same physical slot."""
    return any(
        s.logical[v] == LogicalSlot.ALIVE
        and s.logical[w] == LogicalSlot.ALIVE
        and s.group_of[v] == s.group_of[w]
        for v in s.elements(vertices)
        for w in range(v)
    )


@slot_sharing_allocator.sometimes("SharedSlot", when=shares_are_possible)
def one_of_two_has_left(s: SlotSharingAllocatorState) -> bool:
    """A group keeps its slot for one vertex, while another one has no request."""
    return any(
        s.logical[v] == LogicalSlot.ALIVE
        and s.request[w] == LogicalRequest.UNASKED
        and s.group_of[v] == s.group_of[w]
        for v in s.elements(vertices)
        for w in s.elements(vertices)
    )


@slot_sharing_allocator.sometimes("SharingPhysicalSlotRequestBulk", when=has_several_groups)
def a_bulk_is_half_fulfilled(s: SlotSharingAllocatorState) -> bool:
    """A bulk has a slot for one group, and waits for another."""
    return any(
        s.pending[in_bulk(s, b, g)] == 1 and s.fulfilled[in_bulk(s, b, h)] == 1
        for b in s.elements(bulks)
        for g in s.elements(groups)
        for h in s.elements(groups)
    )


@slot_sharing_allocator.sometimes("PhysicalSlotRequestBulkCheckerImpl")
def every_group_waits(s: SlotSharingAllocatorState) -> bool:
    """All groups wait for their slots."""
    return all(s.group[g] == SharedSlot.REQUESTED for g in s.elements(groups))


@slot_sharing_allocator.sometimes(
    "PhysicalSlotRequestBulkCheckerImpl", when=~slots_are_never_reusable
)
def a_bulk_is_found_fulfillable(s: SlotSharingAllocatorState) -> bool:
    """A check has found slots for all groups that a bulk waits for."""
    return any(
        s.pending[in_bulk(s, b, g)] == 1 and s.unfulfillable[b] == 0
        for b in s.elements(bulks)
        for g in s.elements(groups)
    )


@slot_sharing_allocator.sometimes("SingleLogicalSlot", when=has_payloads)
def a_slot_waits_for_its_execution(s: SlotSharingAllocatorState) -> bool:
    """A logical slot is released, and its execution has not terminated."""
    return any(
        s.logical[v] == LogicalSlot.RELEASING and s.payload[v] == Payload.RUNNING
        for v in s.elements(vertices)
    )


@slot_sharing_allocator.sometimes("SingleLogicalSlot", when=has_payloads)
def an_execution_ends_before_its_release(s: SlotSharingAllocatorState) -> bool:
    """An execution has terminated in a logical slot that nobody has released."""
    return any(
        s.logical[v] == LogicalSlot.ALIVE and s.payload[v] == Payload.TERMINATED
        for v in s.elements(vertices)
    )


@slot_sharing_allocator.sometimes("SlotPool", when=is_scripted)
def a_request_waits_beside_a_free_slot(s: SlotSharingAllocatorState) -> bool:
    """The pool has a free slot that a pending request could have."""
    return any(
        s.group[g] == SharedSlot.REQUESTED and s.slot[a] == PhysicalSlot.FREE and will_do(s, a, g)
        for g in s.elements(groups)
        for a in s.elements(allocations)
    )


@slot_sharing_allocator.sometimes("SlotPool", when=has_small_slots)
def a_free_slot_does_not_match(s: SlotSharingAllocatorState) -> bool:
    """A group waits beside a free slot that does not match."""
    return any(
        s.group[g] == SharedSlot.REQUESTED
        and s.slot[a] == PhysicalSlot.FREE
        and not will_do(s, a, g)
        for g in s.elements(groups)
        for a in s.elements(allocations)
    )


@slot_sharing_allocator.sometimes("AllocatedSlot.tryAssignPayload", when=has_foreigners)
def a_slot_has_another_payload(s: SlotSharingAllocatorState) -> bool:
    """A free slot has a payload that is no shared slot."""
    return any(
        s.slot[a] == PhysicalSlot.FREE and s.foreign[a] != Foreign.NOBODY
        for a in s.elements(allocations)
    )


@slot_sharing_allocator.sometimes("SlotSharingExecutionSlotAllocator")
def everything_is_given_back(s: SlotSharingAllocatorState) -> bool:
    """A slot is free, and nobody has a request: as in the beginning, but with a slot."""
    return all(s.request[v] == LogicalRequest.UNASKED for v in s.elements(vertices)) and any(
        s.slot[a] == PhysicalSlot.FREE for a in s.elements(allocations)
    )
