"""Checks, reconciling and declarations: what the manager asks of the cluster.

Flink: FineGrainedSlotManager.checkResourceRequirements, tryReconcileClusterResources,
declareResources; DefaultResourceAllocationStrategy.tryReconcileClusterResources.
"""

from __future__ import annotations

from slotspec.models.common.orders import in_order
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
)
from slotspec.models.fine_grained_slot_manager.planning import (
    add_new_worker,
    add_total,
    clear_sums,
    forget_plan,
    has_spare,
    plan,
    request_row,
)
from slotspec.models.fine_grained_slot_manager.state import (
    NULL_POINTER,
    OK,
    Effect,
    FineGrainedSlotManagerState,
    Timer,
    instances,
    jobs,
    pending_workers,
    profiles,
    resources,
)
from slotspec.models.fine_grained_slot_manager.syncing import (
    close_batch,
    request_slot,
)
from slotspec.models.fine_grained_slot_manager.tracking import lacks_anything, notify_missing
from slotspec.models.fine_grained_slot_manager.versions import IdleRelease, WorkerControl
from slotspec.models.fine_grained_slot_manager.workers import (
    available,
    clear_plan,
    clear_plans,
    drop,
    exceeds_maximum,
    expect,
    is_registered,
    note_plan,
    plan_row,
    slots_of,
    unplanned,
)
from slotspec.statemachine.declaration.queues import append, length
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# --------------------------------------------------------------------------------- timers


def schedule(s: FineGrainedSlotManagerState, timer: int, delay: int) -> None:
    """Run something after `delay`."""
    for place, scheduled in enumerate(s.timer):
        if scheduled == Timer.UNUSED:
            s.timer[place] = timer
            s.due_in[place] = delay
            s.cancellable[place] = int(timer == Timer.RECONCILE)
            return


def check_with_delay(s: FineGrainedSlotManagerState) -> int:
    """Check at once without a delay; otherwise later, unless a check is under way.

    Flink: checkResourceRequirementsWithDelay. In 1.14 even no delay goes through a timer.
    """
    if s.check_delay == 0 and s.worker_control == WorkerControl.DECLARED:
        return check(s)
    if not s.check_waiting:
        s.check_waiting = 1
        schedule(s, Timer.CHECK, s.check_delay)
    return OK


def declare_with_delay(s: FineGrainedSlotManagerState) -> int:
    """Declare at once without a delay; otherwise later, unless that is under way.

    Flink: declareNeededResourcesWithDelay.
    """
    if s.manager[0] != Manager.STARTED:
        return NULL_POINTER
    if s.declare_delay == 0:
        return declare(s)
    if not s.declare_waiting:
        s.declare_waiting = 1
        schedule(s, Timer.DECLARE, s.declare_delay)
    return OK


# ------------------------------------------------------------------------------ declaring


def is_same_kind(s: FineGrainedSlotManagerState, instance: int, other: int) -> bool:
    """Whether two TaskExecutors have the same total and the same number of slots."""
    return s.total[instance] == s.total[other] and slots_of(s, instance) == slots_of(s, other)


