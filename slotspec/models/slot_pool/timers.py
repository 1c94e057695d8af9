"""The pool's two periodic checks and their timers.

Flink: SlotPoolImpl.checkIdleSlot and checkBatchSlotTimeout, rescheduled by
scheduleRunAsync; timers outlive suspend, close and a further start.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.common.timers import pass_time, take_out
from slotspec.models.slot_pool.futures import fail_request
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import answer
from slotspec.models.slot_pool.queues import clear_slot, is_held, take
from slotspec.models.slot_pool.state import Cause, Effect, Error, Root, SlotPoolState, Timer
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.declaration.rules import NONE, Array, emit, fire


def schedule(s: SlotPoolState, timer: int, delay: int) -> None:
    """Run a check after `delay`. Flink: scheduleRunAsync."""
    # the unused places come last; a recording may have thousands of timers
    place, end = 0, len(s.timer)
    while place < end:
        middle = (place + end) // 2
        if s.timer[middle] == Timer.UNUSED:
            end = middle
        else:
            place = middle + 1
    if place < len(s.timer):
        s.timer[place] = timer
        s.due_in[place] = delay


def unschedule(s: SlotPoolState, place: int) -> None:
    """Take out the timer at `place`; the others keep their order."""
    take_out(s.timer, place)
    take_out(s.due_in, place)


def elapse(s: SlotPoolState, ms: int) -> None:
    """Let everything grow older by `ms`; no check runs."""
    pass_time(s, ms)
    for allocation, status in enumerate(s.slot):
        if status == PhysicalSlot.AVAILABLE:
            s.idle_for[allocation] = min(s.idle_for[allocation] + ms, s.longest_idle)
    for request, marked in enumerate(s.unfulfillable):
        if marked:
            s.unfulfillable_for[request] = min(
                s.unfulfillable_for[request] + ms, s.longest_unfulfillable
            )


def is_idle_too_long(s: SlotPoolState, allocation: int) -> bool:
    """Strictly longer: a slot exactly as old as the timeout survives this check."""
    return s.idle_for[allocation] > s.idle_timeout


def check_idle_slot(s: SlotPoolState) -> bool:
    """Free the slots that were available for too long; whether the check goes on.

    Flink: SlotPoolImpl.checkIdleSlot.
    """
    emit(s, Effect.ANY_ORDER, begins=1)
    for allocation, status in enumerate(s.slot):
        if status == PhysicalSlot.AVAILABLE and is_idle_too_long(s, allocation):
            emit(s, Effect.FREE_SLOT, s.slot_tm[allocation], allocation)
            fire(s.slot, allocation, PhysicalSlot.expire)
            clear_slot(s, allocation)
    emit(s, Effect.ANY_ORDER, begins=0)
    return True


def answer_of_held_slots(s: SlotPoolState, request: int) -> int:
    """Whether some held slot, in use or not, satisfies `request`; an Answer."""
    for allocation, profile in enumerate(s.slot_profile):
        if is_held(s, allocation):
            found = answer(s, profile, request)
            if found != Answer.NO:
                return found
    return Answer.NO


def mark(s: SlotPoolState, request: int, fulfillable: int) -> bool:
    """Note what the batch check found; whether the request has been unfulfillable too long."""
    if fulfillable == Answer.YES:
        s.unfulfillable[request] = 0
        s.unfulfillable_for[request] = 0
        return False
    if not s.unfulfillable[request]:
        s.unfulfillable[request] = 1
        s.unfulfillable_for[request] = 0
    return s.unfulfillable_for[request] >= s.batch_timeout


def judge(s: SlotPoolState, queue: Array) -> bool:
    """Mark each batch request of `queue` and note the ids to time out; False if it throws."""
    for request in queue:
        if request != NONE and s.batch[request]:
            fulfillable = answer_of_held_slots(s, request)
            if fulfillable == Answer.THROWS:
                return False
            if mark(s, request, fulfillable):
                append(s.judged, s.request_id[request])
    return True


def check_batch_slot_timeout(s: SlotPoolState) -> bool:
    """Time out batch requests that no held slot has satisfied for long; whether the check goes on.

    All are judged before any is timed out. Flink: SlotPoolImpl.checkBatchSlotTimeout.
    """
    if not s.batch_check:
        return False
    goes_on = judge(s, s.pending) and judge(s, s.waiting)
    for place, request_id in enumerate(s.judged):
        s.judged[place] = NONE
        if request_id != NONE and goes_on:
            request = take(s, request_id)
            fail_request(s, request, Error.TIMEOUT, Root.ITSELF, Cause.TIMEOUT)
    return goes_on
