"""Frees the records that nothing refers to any more, so that a bounded check can use them again."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import is_open
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, SlotRequest
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState
from slotspec.statemachine.declaration.rules import NONE, Array, fire, recycle


def is_id_unused(s: DeclarativePoolState, request_id: int) -> bool:
    """Whether no request and no slot has this request id."""
    return request_id not in s.request_id and s.fulfilled[request_id] == NONE


def is_unused(s: DeclarativePoolState, request: int) -> bool:
    """Whether the next request may use this record."""
    return s.request[request] == SlotRequest.UNUSED


def is_allocation_unused(s: DeclarativePoolState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id."""
    return (
        s.slot[allocation] == AllocatedSlot.ABSENT
        and s.matched[allocation] == NONE
        and allocation not in s.fulfilled
        and not any(
            s.prefers[request * len(s.slot) + allocation] for request in range(len(s.request))
        )
    )


def clear(scratch: Array, rest: int) -> None:
    """Clear a scratch field."""
    for place in range(len(scratch)):
        scratch[place] = rest


@declarative_slot_pool.after_each_step
def recycle_records(s: DeclarativePoolState) -> None:
    """Clear the records of requests that are over and not pending, and what rules noted."""
    for request, future in enumerate(s.request):
        # those that wait are not looked for, or time would grow with the square of their number
        if future not in (SlotRequest.UNUSED, SlotRequest.PENDING) and request not in s.pending:
            if future == SlotRequest.FORGOTTEN and not s.can_time_out[request]:
                fire(s.request, request, SlotRequest.abandon)
            if not is_open(s, request):
                clear_request(s, request)
    clear_notes(s)


def clear_request(s: DeclarativePoolState, request: int) -> None:
    """The request's life is over, and another may use its record."""
    recycle(s.request, request)
    s.request_id[request] = NONE
    s.request_profile[request] = NONE
    s.batch[request] = 0
    s.can_time_out[request] = 0
    s.picky[request] = 0
    s.request_load[request] = 0
    s.unfulfillable[request] = 0
    s.unfulfillable_for[request] = 0
    width = len(s.slot)
    for wish in range(request * width, (request + 1) * width):
        s.prefers[wish] = 0


def clear_notes(s: DeclarativePoolState) -> None:
    """Clear the scratch fields, and the orders of the step."""
    s.profile_order = 0
    s.slot_order = 0
    s.other_order = 0
    clear(s.offer_allocation, NONE)
    clear(s.offer_index, NONE)
    clear(s.offer_profile, NONE)
    clear(s.accepted, 0)
    clear(s.counted, 0)
    clear(s.new, NONE)
    clear(s.going, NONE)
    clear(s.kept_payload, 0)
    clear(s.excess, 0)
    clear(s.wanting, NONE)
    clear(s.match_request, NONE)
    clear(s.match_slot, NONE)
    clear(s.tm_load, 0)
    clear(s.want, 0)
    clear(s.have, 0)
    clear(s.base, 0)
    clear(s.heap, NONE)
    clear(s.heap_size, 0)
