"""The manager's two periodic checks, their timers, and the queue that runs them.

Flink: SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy, checkSlotRequestTimeouts, and
the main thread executor that both go through.
"""

from __future__ import annotations

from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    ManagerRequest,
)
from slotspec.models.slot_manager.matching import new_worker
from slotspec.models.slot_manager.records import has_call, is_entered, number_of_slots
from slotspec.models.slot_manager.state import (
    Answer,
    Check,
    Effect,
    Failure,
    SlotManagerState,
)
from slotspec.models.slot_manager.updates import dequeue, enqueue, queued, run_outcome, withdraw
from slotspec.models.slot_manager.versions import IdleRelease
from slotspec.statemachine.declaration.queues import length, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# --------------------------------------------------------------------------------- timers


def schedule(s: SlotManagerState, check: int, delay: int, cancellable: int) -> None:
    """Run a check after `delay`."""
    for place in range(len(s.timer)):
        if s.timer[place] == Check.UNUSED:
            s.timer[place] = check
            s.due_in[place] = delay
            s.cancellable[place] = cancellable
            return


def unschedule(s: SlotManagerState, place: int) -> None:
    """Take out the timer at `place`; the others keep their order."""
    last = len(s.timer) - 1
    while place < last:
        s.timer[place] = s.timer[place + 1]
        s.due_in[place] = s.due_in[place + 1]
        s.cancellable[place] = s.cancellable[place + 1]
        place += 1
    s.timer[last] = int(Check.UNUSED)
    s.due_in[last] = 0
    s.cancellable[last] = 0


def next_timer(s: SlotManagerState) -> int:
    """The timer that runs next: least delay, scheduled first; NONE without timers."""
    found = NONE
    for place in range(len(s.timer)):
        if s.timer[place] != Check.UNUSED and (found == NONE or s.due_in[place] < s.due_in[found]):
            found = place
    return found


def elapse(s: SlotManagerState, ms: int) -> None:
    """Everything grows older by `ms`; nothing runs."""
    if s.follow_clock:
        s.clock += ms
    for place in range(len(s.timer)):
        if s.timer[place] != Check.UNUSED:
            s.due_in[place] -= ms
    for instance in range(len(s.registration)):
        if s.registration[instance] == ManagedTaskManager.IDLE:
            s.idle_for[instance] = min(s.idle_for[instance] + ms, s.longest_idle)
    for request in range(len(s.request)):
        if is_entered(s, request):
            s.request_age[request] = min(s.request_age[request] + ms, s.longest_request)


# --------------------------------------------------------------------- the main thread


def run_one(s: SlotManagerState) -> None:
    """Run what waits longest for the main thread."""
    call = s.main_call[0]
    query = s.main_query[0]
    check = s.main_check[0]
    dequeue(s)
    if call != NONE:
        run_outcome(s, call)
    elif query != NONE:
        run_answer(s, query)
    elif check == Check.TASK_MANAGERS:
        check_task_manager_timeouts(s)
    else:
        check_slot_request_timeouts(s)


def run_all(s: SlotManagerState) -> int:
    """Run until nothing waits; how many things were run."""
    count = 0
    while queued(s) > 0:
        run_one(s)
        count += 1
    return count


def finish(s: SlotManagerState) -> None:
    """End an operation: with ``auto_run`` the main thread runs everything now."""
    if s.auto_run:
        run_all(s)


# --------------------------------------------------------------------------- idle for long


def is_idle_too_long(s: SlotManagerState, instance: int) -> bool:
    """As long as the timeout is long enough."""
    return (
        s.registration[instance] == ManagedTaskManager.IDLE
        and s.idle_for[instance] >= s.task_manager_timeout
    )


def list_late(s: SlotManagerState) -> int:
    """Note the connections that are idle too long; how many there are."""
    count = 0
    for place in range(length(s.registrations)):
        if is_idle_too_long(s, s.registrations[place]):
            s.late[count] = s.registrations[place]
            count += 1
    return count


