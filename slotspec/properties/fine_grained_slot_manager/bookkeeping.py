"""Slots, TaskExecutors and expected workers agree with each other in every state."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    declares_workers,
    has_allocator,
    has_idle_time,
    has_late_reports,
    has_occupied_answers,
    has_restarts,
    starts_twice,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    ManagedSlot,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    FineGrainedSlotManagerState,
    Timer,
    allocations,
    instances,
    jobs,
    pending_workers,
    resources,
)
from slotspec.models.fine_grained_slot_manager.workers import (
    has_plan,
    is_expected,
    is_on,
    is_registered,
    memory_of,
    number_of_slots,
    pending_amount,
    unplanned,
)
from slotspec.properties.fine_grained_slot_manager.settings import (
    HALF_REGISTERED,
    MORE_THAN_THERE_IS,
    NEVER_GIVEN_BACK,
    OCCUPIED,
    SECOND_START,
    STALE_INDEX,
    has_maximum,
    has_redundancy,
)
from slotspec.properties.fine_grained_slot_manager.views import needs_workers
from slotspec.statemachine.declaration.conditions import first_of, known
from slotspec.statemachine.declaration.rules import NONE

# ---------------------------------------------------------------------------------- slots


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerTracker.slots", each={"allocation": allocations}
)
def slots_have_what_their_state_says(s: FineGrainedSlotManagerState, allocation: int) -> bool:
    """Exactly the slots that exist have a job, a profile and a connection."""
    exists = s.slot[allocation] != ManagedSlot.ABSENT
    return (
        (s.slot_job[allocation] != NONE) == exists
        and (s.slot_profile[allocation] != NONE) == exists
        and (s.slot_instance[allocation] != NONE) == exists
    )


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerTracker.slots, taskManagerRegistrations",
    each={"allocation": allocations},
    deviation=known(HALF_REGISTERED, has_late_reports),
)
def every_slot_is_known_to_its_task_manager(
    s: FineGrainedSlotManagerState, allocation: int
) -> bool:
    """The TaskExecutor of every slot is registered, and its record has the slot."""
    return s.slot[allocation] == ManagedSlot.ABSENT or (
        s.slot_known[allocation] == 1 and is_registered(s, s.slot_instance[allocation])
    )


@fine_grained_slot_manager.always(
    "DefaultSlotStatusSyncer.pendingSlotAllocations", each={"allocation": allocations}
)
def only_pending_slots_are_waited_for(s: FineGrainedSlotManagerState, allocation: int) -> bool:
    """The manager waits for the answer to a call only while its slot is PENDING."""
    return s.awaited[allocation] == 0 or (
        s.slot[allocation] == ManagedSlot.PENDING and s.call[allocation] != SlotCall.UNUSED
    )


@fine_grained_slot_manager.always(
    "DefaultSlotStatusSyncer.allocateSlot",
    each={"allocation": allocations},
    deviation=first_of(
        (OCCUPIED, has_occupied_answers),
        (SECOND_START, starts_twice),
    ),
)
def pending_slots_are_waited_for(s: FineGrainedSlotManagerState, allocation: int) -> bool:
    """The manager waits for the answer to the call of every PENDING slot."""
    return s.slot[allocation] != ManagedSlot.PENDING or s.awaited[allocation] == 1


# -------------------------------------------------------------------------- task managers


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerRegistration.idleSince", each={"instance": instances}
)
def idle_task_managers_have_no_slots(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Exactly the TaskExecutors in use have a slot."""
    in_use = s.registration[instance] == ManagedTaskManager.IN_USE
    return in_use == (number_of_slots(s, instance) > 0)


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerRegistration.unusedResource",
    each={"instance": instances, "resource": resources},
    deviation=known(MORE_THAN_THERE_IS, has_late_reports),
)
def unused_resources_add_up(s: FineGrainedSlotManagerState, instance: int, resource: int) -> bool:
    """What ALLOCATED slots use and what is unused is all that a TaskExecutor has."""
    if not is_registered(s, instance):
        return True
    used = sum(
        s.amount[s.slot_profile[allocation] * s.resource_count + resource]
        for allocation in s.elements(allocations)
        if is_on(s, allocation, instance) and s.slot[allocation] == ManagedSlot.ALLOCATED
    )
    unused = s.unused[instance * s.resource_count + resource]
    return unused + used == s.total_amount[s.total[instance] * s.resource_count + resource]


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerRegistration.unusedResource",
    each={"instance": instances, "resource": resources},
    deviation=known(MORE_THAN_THERE_IS, has_late_reports),
)
def no_more_is_unused_than_there_is(
    s: FineGrainedSlotManagerState, instance: int, resource: int
) -> bool:
    """No TaskExecutor has more unused than it has in total."""
    return (
        not is_registered(s, instance)
        or s.unused[instance * s.resource_count + resource]
        <= s.total_amount[s.total[instance] * s.resource_count + resource]
    )


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerRegistration.getAvailableResource",
    each={"instance": instances, "resource": resources},
    deviation=known("a reported slot takes resources that PENDING slots need", has_late_reports),
)
def pending_slots_fit(s: FineGrainedSlotManagerState, instance: int, resource: int) -> bool:
    """The PENDING slots of a TaskExecutor fit into what is unused."""
    return pending_amount(s, instance, resource) <= s.unused[instance * s.resource_count + resource]


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerTracker.unWantedTaskManagers", each={"instance": instances}
)
def only_registered_task_managers_are_unwanted(
    s: FineGrainedSlotManagerState, instance: int
) -> bool:
    """A mark for release leaves with the TaskExecutor."""
    return s.unwanted[instance] == 0 or is_registered(s, instance)


