"""What holds of the checks of bulks, and of those who wait."""

from __future__ import annotations

from slotspec.models.common.orders import ORDERS, in_order
from slotspec.models.slot_sharing_allocator.environment import is_over, run_check
from slotspec.models.slot_sharing_allocator.lifecycles import Bulk, LogicalRequest, PhysicalSlot
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import holder_of, will_do
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    SlotSharingAllocatorState,
    allocations,
    bulks,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.properties.slot_sharing_allocator.views import (
    awaits,
    first_cancel_breaks_the_walk,
    fulfilled_groups_are_remembered,
    has_pending_group,
    is_in_bulk,
    is_pending,
    is_undecided,
    one_failure_clears_the_bulk,
    requests_may_wait_for_ever,
    some_slots_look_usable,
    the_first_slot_that_will_do_is_taken,
    was_told,
)
from slotspec.statemachine.declaration.rules import NONE, unchanged


def is_still_checked(after: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether another check of the bulk is scheduled."""
    return after.bulk[bulk] == Bulk.CHECKED


# ---------------------------------------------------------------------------------- timeouts


@slot_sharing_allocator.step(
    "PhysicalSlotRequestBulkCheckerImpl", on=run_check, each={"vertex": vertices}
)
def only_a_bulk_that_was_unfulfillable_times_out(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A check fails requests only if an earlier one, or the call, found the bulk unfulfillable."""
    return was_told(after, Effect.FAILED, vertex) == 0 or (
        before.unfulfillable[before.queue[0]] == 1 and has_pending_group(before, before.queue[0])
    )


@slot_sharing_allocator.step(
    "PhysicalSlotRequestBulkCheckerImpl", on=run_check, each={"vertex": vertices}
)
def a_check_fails_only_vertices_of_its_bulk(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A check fails only requests that are its bulk's, because no resource is available."""
    return (
        is_in_bulk(before, before.queue[0], vertex) or was_told(after, Effect.FAILED, vertex) == 0
    )


@slot_sharing_allocator.step("PhysicalSlotRequestBulkCheckerImpl", on=run_check)
def a_timeout_says_that_there_are_no_resources(after: SlotSharingAllocatorState) -> bool:
    """Requests that a check fails get a NoResourceAvailableException."""
    return not any(e.kind == Effect.FAILED and e.cause != Cause.NO_RESOURCE for e in after.effects)


@slot_sharing_allocator.step(
    "SharingPhysicalSlotRequestBulk.cancel",
    on=run_check,
    each={"vertex": vertices},
    deviation=first_cancel_breaks_the_walk,
)
def a_timeout_fails_every_pending_request_of_its_bulk(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """When a bulk times out, none of its requests stays pending."""
    bulk = before.queue[0]
    timed_out = has_pending_group(before, bulk) and not is_still_checked(after, bulk)
    return not (timed_out and is_in_bulk(before, bulk, vertex) and is_pending(after, vertex))


@slot_sharing_allocator.step(
    "SharingPhysicalSlotRequestBulk.cancel",
    on=run_check,
    deviation=first_cancel_breaks_the_walk,
)
def a_check_does_not_raise(after: SlotSharingAllocatorState) -> bool:
    """No check of a bulk ends with an exception."""
    return not any(e.kind == Effect.TIMER_RAISED for e in after.effects)


@slot_sharing_allocator.step(
    "SharingPhysicalSlotRequestBulk.cancel",
    on=run_check,
    each={"vertex": vertices},
    deviation=fulfilled_groups_are_remembered,
)
def a_timeout_spares_groups_that_were_fulfilled(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, vertex: int
) -> bool:
    """A bulk that has had its slot for a group cancels no newer request of the group."""
    bulk = before.queue[0]
    fulfilled = (
        is_in_bulk(before, bulk, vertex)
        and before.fulfilled[in_bulk(before, bulk, before.group_of[vertex])] == 1
    )
    return not fulfilled or was_told(after, Effect.FAILED, vertex) == 0


def could_have(s: SlotSharingAllocatorState, bulk: int, allocation: int) -> bool:
    """Whether the bulk could get the slot: it is there, not occupied for ever, not its own."""
    there = s.slot[allocation] in (PhysicalSlot.FREE, PhysicalSlot.TAKEN)
    for_ever = s.foreign[allocation] == Foreign.INDEFINITELY or (
        s.indefinitely == 1 and holder_of(s, allocation) != NONE
    )
    own = any(
        s.fulfilled[in_bulk(s, bulk, g)] == 1 and s.fulfilled_by[in_bulk(s, bulk, g)] == allocation
        for g in s.elements(groups)
    )
    return there and not for_ever and not own


@slot_sharing_allocator.step(
    "PhysicalSlotRequestBulkCheckerImpl.areRequestsFulfillableWithSlots",
    on=run_check,
    each={"group": groups},
)
def a_bulk_waits_only_for_slots_that_it_could_have(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, group: int
) -> bool:
    """A bulk is found fulfillable only if there is a slot for each group that it waits for."""
    bulk = before.queue[0]
    if not awaits(before, bulk, group) or not is_still_checked(after, bulk):
        return True
    if after.unfulfillable[bulk] == 1:
        return True
    pending = sum(awaits(before, bulk, g) for g in before.elements(groups))
    usable = sum(could_have(before, bulk, a) for a in before.elements(allocations))
    return usable >= pending and any(
        could_have(before, bulk, a) and will_do(before, a, group)
        for a in before.elements(allocations)
    )


@slot_sharing_allocator.step(
    "PhysicalSlotRequestBulkCheckerImpl.areRequestsFulfillableWithSlots",
    on=run_check,
    each={"group": groups, "allocation": allocations},
)
def a_bulk_that_could_have_its_last_slot_goes_on(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, group: int, allocation: int
) -> bool:
    """A bulk that waits for one group, for which there is a slot, is fulfillable."""
    bulk = before.queue[0]
    alone = awaits(before, bulk, group) and not any(
        g != group and awaits(before, bulk, g) for g in before.elements(groups)
    )
    usable = could_have(before, bulk, allocation) and will_do(before, allocation, group)
    return not (alone and usable) or (
        is_still_checked(after, bulk) and after.unfulfillable[bulk] == 0
    )


def can_go_round(s: SlotSharingAllocatorState, bulk: int, order: int) -> bool:
    """Whether each group that the bulk waits for can have the next slot of an order."""
    step = 0
    for g in s.elements(groups):
        if s.pending[in_bulk(s, bulk, g)]:
            if step >= len(s.slot):
                return False
            slot = in_order(len(s.slot), order, step)
            if not could_have(s, bulk, slot) or not will_do(s, slot, g):
                return False
            step += 1
    return True


def could_be_served(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether there are slots for all groups that the bulk waits for."""
    return any(can_go_round(s, bulk, order) for order in range(ORDERS))


@slot_sharing_allocator.step(
    "PhysicalSlotRequestBulkCheckerImpl.isSlotRequestBulkFulfillable",
    on=run_check,
    deviation=the_first_slot_that_will_do_is_taken,
)
def a_bulk_that_could_be_served_goes_on(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState
) -> bool:
    """A bulk is fulfillable if there is a slot for each group that it waits for."""
    bulk = before.queue[0]
    if not has_pending_group(before, bulk) or not could_be_served(before, bulk):
        return True
    return is_still_checked(after, bulk) and after.unfulfillable[bulk] == 0


@slot_sharing_allocator.step("PhysicalSlotRequestBulkCheckerImpl", on=run_check)
def a_bulk_without_pending_groups_ends_in_peace(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState
) -> bool:
    """A check that finds nothing pending ends its bulk, and nothing else changes."""
    bulk = before.queue[0]
    return has_pending_group(before, bulk) or (
        not is_still_checked(after, bulk)
        and len(after.effects) == 0
        and unchanged(before, after, "group", "request", "logical", "payload", "slot", "waiting")
    )


@slot_sharing_allocator.step("PhysicalSlotRequestBulkCheckerImpl", on=run_check)
def a_check_that_goes_on_changes_one_mark(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState
) -> bool:
    """A check that does not end its bulk changes only its mark and its place in the queue."""
    return not is_still_checked(after, before.queue[0]) or unchanged(
        before, after, but=("unfulfillable", "queue", "check_order")
    )


# ----------------------------------------------------------------------------------- what ends


@slot_sharing_allocator.step(
    "SharingPhysicalSlotRequestBulk.clearPendingRequests",
    each={"bulk": bulks, "group": groups},
    deviation=one_failure_clears_the_bulk,
)
def a_group_stays_pending_until_it_is_decided(
    before: SlotSharingAllocatorState, after: SlotSharingAllocatorState, bulk: int, group: int
) -> bool:
    """A bulk waits for a group as long as it is checked, and the group has no answer."""
    return (
        not awaits(before, bulk, group)
        or not is_still_checked(after, bulk)
        or awaits(after, bulk, group)
        or not is_undecided(after, group)
    )


def is_answered(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Whether the vertex waits for nothing."""
    return s.request[vertex] != LogicalRequest.PENDING or is_over(s)


@slot_sharing_allocator.leads_to(
    "SlotSharingExecutionSlotAllocator",
    to=is_answered,
    each={"vertex": vertices},
    deviation=requests_may_wait_for_ever,
)
def every_request_is_answered(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Every request for a slot is served, fails, times out or is cancelled at last."""
    return is_pending(s, vertex)


def has_ended(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether nobody checks the bulk any more."""
    return s.bulk[bulk] == Bulk.UNUSED or is_over(s)


@slot_sharing_allocator.leads_to(
    "PhysicalSlotRequestBulkCheckerImpl",
    to=has_ended,
    each={"bulk": bulks},
    deviation=some_slots_look_usable,
)
def every_bulk_ends(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Every bulk is fulfilled or times out at last."""
    return s.bulk[bulk] == Bulk.CHECKED
