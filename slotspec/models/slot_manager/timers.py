"""The manager's two periodic checks, their timers, and the main thread that runs them.

Flink: SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy, checkSlotRequestTimeouts, and
the main thread executor that runs both.
"""

from __future__ import annotations

from slotspec.models.common.timers import pass_time, take_out
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
    requests,
)
from slotspec.models.slot_manager.updates import (
    dequeue,
    enqueue,
    notify_allocation_failure,
    queued,
    run_outcome,
    withdraw,
)
from slotspec.models.slot_manager.versions import IdleRelease
from slotspec.statemachine.declaration.queues import length, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# --------------------------------------------------------------------------------- timers


def schedule(s: SlotManagerState, check: int, delay: int, cancellable: int) -> None:
    """Run a check after `delay`."""
    for place, scheduled in enumerate(s.timer):
        if scheduled == Check.UNUSED:
            s.timer[place] = check
            s.due_in[place] = delay
            s.cancellable[place] = cancellable
            return


def unschedule(s: SlotManagerState, place: int) -> None:
    """Remove the timer at `place`; the others keep their order."""
    take_out(s.timer, place)
    take_out(s.due_in, place)
    take_out(s.cancellable, place)


def elapse(s: SlotManagerState, ms: int) -> None:
    """Let `ms` pass without running anything."""
    pass_time(s, ms)
    for instance, state in enumerate(s.registration):
        if state == ManagedTaskManager.IDLE:
            s.idle_for[instance] = min(s.idle_for[instance] + ms, s.longest_idle)
    for request in s.elements(requests):
        if is_entered(s, request):
            s.request_age[request] = min(s.request_age[request] + ms, s.longest_request)


# --------------------------------------------------------------------- the main thread


def run_one(s: SlotManagerState) -> None:
    """Run what has waited longest for the main thread."""
    call, query, check = s.main_call[0], s.main_query[0], s.main_check[0]
    dequeue(s)
    if call != NONE:
        run_outcome(s, call)
    elif query != NONE:
        run_answer(s, query)
    elif check == Check.TASK_MANAGERS:
        check_task_manager_timeouts(s)
    else:
        check_slot_request_timeouts(s)


def finish(s: SlotManagerState) -> None:
    """End an operation: with ``auto_run`` the main thread runs everything now."""
    while s.auto_run and queued(s) > 0:
        run_one(s)


# --------------------------------------------------------------------------- idle for long


def is_idle_too_long(s: SlotManagerState, instance: int) -> bool:
    """Whether a connection is idle and has been for at least the timeout."""
    return (
        s.registration[instance] == ManagedTaskManager.IDLE
        and s.idle_for[instance] >= s.task_manager_timeout
    )


def list_late(s: SlotManagerState) -> int:
    """List the connections that have been idle too long; returns how many there are."""
    count = 0
    for instance in s.registrations:
        if instance != NONE and is_idle_too_long(s, instance):
            s.late[count] = instance
            count += 1
    return count


def number_to_release(s: SlotManagerState, late: int) -> int:
    """How many of the late ones may go; asks for the workers that redundancy lacks.

    Flink: checkTaskManagerTimeoutsAndRedundancy (1.12), checkTaskManagerTimeouts (1.11).
    """
    if s.idle_release == IdleRelease.ALL or length(s.free) == number_of_slots(s):
        return late
    missing = s.redundant_task_managers * s.slots_per_worker - length(s.free)
    if missing > 0:
        for _ in range((missing + s.slots_per_worker - 1) // s.slots_per_worker):
            pending = new_worker(s, s.default_profile)
            if pending == NONE or pending < 0:
                break
        return 0
    return min(late, -missing // s.slots_per_worker)


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
    """A record for one more query to this connection, or NONE."""
    width = len(s.query) // len(s.registration)
    first = 0 if s.follow_clock else instance * width
    last = len(s.query) if s.follow_clock else first + width
    return next((q for q in range(first, last) if s.query[q] == IdleQuery.UNUSED), NONE)


def ask_to_release(s: SlotManagerState, instance: int) -> None:
    """Ask whether all results have been consumed. Flink: releaseTaskExecutorIfPossible."""
    query = spare_query(s, instance)
    fire(s.query, query, IdleQuery.ask)
    s.query_instance[query] = instance
    emit(s, Effect.CAN_BE_RELEASED, query, instance)


def run_answer(s: SlotManagerState, query: int) -> None:
    """Release an idle TaskExecutor that agreed, unless it has been used in the meantime."""
    if (
        s.query_answer[query] == Answer.YES
        and s.query[query] != IdleQuery.STALE
        and s.manager[0] == Manager.STARTED
    ):
        emit(s, Effect.RELEASE_RESOURCE, s.query_instance[query])
    forget_query(s, query)


def forget_query(s: SlotManagerState, query: int) -> None:
    """The query is over."""
    fire(s.query, query, IdleQuery.conclude)
    s.query_instance[query] = NONE
    s.query_answer[query] = int(Answer.NONE_YET)


# -------------------------------------------------------------------------------- requests


def is_request_too_old(s: SlotManagerState, request: int) -> bool:
    """Whether a request is at least as old as the timeout."""
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
            notify_allocation_failure(s, request, Failure.TIMED_OUT)
        else:
            place += 1


def run_timer(s: SlotManagerState, place: int) -> None:
    """Hand a check that is due to the main thread, and schedule it again."""
    check, cancellable = s.timer[place], s.cancellable[place]
    unschedule(s, place)
    is_of_requests = check == Check.REQUESTS
    period = s.slot_request_timeout if is_of_requests else s.task_manager_timeout
    schedule(s, check, period, cancellable)
    enqueue(s, check=check)
    finish(s)
