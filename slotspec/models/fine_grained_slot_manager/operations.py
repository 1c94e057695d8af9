"""The ResourceManager's fine-grained slot manager: Flink's FineGrainedSlotManager.

Each operation is a plain rule over :class:`FineGrainedSlotManagerState`. It emits the calls that
it makes and returns its answer. The caller writes a slot report to the ``report_…`` fields, and a
list of requirements to the ``declared_…`` fields, before the operation that reads it.
"""

from __future__ import annotations

from slotspec.models.common.timers import next_timer
from slotspec.models.fine_grained_slot_manager.checking import (
    check_with_delay,
    declare_with_delay,
    reconcile,
    schedule,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    Manager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    ILLEGAL_STATE,
    NULL_POINTER,
    OK,
    Answer,
    Effect,
    FineGrainedSlotManagerState,
    Registration,
    Size,
    Timer,
    Work,
    allocations,
    instances,
    jobs,
    profiles,
    report_entries,
    requirement_entries,
    resources,
    timers,
)
from slotspec.models.fine_grained_slot_manager.syncing import (
    close_batch,
    enqueue,
    free,
    free_all,
    queued,
    request_slot,
    sync,
)
from slotspec.models.fine_grained_slot_manager.timers import (
    cancel_reconciling,
    elapse,
    finish,
    forget_query,
    raise_first,
    run_one,
    run_timer,
)
from slotspec.models.fine_grained_slot_manager.tracking import (
    forget_jobs,
    has_slots,
    notify_missing,
    notify_requirements,
    requires_anything,
)
from slotspec.models.fine_grained_slot_manager.versions import WorkerControl
from slotspec.models.fine_grained_slot_manager.workers import (
    arrive,
    available,
    clear_plans_of,
    enter,
    exceeds_maximum,
    forget_slot,
    has_plan,
    is_expected,
    is_on,
    is_registered,
    leave,
    number_of_slots,
    plan_row,
    slots_of,
    suspend_workers,
)
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def ended(s: FineGrainedSlotManagerState, status: int = OK, result: int = NONE) -> int:
    """End an operation: raise if it failed, and let the main thread run."""
    raise_first(s, status)
    finish(s)
    return result if status == OK else NONE


def is_stopped(s: FineGrainedSlotManagerState) -> bool:
    """Whether operations fail. Flink: checkInit."""
    return s.manager[0] != Manager.STARTED


# ------------------------------------------------------------------------------ lifecycle


@fine_grained_slot_manager.operation
def start(s: FineGrainedSlotManagerState) -> int:
    """Start the manager, and look for idle TaskExecutors now and periodically.

    A second start schedules a second timer; only the newest can be cancelled. Flink: start.
    """
    fire(s.manager, 0, Manager.start)
    for allocation in s.elements(allocations):
        s.awaited[allocation] = 0
    if s.allocator and s.task_manager_timeout > 0:
        for place in s.elements(timers):
            s.cancellable[place] = 0
        schedule(s, Timer.RECONCILE, 0)
    return ended(s)


@fine_grained_slot_manager.operation
def suspend(s: FineGrainedSlotManagerState) -> int:
    """Forget TaskExecutors, slots, expected workers and jobs, and tell nobody.

    The index of expected workers, addresses of JobMasters, delayed checks and declarations, and
    open calls survive. Flink: suspend.
    """
    if is_stopped(s):
        return ended(s)
    cancel_reconciling(s)
    for allocation in s.elements(allocations):
        s.awaited[allocation] = 0
        if s.slot[allocation] != ManagedSlot.ABSENT:
            forget_slot(s, allocation)
    for instance in s.elements(instances):
        if is_registered(s, instance):
            leave(s, instance)
    suspend_workers(s)
    forget_jobs(s)
    fire(s.manager, 0, Manager.suspend)
    return ended(s)


@fine_grained_slot_manager.operation
def close(s: FineGrainedSlotManagerState) -> int:
    """The same as suspend. Flink: close."""
    return suspend(s)


@fine_grained_slot_manager.operation
def set_resource_allocation(s: FineGrainedSlotManagerState, allowed: int) -> int:
    """From now on, ResourceActions grants new workers, or does not (1.14)."""
    s.resources_granted = allowed
    return ended(s)


