"""Matching a free slot: the first request that it satisfies gets it, or it becomes available.

Flink: SlotPoolImpl.tryFulfillSlotRequestOrMakeAvailable.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_pool.futures import cancel_slot_request, complete
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import (
    forget_request,
    orphan_allocation,
    pending_under,
    put_allocated,
    put_available,
    take,
)
from slotspec.models.slot_pool.state import Effect, Raised, SlotPoolState
from slotspec.models.slot_pool.versions import OrphanedAllocation, Removal
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, Array, emit, fire


def answer(s: SlotPoolState, profile: int, request: int) -> int:
    """Compare a slot's profile with what `request` asks for; an Answer."""
    return s.satisfies[profile * s.profile_count + s.request_profile[request]]


def first_matching(s: SlotPoolState, queue: Array, profile: int) -> int:
    """The first entry of `queue` that a slot of `profile` satisfies, or NONE."""
    return next((r for r in queue if r != NONE and answer(s, profile, r) == Answer.YES), NONE)


def comparing_throws(s: SlotPoolState, profile: int) -> bool:
    """Whether the search for a match throws: an UNKNOWN slot and a queued request (1.13)."""
    head = s.pending[0] if s.pending[0] != NONE else s.waiting[0]
    return head != NONE and answer(s, profile, head) == Answer.THROWS


def find_matching_request(s: SlotPoolState, profile: int) -> int:
    """The request that gets a slot of `profile`: pending ones first, then waiting ones, in order.

    Flink: SlotPoolImpl.findMatchingPendingRequest.
    """
    request = first_matching(s, s.pending, profile)
    return request if request != NONE else first_matching(s, s.waiting, profile)


def remove_served(s: SlotPoolState, request: int) -> None:
    """Remove a request that is served, or failed, from the queues (a twin may go instead)."""
    if s.removal == Removal.ENTRY_FOUND:
        if not remove(s.pending, request):
            remove(s.waiting, request)
        return
    taken = take(s, s.request_id[request])
    if taken != NONE and taken != request:
        forget_request(s, taken)


def maybe_remap_orphaned_allocation(s: SlotPoolState, orphan: int, used: int) -> None:
    """Find an heir for the allocation of a request that the slot of `used` serves.

    Flink: SlotPoolImpl.maybeRemapOrphanedAllocation.
    """
    heir = pending_under(s, used)
    if heir != NONE:
        twin = pending_under(s, orphan)
        if twin != NONE:
            remove(s.pending, twin)
            forget_request(s, twin)
        s.stored_allocation[heir] = orphan
    elif s.gateway != NONE:
        cancel_slot_request(s, s.gateway, orphan)
    else:
        orphan_allocation(s, orphan)


def enter_allocated(s: SlotPoolState, request_id: int, allocation: int) -> None:
    """A slot, new or returned, becomes allocated to `request_id`."""
    put_allocated(s, request_id, allocation)
    if s.slot[allocation] == PhysicalSlot.ALLOCATED:
        fire(s.slot, allocation, PhysicalSlot.hand_over)
    else:
        fire(s.slot, allocation, PhysicalSlot.fulfil)


def serve(s: SlotPoolState, request: int, allocation: int) -> None:
    """Give the slot of `allocation` to a queued request, without checking that it is open."""
    remove_served(s, request)
    enter_allocated(s, s.request_id[request], allocation)
    complete(s, request, allocation)
    if s.orphaned_allocation == OrphanedAllocation.REMAPPED:
        orphan = s.stored_allocation[request]
        if orphan != NONE and orphan != allocation:
            maybe_remap_orphaned_allocation(s, orphan, allocation)


def make_available(s: SlotPoolState, allocation: int) -> None:
    """A slot, new or returned, becomes available."""
    put_available(s, allocation)
    if s.slot[allocation] == PhysicalSlot.ALLOCATED:
        fire(s.slot, allocation, PhysicalSlot.give_back)
    else:
        fire(s.slot, allocation, PhysicalSlot.store)


def try_fulfill_slot_request_or_make_available(s: SlotPoolState, allocation: int) -> bool:
    """Match a slot that is new or was just returned; False if that throws an exception."""
    profile = s.slot_profile[allocation]
    if comparing_throws(s, profile):
        emit(s, Effect.RAISES, Raised.UNSUPPORTED)
        return False
    request = find_matching_request(s, profile)
    if request == NONE:
        make_available(s, allocation)
    else:
        serve(s, request, allocation)
    return True
