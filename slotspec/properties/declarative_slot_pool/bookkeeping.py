"""The tables of the pool and of the bridge agree with one another."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import is_registered
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, Payload, SlotRequest
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    allocations,
    profiles,
    request_ids,
    requests,
)
from slotspec.properties.declarative_slot_pool.views import (
    LOST_IN_UNKNOWN,
    MISTAKES,
    TWINS,
    bridged,
    counts_for,
    is_started,
    one_use_of_ids,
)
from slotspec.statemachine.declaration.conditions import first_of, is_set, known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE


@declarative_slot_pool.always("DefaultAllocatedSlotPool.freeSlotsSince", each={"a": allocations})
def free_slots_are_listed_once(s: DeclarativePoolState, a: int) -> bool:
    """A free slot is among the free ones, once; no other is."""
    return sum(listed == a for listed in s.free) == int(s.slot[a] == AllocatedSlot.FREE)


@declarative_slot_pool.always("DefaultAllocatedSlotPool.freeSlotsSince")
def free_slots_are_listed_oldest_first(s: DeclarativePoolState) -> bool:
    """Of two free slots, the one in front has been free for at least as long."""
    return all(
        s.idle_for[s.free[place - 1]] >= s.idle_for[s.free[place]]
        for place in range(1, length(s.free))
    )


@declarative_slot_pool.always("DefaultAllocatedSlotPool.registeredSlots", each={"a": allocations})
def a_slot_of_the_pool_is_complete(s: DeclarativePoolState, a: int) -> bool:
    """A slot of the pool has a TaskExecutor, a profile and a requirement that it counts for."""
    if s.slot[a] == AllocatedSlot.ABSENT:
        return s.slot_tm[a] == NONE and s.slot_profile[a] == NONE
    return s.slot_tm[a] != NONE and s.slot_profile[a] != NONE and s.matched[a] != NONE


over_counted = first_of((MISTAKES, is_set("mistakes")), (LOST_IN_UNKNOWN, is_set("unknown_slots")))


@declarative_slot_pool.always(
    "DefaultDeclarativeSlotPool.fulfilledResourceRequirements",
    each={"profile": profiles},
    deviation=over_counted,
)
def what_is_acquired_is_there(s: DeclarativePoolState, profile: int) -> bool:
    """As many slots count as acquired for a profile as there are slots that count for it."""
    return s.acquired[profile] == counts_for(s, profile)


@declarative_slot_pool.always(
    "DefaultDeclarativeSlotPool.slotToRequirementProfileMappings",
    each={"a": allocations},
    deviation=over_counted,
)
def a_slot_that_is_gone_counts_for_nothing(s: DeclarativePoolState, a: int) -> bool:
    """A slot that is not in the pool counts for no requirement."""
    return is_held(s, a) or s.matched[a] == NONE


@declarative_slot_pool.always(
    "DeclarativeSlotPoolService.registeredTaskManagers", when=bridged, each={"a": allocations}
)
def only_registered_task_managers_have_slots(s: DeclarativePoolState, a: int) -> bool:
    """The TaskExecutor of a slot is registered."""
    return not is_held(s, a) or is_registered(s, s.slot_tm[a])


@declarative_slot_pool.always("DeclarativeSlotPoolBridge.pendingRequests", when=one_use_of_ids)
def pending_requests_wait(s: DeclarativePoolState) -> bool:
    """Every pending request has a caller that waits."""
    return all(r == NONE or s.request[r] == SlotRequest.PENDING for r in s.pending)


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.pendingRequests", when=one_use_of_ids, each={"r": requests}
)
def a_request_that_waits_is_pending(s: DeclarativePoolState, r: int) -> bool:
    """A request that waits is among the pending ones, once."""
    return sum(p == r for p in s.pending) == int(s.request[r] == SlotRequest.PENDING)


@declarative_slot_pool.always("DeclarativeSlotPoolBridge.pendingRequests: a map by id")
def pending_requests_have_different_ids(s: DeclarativePoolState) -> bool:
    """No two pending requests have the same id."""
    return not any(
        s.request_id[s.pending[one]] == s.request_id[s.pending[other]]
        for one in range(length(s.pending))
        for other in range(one)
    )


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.fulfilledRequests", when=one_use_of_ids, each={"i": request_ids}
)
def a_request_is_pending_or_fulfilled(s: DeclarativePoolState, i: int) -> bool:
    """No request id is both pending and fulfilled."""
    return s.fulfilled[i] == NONE or not any(r != NONE and s.request_id[r] == i for r in s.pending)


stale = first_of(
    ("a slot that is lost leaves the entry of its request behind (D4)", is_set("losses")),
    (MISTAKES, is_set("mistakes")),
)


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.fulfilledRequests",
    when=bridged,
    each={"i": request_ids},
    deviation=stale,
)
def a_fulfilled_request_has_its_slot(s: DeclarativePoolState, i: int) -> bool:
    """The slot of a fulfilled request is in the pool, and reserved."""
    return (
        s.fulfilled[i] == NONE
        or not is_started(s)
        or s.slot[s.fulfilled[i]] == AllocatedSlot.RESERVED
    )


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.fulfilledRequests",
    when=bridged,
    each={"a": allocations},
    deviation=stale,
)
def a_slot_is_that_of_one_request(s: DeclarativePoolState, a: int) -> bool:
    """No two request ids have the same slot: else releasing one frees the slot of the other."""
    return sum(holder == a for holder in s.fulfilled) <= 1


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.fulfilledRequests",
    when=bridged,
    each={"a": allocations},
    deviation=first_of((MISTAKES, is_set("mistakes")), (TWINS, is_set("reused_ids"))),
)
def a_reserved_slot_is_that_of_a_request(s: DeclarativePoolState, a: int) -> bool:
    """A slot that is not free belongs to a fulfilled request: nobody else would free it."""
    return s.slot[a] != AllocatedSlot.RESERVED or a in s.fulfilled


@declarative_slot_pool.always(
    "PhysicalSlot.Payload", each={"a": allocations}, deviation=known(MISTAKES, is_set("mistakes"))
)
def payloads_run_in_reserved_slots(s: DeclarativePoolState, a: int) -> bool:
    """What runs, runs in a slot that is somebody's."""
    return s.payload[a] == Payload.UNASSIGNED or s.slot[a] == AllocatedSlot.RESERVED
