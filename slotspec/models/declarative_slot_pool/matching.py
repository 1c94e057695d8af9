"""Who gets which slot: the strategies that look at slots one by one.

A strategy reads ``new`` (slots) and ``wanting`` (requests), both in order, and takes out of them
what it notes in ``match_slot`` and ``match_request``. Flink: RequestSlotMatchingStrategy.
"""

from __future__ import annotations

from slotspec.models.common.orders import arrange
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.balancing import match_balanced
from slotspec.models.declarative_slot_pool.requirements import answer
from slotspec.models.declarative_slot_pool.state import OK, DeclarativePoolState, Raised
from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE


def note_match(s: DeclarativePoolState, request: int, allocation: int) -> None:
    """This request gets this slot."""
    append(s.match_request, request)
    append(s.match_slot, allocation)
    remove(s.wanting, request)
    remove(s.new, allocation)


def first_matching(s: DeclarativePoolState, allocation: int) -> tuple[int, int]:
    """A status, and the first request in order that a slot matches, or NONE."""
    for request in s.wanting:
        if request == NONE:
            break
        match answer(s, s.slot_profile[allocation], s.request_profile[request]):
            case Answer.THROWS:
                return int(Raised.UNSUPPORTED), NONE
            case Answer.YES:
                return OK, request
    return OK, NONE


def match_simply(s: DeclarativePoolState) -> int:
    """Each slot in order goes to the first request that it matches.

    Flink: SimpleRequestSlotMatchingStrategy.
    """
    place = 0
    while place < length(s.new):
        allocation = s.new[place]
        status, request = first_matching(s, allocation)
        if status != OK:
            return status
        if request == NONE:
            place += 1
        else:
            note_match(s, request, allocation)
    return OK


def first_picky(s: DeclarativePoolState, allocation: int) -> tuple[int, int]:
    """A status, and the first request that names this slot and matches it, or NONE.

    Whether they match is asked first, and an UNKNOWN slot raises then.
    """
    for request in s.wanting:
        if request != NONE and s.picky[request]:
            match answer(s, s.slot_profile[allocation], s.request_profile[request]):
                case Answer.THROWS:
                    return int(Raised.UNSUPPORTED), NONE
                case Answer.YES:
                    if s.prefers[request * len(s.slot) + allocation]:
                        return OK, request
    return OK, NONE


def match_preferred(s: DeclarativePoolState) -> int:
    """Slots go to the requests that name them.

    For all others, requests without a preference stand before the picky ones that got nothing.
    Both slots and picky requests are in hash tables. Flink:
    PreferredAllocationRequestSlotMatchingStrategy.
    """
    put_picky_last(s)
    seen = 0
    going = length(s.new)
    while seen < going:
        place = seen - (going - length(s.new))
        allocation = s.new[place]
        status, request = first_picky(s, allocation)
        if status != OK:
            return status
        if request != NONE:
            s.tm_load[s.slot_tm[allocation]] += s.request_load[request]
            note_match(s, request, allocation)
        seen += 1
    return OK


def put_picky_last(s: DeclarativePoolState) -> None:
    """Move the picky requests, in the order of a hash table, behind the others in theirs."""
    left = length(s.wanting)
    place = 0
    for _ in range(left):
        request = s.wanting[place]
        if s.picky[request]:
            remove(s.wanting, request)
            append(s.wanting, request)
        else:
            place += 1
    arrange(s.wanting, place, s.other_order)


def match_requests(s: DeclarativePoolState) -> int:
    """Match slots and requests by the strategy of the configuration.

    Slots come from a hash table, unless they are those of a message in their order.
    """
    prefers = s.strategy in (Strategy.PREFERRED, Strategy.PREFERRED_BALANCED)
    if prefers or s.defer:
        arrange(s.new, 0, s.slot_order)
    if prefers:
        status = match_preferred(s)
        if status != OK:
            return status
    if s.strategy in (Strategy.BALANCED, Strategy.PREFERRED_BALANCED):
        return match_balanced(s)
    return match_simply(s)
