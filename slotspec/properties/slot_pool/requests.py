"""What becomes of a request and of what was asked for it."""

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
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.models.slot_pool.versions import IgnoredFailure, OrphanedAllocation
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.offers import without_reuse
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def orphaned(setting: Setting) -> str | None:
    if setting["reused_ids"]:
        return TWINS
    if setting["orphaned_allocation"] == OrphanedAllocation.REMAPPED:
        return (
            "a request served by another's slot while no ResourceManager is connected is"
            " neither remapped nor cancelled"
        )
    return None


@slot_pool.step("SlotPoolImpl.maybeRemapOrphanedAllocation (FLINK-17019)", deviation=orphaned)
def no_allocation_is_orphaned(before: SlotPoolState, after: SlotPoolState) -> bool:
    """What was asked of a ResourceManager is held, inherited or cancelled, never orphaned.

    Except by suspend and close without a ResourceManager: then there is nobody to tell.
    """
    if after.pool[0] != Pool.STARTED:
        return True
    for allocation in range(len(before.slot)):
        if (
            before.slot[allocation] == PhysicalSlot.PENDING
            and after.slot[allocation] == PhysicalSlot.UNKNOWN
            and count_effects(after, int(Effect.CANCEL_SLOT_REQUEST), NONE, allocation) == 0
        ):
            return False
    return True


@slot_pool.step("SlotPoolImpl.maybeRemapOrphanedAllocation (FLINK-17019)", when=without_reuse)
def what_a_served_request_had_asked_for_is_inherited(
    before: SlotPoolState, after: SlotPoolState
) -> bool:
    """A request served by another's slot leaves its own allocation to whom that slot was for.

    Where nobody waits for that slot, and in 1.11 always, the allocation is cancelled; in
    1.12 and 1.13 only if a ResourceManager is connected.
    """
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.REQUEST_FULFILLED:
            orphan = before.stored_allocation[after.effects[i][1]]
            used = after.effects[i][2]
            if orphan != NONE and orphan != used:
                remaps = before.orphaned_allocation == OrphanedAllocation.REMAPPED
                heir = pending_under(before, used) if remaps else NONE
                cancels = count_effects(after, int(Effect.CANCEL_SLOT_REQUEST), NONE, orphan)
                if heir != NONE and after.stored_allocation[heir] != orphan:
                    return False
                if cancels != int(heir == NONE and (not remaps or before.gateway != NONE)):
                    return False
    return True