def is_like_expected(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether a TaskExecutor is of the kind that the manager asks for."""
    return s.total[instance] == s.worker and slots_of(s, instance) == s.slots_per_worker


def is_first_of_kind(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether no smaller connection is of the same kind."""
    return not any(
        is_registered(s, other) and is_same_kind(s, instance, other) for other in range(instance)
    )


def declare_kind(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Declare how many workers of the kind of a TaskExecutor are needed."""
    needed = length(s.expected) if is_like_expected(s, instance) else 0
    for other in s.elements(instances):
        if is_registered(s, other) and is_same_kind(s, instance, other):
            needed += 1 - s.unwanted[other]
    emit(s, Effect.NEEDED, s.total[instance], slots_of(s, instance), needed)
    for other in s.elements(instances):
        if is_registered(s, other) and is_same_kind(s, instance, other) and s.unwanted[other]:
            emit(s, Effect.UNWANTED, s.total[other], slots_of(s, other), other)


def declare(s: FineGrainedSlotManagerState) -> int:
    """Declare which workers are needed, and which are not wanted. Flink: declareResources."""
    if s.manager[0] != Manager.STARTED:
        return NULL_POINTER
    emit(s, Effect.DECLARE)
    for instance in s.elements(instances):
        if is_registered(s, instance) and is_first_of_kind(s, instance):
            declare_kind(s, instance)
    if length(s.expected) > 0 and not any(
        is_registered(s, instance) and is_like_expected(s, instance)
        for instance in s.elements(instances)
    ):
        emit(s, Effect.NEEDED, s.worker, s.slots_per_worker, length(s.expected))
    return OK


# -------------------------------------------------------------------------------- checking


def request_planned(s: FineGrainedSlotManagerState) -> int:
    """Request the slots planned on TaskExecutors, as one batch.

    Flink: allocateSlotsAccordingTo.
    """
    batch, status = NONE, OK
    for job in s.elements(jobs):
        for instance in s.elements(instances):
            row = request_row(s, instance, job)
            for place in s.elements(profiles):
                profile = s.requested_order[row + place]
                if profile != NONE:
                    for _ in range(s.requested[row + profile]):
                        if status == OK:
                            status, batch = request_slot(s, instance, job, profile, batch)
    close_batch(s, batch, status)
    return status


def is_granted(s: FineGrainedSlotManagerState) -> bool:
    """Whether a planned worker becomes an expected one.

    In 1.14 the manager asks for it, and the answer decides.
    """
    if exceeds_maximum(s, s.worker):
        return False
    if s.worker_control == WorkerControl.DECLARED:
        return s.allocator == 1
    granted = s.resources_granted * s.allocator
    emit(s, Effect.ALLOCATE_RESOURCE, granted)
    return granted == 1


def adopt_plan(s: FineGrainedSlotManagerState, worker: int) -> None:
    """The plan replaces what was planned on an expected worker."""
    clear_plan(s, worker)
    for job in s.elements(jobs):
        row = plan_row(s, worker, job)
        for place in s.elements(profiles):
            s.planned_order[row + place] = s.draft_order[row + place]
            s.planned[row + place] = s.draft[row + place]
    note_plan(s, worker)


def ask_for_workers(s: FineGrainedSlotManagerState) -> None:
    """New workers become expected ones, or are refused; plans are replaced.

    Flink: allocateTaskManagersAccordingTo, replaceAllPendingAllocations.
    """
    for worker in s.fresh:
        if worker != NONE:
            if is_granted(s):
                expect(s, worker)
            else:
                append(s.refused, worker)
    for worker in s.expected:
        if worker != NONE:
            adopt_plan(s, worker)


def has_draft(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """Whether the plan has a slot on a worker."""
    return any(s.draft_order[plan_row(s, worker, job)] != NONE for job in s.elements(jobs))


def note_refused(s: FineGrainedSlotManagerState, worker: int) -> int:
    """Jobs planned on a refused worker cannot be served; fails if there are none.

    Flink: checkResourceRequirements, ``pendingAllocations.get(refused).keySet()``.
    """
    if not has_draft(s, worker):
        return NULL_POINTER
    for job in s.elements(jobs):
        if s.draft_order[plan_row(s, worker, job)] != NONE:
            s.unfulfillable[job] = 1
    return OK


def note_unfulfillable(s: FineGrainedSlotManagerState) -> int:
    """Remember which jobs cannot be served.

    The refused workers are a hash set: when it fails, a recording may say how far it came.
    """
    for job, flag in enumerate(s.unserved):
        s.unfulfillable[job] = flag
    status = OK
    count = length(s.refused)
    for place in range(count):
        if status == OK:
            status = note_refused(s, s.refused[in_order(count, s.refused_order, place)])
    for job, noted in enumerate(s.noted):
        if noted != 0 and status != OK:
            s.unfulfillable[job] = noted - 1
    return status


def check(s: FineGrainedSlotManagerState) -> int:
    """Request what is missing, ask for workers, tell jobs what cannot be had.

    Flink: checkResourceRequirements.
    """
    if s.manager[0] != Manager.STARTED:
        return OK
    if not any(lacks_anything(s, job) for job in s.elements(jobs)):
        if s.worker_control == WorkerControl.ONE_BY_ONE or not s.allocator or s.expected[0] == NONE:
            return OK
        clear_plans(s)
        reconcile(s)
        return declare_with_delay(s)
    status = plan(s)
    if status == OK:
        status = request_planned(s)
    if status == OK:
        ask_for_workers(s)
        status = note_unfulfillable(s)
    forget_plan(s)
    if status != OK:
        return status
    notify_missing(s)
    if s.worker_control == WorkerControl.ONE_BY_ONE or not s.allocator:
        return OK
    reconcile(s)
    return declare_with_delay(s)


# ----------------------------------------------------------------------------- reconciling


def is_idle_too_long(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether a TaskExecutor has been idle for at least the timeout."""
    return (
        s.registration[instance] == ManagedTaskManager.IDLE
        and s.task_manager_timeout > 0
        and s.idle_for[instance] >= s.task_manager_timeout
    )


def add_available(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Count what is left of a TaskExecutor."""
    for resource in s.elements(resources):
        s.sum_left[resource] += available(s, instance, resource)


def count_busy(s: FineGrainedSlotManagerState) -> None:
    """Count what is left of busy TaskExecutors, and then of expected workers with a plan.

    Each TaskExecutor counts as one worker of the configured size, whatever it has.
    """
    clear_sums(s)
    for instance in s.elements(instances):
        if is_registered(s, instance) and not is_idle_too_long(s, instance):
            add_available(s, instance)
            add_total(s, s.worker)
    if has_spare(s):
        return
    for worker in s.expected:
        if worker != NONE and s.pending[worker] == PendingTaskManager.PLANNED:
            add_total(s, s.worker)
            for resource in s.elements(resources):
                s.sum_left[resource] += unplanned(s, worker, resource)


def keep_or_release(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Release a TaskExecutor that is late, unless redundancy or the minimum needs it."""
    if has_spare(s):
        s.late[instance] = 1
    else:
        add_available(s, instance)
        add_total(s, s.total[instance])


def reconcile(s: FineGrainedSlotManagerState) -> bool:
    """Give back what nobody needs, and ask for what redundancy lacks.

    Returns whether it did anything; a worker that the maximum refuses counts as well.

    Flink: tryReconcileClusterResources, and what FineGrainedSlotManager makes of its result.
    """
    changed = False
    count_busy(s)
    for instance in s.elements(instances):
        if is_idle_too_long(s, instance):
            keep_or_release(s, instance)
    place = 0
    while place < len(s.expected) and s.expected[place] != NONE:
        worker = s.expected[place]
        place += 1
        if s.pending[worker] == PendingTaskManager.SPARE:
            if has_spare(s):
                drop(s, worker)
                changed = True
                place -= 1
            else:
                add_new_worker(s)
    for instance in s.elements(instances):
        if s.late[instance]:
            s.late[instance] = 0
            release_if_possible(s, instance)
            changed = True
    while not has_spare(s):
        add_new_worker(s)
        expect_spare(s)
        changed = True
    clear_sums(s)
    return changed


def expect_spare(s: FineGrainedSlotManagerState) -> None:
    """Ask for one more worker in reserve, unless that is too much.

    After suspend there is nobody to ask, which raises before anything is done.
    """
    if s.manager[0] != Manager.STARTED or exceeds_maximum(s, s.worker):
        return
    worker = next(
        (
            worker
            for worker in s.elements(pending_workers)
            if s.pending[worker] == PendingTaskManager.ABSENT
        ),
        NONE,
    )
    expect(s, worker)


# ------------------------------------------------------------------------------- releasing


def release(s: FineGrainedSlotManagerState, instance: int) -> None:
    """A TaskExecutor is not wanted any more; in 1.14 it is released at once, if anybody can.

    The mark stays until the TaskExecutor is unregistered. Flink: releaseIdleTaskExecutor.
    """
    if s.worker_control == WorkerControl.ONE_BY_ONE:
        if s.manager[0] == Manager.STARTED:
            emit(s, Effect.RELEASE_RESOURCE, instance)
    elif is_registered(s, instance):
        s.unwanted[instance] = 1


def spare_query(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A record for one more question: of the connection's own block, unless a clock is followed."""
    width = len(s.query) // len(s.registration)
    first = 0 if s.follow_clock else instance * width
    last = len(s.query) if s.follow_clock else first + width
    return next((q for q in range(first, last) if s.query[q] == IdleQuery.UNUSED), NONE)


def release_if_possible(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Release an idle TaskExecutor, or ask it first. Flink: releaseIdleTaskExecutorIfPossible."""
    if not s.wait_result_consumed and s.idle_release == IdleRelease.CONFIGURED:
        release(s, instance)
        return
    query = spare_query(s, instance)
    fire(s.query, query, IdleQuery.ask)
    s.query_instance[query] = instance
    emit(s, Effect.CAN_BE_RELEASED, query, instance)


def release_late(s: FineGrainedSlotManagerState) -> None:
    """Release each TaskExecutor that has been idle too long (1.14).

    Flink: checkTaskManagerTimeouts.
    """
    for instance in s.elements(instances):
        if is_idle_too_long(s, instance):
            release_if_possible(s, instance)