def number_to_release(s: SlotManagerState, late: int) -> int:
    """How many of the late ones may go; what redundancy lacks is asked for here.

    Flink: checkTaskManagerTimeoutsAndRedundancy (1.12), checkTaskManagerTimeouts (1.11).
    """
    if s.idle_release == IdleRelease.ALL or length(s.free) == number_of_slots(s):
        return late
    missing = s.redundant_task_managers * s.slots_per_worker - length(s.free)
    if missing > 0:
        wanted = (missing + s.slots_per_worker - 1) // s.slots_per_worker
        for _ in range(wanted):
            pending = new_worker(s, s.default_profile)
            if pending == NONE or pending < 0:
                break
        return 0
    return min(late, (0 - missing) // s.slots_per_worker)


def check_task_manager_timeouts(s: SlotManagerState) -> None:
    """Release idle connections, or ask them first; keep what redundancy needs."""
    if s.registrations[0] == NONE:
        return
    late = list_late(s)
    going = number_to_release(s, late)
    for place in range(late):
        instance = s.late[place]
        s.late[place] = NONE
        if place < going:
            if s.wait_result_consumed:
                ask_to_release(s, instance)
            else:
                emit(s, Effect.RELEASE_RESOURCE, instance)


def spare_query(s: SlotManagerState, instance: int) -> int:
    """A record for one more question to this connection, or NONE."""
    width = len(s.query) // len(s.registration)
    first = 0 if s.follow_clock else instance * width
    last = len(s.query) if s.follow_clock else first + width
    for query in range(first, last):
        if s.query[query] == IdleQuery.UNUSED:
            return query
    return NONE


def ask_to_release(s: SlotManagerState, instance: int) -> None:
    """Ask whether all results are consumed. Flink: releaseTaskExecutorIfPossible."""
    query = spare_query(s, instance)
    fire(s.query, query, IdleQuery.ask)
    s.query_instance[query] = instance
    emit(s, Effect.CAN_BE_RELEASED, query, instance)


def run_answer(s: SlotManagerState, query: int) -> None:
    """Release an idle TaskExecutor that agreed, unless it was used in the meantime."""
    if (
        s.query_answer[query] == Answer.YES
        and s.query[query] != IdleQuery.STALE
        and s.manager[0] == Manager.STARTED
    ):
        emit(s, Effect.RELEASE_RESOURCE, s.query_instance[query])
    forget_query(s, query)


def forget_query(s: SlotManagerState, query: int) -> None:
    """The question is dealt with."""
    fire(s.query, query, IdleQuery.conclude)
    s.query_instance[query] = NONE
    s.query_answer[query] = int(Answer.NONE_YET)


# -------------------------------------------------------------------------------- requests


def is_request_too_old(s: SlotManagerState, request: int) -> bool:
    """As old as the timeout is old enough."""
    return s.request_age[request] >= s.slot_request_timeout


def check_slot_request_timeouts(s: SlotManagerState) -> None:
    """Give up on old requests. One that waits for a pending slot keeps its reservation."""
    place = 0
    while place < len(s.entered) and s.entered[place] != NONE:
        request = s.entered[place]
        if is_request_too_old(s, request):
            remove(s.entered, request)
            if has_call(s, request):
                withdraw(s, request)
            fire(s.request, request, ManagerRequest.time_out)
            emit(
                s,
                Effect.ALLOCATION_FAILED,
                s.request_allocation[request],
                s.request_job[request],
                Failure.TIMED_OUT,
            )
        else:
            place += 1


def run_timer(s: SlotManagerState, place: int) -> None:
    """Hand the check whose time has come to the main thread, and schedule it anew."""
    check = s.timer[place]
    cancellable = s.cancellable[place]
    unschedule(s, place)
    if check == Check.TASK_MANAGERS:
        schedule(s, check, s.task_manager_timeout, cancellable)
    else:
        schedule(s, check, s.slot_request_timeout, cancellable)
    enqueue(s, NONE, NONE, check)
    finish(s)