@slot_pool.step("SlotPoolImpl.maybeRemapOrphanedAllocation", when=without_reuse)
def a_cancelled_allocation_has_no_heir(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Nobody waits for what was cancelled in this step, and it was asked for before."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.CANCEL_SLOT_REQUEST:
            allocation = after.effects[i][2]
            if pending_under(after, allocation) != NONE:
                return False
    return True


def forgets(setting: Setting) -> str | None:
    return "suspend and close drop queued requests without failing them"


@slot_pool.step("SlotPoolImpl.clear", deviation=forgets)
def no_request_is_forgotten(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Whoever waits is served, or told that it will not be; nobody is dropped silently."""
    for request in range(len(before.request)):
        queued = (
            before.request[request] == SlotRequest.WAITING
            or before.request[request] == SlotRequest.PENDING
        )
        goes_on = (
            after.request[request] == SlotRequest.WAITING
            or after.request[request] == SlotRequest.PENDING
        )
        if (
            queued
            and not goes_on
            and count_effects(after, int(Effect.REQUEST_FULFILLED), request, NONE) == 0
            and count_effects(after, int(Effect.REQUEST_FAILED), request, NONE) == 0
        ):
            return False
    return True


def overtaking(setting: Setting) -> str | None:
    if setting["ignored_failure"] == IgnoredFailure.MOVES_TO_END and setting["batch_requests"]:
        return "an ignored failure of a batch request moves it to the end of the queue (1.11)"
    return TWINS if setting["reused_ids"] else None


@slot_pool.step("SlotPoolImpl.pendingRequests: in requested order", deviation=overtaking)
def no_pending_request_overtakes(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Of two requests that stay pending, the one in front stays in front."""
    for place in range(len(before.pending)):
        request = before.pending[place]
        for behind in range(place + 1, len(before.pending)):
            other = before.pending[behind]
            if request != NONE and other != NONE:
                front = place_of(after.pending, request)
                back = place_of(after.pending, other)
                if front != NONE and back != NONE and back < front:
                    return False
    return True


@slot_pool.step(
    "SlotPoolImpl: the cancel hook keeps its gateway", on=request_timeout, when=without_reuse
)
def a_timed_out_request_is_cancelled_where_it_was_sent(
    before: SlotPoolState, after: SlotPoolState, result: int, request: int
) -> bool:
    """A request that times out tells the ResourceManager that was asked, even if replaced."""
    cancels = 0
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.CANCEL_SLOT_REQUEST:
            cancels += 1
            if after.effects[i][1] != before.sent_to[request]:
                return False
    return result == 1 and (cancels == 1) == (before.sent_to[request] != NONE)


@slot_pool.step("SlotPoolImpl.releaseSlot", on=release_slot, when=without_reuse)
def releasing_a_queued_request_fails_it(
    before: SlotPoolState, after: SlotPoolState, result: int, request_id: int
) -> bool:
    """The caller of a request that is given up in a queue is told so, and nobody else."""
    request = queued_with_id(before, before.waiting, request_id)
    if request == NONE:
        request = queued_with_id(before, before.pending, request_id)
    failures = count_effects(after, int(Effect.REQUEST_FAILED), NONE, NONE)
    if request == NONE:
        return failures == 0
    return failures == 1 and count_effects(after, int(Effect.REQUEST_FAILED), request, NONE) == 1


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored", on=fail_allocation, when=has_batch
)
def batch_requests_ignore_failed_allocations(
    before: SlotPoolState, after: SlotPoolState, result: int, allocation: int, failure: int
) -> bool:
    """A batch request stays queued when its allocation fails, unless that is final."""
    request = pending_under(before, allocation)
    if before.executor == 0 or request == NONE or failure == Failure.UNFULFILLABLE:
        return True
    if not before.batch[request]:
        return count_effects(after, int(Effect.REQUEST_FAILED), request, NONE) == int(
            is_open(before, request)
        )
    return (
        pending_under(after, allocation) == request
        and count_effects(after, int(Effect.REQUEST_FAILED), NONE, NONE) == 0
    )


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored",
    on=resource_manager_fails,
    when=has_batch,
    deviation=reused(TWINS),
)
def batch_requests_ignore_resource_manager_failures(
    before: SlotPoolState, after: SlotPoolState, result: int, request: int, failure: int
) -> bool:
    """A batch request stays queued when the ResourceManager fails, unless that is final."""
    if failure == Failure.UNFULFILLABLE:
        return True
    for other in range(len(before.request)):
        if (
            before.batch[other]
            and count_effects(after, int(Effect.REQUEST_FAILED), other, NONE) > 0
        ):
            return False
    return True


@slot_pool.step(
    "SlotPoolImpl.isBatchRequestAndFailureCanBeIgnored (FLINK-13555)",
    on=resource_manager_fails,
    when=has_batch,
    deviation=reused(TWINS),
)
def a_batch_request_that_nobody_can_fulfil_fails_at_once(
    before: SlotPoolState, after: SlotPoolState, result: int, request: int, failure: int
) -> bool:
    """A final failure is told to the caller of a pending batch request, who need not wait on."""
    if failure != Failure.UNFULFILLABLE or before.request[request] != SlotRequest.PENDING:
        return True
    if not before.batch[request]:
        return True
    return count_effects(after, int(Effect.REQUEST_FAILED), request, NONE) == 1
