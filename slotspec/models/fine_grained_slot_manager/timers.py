"""Timers, and the main thread that runs what they and the answers hand to it.

Flink: the main thread executor and the scheduled executor of FineGrainedSlotManager.
"""

from __future__ import annotations

from slotspec.models.common.timers import pass_time, take_out
from slotspec.models.fine_grained_slot_manager.checking import (
    check,
    check_with_delay,
    declare,
    declare_with_delay,
    reconcile,
    release,
    release_late,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
)
from slotspec.models.fine_grained_slot_manager.state import (
    ILLEGAL_ARGUMENT,
    ILLEGAL_STATE,
    NULL_POINTER,
    OK,
    Answer,
    Effect,
    FineGrainedSlotManagerState,
    Raised,
    Timer,
    Work,
)
from slotspec.models.fine_grained_slot_manager.syncing import dequeue, enqueue, queued, run_answer
from slotspec.models.fine_grained_slot_manager.versions import WorkerControl
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ------------------------------------------------------------------------------- exceptions


def raised_of(status: int) -> int:
    """The exception of a step that failed."""
    if status == ILLEGAL_STATE:
        return int(Raised.ILLEGAL_STATE)
    return int(Raised.ILLEGAL_ARGUMENT if status == ILLEGAL_ARGUMENT else Raised.NULL_POINTER)


def raise_first(s: FineGrainedSlotManagerState, status: int) -> None:
    """The operation ends with this exception, unless another one came first."""
    if status != OK and not any(e.kind == Effect.RAISES for e in s.effects):
        emit(s, Effect.RAISES, raised_of(status))


# --------------------------------------------------------------------------------- timers


def unschedule(s: FineGrainedSlotManagerState, place: int) -> None:
    """Remove the timer at `place`; the others keep their order."""
    take_out(s.timer, place)
    take_out(s.due_in, place)
    take_out(s.cancellable, place)


def cancel_reconciling(s: FineGrainedSlotManagerState) -> None:
    """Cancel the periodic timer of the newest start."""
    for place in range(len(s.timer)):
        if s.timer[place] == Timer.RECONCILE and s.cancellable[place]:
            unschedule(s, place)
            return


def elapse(s: FineGrainedSlotManagerState, ms: int) -> None:
    """Let `ms` pass without running anything."""
    pass_time(s, ms)
    for instance, state in enumerate(s.registration):
        if state == ManagedTaskManager.IDLE:
            s.idle_for[instance] = min(s.idle_for[instance] + ms, s.longest_idle)


def run_timer(s: FineGrainedSlotManagerState, place: int) -> None:
    """Hand what is due to the main thread; only the periodic timer is scheduled again.

    Before the first start there is no main thread: the work is lost, with an exception.
    """
    timer = s.timer[place]
    if timer == Timer.RECONCILE:
        s.due_in[place] = s.task_manager_timeout
    else:
        unschedule(s, place)
    if s.manager[0] == Manager.CREATED:
        raise_first(s, NULL_POINTER)
    elif timer == Timer.RECONCILE:
        enqueue(s, Work.RECONCILE)
    elif timer == Timer.CHECK:
        enqueue(s, Work.CHECK)
    else:
        enqueue(s, Work.DECLARE)
    finish(s)


# --------------------------------------------------------------------------- the main thread


def run_reconciling(s: FineGrainedSlotManagerState) -> int:
    """The periodic work. Flink: checkClusterReconciliation, checkTaskManagerTimeouts (1.14)."""
    if s.worker_control == WorkerControl.ONE_BY_ONE:
        release_late(s)
        return OK
    return declare_with_delay(s) if reconcile(s) else OK


def run_check(s: FineGrainedSlotManagerState) -> int:
    """A delayed check. If it fails, it counts as under way for ever."""
    status = check(s)
    if status == OK:
        s.check_waiting = 0
    return status


def run_declaration(s: FineGrainedSlotManagerState) -> int:
    """A delayed declaration. If it fails, it counts as under way for ever."""
    status = declare(s)
    if status == OK:
        s.declare_waiting = 0
    return status


def run_query(s: FineGrainedSlotManagerState, query: int) -> None:
    """Release an idle TaskExecutor that agreed, unless it has been used in the meantime."""
    unused = s.query[query] != IdleQuery.STALE
    instance = s.query_instance[query]
    agreed = s.query_answer[query] == Answer.YES
    forget_query(s, query)
    if unused and agreed:
        release(s, instance)
        if s.worker_control == WorkerControl.DECLARED:
            declare_with_delay(s)


def forget_query(s: FineGrainedSlotManagerState, query: int) -> None:
    """The question is over."""
    fire(s.query, query, IdleQuery.conclude)
    s.query_instance[query] = NONE
    s.query_answer[query] = int(Answer.NONE_YET)


def run_call(s: FineGrainedSlotManagerState, call: int) -> None:
    """Act on an answer; nobody handles an exception here, and the process ends."""
    status = run_answer(s, call)
    if status != OK:
        emit(s, Effect.DIES, raised_of(status))
        fire(s.manager, 0, Manager.die)


def run_one(s: FineGrainedSlotManagerState) -> None:
    """Run what has waited longest for the main thread."""
    work, call, query = s.work[0], s.work_call[0], s.work_query[0]
    dequeue(s)
    match work:
        case Work.RECONCILE:
            raise_first(s, run_reconciling(s))
        case Work.CHECK:
            raise_first(s, run_check(s))
        case Work.DECLARE:
            raise_first(s, run_declaration(s))
        case Work.CALL:
            run_call(s, call)
        case Work.QUERY:
            run_query(s, query)
        case Work.BATCH_FAILED:
            check_with_delay(s)


def finish(s: FineGrainedSlotManagerState) -> None:
    """End an operation: with ``auto_run`` the main thread runs everything now."""
    while s.auto_run and queued(s) > 0:
        run_one(s)
