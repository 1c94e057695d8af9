"""Which records are in use: bounded checking needs them back when nothing refers to them."""

from __future__ import annotations

from slotspec.models.slot_pool.lifecycles import PhysicalSlot, SlotRequest
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE, fire, recycle


def is_queued(s: SlotPoolState, request: int) -> bool:
    """Whether the pool has this very record in a queue (its future may be complete)."""
    return place_of(s.pending, request) != NONE or place_of(s.waiting, request) != NONE


def is_leaked(s: SlotPoolState, allocation: int) -> bool:
    """Whether a leaked slot has this allocation."""
    for leak in range(len(s.leaked)):
        if s.leaked_allocation[leak] == allocation:
            return True
    return False


def is_unused(s: SlotPoolState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id, nor to the request record of that number."""
    if s.slot[allocation] != PhysicalSlot.UNKNOWN:
        return False
    if allocation < len(s.request) and (
        s.request[allocation] != SlotRequest.UNUSED or s.call_open[allocation]
    ):
        return False
    for request in range(len(s.request)):
        if s.stored_allocation[request] == allocation:
            return False
    return not is_leaked(s, allocation)


def is_id_unused(s: SlotPoolState, request_id: int) -> bool:
    """Whether no request and no slot has this request id."""
    for request in range(len(s.request)):
        if s.request_id[request] == request_id:
            return False
    for allocation in range(len(s.slot)):
        if s.slot_request[allocation] == request_id:
            return False
    return True


@slot_pool.after_each_step
def recycle_records(s: SlotPoolState) -> None:
    """Clear the records of requests that are over and in no queue.

    A forgotten batch request is over, since it has no timeout. Where request ids are reused,
    an open call to the ResourceManager keeps its id: its failure acts by it.
    """
    for request in range(len(s.request)):
        if s.request[request] != SlotRequest.UNUSED and not is_queued(s, request):
            if (
                s.request[request] == SlotRequest.FORGOTTEN
                and s.batch[request]
                and not s.follow_clock
            ):
                fire(s.request, request, SlotRequest.abandon)
            if not is_open(s, request):
                clear_request(s, request)
        elif s.request[request] == SlotRequest.UNUSED and not s.call_open[request]:
            s.request_id[request] = NONE


def clear_request(s: SlotPoolState, request: int) -> None:
    """The request's life is over: its record may serve another."""
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
