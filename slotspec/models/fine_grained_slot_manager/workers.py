"""TaskExecutors, their resources and slots, and workers that are expected.

Flink: FineGrainedTaskManagerTracker, FineGrainedTaskManagerRegistration, PendingTaskManager.
"""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.places import clear
from slotspec.models.fine_grained_slot_manager.state import (
    FineGrainedSlotManagerState,
    allocations,
    instances,
    jobs,
    pending_workers,
    profiles,
    resources,
)
from slotspec.models.fine_grained_slot_manager.versions import WorkerControl
from slotspec.statemachine.declaration.queues import append, remove
from slotspec.statemachine.declaration.rules import NONE, fire

# ----------------------------------------------------------------------------- connections


def is_registered(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether this connection is registered."""
    return s.registration[instance] != ManagedTaskManager.UNREGISTERED


def is_on(s: FineGrainedSlotManagerState, allocation: int, instance: int) -> bool:
    """Whether the record of a TaskExecutor has this slot."""
    return (
        s.slot[allocation] != ManagedSlot.ABSENT
        and s.slot_known[allocation] == 1
        and s.slot_instance[allocation] == instance
    )


def number_of_slots(s: FineGrainedSlotManagerState, instance: int) -> int:
    """How many slots a TaskExecutor has."""
    return sum(is_on(s, allocation, instance) for allocation in s.elements(allocations))


def slots_of(s: FineGrainedSlotManagerState, instance: int) -> int:
    """How many default slots fit into a TaskExecutor."""
    return s.slots_in[s.total[instance] * s.profile_count + s.default_slot[instance]]


def pending_amount(s: FineGrainedSlotManagerState, instance: int, resource: int) -> int:
    """How much of a resource the PENDING slots of a TaskExecutor need."""
    return sum(
        s.amount[s.slot_profile[allocation] * s.resource_count + resource]
        for allocation in s.elements(allocations)
        if s.slot[allocation] == ManagedSlot.PENDING and is_on(s, allocation, instance)
    )


def available(s: FineGrainedSlotManagerState, instance: int, resource: int) -> int:
    """How much of a resource is left: nothing if PENDING slots need more than is unused.

    Flink: getAvailableResource.
    """
    row = instance * s.resource_count
    if any(
        s.unused[row + other] < pending_amount(s, instance, other)
        for other in s.elements(resources)
    ):
        return 0
    return s.unused[row + resource] - pending_amount(s, instance, resource)


def can_take(s: FineGrainedSlotManagerState, instance: int, profile: int) -> bool:
    """Whether a slot fits into what no ALLOCATED slot uses."""
    row = instance * s.resource_count
    return all(
        s.unused[row + resource] >= s.amount[profile * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def has_room_for(s: FineGrainedSlotManagerState, instance: int, profile: int) -> bool:
    """Whether a TaskExecutor is large enough for its PENDING slots and one more.

    Flink: FineGrainedTaskManagerRegistration.notifyAllocation.
    """
    row = s.total[instance] * s.resource_count
    return all(
        s.total_amount[row + resource]
        >= pending_amount(s, instance, resource) + s.amount[profile * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def use_resources(s: FineGrainedSlotManagerState, instance: int, profile: int) -> None:
    """A slot of this profile becomes ALLOCATED."""
    for resource in s.elements(resources):
        place = instance * s.resource_count + resource
        s.unused[place] -= s.amount[profile * s.resource_count + resource]


def return_resources(s: FineGrainedSlotManagerState, instance: int, profile: int) -> None:
    """An ALLOCATED slot of this profile leaves."""
    for resource in s.elements(resources):
        place = instance * s.resource_count + resource
        s.unused[place] += s.amount[profile * s.resource_count + resource]


def mark_used(s: FineGrainedSlotManagerState, instance: int) -> None:
    """The TaskExecutor has a slot: it is not idle."""
    if s.registration[instance] == ManagedTaskManager.IDLE:
        fire(s.registration, instance, ManagedTaskManager.use)
        s.idle_for[instance] = 0
        for query, asked in enumerate(s.query_instance):
            if asked == instance and s.query[query] == IdleQuery.ASKED:
                fire(s.query, query, IdleQuery.use)


def enter(
    s: FineGrainedSlotManagerState, instance: int, owner: int, total: int, default_slot: int
) -> None:
    """Enter an idle TaskExecutor. Flink: addTaskManager."""
    fire(s.registration, instance, ManagedTaskManager.register)
    s.owner[instance] = owner
    s.total[instance] = total
    s.default_slot[instance] = default_slot
    for resource in s.elements(resources):
        place = instance * s.resource_count + resource
        s.unused[place] = s.total_amount[total * s.resource_count + resource]


def leave(s: FineGrainedSlotManagerState, instance: int) -> None:
    """Forget a TaskExecutor and the slots that it still has. Flink: removeTaskManager."""
    for allocation in s.elements(allocations):
        if is_on(s, allocation, instance):
            forget_slot(s, allocation)
    for query, asked in enumerate(s.query_instance):
        if asked == instance and s.query[query] == IdleQuery.ASKED:
            fire(s.query, query, IdleQuery.detach)
    fire(s.registration, instance, ManagedTaskManager.unregister)
    s.idle_for[instance] = 0
    s.unwanted[instance] = 0
    s.owner[instance] = NONE
    s.total[instance] = NONE
    s.default_slot[instance] = NONE
    for resource in s.elements(resources):
        s.unused[instance * s.resource_count + resource] = 0


# ----------------------------------------------------------------------------------- slots


def forget_slot(s: FineGrainedSlotManagerState, allocation: int) -> None:
    """Remove a slot from the map of slots."""
    fire(s.slot, allocation, ManagedSlot.leave)
    s.slot_job[allocation] = NONE
    s.slot_profile[allocation] = NONE
    s.slot_instance[allocation] = NONE
    s.slot_known[allocation] = 0
    s.assigned_tasks[allocation] = 0


def describe_slot(
    s: FineGrainedSlotManagerState, allocation: int, job: int, profile: int, instance: int
) -> None:
    """A new slot has this job, profile and connection."""
    s.slot_job[allocation] = job
    s.slot_profile[allocation] = profile
    s.slot_instance[allocation] = instance


def attach(s: FineGrainedSlotManagerState, allocation: int) -> None:
    """The record of the TaskExecutor has the slot from now on."""
    s.slot_known[allocation] = 1
    mark_used(s, s.slot_instance[allocation])


def remove_slot(s: FineGrainedSlotManagerState, allocation: int) -> None:
    """A slot leaves its TaskExecutor, which is idle if it was the last one.

    Flink: removeAllocatedSlot, notifyFreed.
    """
    instance, profile = s.slot_instance[allocation], s.slot_profile[allocation]
    if s.slot[allocation] == ManagedSlot.ALLOCATED:
        return_resources(s, instance, profile)
    forget_slot(s, allocation)
    if number_of_slots(s, instance) == 0:
        fire(s.registration, instance, ManagedTaskManager.become_idle)
        s.idle_for[instance] = 0


def is_allocation_unused(s: FineGrainedSlotManagerState, allocation: int) -> bool:
    """Whether nothing refers to this allocation id."""
    return (
        s.slot[allocation] == ManagedSlot.ABSENT
        and s.call[allocation] == SlotCall.UNUSED
        and s.awaited[allocation] == 0
        and s.elsewhere[allocation] == 0
    )


def spare_allocation(s: FineGrainedSlotManagerState, instance: int) -> int:
    """An id for one more allocation, or NONE.

    Each TaskExecutor has ids of its own, as long as they last: so the order in which several are
    asked leaves no trace. To follow a recording, the search continues where the last one ended, so
    that no id comes twice in one step.
    """
    count = len(s.slot)
    tms = len(s.blocked)
    first = s.given if s.follow_clock else instance % tms * count // tms
    for i in range(count):
        allocation = (first + i) % count
        if is_allocation_unused(s, allocation):
            if s.follow_clock:
                s.given = (allocation + 1) % count
            return allocation
    return NONE


# ------------------------------------------------------------------------ expected workers


def plan_row(s: FineGrainedSlotManagerState, worker: int, job: int) -> int:
    """Where the profiles of a job on a worker begin."""
    return (worker * len(s.target) + job) * s.profile_count


def has_plan(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """Whether slots of some job are planned on a worker."""
    return any(s.planned_order[plan_row(s, worker, job)] != NONE for job in s.elements(jobs))


def is_expected(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """Whether a worker is asked for."""
    return s.pending[worker] in (PendingTaskManager.SPARE, PendingTaskManager.PLANNED)


def note_plan(s: FineGrainedSlotManagerState, worker: int) -> None:
    """Bring the lifecycle of a worker up to date."""
    planned = has_plan(s, worker)
    if planned and s.pending[worker] == PendingTaskManager.SPARE:
        fire(s.pending, worker, PendingTaskManager.plan)
    elif not planned and s.pending[worker] == PendingTaskManager.PLANNED:
        fire(s.pending, worker, PendingTaskManager.clear)


def clear_plan_of(s: FineGrainedSlotManagerState, worker: int, job: int) -> None:
    """Nothing of a job is planned on a worker any more."""
    row = plan_row(s, worker, job)
    clear(s.planned_order, row, s.profile_count)
    for profile in s.elements(profiles):
        s.planned[row + profile] = 0
    note_plan(s, worker)


def clear_plan(s: FineGrainedSlotManagerState, worker: int) -> None:
    """Nothing is planned on a worker any more."""
    for job in s.elements(jobs):
        clear_plan_of(s, worker, job)


def clear_plans_of(s: FineGrainedSlotManagerState, job: int) -> None:
    """Drop what is planned for a job. Flink: clearPendingAllocationsOfJob."""
    for worker in s.elements(pending_workers):
        if is_expected(s, worker):
            clear_plan_of(s, worker, job)


def clear_plans(s: FineGrainedSlotManagerState) -> None:
    """Drop all plans. Flink: clearAllPendingAllocations."""
    for worker in s.elements(pending_workers):
        if is_expected(s, worker):
            clear_plan(s, worker)


def unplanned(s: FineGrainedSlotManagerState, worker: int, resource: int) -> int:
    """How much of a resource of a worker is not planned. Flink: getUnusedResource."""
    return s.total_amount[s.worker * s.resource_count + resource] - sum(
        s.planned[plan_row(s, worker, job) + profile]
        * s.amount[profile * s.resource_count + resource]
        for job in s.elements(jobs)
        for profile in s.elements(profiles)
    )


def expect(s: FineGrainedSlotManagerState, worker: int) -> None:
    """A worker is asked for. Flink: addPendingTaskManager."""
    fire(s.pending, worker, PendingTaskManager.ask)
    append(s.expected, worker)
    append(s.indexed, worker)
    if s.follow_clock:
        s.made += 1
        s.pending_serial[worker] = s.made


def arrive(s: FineGrainedSlotManagerState, worker: int) -> None:
    """A worker has registered. Flink: removePendingTaskManager."""
    clear_plan(s, worker)
    remove(s.expected, worker)
    remove(s.indexed, worker)
    fire(s.pending, worker, PendingTaskManager.arrive)


def drop(s: FineGrainedSlotManagerState, worker: int) -> None:
    """A worker is not needed any more."""
    remove(s.expected, worker)
    remove(s.indexed, worker)
    fire(s.pending, worker, PendingTaskManager.drop)


def suspend_workers(s: FineGrainedSlotManagerState) -> None:
    """Forget expected workers, but not their index. Flink: FineGrainedTaskManagerTracker.clear.

    What was planned on them survives there, except in 1.14, which keeps plans elsewhere.
    """
    for worker in s.elements(pending_workers):
        if is_expected(s, worker):
            if s.worker_control == WorkerControl.ONE_BY_ONE:
                clear_plan(s, worker)
            remove(s.expected, worker)
            fire(s.pending, worker, PendingTaskManager.suspend)


# ------------------------------------------------------------------------------- resources


def memory_of(s: FineGrainedSlotManagerState, amounts: list[int], row: int) -> int:
    """The sum of all kinds of memory."""
    return sum(amounts[row + 1 + i] for i in range(s.memory_count))


def exceeds_maximum(s: FineGrainedSlotManagerState, total: int) -> bool:
    """Whether one more worker would be too much. Flink: isMaxTotalResourceExceededAfterAdding."""
    count = s.resource_count
    cpu = s.total_amount[total * count]
    memory = memory_of(s, s.total_amount, total * count)
    for instance in s.elements(instances):
        if is_registered(s, instance):
            cpu += s.total_amount[s.total[instance] * count]
            memory += memory_of(s, s.total_amount, s.total[instance] * count)
    for worker in s.expected:
        if worker != NONE:
            cpu += s.total_amount[s.worker * count]
            memory += memory_of(s, s.total_amount, s.worker * count)
    return (s.limits[2] >= 0 and cpu > s.limits[2]) or (s.limits[3] >= 0 and memory > s.limits[3])
