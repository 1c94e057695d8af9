"""What holds of shared slots, logical slots, the pool and bulks in every state."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    Process,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import is_waiting, will_do
from slotspec.models.slot_sharing_allocator.shared_slot import is_used
from slotspec.models.slot_sharing_allocator.state import (
    SlotSharingAllocatorState,
    allocations,
    bulks,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.properties.slot_sharing_allocator.views import (
    awaits,
    empty_shared_slots_stay,
    failed_terminations_are_fatal,
    is_in_bulk,
    is_pending,
    is_undecided,
    loss_cannot_end_requests,
    requests_go_unchecked,
    serves_at_once,
    taken_slots_are_forgotten,
)
from slotspec.statemachine.declaration.rules import NONE

# ------------------------------------------------------------------------------- shared slots


@slot_sharing_allocator.always("SharedSlot", each={"vertex": vertices})
def a_request_has_a_shared_slot(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A vertex with a request has a group with a shared slot."""
    return s.request[vertex] == LogicalRequest.UNASKED or (
        s.group_of[vertex] != NONE and s.group[s.group_of[vertex]] != SharedSlot.ABSENT
    )


@slot_sharing_allocator.always(
    "SharedSlot.releaseExternally", each={"group": groups}, deviation=empty_shared_slots_stay
)
def what_nobody_uses_is_given_back(s: SlotSharingAllocatorState, group: int) -> bool:
    """A group has a shared slot only while one of its vertices has a request."""
    return s.group[group] == SharedSlot.ABSENT or is_used(s, group)