# ------------------------------------------------------------------------ expected workers


@fine_grained_slot_manager.always(
    "FineGrainedTaskManagerTracker.totalAndDefaultSlotProfilesToPendingTaskManagers",
    each={"worker": pending_workers},
    when=has_allocator,
    deviation=known(STALE_INDEX, has_restarts),
)
def the_index_has_exactly_the_expected_workers(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """Every expected worker is in the index that registrations use, and no other."""
    expected = is_expected(s, worker)
    return (worker in s.expected) == expected and (worker in s.indexed) == expected


@fine_grained_slot_manager.always(
    "PendingTaskManager.unusedResource", each={"worker": pending_workers}, when=has_allocator
)
def plans_fit_into_expected_workers(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """What is planned on an expected worker fits into it."""
    return all(unplanned(s, worker, resource) >= 0 for resource in s.elements(resources))


@fine_grained_slot_manager.always(
    "PendingTaskManager.pendingSlotAllocationRecords",
    each={"worker": pending_workers},
    when=has_allocator,
)
def plans_are_on_workers(s: FineGrainedSlotManagerState, worker: int) -> bool:
    """Exactly the PLANNED workers have a plan; a stale one may."""
    return s.pending[worker] == PendingTaskManager.STALE or has_plan(s, worker) == (
        s.pending[worker] == PendingTaskManager.PLANNED
    )


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.allocateTaskManagersAccordingTo",
    when=has_allocator & ~has_redundancy,
    deviation=first_of(
        (NEVER_GIVEN_BACK, ~declares_workers),
        (STALE_INDEX, has_restarts),
    ),
)
def nobody_expects_workers_without_need(s: FineGrainedSlotManagerState) -> bool:
    """A worker is expected only while a job lacks a slot, or a check is under way."""
    return s.expected[0] == NONE or needs_workers(s) or s.check_waiting == 1


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.isMaxTotalResourceExceededAfterAdding", when=has_maximum
)
def the_maximum_is_kept(s: FineGrainedSlotManagerState) -> bool:
    """Registered and expected workers together never exceed the maximum."""
    cpu = memory = 0
    for instance in s.elements(instances):
        if is_registered(s, instance):
            row = s.total[instance] * s.resource_count
            cpu += s.total_amount[row]
            memory += memory_of(s, s.total_amount, row)
    for worker in s.expected:
        if worker != NONE:
            cpu += s.total_amount[s.worker * s.resource_count]
            memory += memory_of(s, s.total_amount, s.worker * s.resource_count)
    return cpu <= s.limits[2] and memory <= s.limits[3]


# ------------------------------------------------------------------------------ stopping


@fine_grained_slot_manager.always("FineGrainedSlotManager.suspend", when=has_restarts)
def a_stopped_manager_is_empty(s: FineGrainedSlotManagerState) -> bool:
    """A stopped manager has no slots, TaskExecutors, expected workers or requirements."""
    if s.manager[0] in (Manager.STARTED, Manager.KILLED):
        return True
    return (
        all(state == ManagedSlot.ABSENT for state in s.slot)
        and not any(is_registered(s, instance) for instance in s.elements(instances))
        and s.expected[0] == NONE
        and all(number == 0 for number in s.required)
    )


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.jobMasterTargetAddresses",
    each={"job": jobs},
    when=has_restarts,
    deviation=known("addresses of JobMasters survive suspend"),
)
def a_stopped_manager_knows_no_job_masters(s: FineGrainedSlotManagerState, job: int) -> bool:
    """A stopped manager has no address of a JobMaster."""
    return s.manager[0] != Manager.SUSPENDED or s.target[job] == NONE


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.start, suspend",
    when=has_restarts & has_idle_time,
    deviation=known("start does not cancel the timer of an earlier start", starts_twice),
)
def a_stopped_manager_looks_for_nobody(s: FineGrainedSlotManagerState) -> bool:
    """A stopped manager has no search for idle TaskExecutors scheduled."""
    return s.manager[0] == Manager.STARTED or Timer.RECONCILE not in s.timer
