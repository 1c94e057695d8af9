"""Time, and what the pool does when it has come.

Flink: DeclarativeSlotPoolBridge.checkIdleSlotTimeout and checkBatchSlotTimeout; the timers outlive
the close.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.common.timers import next_timer, pass_time
from slotspec.models.declarative_slot_pool.bridge import release_request, serve_deferred
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.pool import is_held, older_of, return_idle
from slotspec.models.declarative_slot_pool.requirements import (
    answer,
    profile_at,
    repeat_declaration,
    run_declaration,
)
from slotspec.models.declarative_slot_pool.schedule import schedule, unschedule
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Effect,
    Raised,
    Timer,
)
from slotspec.models.declarative_slot_pool.versions import BatchMark
from slotspec.statemachine.declaration.rules import NONE, emit


def elapse(s: DeclarativePoolState, ms: int) -> None:
    """Let everything grow older by `ms`; no timer runs."""
    pass_time(s, ms)
    for allocation, status in enumerate(s.slot):
        if status == AllocatedSlot.FREE:
            s.idle_for[allocation] = min(s.idle_for[allocation] + ms, s.longest_idle)
    for request, marked in enumerate(s.unfulfillable):
        if marked:
            s.unfulfillable_for[request] = min(
                s.unfulfillable_for[request] + ms, s.longest_unfulfillable
            )


# ----------------------------------------------------------------------------- batch check


def has_profile(s: DeclarativePoolState, profile: int) -> bool:
    """Whether the pool has a slot, free or not, of this profile."""
    return any(p == profile and is_held(s, a) for a, p in enumerate(s.slot_profile))


def is_able(s: DeclarativePoolState, request: int) -> int:
    """Whether some slot of the pool, free or not, matches a request; an Answer."""
    for place in range(s.profile_count):
        profile = profile_at(s, place)
        if has_profile(s, profile):
            found = answer(s, met_first(s, profile), s.request_profile[request])
            if found != Answer.NO:
                return found
    return int(Answer.NO)


def met_first(s: DeclarativePoolState, profile: int) -> int:
    """The profile that is met where a hash table of the slots' profiles has this one.

    ANY and UNKNOWN have one hash value, so the one that was entered first is met first: free slots
    are entered before the others, each oldest first. A check in any order tries both.
    Flink: DeclarativeSlotPoolBridge.getResourceProfilesFromAllSlots.
    """
    special = (s.wildcard, s.unknown)
    if not s.follow_clock or profile not in special:
        return profile
    for allocation in s.free:
        if allocation != NONE and s.slot_profile[allocation] in special:
            return s.slot_profile[allocation]
    first = NONE
    for allocation, offered in enumerate(s.slot_profile):
        if offered in special:
            first = older_of(s, allocation, first)
    return s.slot_profile[first]


def is_batch(s: DeclarativePoolState, request: int) -> bool:
    """Whether this place of the pending requests has a batch request."""
    return request != NONE and s.batch[request] == 1


def take_marks_back(s: DeclarativePoolState) -> int:
    """Judge all batch requests; those that some slot matches lose their mark. A status."""
    for request in s.pending:
        if is_batch(s, request) and is_able(s, request) == Answer.THROWS:
            return int(Raised.UNSUPPORTED)
    for request in s.pending:
        if is_batch(s, request) and is_able(s, request) == Answer.YES:
            s.unfulfillable[request] = 0
            s.unfulfillable_for[request] = 0
    return OK


def mark(s: DeclarativePoolState, request: int) -> bool:
    """Mark a request that nothing can serve; whether that has been so for too long."""
    if not s.unfulfillable[request] or s.batch_mark == BatchMark.AT_EACH_CHECK:
        s.unfulfillable[request] = 1
        s.unfulfillable_for[request] = 0
    return s.unfulfillable_for[request] >= s.batch_timeout


def check_batch_slot_timeout(s: DeclarativePoolState) -> int:
    """Give up batch requests that no slot of the pool has matched for long; a status."""
    status = take_marks_back(s)
    place = 0
    while status == OK and place < len(s.pending) and s.pending[place] != NONE:
        request = s.pending[place]
        late = False
        if is_batch(s, request) and is_able(s, request) == Answer.NO:
            late = mark(s, request)
        if late:
            status = release_request(s, s.request_id[request], Cause.TIMEOUT)
        else:
            place += 1
    return status


# ----------------------------------------------------------------------------------- timers


def run_timer(s: DeclarativePoolState, place: int) -> None:
    """Run a timer that is due. The two checks are scheduled again, unless they raise."""
    timer, repeats, backoff = s.timer[place], s.repeats[place], s.timer_backoff[place]
    unschedule(s, place)
    status = OK
    match timer:
        case Timer.IDLE_CHECK:
            status = return_idle(s)
            if status == OK:
                schedule(s, Timer.IDLE_CHECK, s.idle_timeout)
        case Timer.BATCH_CHECK:
            if s.batch_check:
                status = check_batch_slot_timeout(s)
                if status == OK:
                    schedule(s, Timer.BATCH_CHECK, s.batch_timeout)
        case Timer.DECLARATION:
            status = run_declaration(s)
        case Timer.REPETITION:
            repeat_declaration(s, repeats, backoff)
        case Timer.MATCHING:
            status = serve_deferred(s)
    if status != OK:
        emit(s, Effect.TIMER_RAISED, status)


def run_time(s: DeclarativePoolState, ms: int) -> None:
    """Let `ms` pass, and run what is due by then."""
    left = ms
    place = next_timer(s)
    while place != NONE and s.due_in[place] <= left:
        left -= s.due_in[place]
        elapse(s, s.due_in[place])
        run_timer(s, place)
        place = next_timer(s)
    elapse(s, left)
