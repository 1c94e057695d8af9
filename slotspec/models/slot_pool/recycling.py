"""Recycles the records that nothing refers to, so that a bounded check can use them again."""

from __future__ import annotations

from slotspec.models.slot_pool.lifecycles import PhysicalSlot, SlotRequest
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, fire, recycle


def is_queued(s: SlotPoolState, request: int) -> bool:
    """Whether the pool has this very record in a queue (its future may be complete)."""
    return request in s.pending or request in s.waiting


def is_unused(s: SlotPoolState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id, nor to the request record of that number."""
    if s.slot[allocation] != PhysicalSlot.UNKNOWN:
        return False
    if allocation in s.stored_allocation or allocation in s.leaked_allocation:
        return False
    return allocation >= len(s.request) or (
        s.request[allocation] == SlotRequest.UNUSED and not s.call_open[allocation]
    )


def is_id_unused(s: SlotPoolState, request_id: int) -> bool:
    """Whether no request and no slot has this request id."""
    return request_id not in s.request_id and request_id not in s.slot_request


@slot_pool.after_each_step
def recycle_records(s: SlotPoolState) -> None:
    """Clear the records of requests that are over and in no queue.

    A forgotten batch request is over, since it has no timeout. Where request ids are reused,
    an open call to the ResourceManager keeps its id, because its failure finds the request
    by it.
    """
    for request, future in enumerate(s.request):
        if future == SlotRequest.UNUSED:
            if not s.call_open[request]:
                s.request_id[request] = NONE
        # those that wait are asked for no queue, or time would grow with the square of their number
        elif future not in (SlotRequest.WAITING, SlotRequest.PENDING) and not is_queued(s, request):
            if future == SlotRequest.FORGOTTEN and s.batch[request] and not s.follow_clock:
                fire(s.request, request, SlotRequest.abandon)
            if not is_open(s, request):
                clear_request(s, request)


def clear_request(s: SlotPoolState, request: int) -> None:
    """The request's life is over, and another may use its record."""
    recycle(s.request, request)
    s.request_profile[request] = NONE
    s.batch[request] = 0
    s.waited[request] = 0
    s.sent_to[request] = NONE
    s.stored_allocation[request] = NONE
    s.unfulfillable[request] = 0
    s.unfulfillable_for[request] = 0
    if not s.reused_ids:
        s.call_open[request] = 0
    if not s.call_open[request]:
        s.request_id[request] = NONE
