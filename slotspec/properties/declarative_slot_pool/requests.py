"""What happens to a request, and to its slot when it is given up."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import is_open
from slotspec.models.declarative_slot_pool.environment import (
    has_batch,
    not_enough_resources,
    release_slot,
    request_timeout,
)
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, SlotRequest
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    Effect,
    request_ids,
    requests,
)
from slotspec.models.declarative_slot_pool.versions import BatchSpared
from slotspec.properties.declarative_slot_pool.views import (
    TWINS,
    bridged,
    failed,
    fulfilled_with,
    on_time,
    one_use_of_ids,
)
from slotspec.statemachine.declaration.conditions import equals, is_set, known
from slotspec.statemachine.declaration.rules import NONE


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.pendingRequests",
    when=bridged,
    each={"r": requests},
    deviation=known(TWINS, is_set("reused_ids")),
)
def no_request_is_forgotten(s: DeclarativePoolState, r: int) -> bool:
    """Every request that waits can be served: the pool knows it."""
    return s.request[r] != SlotRequest.FORGOTTEN


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge: completion of futures", each={"r": requests}
)
def a_request_is_answered_once(
    before: DeclarativePoolState, after: DeclarativePoolState, r: int
) -> bool:
    """A future completes at most once, and only one that somebody waits for."""
    answers = fulfilled_with(after, r) + failed(after, r)
    return answers == 0 or (answers == 1 and is_open(before, r))


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge: completion of futures", when=one_use_of_ids, each={"r": requests}
)
def a_request_that_leaves_is_answered(
    before: DeclarativePoolState, after: DeclarativePoolState, r: int
) -> bool:
    """A request does not cease to wait without an answer."""
    return (
        not is_open(before, r)
        or is_open(after, r)
        or fulfilled_with(after, r) + failed(after, r) == 1
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.releaseSlot", on=release_slot, when=one_use_of_ids
)
def a_released_request_is_gone(
    before: DeclarativePoolState, after: DeclarativePoolState, request_id: int
) -> bool:
    """After a release, nothing is pending or fulfilled under that id."""
    return after.fulfilled[request_id] == NONE and not any(
        r != NONE and before.request_id[r] == request_id for r in after.pending
    )


@declarative_slot_pool.step("DeclarativeSlotPoolBridge.releaseSlot", on=release_slot, when=bridged)
def a_caller_hears_last_of_a_release(after: DeclarativePoolState) -> bool:
    """What is required is lowered and declared before the caller of a pending request is told."""
    return not any(
        later > earlier and e.kind == Effect.REQUEST_FAILED and f.kind == Effect.DECLARE
        for earlier, e in enumerate(after.effects)
        for later, f in enumerate(after.effects)
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.releaseSlot",
    on=release_slot,
    when=one_use_of_ids,
    each={"other": request_ids},
)
def a_release_fails_nobody_else(
    before: DeclarativePoolState, after: DeclarativePoolState, request_id: int, other: int
) -> bool:
    """Releasing one request fails no other."""
    return other == request_id or not any(
        e.kind == Effect.REQUEST_FAILED and before.request_id[e.request] == other
        for e in after.effects
    )


@declarative_slot_pool.step("DeclarativeSlotPoolBridge.releaseSlot", on=release_slot, when=bridged)
def a_release_returns_no_slot(after: DeclarativePoolState) -> bool:
    """A slot that a request gives up stays in the pool: for another request, or until idle."""
    return not any(e.kind == Effect.FREE_SLOT for e in after.effects)


@declarative_slot_pool.step("DeclarativeSlotPoolBridge.releaseSlot", on=release_slot, when=bridged)
def a_released_slot_is_free_or_serves_another(
    before: DeclarativePoolState, after: DeclarativePoolState, request_id: int
) -> bool:
    """The slot of a released request is free, or another request gets it in the same step."""
    slot = before.fulfilled[request_id]
    if slot == NONE or before.slot[slot] != AllocatedSlot.RESERVED:
        return True
    return after.slot[slot] == AllocatedSlot.FREE or any(
        e.kind == Effect.REQUEST_FULFILLED and e.allocation == slot for e in after.effects
    )


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.internalRequestNewAllocatedSlot: timeout", on=request_timeout
)
def a_timeout_fails_its_request(after: DeclarativePoolState, request: int) -> bool:
    """A timeout fails the request that it belongs to."""
    return failed(after, request) == 1


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.failPendingRequests",
    on=not_enough_resources,
    when=on_time,
    each={"r": requests},
)
def without_resources_streaming_requests_fail(
    before: DeclarativePoolState, after: DeclarativePoolState, r: int
) -> bool:
    """If there are not enough resources, every pending streaming request fails."""
    return r not in before.pending or before.batch[r] == 1 or r not in after.pending


spares_batch = has_batch & equals("batch_spared", BatchSpared.ALWAYS)
"""Batch requests are always spared."""


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.failPendingRequests",
    on=not_enough_resources,
    when=spares_batch,
    each={"r": requests},
)
def without_resources_batch_requests_wait(
    before: DeclarativePoolState, after: DeclarativePoolState, r: int
) -> bool:
    """Batch requests wait for the resources of others, since 1.20."""
    return r not in before.pending or before.batch[r] == 0 or r in after.pending
