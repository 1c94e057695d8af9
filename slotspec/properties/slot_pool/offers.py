"""What an offer does, and to whom a slot goes."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import allocate_available_slot, offer_slot
from slotspec.models.slot_pool.lifecycles import PhysicalSlot, TaskManagerRegistration
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import held_by, is_held, pending_under
from slotspec.models.slot_pool.recycling import is_queued
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.models.slot_pool.versions import OfferedSlot
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.views import calls_made, is_unchanged, satisfies
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def without_reuse(setting: Setting) -> bool:
    """Twins of one id blur who is served; who that is, the recorded traces decide."""
    return not setting["reused_ids"]


def is_welcome(s: SlotPoolState, tm: int) -> bool:
    """Whether offers of `tm` are considered."""
    return s.executor == 1 and s.registration[tm] == TaskManagerRegistration.REGISTERED


@slot_pool.step("SlotPoolImpl.offerSlot, the repeated offer", on=offer_slot)
def a_repeated_offer_is_accepted_and_changes_nothing(
    before: SlotPoolState,
    after: SlotPoolState,
    result: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
) -> bool:
    """Offering the very slot that is held is answered yes, so that a retry succeeds."""
    if not is_welcome(before, tm) or not is_held(before, allocation):
        return True
    if before.slot_tm[allocation] != tm or before.slot_index[allocation] != index:
        return True
    return result == 1 and is_unchanged(before, after) and calls_made(after) == 0


@slot_pool.step("SlotPoolImpl.offerSlot, the conflicting offer", on=offer_slot)
def a_conflicting_offer_is_refused_and_changes_nothing(
    before: SlotPoolState,
    after: SlotPoolState,
    result: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
) -> bool:
    """Offering another slot under an allocation that is held is answered no."""
    if not is_welcome(before, tm) or not is_held(before, allocation):
        return True
    if before.slot_tm[allocation] == tm and before.slot_index[allocation] == index:
        return True
    return result == 0 and is_unchanged(before, after) and calls_made(after) == 0


@slot_pool.step("SlotPoolImpl.offerSlot, the outdated offer", on=offer_slot)
def an_offer_of_an_unregistered_task_manager_is_refused(
    before: SlotPoolState,
    after: SlotPoolState,
    result: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
) -> bool:
    """A stranger's offer is answered no and changes nothing."""
    if is_welcome(before, tm):
        return True
    return result != 1 and is_unchanged(before, after) and calls_made(after) == 0


def first_in_order(s: SlotPoolState, profile: int) -> int:
    """The request that has waited longest of those that a slot satisfies; sent ones first."""
    for place in range(len(s.pending)):
        request = s.pending[place]
        if request != NONE and satisfies(s, profile, request):
            return request
    for place in range(len(s.waiting)):
        request = s.waiting[place]
        if request != NONE and satisfies(s, profile, request):
            return request
    return NONE


@slot_pool.step(
    "SlotPoolImpl.offerSlot, findMatchingPendingRequest", on=offer_slot, when=without_reuse
)
def a_new_slot_goes_to_its_request(
    before: SlotPoolState,
    after: SlotPoolState,
    result: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
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
def an_accepted_slot_is_not_cancelled(
    before: SlotPoolState,
    after: SlotPoolState,
    result: int,
    tm: int,
    index: int,
    allocation: int,
    profile: int,
) -> bool:
    """What a TaskExecutor offers and the pool accepts is not cancelled by that.

    The ResourceManager could otherwise give the slot in use to somebody else.
    """
    return count_effects(after, int(Effect.CANCEL_SLOT_REQUEST), NONE, allocation) == 0


@slot_pool.step("SlotPoolImpl.offerSlot, AllocatedSlots.add (FLINK-6434)", deviation=reused(TWINS))
def a_slot_in_use_has_an_owner(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A slot that begins to serve a request is given to its caller, who still waits for it.

    Except where the job itself takes an available slot: the answer of that call is the slot.
    """
    for request in range(len(before.request)):
        request_id = before.request_id[request]
        if request_id != NONE and is_queued(before, request):
            allocation = held_by(after, request_id)
            if (
                allocation != NONE
                and held_by(before, request_id) == NONE
                and before.slot[allocation] != PhysicalSlot.AVAILABLE
                and count_effects(after, int(Effect.REQUEST_FULFILLED), request, allocation) == 0
            ):
                return False
    return True


@slot_pool.step("SlotPoolImpl.releaseSlot, AllocatedSlots.add (FLINK-5793)")
def whoever_is_served_holds_the_slot(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A caller that gets a slot, new or returned by another, is in the pool's books with it."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.REQUEST_FULFILLED:
            request_id = before.request_id[after.effects[i][1]]
            if held_by(after, request_id) != after.effects[i][2]:
                return False
    return True


@slot_pool.step("SlotPoolImpl.tryFulfillSlotRequestOrMakeAvailable")
def a_slot_becomes_available_only_if_nobody_wants_it(
    before: SlotPoolState, after: SlotPoolState
) -> bool:
    """When a slot becomes available, no queued request matches it.

    The exception is Flink's: a request that is made later looks at no available slot. It
    waits beside one that would serve it, until the job takes that slot by its allocation.
    """
    for allocation in range(len(after.slot)):
        if (
            after.slot[allocation] == PhysicalSlot.AVAILABLE
            and before.slot[allocation] != PhysicalSlot.AVAILABLE
            and first_in_order(after, after.slot_profile[allocation]) != NONE
        ):
            return False
    return True


@slot_pool.step("SlotPoolImpl.allocateAvailableSlot", on=allocate_available_slot)
def only_an_available_slot_can_be_taken(
    before: SlotPoolState, after: SlotPoolState, result: int, request_id: int, allocation: int
) -> bool:
    """Taking a slot works exactly if it is available, and gives it to that request id."""
    if before.executor == 0 or before.slot[allocation] != PhysicalSlot.AVAILABLE:
        return result == NONE and is_unchanged(before, after)
    return result == allocation and held_by(after, request_id) == allocation