# --------------------------------------------------------------------------- requirements


def forget_requirements(s: FineGrainedSlotManagerState) -> None:
    """Clear the list of requirements, which has been processed."""
    for entry in s.elements(requirement_entries):
        s.declared_profile[entry] = NONE
        s.declared_count[entry] = 0


@fine_grained_slot_manager.operation
def process_resource_requirements(
    s: FineGrainedSlotManagerState, job: int, target: int, application: int
) -> int:
    """A JobMaster declares all that it requires. Flink: processResourceRequirements."""
    status = ILLEGAL_STATE if is_stopped(s) else process_requirements(s, job, target, application)
    forget_requirements(s)
    return ended(s, status)


def process_requirements(
    s: FineGrainedSlotManagerState, job: int, target: int, application: int
) -> int:
    """Replace the requirements of the job, and check."""
    if all(profile == NONE for profile in s.declared_profile):
        if not requires_anything(s, job):
            return OK
        s.target[job] = NONE
        s.application[job] = NONE
        if s.allocator:
            clear_plans_of(s, job)
    else:
        s.target[job] = target
        s.application[job] = application
    status = notify_requirements(s, job)
    return check_with_delay(s) if status == OK else status


def clear_requirements(s: FineGrainedSlotManagerState, job: int) -> int:
    """Forget what the job requires."""
    if s.worker_control == WorkerControl.DECLARED and has_slots(s, job):
        for instance in s.elements(instances):
            if any(
                is_on(s, allocation, instance) and s.slot_job[allocation] == job
                for allocation in s.elements(allocations)
            ):
                emit(s, Effect.FREE_INACTIVE_SLOTS, instance, job)
    s.target[job] = NONE
    status = notify_requirements(s, job)
    if status != OK:
        return status
    if s.worker_control == WorkerControl.ONE_BY_ONE:
        clear_plans_of(s, job)
        return OK
    if is_stopped(s):
        return NULL_POINTER
    if not s.allocator:
        return OK
    clear_plans_of(s, job)
    reconcile(s)
    return declare_with_delay(s)


@fine_grained_slot_manager.operation
def clear_resource_requirements(s: FineGrainedSlotManagerState, job: int) -> int:
    """The job is over: its TaskExecutors free what it does not use. No check follows.

    Flink: clearResourceRequirements.
    """
    return ended(s, clear_requirements(s, job))


@fine_grained_slot_manager.operation
def set_fail_unfulfillable_request(s: FineGrainedSlotManagerState, fail: int) -> int:
    """Choose whether jobs are told that resources are missing; if so, they are told now.

    Flink: setFailUnfulfillableRequest.
    """
    if is_stopped(s):
        return ended(s, ILLEGAL_STATE)
    s.notify = fail
    notify_missing(s)
    return ended(s)


@fine_grained_slot_manager.operation
def trigger_resource_requirements_check(s: FineGrainedSlotManagerState) -> int:
    """Somebody asks for a check, even before the start. Flink: the method of the same name."""
    return ended(s, check_with_delay(s))


# -------------------------------------------------------------------------- task managers


def forget_report(s: FineGrainedSlotManagerState) -> None:
    """Clear the report, which has been processed."""
    for entry in s.elements(report_entries):
        s.report_allocation[entry] = NONE
        s.report_job[entry] = NONE
        s.report_profile[entry] = NONE
        s.report_tasks[entry] = 0
    for place in s.elements(allocations):
        s.leaving[place] = NONE


def shows_slots(s: FineGrainedSlotManagerState) -> bool:
    """Whether the report names an allocation."""
    return any(allocation != NONE for allocation in s.report_allocation)


def find_expected(s: FineGrainedSlotManagerState, total: int, default_slot: int) -> int:
    """The expected worker whose place a TaskExecutor takes, or NONE.

    Flink: findMatchingPendingTaskManager, FineGrainedTaskManagerTracker's index.
    """
    if shows_slots(s) or total != s.worker or default_slot != s.worker_slot:
        return NONE
    first = s.indexed[0] if len(s.indexed) > 0 else NONE
    return next((w for w in s.indexed if w != NONE and has_plan(s, w)), first)


