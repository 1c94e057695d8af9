"""What can happen: without these, the other properties might hold of nothing."""

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
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.models.slot_pool.versions import OfferedSlot, OrphanedAllocation
from slotspec.properties.slot_pool.views import satisfies
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def remaps(setting: Setting) -> bool:
    several = setting["requests"] > 1 and setting["request_ids"] > 1
    return bool(several and setting["orphaned_allocation"] == OrphanedAllocation.REMAPPED)


def remaps_twice(setting: Setting) -> bool:
    return remaps(setting) and bool(setting["requests"] > 2 and setting["request_ids"] > 2)


def parks_mismatched(setting: Setting) -> bool:
    return bool(
        setting["offered_slot"] == OfferedSlot.FIRST_MATCHING and setting.bounds["profiles"] > 1
    )


def has_reuse(setting: Setting) -> bool:
    return bool(setting["reused_ids"])


def has_foreign(setting: Setting) -> bool:
    return bool(setting["foreign_allocations"])


@slot_pool.sometimes("SlotPoolImpl.offerSlot")
def a_request_is_served_by_what_was_asked_for_it(s: SlotPoolState) -> bool:
    """A slot serves somebody under an allocation that the pool asked for."""
    for allocation in range(len(s.request)):
        if s.slot[allocation] == PhysicalSlot.ALLOCATED:
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.tryFulfillSlotRequestOrMakeAvailable", when=has_foreign)
def a_slot_that_nobody_asked_for_is_used(s: SlotPoolState) -> bool:
    """A slot under a foreign allocation serves somebody."""
    for allocation in range(len(s.request), len(s.slot)):
        if s.slot[allocation] == PhysicalSlot.ALLOCATED:
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.maybeRemapOrphanedAllocation", when=remaps)
def a_request_is_served_by_anothers_slot(s: SlotPoolState) -> bool:
    """A request waits for an allocation that was asked for by another: it lent its own."""
    for place in range(length(s.pending)):
        request = s.pending[place]
        if s.stored_allocation[request] != request and s.slot[request] == PhysicalSlot.ALLOCATED:
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.maybeRemapOrphanedAllocation", when=remaps_twice)
def an_allocation_is_inherited_twice(s: SlotPoolState) -> bool:
    """A remap chain of two: what the first asked for has come to the third."""
    for place in range(length(s.pending)):
        third = s.pending[place]
        orphan = s.stored_allocation[third]
        if orphan != third and s.slot[third] == PhysicalSlot.ALLOCATED:
            for second in range(len(s.request)):
                if (
                    second != third
                    and second != orphan
                    and s.slot[second] == PhysicalSlot.ALLOCATED
                    and s.slot[orphan] == PhysicalSlot.PENDING
                ):
                    return True
    return False


@slot_pool.sometimes("SlotPoolImpl.offerSlot", when=parks_mismatched)
def a_slot_is_available_while_its_request_waits(s: SlotPoolState) -> bool:
    """A slot that is too small for its own request is parked beside it."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == PhysicalSlot.AVAILABLE and pending_under(s, allocation) != NONE:
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.requestNewAllocatedSlot")
def a_request_waits_beside_a_slot_that_matches(s: SlotPoolState) -> bool:
    """Flink's exception: a request made later does not look at the available slots."""
    for place in range(length(s.pending)):
        for allocation in range(len(s.slot)):
            if s.slot[allocation] == PhysicalSlot.AVAILABLE and satisfies(
                s, s.slot_profile[allocation], s.pending[place]
            ):
                return True
    return False


@slot_pool.sometimes("SlotPoolImpl.clear")
def a_forgotten_request_is_open(s: SlotPoolState) -> bool:
    """A caller waits for an answer that only its own timeout will give."""
    for request in range(len(s.request)):
        if s.request[request] == SlotRequest.FORGOTTEN and is_open(s, request):
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.close")
def a_closed_pool_holds_slots_again(s: SlotPoolState) -> bool:
    """Nothing stops a closed pool from accepting slots."""
    if s.pool[0] != Pool.CLOSED:
        return False
    for allocation in range(len(s.slot)):
        if is_held(s, allocation):
            return True
    return False


@slot_pool.sometimes("SlotPoolImpl.checkIdleSlot", when=has_time)
def a_slot_as_old_as_the_timeout_survives(s: SlotPoolState) -> bool:
    """A slot that is available for exactly the idle timeout is still there."""
    for allocation in range(len(s.slot)):
        if s.idle_for[allocation] == s.idle_timeout:
            return True
    return False


@slot_pool.sometimes("AllocatedSlot.tryAssignPayload", when=has_payloads)
def a_payload_runs(s: SlotPoolState) -> bool:
    """Something runs in a slot."""
    for allocation in range(len(s.slot)):
        if s.payload[allocation] == Payload.ASSIGNED:
            return True
    return False


@slot_pool.sometimes("AllocatedSlots.add", when=has_reuse)
def a_slot_leaks(s: SlotPoolState) -> bool:
    """A slot counts for its TaskExecutor and cannot be found any more."""
    for leak in range(len(s.leaked)):
        if s.leaked[leak] == LeakedSlot.COUNTED:
            return True
    return False
