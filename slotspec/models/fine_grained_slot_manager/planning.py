"""The plan that a check makes: which slots to request where, and which workers to ask for.

Flink: DefaultResourceAllocationStrategy.tryFulfillRequirements. The plan is written to scratch
fields; nothing else changes until :mod:`checking` acts on it.
"""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.lifecycles import PendingTaskManager
from slotspec.models.fine_grained_slot_manager.places import clear, push_back
from slotspec.models.fine_grained_slot_manager.state import (
    ILLEGAL_ARGUMENT,
    OK,
    FineGrainedSlotManagerState,
    instances,
    jobs,
    pending_workers,
    profiles,
    resources,
)
from slotspec.models.fine_grained_slot_manager.tracking import job_row, lacks_anything, missing
from slotspec.models.fine_grained_slot_manager.versions import Candidates, Strategy, WorkerControl
from slotspec.models.fine_grained_slot_manager.workers import (
    available,
    is_expected,
    is_registered,
    memory_of,
    plan_row,
)
from slotspec.statemachine.declaration.queues import append, length
from slotspec.statemachine.declaration.rules import NONE, Array

# ------------------------------------------------------------------------------- resources


def fits(s: FineGrainedSlotManagerState, amounts: Array, owner: int, profile: int) -> bool:
    """Whether a slot fits into what is left of a connection or a worker."""
    row = owner * s.resource_count
    return all(
        amounts[row + resource] >= s.amount[profile * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def take(s: FineGrainedSlotManagerState, amounts: Array, owner: int, profile: int) -> None:
    """A slot takes its resources from what is left."""
    for resource in s.elements(resources):
        place = owner * s.resource_count + resource
        amounts[place] -= s.amount[profile * s.resource_count + resource]


def worker_fits(s: FineGrainedSlotManagerState, profile: int) -> bool:
    """Whether a slot fits into an empty worker."""
    return all(
        s.total_amount[s.worker * s.resource_count + resource]
        >= s.amount[profile * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def takes_part(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether slots may be planned on a connection: those marked for release, too."""
    return is_registered(s, instance) and s.blocked[s.owner[instance]] == 0


def profile_on(s: FineGrainedSlotManagerState, instance: int, requirement: int) -> int:
    """The profile of a slot for a requirement: UNKNOWN means the default one."""
    return s.default_slot[instance] if requirement == s.unknown else requirement


def profile_on_worker(s: FineGrainedSlotManagerState, requirement: int) -> int:
    """The profile of a slot for a requirement on a worker to come."""
    return s.worker_slot if requirement == s.unknown else requirement


# ----------------------------------------------------------------------------- utilization


def used_memory(s: FineGrainedSlotManagerState, instance: int) -> int:
    """How much memory of a connection is used in the plan."""
    row = instance * s.resource_count
    return total_memory(s, instance) - memory_of(s, s.left, row)


def total_memory(s: FineGrainedSlotManagerState, instance: int) -> int:
    """All memory of a connection."""
    return memory_of(s, s.total_amount, s.total[instance] * s.resource_count)


def utilization(s: FineGrainedSlotManagerState, instance: int) -> tuple[int, int]:
    """The larger of the used shares of cpu and memory, as a fraction."""
    cpu = s.total_amount[s.total[instance] * s.resource_count]
    used_cpu = cpu - s.left[instance * s.resource_count]
    memory, used = total_memory(s, instance), used_memory(s, instance)
    if used_cpu * memory >= used * cpu:
        return used_cpu, cpu
    return used, memory


def is_better(s: FineGrainedSlotManagerState, instance: int, other: int) -> bool:
    """Whether a candidate comes strictly before another.

    Flink: LeastUtilizationResourceMatchingStrategy, MostUtilizationResourceMatchingStrategy.
    """
    used, whole = utilization(s, instance)
    used_of_other, whole_of_other = utilization(s, other)
    if s.strategy == Strategy.SLOTS:
        return used * whole_of_other < used_of_other * whole
    return used * whole_of_other > used_of_other * whole


# ------------------------------------------------------------------------------ candidates


def offer(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Add a candidate to the heap. Flink: java.util.PriorityQueue.offer."""
    place = append(s.heap, instance)
    while place > 0 and is_better(s, instance, s.heap[(place - 1) // 2]):
        s.heap[place] = s.heap[(place - 1) // 2]
        place = (place - 1) // 2
    s.heap[place] = instance


def poll(s: FineGrainedSlotManagerState) -> int:
    """Remove the first candidate. Flink: java.util.PriorityQueue.poll."""
    first = s.heap[0]
    size = length(s.heap) - 1
    last = s.heap[size]
    s.heap[size] = NONE
    if size == 0:
        return first
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and is_better(s, s.heap[child + 1], s.heap[child]):
            child += 1
        if not is_better(s, s.heap[child], last):
            break
        s.heap[place] = s.heap[child]
        place = child
    s.heap[place] = last
    return first


def stays_candidate(s: FineGrainedSlotManagerState, instance: int, requirement: int) -> bool:
    """Whether a connection that has just got a slot may get another."""
    if s.candidates == Candidates.FITTING:
        return requirement == s.unknown or fits(s, s.left, instance, requirement)
    row = instance * s.resource_count
    return any(s.left[row + resource] > 0 for resource in s.elements(resources))


# --------------------------------------------------------------------------------- writing


def request_row(s: FineGrainedSlotManagerState, instance: int, job: int) -> int:
    """Where the profiles of a job on a connection begin."""
    return (instance * len(s.target) + job) * s.profile_count


def place_on(s: FineGrainedSlotManagerState, job: int, instance: int, requirement: int) -> bool:
    """Plan a slot on a connection, if it fits."""
    profile = profile_on(s, instance, requirement)
    if not fits(s, s.left, instance, profile):
        return False
    take(s, s.left, instance, profile)
    row = request_row(s, instance, job)
    s.requested[row + profile] += 1
    push_back(s.requested_order, row, s.profile_count, profile)
    return True


def place_in_order(s: FineGrainedSlotManagerState, job: int, requirement: int) -> None:
    """Plan on each connection as often as it fits. Flink: AnyMatchingResourceMatchingStrategy."""
    for place in s.elements(instances):
        instance = place if s.order[place] == NONE else s.order[place]
        if takes_part(s, instance):
            while s.open_count[requirement] > 0 and place_on(s, job, instance, requirement):
                s.open_count[requirement] -= 1


def place_by_utilization(s: FineGrainedSlotManagerState, job: int, requirement: int) -> None:
    """Plan slot by slot on the best candidate; one that does not fit is dropped."""
    for place in s.elements(instances):
        instance = place if s.order[place] == NONE else s.order[place]
        if takes_part(s, instance):
            offer(s, instance)
    while s.open_count[requirement] > 0 and s.heap[0] != NONE:
        instance = poll(s)
        if place_on(s, job, instance, requirement):
            s.open_count[requirement] -= 1
            if stays_candidate(s, instance, requirement):
                offer(s, instance)
    for place in s.elements(instances):
        s.heap[place] = NONE


def fill_worker(s: FineGrainedSlotManagerState, worker: int, job: int, requirement: int) -> None:
    """Plan on a worker as often as it fits."""
    profile = profile_on_worker(s, requirement)
    row = plan_row(s, worker, job)
    while s.open_count[requirement] > 0 and fits(s, s.worker_left, worker, profile):
        take(s, s.worker_left, worker, profile)
        s.draft[row + profile] += 1
        push_back(s.draft_order, row, s.profile_count, profile)
        s.open_count[requirement] -= 1


def add_worker(s: FineGrainedSlotManagerState) -> int:
    """One more new worker in the plan, empty."""
    worker = next(
        (
            worker
            for worker in s.elements(pending_workers)
            if s.pending[worker] == PendingTaskManager.ABSENT and worker not in s.fresh
        ),
        NONE,
    )
    append(s.fresh, worker)
    empty_worker(s, worker)
    return worker


def empty_worker(s: FineGrainedSlotManagerState, worker: int) -> None:
    """The plan begins with all that a worker has."""
    for resource in s.elements(resources):
        total = s.total_amount[s.worker * s.resource_count + resource]
        s.worker_left[worker * s.resource_count + resource] = total


def place_on_workers(s: FineGrainedSlotManagerState, job: int, requirement: int) -> None:
    """Plan on expected workers, oldest first, then on new ones.

    Flink: tryFulfillRequirementsForJobWithPendingResources.
    """
    for worker in s.expected:
        if worker != NONE:
            fill_worker(s, worker, job, requirement)
    for worker in s.fresh:
        if worker != NONE:
            fill_worker(s, worker, job, requirement)
    if s.open_count[requirement] > 0 and not worker_fits(s, profile_on_worker(s, requirement)):
        s.unserved[job] = 1
        s.open_count[requirement] = 0
    while s.open_count[requirement] > 0:
        fill_worker(s, add_worker(s), job, requirement)


# ---------------------------------------------------------------------------- spare workers


def clear_sums(s: FineGrainedSlotManagerState) -> None:
    """Start to add up what is spare and what there is."""
    for resource in s.elements(resources):
        s.sum_left[resource] = 0
        s.sum_total[resource] = 0


def add_total(s: FineGrainedSlotManagerState, total: int) -> None:
    """Count what a worker has in total."""
    for resource in s.elements(resources):
        s.sum_total[resource] += s.total_amount[total * s.resource_count + resource]


def add_new_worker(s: FineGrainedSlotManagerState) -> None:
    """Count an empty worker."""
    add_total(s, s.worker)
    for resource in s.elements(resources):
        s.sum_left[resource] += s.total_amount[s.worker * s.resource_count + resource]


def has_spare(s: FineGrainedSlotManagerState) -> bool:
    """Whether redundancy and the minimum are satisfied. Flink: isRequiredResourcesFulfilled."""
    row = s.worker * s.resource_count
    return (
        all(
            s.sum_left[resource] >= s.redundant_task_managers * s.total_amount[row + resource]
            for resource in s.elements(resources)
        )
        and s.sum_total[0] >= s.limits[0]
        and memory_of(s, s.sum_total, 0) >= s.limits[1]
    )


def add_spare_workers(s: FineGrainedSlotManagerState) -> None:
    """New workers without a plan, while redundancy or the minimum lacks something.

    Flink: tryFulFillRequiredResources (FLINK-15959, FLINK-31768).
    """
    clear_sums(s)
    for instance in s.elements(instances):
        if takes_part(s, instance):
            add_total(s, s.total[instance])
            for resource in s.elements(resources):
                s.sum_left[resource] += s.left[instance * s.resource_count + resource]
    for worker in s.elements(pending_workers):
        if is_expected(s, worker) or worker in s.fresh:
            add_total(s, s.worker)
            for resource in s.elements(resources):
                s.sum_left[resource] += s.worker_left[worker * s.resource_count + resource]
    while not has_spare(s):
        add_worker(s)
        add_new_worker(s)
    clear_sums(s)


# ------------------------------------------------------------------------------- the plan


def has_impossible_use(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether more is available than there is, of cpu or memory."""
    cpu = s.total_amount[s.total[instance] * s.resource_count]
    return s.left[instance * s.resource_count] > cpu or used_memory(s, instance) < 0


def begin_plan(s: FineGrainedSlotManagerState) -> int:
    """Write down what registered and expected workers have.

    Utilization is computed first, which fails if more is available than there is.
    """
    for instance in s.elements(instances):
        if takes_part(s, instance):
            for resource in s.elements(resources):
                place = instance * s.resource_count + resource
                s.left[place] = available(s, instance, resource)
            if s.worker_control == WorkerControl.DECLARED and has_impossible_use(s, instance):
                return ILLEGAL_ARGUMENT
    for worker in s.expected:
        if worker != NONE:
            empty_worker(s, worker)
    return OK


def plan_job(s: FineGrainedSlotManagerState, job: int) -> None:
    """Plan what one job is missing: first on registered workers, then on others."""
    for requirement in s.elements(profiles):
        s.open_count[requirement] = missing(s, job, requirement)
    for place in s.elements(profiles):
        requirement = s.required_order[job_row(s, job) + place]
        if requirement != NONE and s.open_count[requirement] > 0:
            if s.strategy in (Strategy.SLOTS, Strategy.MIN_RESOURCES):
                place_by_utilization(s, job, requirement)
            else:
                place_in_order(s, job, requirement)
    for place in s.elements(profiles):
        requirement = s.required_order[job_row(s, job) + place]
        if requirement != NONE and s.open_count[requirement] > 0:
            place_on_workers(s, job, requirement)


def plan(s: FineGrainedSlotManagerState) -> int:
    """Plan what all jobs are missing. Flink: tryFulfillRequirements."""
    status = begin_plan(s)
    if status != OK:
        return status
    for job in s.elements(jobs):
        if lacks_anything(s, job):
            plan_job(s, job)
    if s.worker_control == WorkerControl.DECLARED:
        add_spare_workers(s)
    return OK


def forget_plan(s: FineGrainedSlotManagerState) -> None:
    """Clear the plan, which was acted upon."""
    width = s.profile_count
    for instance in s.elements(instances):
        for resource in s.elements(resources):
            s.left[instance * s.resource_count + resource] = 0
        for job in s.elements(jobs):
            row = request_row(s, instance, job)
            clear(s.requested_order, row, width)
            for profile in s.elements(profiles):
                s.requested[row + profile] = 0
    for worker in s.elements(pending_workers):
        for resource in s.elements(resources):
            s.worker_left[worker * s.resource_count + resource] = 0
        for job in s.elements(jobs):
            row = plan_row(s, worker, job)
            clear(s.draft_order, row, width)
            for profile in s.elements(profiles):
                s.draft[row + profile] = 0
    for place in s.elements(pending_workers):
        s.fresh[place] = NONE
        s.refused[place] = NONE
    for job in s.elements(jobs):
        s.unserved[job] = 0
    for profile in s.elements(profiles):
        s.open_count[profile] = 0