def request_plan(s: FineGrainedSlotManagerState, instance: int, worker: int) -> int:
    """Request what was planned on a worker that has now registered, as one batch."""
    batch, status = NONE, OK
    for job in s.elements(jobs):
        row = plan_row(s, worker, job)
        for place in s.elements(profiles):
            profile = s.planned_order[row + place]
            if profile != NONE:
                for _ in range(s.planned[row + profile]):
                    if status == OK:
                        status, batch = request_slot(s, instance, job, profile, batch)
    close_batch(s, batch, status)
    return status


def report(s: FineGrainedSlotManagerState, instance: int) -> int:
    """Take over a report; a change is followed by a check."""
    status, changes = sync(s, instance)
    if status != OK or changes == 0:
        return status
    return check_with_delay(s)


def register(
    s: FineGrainedSlotManagerState, instance: int, owner: int, total: int, default_slot: int
) -> int:
    """Enter a new connection. Returns OK, or how it failed."""
    worker = find_expected(s, total, default_slot)
    enter(s, instance, owner, total, default_slot)
    if shows_slots(s):
        status, _ = sync(s, instance)
        if status != OK:
            return status
    if worker == NONE:
        return check_with_delay(s)
    status = request_plan(s, instance, worker)
    if status != OK:
        return status
    if not is_expected(s, worker):
        return NULL_POINTER
    arrive(s, worker)
    return OK


@fine_grained_slot_manager.operation
def register_task_manager(
    s: FineGrainedSlotManagerState, instance: int, tm: int, total: int, default_slot: int
) -> int:
    """A TaskExecutor registers with its report; returns a Registration.

    It takes the place of an expected worker, which is followed by no check. Flink:
    registerTaskManager.
    """
    status, result = OK, int(Registration.SUCCESS)
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif is_registered(s, instance):
        status, result = report(s, instance), int(Registration.IGNORED)
    elif find_expected(s, total, default_slot) == NONE and exceeds_maximum(s, total):
        result = int(Registration.REJECTED)
        if s.worker_control == WorkerControl.ONE_BY_ONE:
            emit(s, Effect.RELEASE_RESOURCE, instance)
    else:
        status = register(s, instance, tm, total, default_slot)
    forget_report(s)
    return ended(s, status, result)


@fine_grained_slot_manager.operation
def unregister_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A connection is lost. Returns 0 if it is unknown. Flink: unregisterTaskManager."""
    status, result = OK, 0
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif is_registered(s, instance):
        status, result = remove_task_manager(s, instance), 1
    forget_report(s)
    return ended(s, status, result)


def remove_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """Free the slots of a TaskExecutor and forget it. Returns OK, or how it failed."""
    had_slots = number_of_slots(s, instance) > 0
    status = free_all(s, instance)
    if status != OK:
        return status
    leave(s, instance)
    return check_with_delay(s) if had_slots else OK


@fine_grained_slot_manager.operation
def report_slot_status(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A TaskExecutor sends its report. Returns 0 if it is unknown. Flink: reportSlotStatus."""
    status, result = OK, 0
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif is_registered(s, instance):
        status, result = report(s, instance), 1
    forget_report(s)
    return ended(s, status, result)


