"""What happens to a request and to the allocation asked for it."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import (
    Failure,
    fail_allocation,
    has_batch,
    release_slot,
    request_timeout,
    resource_manager_fails,
)
from slotspec.models.slot_pool.lifecycles import PhysicalSlot, Pool, SlotRequest
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_open, pending_under, queued_with_id
from slotspec.models.slot_pool.state import Effect, SlotPoolState, allocations, requests
from slotspec.models.slot_pool.versions import IgnoredFailure, OrphanedAllocation
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.offers import without_reuse
from slotspec.properties.slot_pool.views import answers, cancels, count, fails
from slotspec.statemachine.declaration.conditions import equals, first_of, is_set, known
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE, Array, unchanged

orphaned = first_of(
    (TWINS, is_set("reused_ids")),
    (
        "a request served by another's slot while no ResourceManager is connected is"
        " neither remapped nor cancelled",
        equals("orphaned_allocation", OrphanedAllocation.REMAPPED),
    ),
)


@slot_pool.step(
    "SlotPoolImpl.maybeRemapOrphanedAllocation (FLINK-17019)",
    each={"allocation": allocations},
    deviation=orphaned,
)
def no_allocation_is_orphaned(before: SlotPoolState, after: SlotPoolState, allocation: int) -> bool:
    """An allocation asked of a ResourceManager is held, inherited or cancelled, never orphaned.

    The exception is suspend and close without a ResourceManager: then there is nobody to tell.
    """
    return (
        after.pool[0] != Pool.STARTED
        or before.slot[allocation] != PhysicalSlot.PENDING
        or after.slot[allocation] != PhysicalSlot.UNKNOWN
        or cancels(after, allocation) > 0
    )


@slot_pool.step("SlotPoolImpl.maybeRemapOrphanedAllocation (FLINK-17019)", when=without_reuse)
def what_a_served_request_had_asked_for_is_inherited(
    before: SlotPoolState, after: SlotPoolState
) -> bool:
    """A request served by another's slot leaves its own allocation to whoever waits for that slot.

    If nobody waits for it, and in 1.11 always, the pool cancels the allocation; in 1.12 and
    1.13 only if a ResourceManager is connected.
    """
    return all(
        is_handed_on(before, after, before.stored_allocation[e.request], e.allocation)
        for e in after.effects
        if e.kind == Effect.REQUEST_FULFILLED
    )


def is_handed_on(before: SlotPoolState, after: SlotPoolState, orphan: int, used: int) -> bool:
    """Whether `orphan` is inherited or cancelled, as it must be if `used` served in its place."""
    if orphan in (NONE, used):
        return True
    remaps = before.orphaned_allocation == OrphanedAllocation.REMAPPED
    heir = pending_under(before, used) if remaps else NONE
    if heir != NONE:
        return after.stored_allocation[heir] == orphan and cancels(after, orphan) == 0
    return cancels(after, orphan) == (not remaps or before.gateway != NONE)


@slot_pool.step("SlotPoolImpl.maybeRemapOrphanedAllocation", when=without_reuse)
def a_cancelled_allocation_has_no_heir(after: SlotPoolState) -> bool:
    """Nobody waits for an allocation that this step cancelled."""
    return all(
        pending_under(after, e.allocation) == NONE
        for e in after.effects
        if e.kind == Effect.CANCEL_SLOT_REQUEST
    )


forgets = known("suspend and close drop queued requests without failing them")


@slot_pool.step("SlotPoolImpl.clear", each={"request": requests}, deviation=forgets)
def no_request_is_forgotten(before: SlotPoolState, after: SlotPoolState, request: int) -> bool:
    """Every waiting request is served or failed; none is dropped silently."""
    return (
        before.request[request] not in (SlotRequest.WAITING, SlotRequest.PENDING)
        or after.request[request] in (SlotRequest.WAITING, SlotRequest.PENDING)
        or answers(after, request) > 0
    )


def is_in_front(queue: Array, request: int, other: int) -> bool:
    """Whether both are in the queue, `request` before `other`."""
    return place_of(queue, request) < place_of(queue, other) != NONE


@slot_pool.step(
    "SlotPoolImpl.pendingRequests: in requested order",
    deviation=first_of(
        (
            "an ignored failure of a batch request moves it to the end of the queue (1.11)",
            equals("ignored_failure", IgnoredFailure.MOVES_TO_END) & is_set("batch_requests"),
        ),
        (TWINS, is_set("reused_ids")),
    ),
)
def no_pending_request_overtakes(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Of two requests that stay pending, the one in front stays in front."""
    return unchanged(before, after, "pending") or not any(
        is_in_front(before.pending, request, other) and is_in_front(after.pending, other, request)
        for request in before.pending
        if request != NONE
        for other in before.pending
    )


@slot_pool.step(
    "SlotPoolImpl: the cancel hook keeps its gateway", on=request_timeout, when=without_reuse
)
def a_timed_out_request_is_cancelled_where_it_was_sent(
    before: SlotPoolState, after: SlotPoolState, result: int, request: int
) -> bool:
    """A request that times out tells the ResourceManager that was asked, even if replaced."""
    rm = before.sent_to[request]
    cancelled = count(after, Effect.CANCEL_SLOT_REQUEST)
    return (
        result == 1
        and (cancelled == 1) == (rm != NONE)
        and all(e.rm == rm for e in after.effects if e.kind == Effect.CANCEL_SLOT_REQUEST)
    )


@slot_pool.step("SlotPoolImpl.releaseSlot", on=release_slot, when=without_reuse)
def releasing_a_queued_request_fails_it(
    before: SlotPoolState, after: SlotPoolState, request_id: int
) -> bool:
    """Releasing a queued request fails it, and no other."""
    request = queued_with_id(before, before.waiting, request_id)
    if request == NONE:
        request = queued_with_id(before, before.pending, request_id)
    if request == NONE:
        return count(after, Effect.REQUEST_FAILED) == 0
    return count(after, Effect.REQUEST_FAILED) == 1 and fails(after, request)


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored", on=fail_allocation, when=has_batch
)
def batch_requests_ignore_failed_allocations(
    before: SlotPoolState, after: SlotPoolState, allocation: int, failure: int
) -> bool:
    """A batch request stays queued when its allocation fails, unless that is final."""
    request = pending_under(before, allocation)
    if not before.executor or request == NONE or failure == Failure.UNFULFILLABLE:
        return True
    if not before.batch[request]:
        return fails(after, request) == is_open(before, request)
    return pending_under(after, allocation) == request and count(after, Effect.REQUEST_FAILED) == 0


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored",
    on=resource_manager_fails,
    when=has_batch,
    deviation=reused(TWINS),
)
def batch_requests_ignore_resource_manager_failures(
    before: SlotPoolState, after: SlotPoolState, failure: int
) -> bool:
    """A batch request stays queued when the ResourceManager fails, unless that is final."""
    return failure == Failure.UNFULFILLABLE or not any(
        e.kind == Effect.REQUEST_FAILED and e.request != NONE and before.batch[e.request]
        for e in after.effects
    )


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored (FLINK-13555)",
    on=resource_manager_fails,
    when=has_batch,
    deviation=reused(TWINS),
)
def a_batch_request_that_nobody_can_fulfil_fails_at_once(
    before: SlotPoolState, after: SlotPoolState, request: int, failure: int
) -> bool:
    """A final failure fails a pending batch request at once."""
    return (
        failure != Failure.UNFULFILLABLE
        or before.request[request] != SlotRequest.PENDING
        or not before.batch[request]
        or fails(after, request)
    )
