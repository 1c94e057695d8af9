"""What can happen: these guard against vacuous properties."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import has_payloads, has_time
from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    Pool,
    SlotRequest,
)
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_held, is_open, pending_under
from slotspec.models.slot_pool.state import SlotPoolState, allocations, requests
from slotspec.models.slot_pool.versions import OfferedSlot, OrphanedAllocation
from slotspec.properties.slot_pool.views import satisfies
from slotspec.statemachine.declaration.conditions import Condition, exceeds, is_set
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


@Condition
def remaps(setting: Setting) -> bool:
    several = setting["requests"] > 1 and setting["request_ids"] > 1
    return bool(several and setting["orphaned_allocation"] == OrphanedAllocation.REMAPPED)


remaps_twice = remaps & exceeds("requests", 2) & exceeds("request_ids", 2)


def parks_mismatched(setting: Setting) -> bool:
    return bool(
        setting["offered_slot"] == OfferedSlot.FIRST_MATCHING and setting.bounds["profiles"] > 1
    )


@slot_pool.sometimes("SlotPoolImpl.offerSlot")
def a_request_is_served_by_what_was_asked_for_it(s: SlotPoolState) -> bool:
    """A slot serves somebody under an allocation that the pool asked for."""
    return any(s.slot[own] == PhysicalSlot.ALLOCATED for own in s.elements(requests))


@slot_pool.sometimes(
    "SlotPoolImpl.tryFulfillSlotRequestOrMakeAvailable", when=is_set("foreign_allocations")
)
def a_slot_that_nobody_asked_for_is_used(s: SlotPoolState) -> bool:
    """A slot under a foreign allocation serves somebody."""
    return any(
        slot == PhysicalSlot.ALLOCATED and a >= len(s.request) for a, slot in enumerate(s.slot)
    )


@slot_pool.sometimes("SlotPoolImpl.maybeRemapOrphanedAllocation", when=remaps)
def a_request_is_served_by_anothers_slot(s: SlotPoolState) -> bool:
    """A request waits for another's allocation, because its own slot serves somebody else."""
    return any(has_lent_its_own(s, request) for request in s.pending if request != NONE)


def has_lent_its_own(s: SlotPoolState, request: int) -> bool:
    """Whether a pending request waits for another's allocation while its own is in use."""
    return s.stored_allocation[request] != request and s.slot[request] == PhysicalSlot.ALLOCATED


@slot_pool.sometimes("SlotPoolImpl.maybeRemapOrphanedAllocation", when=remaps_twice)
def an_allocation_is_inherited_twice(s: SlotPoolState) -> bool:
    """A remap chain of two: the third request inherits the first one's allocation."""
    return any(
        has_lent_its_own(s, third)
        and s.slot[s.stored_allocation[third]] == PhysicalSlot.PENDING
        and any(
            second not in (third, s.stored_allocation[third])
            and s.slot[second] == PhysicalSlot.ALLOCATED
            for second in s.elements(requests)
        )
        for third in s.pending
        if third != NONE
    )


@slot_pool.sometimes("SlotPoolImpl.offerSlot", when=parks_mismatched)
def a_slot_is_available_while_its_request_waits(s: SlotPoolState) -> bool:
    """A slot that is too small for its own request is parked beside it."""
    return any(
        status == PhysicalSlot.AVAILABLE and pending_under(s, allocation) != NONE
        for allocation, status in enumerate(s.slot)
    )


@slot_pool.sometimes("SlotPoolImpl.requestNewAllocatedSlot")
def a_request_waits_beside_a_slot_that_matches(s: SlotPoolState) -> bool:
    """Flink's exception: a request made later does not look at the available slots."""
    return any(
        status == PhysicalSlot.AVAILABLE and satisfies(s, s.slot_profile[allocation], request)
        for request in s.pending
        if request != NONE
        for allocation, status in enumerate(s.slot)
    )


@slot_pool.sometimes("SlotPoolImpl.clear")
def a_forgotten_request_is_open(s: SlotPoolState) -> bool:
    """A caller waits for an answer that only its own timeout will give."""
    return any(
        future == SlotRequest.FORGOTTEN and is_open(s, request)
        for request, future in enumerate(s.request)
    )


@slot_pool.sometimes("SlotPoolImpl.close")
def a_closed_pool_holds_slots_again(s: SlotPoolState) -> bool:
    """Nothing stops a closed pool from accepting slots."""
    return s.pool[0] == Pool.CLOSED and any(is_held(s, a) for a in s.elements(allocations))


@slot_pool.sometimes("SlotPoolImpl.checkIdleSlot", when=has_time)
def a_slot_as_old_as_the_timeout_survives(s: SlotPoolState) -> bool:
    """A slot that is available for exactly the idle timeout is still there."""
    return s.idle_timeout in s.idle_for


@slot_pool.sometimes("AllocatedSlot.tryAssignPayload", when=has_payloads)
def a_payload_runs(s: SlotPoolState) -> bool:
    """Something runs in a slot."""
    return Payload.ASSIGNED in s.payload


@slot_pool.sometimes("AllocatedSlots.add", when=is_set("reused_ids"))
def a_slot_leaks(s: SlotPoolState) -> bool:
    """A slot counts for its TaskExecutor and cannot be found any more."""
    return LeakedSlot.COUNTED in s.leaked