@fine_grained_slot_manager.operation
def free_slot(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor says that an allocation is over. Flink: freeSlot."""
    status = OK
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif s.slot[allocation] != ManagedSlot.ABSENT:
        status = free(s, allocation)
        if status == OK:
            status = check_with_delay(s)
    return ended(s, status)


@fine_grained_slot_manager.operation
def set_blocked(s: FineGrainedSlotManagerState, tm: int, blocked: int) -> int:
    """From now on a TaskExecutor is blocked, or not. Flink: BlockedTaskManagerChecker."""
    s.blocked[tm] = blocked
    return ended(s)


# -------------------------------------------------------------------------------- answers


@fine_grained_slot_manager.operation
def call_acknowledged(s: FineGrainedSlotManagerState, call: int) -> int:
    """A TaskExecutor agrees to give the slot. Returns 0 if it has answered before."""
    if s.call[call] != SlotCall.OPEN:
        return ended(s, result=0)
    fire(s.call, call, SlotCall.acknowledge)
    enqueue(s, Work.CALL, call=call)
    return ended(s, result=1)


@fine_grained_slot_manager.operation
def call_fails(s: FineGrainedSlotManagerState, call: int, occupied: int) -> int:
    """A TaskExecutor refuses, does not answer, or says that the slot is occupied."""
    if s.call[call] != SlotCall.OPEN:
        return ended(s, result=0)
    if occupied:
        fire(s.call, call, SlotCall.occupy)
    else:
        fire(s.call, call, SlotCall.fail)
    enqueue(s, Work.CALL, call=call)
    return ended(s, result=1)


@fine_grained_slot_manager.operation
def query_answered(s: FineGrainedSlotManagerState, query: int, answer: int) -> int:
    """A TaskExecutor answers whether it may be released (an Answer; NONE_YET: the call failed).

    Returns 0 if it has answered before.
    """
    if s.query[query] == IdleQuery.UNUSED or s.query_answer[query] != Answer.NONE_YET:
        return ended(s, result=0)
    if answer == Answer.NONE_YET:
        forget_query(s, query)
    else:
        s.query_answer[query] = answer
        enqueue(s, Work.QUERY, query=query)
    return ended(s, result=1)


# ------------------------------------------------------------------------ time and queries


@fine_grained_slot_manager.operation
def run_main_thread(s: FineGrainedSlotManagerState, count: int) -> int:
    """Run what waits for the main thread, at most `count` (NONE: all). Returns how much it ran.

    What is handed to the main thread meanwhile waits for the next time.
    """
    ran = min(count, queued(s))
    for _ in range(ran):
        run_one(s)
    return ran


@fine_grained_slot_manager.operation
def advance_time(s: FineGrainedSlotManagerState, ms: int) -> int:
    """Let `ms` pass and run each timer that becomes due at its own time."""
    place = next_timer(s)
    while place != NONE and s.due_in[place] <= ms:
        ms -= s.due_in[place]
        elapse(s, s.due_in[place])
        run_timer(s, place)
        place = next_timer(s)
    elapse(s, ms)
    return ended(s)


def is_counted(s: FineGrainedSlotManagerState, instance: int, of: int) -> bool:
    """Whether a query about one connection, or all (NONE), counts this one."""
    return is_registered(s, instance) and of in (instance, NONE)


@fine_grained_slot_manager.operation
def counts(s: FineGrainedSlotManagerState, instance: int) -> int:
    """Report numbers of slots and amounts of resources, of one connection or of all (NONE).

    Flink: getNumberRegisteredSlots, getRegisteredResource, getAllocatedSlotsOf and the like.
    """
    all_slots = free_slots = tasks = 0
    for own in s.elements(instances):
        if is_counted(s, own, instance):
            all_slots += slots_of(s, own)
            free_slots += max(slots_of(s, own) - number_of_slots(s, own), 0)
    emit(s, Effect.COUNTED, Size.SLOTS, all_slots)
    emit(s, Effect.COUNTED, Size.FREE_SLOTS, free_slots)
    for resource in s.elements(resources):
        total = free_amount = 0
        for own in s.elements(instances):
            if is_counted(s, own, instance):
                total += s.total_amount[s.total[own] * s.resource_count + resource]
                free_amount += available(s, own, resource)
        emit(s, Effect.COUNTED_RESOURCE, resource, total, free_amount)
    for job in s.elements(jobs):
        for allocation in s.elements(allocations):
            own = instance != NONE and is_on(s, allocation, instance)
            if own and s.slot_job[allocation] == job:
                emit(s, Effect.COUNTED_JOB, job)
    if instance != NONE:
        for allocation in s.elements(allocations):
            if is_on(s, allocation, instance):
                tasks += s.assigned_tasks[allocation]
    emit(s, Effect.COUNTED, Size.ASSIGNED_TASKS, tasks)
    emit(s, Effect.COUNTED, Size.REQUIRED_WORKERS, length(s.expected))
    return NONE