@slot_sharing_allocator.always("SharedSlot.allocateLogicalSlot", each={"vertex": vertices})
def only_members_have_requests(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A vertex that its group does not contain has no request."""
    return s.member[vertex] == 1 or s.request[vertex] == LogicalRequest.UNASKED


@slot_sharing_allocator.always("SharedSlot.slotContextFuture", each={"vertex": vertices})
def a_request_waits_only_for_its_physical_slot(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A request is pending only while the physical request of its group is."""
    return not is_pending(s, vertex) or is_undecided(s, s.group_of[vertex])


@slot_sharing_allocator.always(
    "SharedSlot.slotContextFuture", each={"vertex": vertices}, deviation=loss_cannot_end_requests
)
def a_completed_request_has_a_slot_of_the_pool(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A request is completed only while the physical slot of its group is in the pool."""
    if s.request[vertex] != LogicalRequest.COMPLETED:
        return True
    group = s.group_of[vertex]
    return s.group[group] == SharedSlot.PRESENT and s.slot[s.slot_of[group]] == PhysicalSlot.TAKEN


@slot_sharing_allocator.always("SharedSlot", each={"vertex": vertices})
def a_logical_slot_belongs_to_a_request(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A vertex has a logical slot exactly if its request is completed."""
    completed = s.request[vertex] == LogicalRequest.COMPLETED
    return completed == (s.logical[vertex] != LogicalSlot.ABSENT)


@slot_sharing_allocator.always(
    "SharedSlot.release", each={"vertex": vertices}, deviation=loss_cannot_end_requests
)
def no_request_keeps_a_released_slot(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """A vertex has no logical slot that is released: asking again would hand it out."""
    return s.logical[vertex] != LogicalSlot.RELEASED


@slot_sharing_allocator.always("SingleLogicalSlot.tryAssignPayload", each={"vertex": vertices})
def a_payload_is_in_a_logical_slot(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """There is a payload only in a logical slot, and a stand-in only in one that is released."""
    match s.payload[vertex]:
        case Payload.EMPTY:
            return s.logical[vertex] in (LogicalSlot.ABSENT, LogicalSlot.ALIVE)
        case Payload.STAND_IN:
            return s.logical[vertex] == LogicalSlot.RELEASED
    return s.logical[vertex] != LogicalSlot.ABSENT


@slot_sharing_allocator.always("FatalExitExceptionHandler", deviation=failed_terminations_are_fatal)
def the_process_goes_on(s: SlotSharingAllocatorState) -> bool:
    """Nothing that an execution does ends the process of the JobMaster."""
    return s.process[0] == Process.RUNNING


# ------------------------------------------------------------------------------------ the pool


@slot_sharing_allocator.always("PhysicalSlotProvider", each={"allocation": allocations})
def a_slot_has_at_most_one_shared_slot(s: SlotSharingAllocatorState, allocation: int) -> bool:
    """No two groups have the same physical slot, and none has one that is free."""
    owners = sum(slot == allocation for slot in s.slot_of)
    return owners == 0 or (owners == 1 and s.slot[allocation] != PhysicalSlot.FREE)


@slot_sharing_allocator.always(
    "PhysicalSlotProviderImpl.allocatePhysicalSlots",
    each={"allocation": allocations},
    deviation=taken_slots_are_forgotten,
)
def a_taken_slot_has_a_shared_slot(s: SlotSharingAllocatorState, allocation: int) -> bool:
    """A slot that a request has taken belongs to a group, which can give it back."""
    return s.slot[allocation] != PhysicalSlot.TAKEN or allocation in s.slot_of


@slot_sharing_allocator.always(
    "ResourceProfile.isMatching", each={"group": groups}, when=serves_at_once
)
def a_group_has_a_slot_that_matches(s: SlotSharingAllocatorState, group: int) -> bool:
    """The physical slot of a group matches the group's profile."""
    return s.group[group] != SharedSlot.PRESENT or will_do(s, s.slot_of[group], group)


@slot_sharing_allocator.always("SlotPool.requestNewAllocatedSlot", each={"group": groups})
def what_is_requested_waits_in_the_pool(s: SlotSharingAllocatorState, group: int) -> bool:
    """The pool has a pending request of a group exactly while its shared slot waits for it."""
    return is_waiting(s, group) == is_undecided(s, group)


@slot_sharing_allocator.always(
    "SlotPool", each={"group": groups, "allocation": allocations}, when=serves_at_once
)
def no_request_waits_beside_a_free_slot(
    s: SlotSharingAllocatorState, group: int, allocation: int
) -> bool:
    """A pool that gives its slots away by itself has no free one that a request waits for."""
    return not (
        is_waiting(s, group)
        and s.slot[allocation] == PhysicalSlot.FREE
        and will_do(s, allocation, group)
    )


# --------------------------------------------------------------------------------------- bulks


@slot_sharing_allocator.always("PhysicalSlotRequestBulkCheckerImpl", each={"bulk": bulks})
def every_bulk_has_one_check(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """A bulk has exactly one check scheduled until it ends."""
    checks = sum(waiting == bulk for waiting in s.queue)
    return checks == (s.bulk[bulk] == Bulk.CHECKED)


@slot_sharing_allocator.always(
    "SharingPhysicalSlotRequestBulk", each={"bulk": bulks, "group": groups}
)
def a_pending_group_waits_for_its_slot(s: SlotSharingAllocatorState, bulk: int, group: int) -> bool:
    """A bulk waits only for groups whose physical requests are pending."""
    return not awaits(s, bulk, group) or is_undecided(s, group)


@slot_sharing_allocator.always(
    "SharingPhysicalSlotRequestBulk", each={"bulk": bulks, "group": groups}
)
def a_group_is_pending_or_fulfilled(s: SlotSharingAllocatorState, bulk: int, group: int) -> bool:
    """No group of a bulk is both pending and fulfilled."""
    at = in_bulk(s, bulk, group)
    return not (s.pending[at] and s.fulfilled[at])


@slot_sharing_allocator.always(
    "PhysicalSlotRequestBulkCheckerImpl",
    each={"vertex": vertices},
    deviation=requests_go_unchecked,
)
def every_pending_request_is_checked(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Every pending request has a bulk that waits for its group, and so times out at last."""
    return not is_pending(s, vertex) or any(
        is_in_bulk(s, b, vertex) and awaits(s, b, s.group_of[vertex]) for b in s.elements(bulks)
    )
