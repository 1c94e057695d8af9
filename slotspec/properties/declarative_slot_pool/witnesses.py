"""What can happen: each witness guards properties that would hold of nothing otherwise."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.environment import (
    can_restart,
    gives_up,
    has_batch_check,
    has_payloads,
    has_preferences,
    has_repetitions,
    is_bridge,
    is_delayed,
    is_pool,
)
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    Bridge,
    DelayedDeclaration,
    Payload,
    SlotRequest,
)
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    Timer,
)
from slotspec.properties.declarative_slot_pool.views import (
    has_idle_check,
    is_mixed,
    is_started,
    matches_request,
    pending_count,
    reserved_count,
)
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.rules import NONE

has_two_requests = is_bridge & exceeds("requests", 1) & exceeds("request_ids", 1)
"""Two requests can be pending."""
waits_for_all = is_bridge & is_set("defer", "can_delay")
"""Requests are deferred."""
reuses_ids = is_bridge & is_set("reused_ids")
"""Request ids are used again while they are in use."""


@declarative_slot_pool.sometimes("DefaultDeclarativeSlotPool.reserveFreeSlot")
def a_slot_is_in_use(s: DeclarativePoolState) -> bool:
    """A slot is reserved."""
    return AllocatedSlot.RESERVED in s.slot


@declarative_slot_pool.sometimes("DeclarativeSlotPoolBridge.pendingRequests", when=has_two_requests)
def two_requests_wait(s: DeclarativePoolState) -> bool:
    """Two requests are pending."""
    return pending_count(s) > 1


@declarative_slot_pool.sometimes("DeclarativeSlotPoolBridge.requestNewAllocatedSlot", when=gives_up)
def a_request_waits_beside_a_slot_that_matches(s: DeclarativePoolState) -> bool:
    """A request waits although a free slot matches: requests do not look at free slots."""
    return any(
        a != NONE and r != NONE and matches_request(s, a, r) for a in s.free for r in s.pending
    )


@declarative_slot_pool.sometimes("DeclarativeSlotPoolBridge", when=is_bridge)
def everything_required_is_in_use(s: DeclarativePoolState) -> bool:
    """All requests are served, and the ResourceManager knows what is required."""
    return is_started(s) and s.gateway != NONE and pending_count(s) == 0 and reserved_count(s) > 0


requires_less = is_pool | gives_up
"""What is required can be lowered."""


@declarative_slot_pool.sometimes("DefaultDeclarativeSlotPool.releaseIdleSlots", when=requires_less)
def a_slot_is_held_that_nobody_requires(s: DeclarativePoolState) -> bool:
    """The pool has a free slot though nothing is required."""
    return AllocatedSlot.FREE in s.slot and sum(s.required) == 0


@declarative_slot_pool.sometimes("DefaultDeclarativeSlotPool.adjustRequirements", when=is_mixed)
def a_slot_counts_for_another_profile(s: DeclarativePoolState) -> bool:
    """A slot in use counts for a requirement of another profile than its own."""
    return any(
        state == AllocatedSlot.RESERVED and s.matched[a] != s.slot_profile[a]
        for a, state in enumerate(s.slot)
    )


@declarative_slot_pool.sometimes("DefaultDeclarativeSlotPool.registerSlots", when=can_restart)
def a_slot_is_held_for_the_wildcard(s: DeclarativePoolState) -> bool:
    """A restarting job has taken a slot that nobody required."""
    return any(
        is_held(s, a) and matched == s.wildcard and s.slot_profile[a] != s.wildcard
        for a, matched in enumerate(s.matched)
    )


@declarative_slot_pool.sometimes("DefaultDeclarativeSlotPool (FLIP-370)", when=is_delayed)
def a_declaration_waits(s: DeclarativePoolState) -> bool:
    """A declaration waits for the delay to end."""
    return s.delayed[0] == DelayedDeclaration.WAITS


@declarative_slot_pool.sometimes(
    "DeclarativeSlotPoolBridge: deferred slot allocation (FLIP-370)", when=waits_for_all
)
def two_deferred_requests_have_been_served(s: DeclarativePoolState) -> bool:
    """Two deferred requests are served on two TaskExecutors."""
    return any(
        tm != NONE and other != NONE and tm != other
        for tm in s.fulfilled_tm
        for other in s.fulfilled_tm
    )


@declarative_slot_pool.sometimes(
    "DefaultDeclareResourceRequirementServiceConnectionManager", when=has_repetitions
)
def a_declaration_is_to_be_repeated(s: DeclarativePoolState) -> bool:
    """A failed declaration is going to be sent again."""
    return Timer.REPETITION in s.timer


@declarative_slot_pool.sometimes(
    "DeclarativeSlotPoolBridge.checkIdleSlotTimeout", when=has_idle_check
)
def a_slot_is_as_old_as_the_timeout(s: DeclarativePoolState) -> bool:
    """A free slot that is required survives its timeout."""
    return any(age >= s.idle_timeout for age in s.idle_for)


@declarative_slot_pool.sometimes(
    "DeclarativeSlotPoolBridge.checkBatchSlotTimeout", when=has_batch_check
)
def a_batch_request_is_marked(s: DeclarativePoolState) -> bool:
    """The batch check has found that no slot matches a request."""
    return 1 in s.unfulfillable


@declarative_slot_pool.sometimes(
    "PreferredAllocationRequestSlotMatchingStrategy", when=has_preferences
)
def a_picky_request_has_its_slot(s: DeclarativePoolState) -> bool:
    """The allocation that a pending request names is held, and another request has it."""
    return any(
        r != NONE and s.prefers[r * len(s.slot) + a] == 1 and s.slot[a] == AllocatedSlot.RESERVED
        for r in s.pending
        for a in range(len(s.slot))
    )


@declarative_slot_pool.sometimes("DeclarativeSlotPoolBridge.pendingRequests", when=reuses_ids)
def a_request_is_replaced(s: DeclarativePoolState) -> bool:
    """A request waits whose entry belongs to another call with the same id."""
    return SlotRequest.FORGOTTEN in s.request


@declarative_slot_pool.sometimes("PhysicalSlot.Payload", when=has_payloads)
def a_payload_runs(s: DeclarativePoolState) -> bool:
    """Something runs in a slot."""
    return Payload.ASSIGNED in s.payload


@declarative_slot_pool.sometimes("DeclarativeSlotPoolService.close", when=is_bridge)
def the_job_ends(s: DeclarativePoolState) -> bool:
    """The bridge is closed."""
    return s.bridge_state[0] == Bridge.CLOSED


@declarative_slot_pool.sometimes(
    "DefaultDeclarativeSlotPool.registerNewSlotsListener", when=is_pool
)
def the_pool_alone_has_a_listener(s: DeclarativePoolState) -> bool:
    """Somebody listens for new slots of the pool alone."""
    return s.slots_listener == 1
