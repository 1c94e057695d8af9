"""Completion of a request's future: whom the pool tells, and in which order.

Hooks run newest first. A request that was sent in the request call tells its caller before
the ResourceManager; one that had waited tells the ResourceManager first. Flink: the
callbacks that SlotPoolImpl puts on PendingRequest.allocatedSlotFuture.
"""

from __future__ import annotations

from slotspec.models.slot_pool.lifecycles import PhysicalSlot, SlotRequest
from slotspec.models.slot_pool.queues import clear_slot, is_open, orphan_allocation, take
from slotspec.models.slot_pool.state import Cause, Effect, Error, Root, SlotPoolState
from slotspec.models.slot_pool.versions import OrphanedAllocation
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def cancel_slot_request(s: SlotPoolState, gateway: int, allocation: int) -> None:
    """Tell a ResourceManager that `allocation` is not needed. Flink: cancelSlotRequest."""
    emit(s, Effect.CANCEL_SLOT_REQUEST, gateway, allocation)
    if s.slot[allocation] == PhysicalSlot.PENDING:
        fire(s.slot, allocation, PhysicalSlot.cancel)
        clear_slot(s, allocation)


def allocation_to_cancel(s: SlotPoolState, request: int) -> int:
    """What a failing request cancels: the allocation as sent, or the one now stored."""
    cancelled = s.orphaned_allocation == OrphanedAllocation.CANCELLED
    return request if cancelled else s.stored_allocation[request]


def gateway_to_cancel_at(s: SlotPoolState, request: int) -> int:
    """The gateway that a failing request tells: the one that was asked, even if replaced since."""
    return s.sent_to[request]


def run_cancel_hook(s: SlotPoolState, request: int) -> None:
    """The hook that was put on the future when the request was sent, if it was."""
    if s.sent_to[request] != NONE:
        gateway = gateway_to_cancel_at(s, request)
        if gateway != NONE:
            cancel_slot_request(s, gateway, allocation_to_cancel(s, request))


def complete_exceptionally(s: SlotPoolState, request: int, error: int, root: int) -> None:
    """Fail an open future, and tell its caller and the ResourceManager."""
    match error:
        case Error.TIMEOUT:
            fire(s.request, request, SlotRequest.time_out)
        case Error.RELEASED:
            fire(s.request, request, SlotRequest.cancel)
        case _:
            fire(s.request, request, SlotRequest.fail)
    if s.waited[request]:
        run_cancel_hook(s, request)
        emit(s, Effect.REQUEST_FAILED, request, error, root)
    else:
        emit(s, Effect.REQUEST_FAILED, request, error, root)
        run_cancel_hook(s, request)


def fail_request(s: SlotPoolState, request: int, error: int, root: int, cause: int) -> None:
    """Fail the future of a request that has left the queues, if it is open.

    A TimeoutException triggers the timeout hook of a streaming request, which takes whatever
    is queued under the same request id and fails that too. Flink: failPendingRequest,
    timeoutPendingSlotRequest.
    """
    timeout = error == Error.TIMEOUT or (error == Error.GIVEN and cause == Cause.TIMEOUT)
    while request != NONE:
        if not is_open(s, request):
            # a finished entry leaves without notice, and so does the allocation asked for it
            if s.stored_allocation[request] != NONE:
                orphan_allocation(s, s.stored_allocation[request])
            return
        complete_exceptionally(s, request, error, root)
        if not timeout or s.batch[request]:
            return
        request = take(s, s.request_id[request])
        error, root = Error.TIMEOUT, Root.ITSELF


def is_served_by_another(request: int, allocation: int) -> bool:
    """Whether a request got another slot than the one that was asked for it."""
    return allocation != request


def complete(s: SlotPoolState, request: int, allocation: int) -> bool:
    """Complete an open future with the slot of `allocation`; False if it was complete.

    1.11's cancel hook also runs here: if another slot serves the request, it cancels the
    allocation that was asked for.
    """
    if not is_open(s, request):
        return False
    fire(s.request, request, SlotRequest.fulfil)
    foreign = (
        s.orphaned_allocation == OrphanedAllocation.CANCELLED
        and s.sent_to[request] != NONE
        and is_served_by_another(request, allocation)
    )
    if foreign and s.waited[request]:
        run_cancel_hook(s, request)
    emit(s, Effect.REQUEST_FULFILLED, request, allocation)
    if foreign and not s.waited[request]:
        run_cancel_hook(s, request)
    return True
