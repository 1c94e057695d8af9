"""What can happen: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    asks_before_release,
    declares_workers,
    has_allocator,
    has_blocking,
    has_failures,
    has_idle_time,
    has_late_reports,
    has_queue,
    has_reports,
    has_restarts,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    Manager,
    PendingTaskManager,
    Requirement,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    FineGrainedSlotManagerState,
    Work,
    instances,
    jobs,
    profiles,
)
from slotspec.models.fine_grained_slot_manager.tracking import (
    has_excess,
    lacks_anything,
    pair_row,
    requires_anything,
)
from slotspec.models.fine_grained_slot_manager.workers import is_registered, number_of_slots
from slotspec.properties.fine_grained_slot_manager.settings import (
    has_batches,
    has_mixed_profiles,
    has_redundancy,
)
from slotspec.statemachine.declaration.conditions import exceeds
from slotspec.statemachine.declaration.rules import NONE


@fine_grained_slot_manager.sometimes("DefaultSlotStatusSyncer.allocateSlot")
def a_slot_is_requested(s: FineGrainedSlotManagerState) -> bool:
    """A slot is PENDING, and its answer is waited for."""
    return ManagedSlot.PENDING in s.slot and 1 in s.awaited


@fine_grained_slot_manager.sometimes("DefaultSlotStatusSyncer.allocateSlot")
def a_job_has_all_that_it_requires(s: FineGrainedSlotManagerState) -> bool:
    """A job requires something, has it, and every slot is ALLOCATED."""
    return Requirement.FULFILLED in s.requirement and ManagedSlot.PENDING not in s.slot


requires_several = has_batches & exceeds("most_required", 1)
"""A job may have several slots of one profile."""


@fine_grained_slot_manager.sometimes(
    "JobScopedResourceTracker.excessResources", when=requires_several
)
def a_job_has_a_slot_too_many(s: FineGrainedSlotManagerState) -> bool:
    """A slot fulfils no requirement of a job that has some."""
    return any(has_excess(s, job) and requires_anything(s, job) for job in s.elements(jobs))


@fine_grained_slot_manager.sometimes(
    "FineGrainedSlotManager.unfulfillableJobs", when=~has_allocator
)
def a_job_cannot_be_served(s: FineGrainedSlotManagerState) -> bool:
    """A job lacks a slot, and is noted as one that cannot be served."""
    return any(s.unfulfillable[job] and lacks_anything(s, job) for job in s.elements(jobs))


has_two_jobs = exceeds("jobs", 1)
"""There are several jobs."""


@fine_grained_slot_manager.sometimes("DefaultResourceTracker", when=has_two_jobs)
def two_jobs_have_slots(s: FineGrainedSlotManagerState) -> bool:
    """Two jobs have slots at a time."""
    return any(
        requires_anything(s, job) and not lacks_anything(s, job) for job in s.elements(jobs)
    ) and all(requires_anything(s, job) for job in s.elements(jobs))


@fine_grained_slot_manager.sometimes(
    "FineGrainedSlotManager.allocateSlotsAccordingTo", when=has_batches & has_failures
)
def a_failed_batch_has_an_open_call(s: FineGrainedSlotManagerState) -> bool:
    """A call has failed, and another one of its batch is not answered."""
    return any(
        call == SlotCall.OPEN and batch == NONE
        for call, batch in zip(s.call, s.call_batch, strict=True)
    )


@fine_grained_slot_manager.sometimes("DefaultRequirementMatcher.match", when=has_mixed_profiles)
def slots_of_two_profiles_fulfil_a_requirement(s: FineGrainedSlotManagerState) -> bool:
    """A requirement for any slot is fulfilled by slots of two profiles."""
    return any(
        sum(s.served[pair_row(s, job, r) + profile] > 0 for profile in s.elements(profiles)) > 1
        for job in s.elements(jobs)
        for r in s.elements(profiles)
    )


@fine_grained_slot_manager.sometimes("FineGrainedTaskManagerTracker", when=has_allocator)
def a_slot_is_planned_on_an_expected_worker(s: FineGrainedSlotManagerState) -> bool:
    """A worker is expected, and a slot planned on it."""
    return PendingTaskManager.PLANNED in s.pending


@fine_grained_slot_manager.sometimes(
    "DefaultResourceAllocationStrategy.tryReconcileClusterResources",
    when=has_allocator & has_redundancy,
)
def a_worker_is_expected_in_reserve(s: FineGrainedSlotManagerState) -> bool:
    """A worker is expected on which nothing is planned."""
    return PendingTaskManager.SPARE in s.pending


@fine_grained_slot_manager.sometimes(
    "FineGrainedSlotManager.releaseIdleTaskExecutor", when=has_idle_time & declares_workers
)
def a_task_manager_is_unwanted(s: FineGrainedSlotManagerState) -> bool:
    """A TaskExecutor is marked for release."""
    return 1 in s.unwanted


@fine_grained_slot_manager.sometimes(
    "FineGrainedSlotManager.releaseIdleTaskExecutorIfPossible",
    when=asks_before_release & declares_workers,
)
def a_question_is_overtaken_by_use(s: FineGrainedSlotManagerState) -> bool:
    """A TaskExecutor was asked whether it may go, and is used before it answers."""
    return IdleQuery.STALE in s.query


@fine_grained_slot_manager.sometimes(
    "DefaultSlotStatusSyncer.reconcileSlotStatus", when=has_reports
)
def a_report_overtakes_an_answer(s: FineGrainedSlotManagerState) -> bool:
    """A slot is ALLOCATED although its call is not answered."""
    return any(
        state == ManagedSlot.ALLOCATED and s.call[allocation] == SlotCall.OPEN
        for allocation, state in enumerate(s.slot)
    )


@fine_grained_slot_manager.sometimes(
    "DefaultSlotStatusSyncer.reconcileSlotStatus", when=has_late_reports
)
def a_slot_is_there_that_nobody_asked_for(s: FineGrainedSlotManagerState) -> bool:
    """A TaskExecutor reports a slot of a job that requires nothing."""
    return any(
        state == ManagedSlot.ALLOCATED and not requires_anything(s, s.slot_job[allocation])
        for allocation, state in enumerate(s.slot)
    )


@fine_grained_slot_manager.sometimes("FineGrainedSlotManager.suspend", when=has_restarts)
def a_stopped_manager_awaits_answers(s: FineGrainedSlotManagerState) -> bool:
    """The manager is suspended while a call is open."""
    return s.manager[0] == Manager.SUSPENDED and SlotCall.OPEN in s.call


@fine_grained_slot_manager.sometimes("FineGrainedSlotManager.start", when=has_queue)
def an_answer_waits_for_the_main_thread(s: FineGrainedSlotManagerState) -> bool:
    """A slot was freed while the main thread had not acted on the answer to its call."""
    return any(
        work == Work.CALL and s.slot[s.work_call[place]] == ManagedSlot.ABSENT
        for place, work in enumerate(s.work)
    )


@fine_grained_slot_manager.sometimes("BlockedTaskManagerChecker", when=has_blocking)
def a_blocked_task_manager_has_a_slot(s: FineGrainedSlotManagerState) -> bool:
    """A TaskExecutor with a slot is blocked."""
    return any(
        is_registered(s, instance)
        and s.blocked[s.owner[instance]] == 1
        and number_of_slots(s, instance) > 0
        for instance in s.elements(instances)
    )
