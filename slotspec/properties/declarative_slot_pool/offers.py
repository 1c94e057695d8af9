"""What an offer does, and which request gets a slot."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import is_registered
from slotspec.models.declarative_slot_pool.environment import (
    allocate_available_slot,
    offer_slot,
    offer_two_slots,
    reserve_free_slot,
    uses,
)
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.requirements import find_requirement, is_lacking
from slotspec.models.declarative_slot_pool.state import (
    OK,
    DeclarativePoolState,
    Effect,
)
from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.properties.declarative_slot_pool.views import (
    accepted,
    bridged,
    fulfilled_with,
    matches_request,
    on_time,
    one_use_of_ids,
    raised,
)
from slotspec.statemachine.declaration.conditions import first_of, is_set, known
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE, unchanged


def is_welcome(s: DeclarativePoolState, tm: int) -> bool:
    """Whether the pool considers offers of a TaskExecutor."""
    return not s.bridge or is_registered(s, tm)


@declarative_slot_pool.step("DeclarativeSlotPoolService.offerSlots", on=offer_slot)
def an_offer_of_an_unregistered_task_manager_is_refused(
    before: DeclarativePoolState, after: DeclarativePoolState, tm: int, allocation: int
) -> bool:
    """An offer of an unregistered TaskExecutor is refused and changes nothing."""
    return is_welcome(before, tm) or (not accepted(after, allocation) and unchanged(before, after))


@declarative_slot_pool.step("DefaultDeclarativeSlotPool.offerSlots", on=offer_slot)
def a_repeated_offer_is_accepted_and_changes_nothing(
    before: DeclarativePoolState, after: DeclarativePoolState, tm: int, allocation: int
) -> bool:
    """The pool accepts an offer of a slot that it has, so that a retry succeeds."""
    if not is_welcome(before, tm) or not is_held(before, allocation):
        return True
    return before.slot_tm[allocation] != tm or (
        accepted(after, allocation) and unchanged(before, after)
    )


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.offerSlots (FLINK-9293)",
    on=offer_slot,
    deviation=known(
        "the pool asks for the allocation alone, not for the slot that is offered (D7)"
    ),
)
def another_slot_of_a_held_allocation_is_refused(
    before: DeclarativePoolState, after: DeclarativePoolState, tm: int, index: int, allocation: int
) -> bool:
    """The pool refuses another slot under an allocation that it has: nobody would free it."""
    return (
        not is_held(before, allocation)
        or (before.slot_tm[allocation] == tm and before.slot_index[allocation] == index)
        or not accepted(after, allocation)
    )


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.matchWithOutstandingRequirement", on=offer_slot
)
def a_new_slot_is_accepted_if_it_is_required(
    before: DeclarativePoolState,
    after: DeclarativePoolState,
    tm: int,
    allocation: int,
    profile: int,
) -> bool:
    """A new slot is accepted exactly if it meets a requirement that lacks slots.

    A restarting job accepts everything.
    """
    if not is_welcome(before, tm) or is_held(before, allocation) or raised(after):
        return True
    if before.job_restarting:
        return accepted(after, allocation)
    status, requirement = find_requirement(before, profile)
    return accepted(after, allocation) == (status == OK and requirement != NONE)


@declarative_slot_pool.step("DefaultRequirementMatcher.match", on=offer_slot)
def a_slot_counts_for_its_own_profile_first(
    before: DeclarativePoolState, after: DeclarativePoolState, allocation: int, profile: int
) -> bool:
    """A new slot counts for its own profile, if slots of that are lacking."""
    if is_held(before, allocation) or after.slot[allocation] != AllocatedSlot.FREE:
        return True
    return not is_lacking(before, profile) or after.matched[allocation] == profile


@declarative_slot_pool.step("RequestSlotMatchingStrategy.RequestSlotMatch", when=on_time)
def a_request_gets_a_slot_that_it_matches(after: DeclarativePoolState) -> bool:
    """The slot that a caller is told of is reserved: nobody else gets it."""
    return all(
        e.kind != Effect.REQUEST_FULFILLED or after.slot[e.allocation] == AllocatedSlot.RESERVED
        for e in after.effects
    )


@declarative_slot_pool.step("RequestSlotMatchingStrategy.RequestSlotMatch", when=one_use_of_ids)
def a_request_gets_a_slot_of_its_profile(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """A fulfilled request gets a slot that its profile matches."""
    return all(
        e.kind != Effect.REQUEST_FULFILLED
        or (
            after.matched[e.allocation] == before.request_profile[e.request]
            and after.fulfilled[before.request_id[e.request]] == e.allocation
        )
        for e in after.effects
    )


def is_in_front(s: DeclarativePoolState, request: int, other: int) -> bool:
    """Whether both are pending, `request` before `other`."""
    return place_of(s.pending, request) < place_of(s.pending, other) != NONE


overtakes = first_of(
    (
        "requests that name an allocation and do not get it come behind others (D8)",
        uses(Strategy.PREFERRED) | uses(Strategy.PREFERRED_BALANCED),
    ),
    ("the balanced strategy serves heavy requests first", uses(Strategy.BALANCED)),
)


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.pendingRequests: in requested order",
    when=one_use_of_ids,
    deviation=overtakes,
)
def requests_of_one_profile_are_served_in_order(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """No request is served while an earlier one that the slot would serve as well goes on waiting.

    A request that names this very allocation may come first.
    """
    return not any(
        e.kind == Effect.REQUEST_FULFILLED
        and earlier != NONE
        and before.request_profile[earlier] == before.request_profile[e.request]
        and is_in_front(before, earlier, e.request)
        and place_of(after.pending, earlier) != NONE
        and not before.prefers[e.request * len(before.slot) + e.allocation]
        for e in after.effects
        for earlier in before.pending
    )


serves_at_once = bridged & ~is_set("defer", "can_delay")
"""The bridge serves requests as slots come."""
all_at_once = known(
    "without deferral the balanced strategy compares all pending requests with the slots"
    " of one message (D9)",
    uses(Strategy.BALANCED) | uses(Strategy.PREFERRED_BALANCED),
)


def waits_beside(after: DeclarativePoolState, allocation: int) -> bool:
    """Whether a free slot is left beside a pending request that it matches."""
    return after.slot[allocation] == AllocatedSlot.FREE and any(
        request != NONE and matches_request(after, allocation, request) for request in after.pending
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.newSlotsAreAvailable",
    on=offer_slot,
    when=serves_at_once,
    deviation=all_at_once,
)
def a_new_slot_serves_a_request(
    before: DeclarativePoolState, after: DeclarativePoolState, allocation: int
) -> bool:
    """A new slot that matches a pending request is not left free beside it."""
    return is_held(before, allocation) or raised(after) or not waits_beside(after, allocation)


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.newSlotsAreAvailable",
    on=offer_two_slots,
    when=serves_at_once,
    deviation=all_at_once,
)
def two_new_slots_serve_requests(
    before: DeclarativePoolState, after: DeclarativePoolState, allocation: int, other: int
) -> bool:
    """Neither of two new slots is left free beside a pending request that it matches."""
    return raised(after) or not any(
        not is_held(before, a) and waits_beside(after, a) for a in (allocation, other)
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.allocateAvailableSlot", on=allocate_available_slot, when=bridged
)
def a_slot_that_is_allocated_is_reserved(
    after: DeclarativePoolState, result: int, request_id: int, allocation: int
) -> bool:
    """A free slot that the job takes is its own from then on."""
    return result == NONE or (
        after.slot[allocation] == AllocatedSlot.RESERVED
        and after.fulfilled[request_id] == allocation
    )


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.reserveFreeSlot", on=reserve_free_slot, when=on_time
)
def a_reserved_slot_counts_for_its_use(
    after: DeclarativePoolState, result: int, allocation: int, profile: int
) -> bool:
    """A slot counts for the requirement that it is reserved for."""
    return result == NONE or after.matched[allocation] == profile


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.adjustRequirements", on=reserve_free_slot, when=on_time
)
def another_use_moves_the_requirement(
    before: DeclarativePoolState,
    after: DeclarativePoolState,
    result: int,
    allocation: int,
    profile: int,
) -> bool:
    """If a slot is reserved for another requirement, one moves to what the slot counted for.

    Not so for the wildcard: nobody required that slot.
    """
    old = before.matched[allocation]
    if result == NONE or old == profile or (old == before.wildcard and before.has_wildcard):
        return result == NONE or unchanged(before, after, "required")
    return after.required[old] == before.required[old] + 1 and after.required[profile] == max(
        0, before.required[profile] - 1
    )


@declarative_slot_pool.step("DeclarativeSlotPoolBridge: completion of futures", when=on_time)
def no_request_is_served_twice(before: DeclarativePoolState, after: DeclarativePoolState) -> bool:
    """No step fulfils a request more than once."""
    return all(fulfilled_with(after, request) <= 1 for request in range(len(before.request)))
