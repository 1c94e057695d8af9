"""What an offer does, and which request gets a slot."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import allocate_available_slot, offer_slot
from slotspec.models.slot_pool.lifecycles import PhysicalSlot, TaskManagerRegistration
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import held_by, is_held, is_held_by, pending_under
from slotspec.models.slot_pool.recycling import is_queued
from slotspec.models.slot_pool.state import Effect, SlotPoolState, allocations, requests
from slotspec.models.slot_pool.versions import OfferedSlot
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.views import cancels, changes_nothing, first_in_order
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import NONE, unchanged

without_reuse = ~is_set("reused_ids")
"""Twins of one id blur who is served; the recorded traces decide who that is."""


def is_welcome(s: SlotPoolState, tm: int) -> bool:
    """Whether the pool considers offers of `tm`."""
    return s.executor == 1 and s.registration[tm] == TaskManagerRegistration.REGISTERED


def is_that_slot(s: SlotPoolState, allocation: int, tm: int, index: int) -> bool:
    """Whether the slot held under `allocation` is number `index` of `tm`."""
    return s.slot_tm[allocation] == tm and s.slot_index[allocation] == index


@slot_pool.step("SlotPoolImpl.offerSlot, the repeated offer", on=offer_slot)
def a_repeated_offer_is_accepted_and_changes_nothing(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int, index: int, allocation: int
) -> bool:
    """The pool accepts an offer of the very slot that it holds, so that a retry succeeds."""
    if not is_welcome(before, tm) or not is_held(before, allocation):
        return True
    if not is_that_slot(before, allocation, tm, index):
        return True
    return result == 1 and changes_nothing(before, after)


@slot_pool.step("SlotPoolImpl.offerSlot, the conflicting offer", on=offer_slot)
def a_conflicting_offer_is_refused_and_changes_nothing(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int, index: int, allocation: int
) -> bool:
    """The pool refuses an offer of another slot under an allocation that it holds."""
    if not is_welcome(before, tm) or not is_held(before, allocation):
        return True
    if is_that_slot(before, allocation, tm, index):
        return True
    return result == 0 and changes_nothing(before, after)


@slot_pool.step("SlotPoolImpl.offerSlot, the outdated offer", on=offer_slot)
def an_offer_of_an_unregistered_task_manager_is_refused(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int
) -> bool:
    """An offer of an unregistered TaskExecutor is refused and changes nothing."""
    return is_welcome(before, tm) or (result != 1 and changes_nothing(before, after))


@slot_pool.step(
    "SlotPoolImpl.offerSlot, findMatchingPendingRequest", on=offer_slot, when=without_reuse
)
def a_new_slot_goes_to_its_request(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int, allocation: int, profile: int
) -> bool:
    """An offered slot serves the first request in order that it satisfies (1.12, 1.13).

    In 1.11 the request that is pending under its allocation comes before all others.
    """
    if not is_welcome(before, tm) or is_held(before, allocation) or result != 1:
        return True
    request = NONE
    if before.offered_slot == OfferedSlot.OWN_REQUEST:
        request = pending_under(before, allocation)
    if request == NONE:
        request = first_in_order(before, profile)
    if request == NONE:
        return after.slot[allocation] == PhysicalSlot.AVAILABLE
    return held_by(after, before.request_id[request]) == allocation


@slot_pool.step("SlotPoolImpl: the cancel hook (FLINK-8748, FLINK-8934)", on=offer_slot)
def an_accepted_slot_is_not_cancelled(after: SlotPoolState, allocation: int) -> bool:
    """Accepting a slot does not cancel its allocation.

    Otherwise the ResourceManager could give the slot in use to somebody else.
    """
    return cancels(after, allocation) == 0


@slot_pool.step(
    "SlotPoolImpl.offerSlot, AllocatedSlots.add (FLINK-6434)",
    each={"request": requests},
    deviation=reused(TWINS),
)
def a_slot_in_use_has_an_owner(before: SlotPoolState, after: SlotPoolState, request: int) -> bool:
    """A slot that begins to serve a request is given to its caller, who still waits for it.

    The exception is a job that takes an available slot itself: that call returns the slot.
    """
    request_id = before.request_id[request]
    if request_id == NONE or not is_queued(before, request):
        return True
    allocation = held_by(after, request_id)
    if allocation == NONE or held_by(before, request_id) != NONE:
        return True
    return before.slot[allocation] == PhysicalSlot.AVAILABLE or any(
        e.kind == Effect.REQUEST_FULFILLED and e.request == request and e.allocation == allocation
        for e in after.effects
    )


@slot_pool.step("SlotPoolImpl.releaseSlot, AllocatedSlots.add (FLINK-5793)")
def whoever_is_served_holds_the_slot(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A slot that a caller gets, new or returned by another, is in the pool's maps under its id."""
    return all(
        e.request != NONE
        and e.allocation != NONE
        and is_held_by(after, e.allocation, before.request_id[e.request])
        for e in after.effects
        if e.kind == Effect.REQUEST_FULFILLED
    )


@slot_pool.step(
    "SlotPoolImpl.tryFulfillSlotRequestOrMakeAvailable", each={"allocation": allocations}
)
def a_slot_becomes_available_only_if_nobody_wants_it(
    before: SlotPoolState, after: SlotPoolState, allocation: int
) -> bool:
    """When a slot becomes available, no queued request matches it.

    The exception is Flink's: a request that is made later looks at no available slot. It
    waits beside one that would serve it, until the job takes that slot by its allocation.
    """
    return (
        after.slot[allocation] != PhysicalSlot.AVAILABLE
        or before.slot[allocation] == PhysicalSlot.AVAILABLE
        or first_in_order(after, after.slot_profile[allocation]) == NONE
    )


@slot_pool.step("SlotPoolImpl.allocateAvailableSlot", on=allocate_available_slot)
def only_an_available_slot_can_be_taken(
    before: SlotPoolState, after: SlotPoolState, result: int, request_id: int, allocation: int
) -> bool:
    """Taking a slot works exactly if it is available, and gives it to that request id."""
    if not before.executor or before.slot[allocation] != PhysicalSlot.AVAILABLE:
        return result == NONE and unchanged(before, after)
    return result == allocation and held_by(after, request_id) == allocation
