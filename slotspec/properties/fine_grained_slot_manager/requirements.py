"""Requirements: which slots count for them, and that they are served or refused."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    clear_resource_requirements,
    declares_workers,
    has_allocator,
    has_blocking,
    has_failures,
    has_late_reports,
    has_moods,
    has_notify_flag,
    has_restarts,
    process_resource_requirements,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import Manager, Requirement
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.places import is_in
from slotspec.models.fine_grained_slot_manager.state import (
    Effect,
    FineGrainedSlotManagerState,
    allocations,
    instances,
    jobs,
    profiles,
)
from slotspec.models.fine_grained_slot_manager.tracking import (
    acquired_slots,
    filled,
    job_row,
    lacks_anything,
    matches,
    missing,
    pair_row,
    requires_anything,
)
from slotspec.models.fine_grained_slot_manager.workers import is_on, number_of_slots
from slotspec.properties.fine_grained_slot_manager.settings import (
    APPLICATION_STAYS,
    BEFORE_START,
    HALF_REGISTERED,
    MORE_THAN_THERE_IS,
    MOVE_OF_NONE,
    NO_CHECK_AFTER_REGISTRATION,
    PLANNED_BEFORE_BLOCKED,
    SECOND_FAILURE,
    SPARE_BEYOND_MAXIMUM,
    STALE_INDEX,
    STALE_UNFULFILLABLE,
    concentrates,
    has_batches,
    has_mixed_profiles,
    has_small_maximum,
    has_waiting_jobs,
    spare_is_refused,
    spare_is_refused_first,
    spreads,
    triggers_delayed_checks,
)
from slotspec.properties.fine_grained_slot_manager.views import (
    could_be_served,
    has_room_on,
    raises,
    requests_to,
    slots_of_job,
)
from slotspec.statemachine.declaration.conditions import first_of, is_set, known
from slotspec.statemachine.declaration.rules import NONE

# ------------------------------------------------------------------------------- tracking


@fine_grained_slot_manager.always(
    "DefaultResourceTracker.getAcquiredResources",
    each={"job": jobs, "profile": profiles},
    deviation=known(HALF_REGISTERED, has_late_reports),
)
def a_job_has_the_slots_that_are_counted(
    s: FineGrainedSlotManagerState, job: int, profile: int
) -> bool:
    """The slots that count for a job are those that TaskExecutors have for it."""
    return acquired_slots(s, job, profile) == slots_of_job(s, job, profile)


@fine_grained_slot_manager.always(
    "JobScopedResourceTracker.findExcessSlots",
    each={"job": jobs, "requirement": profiles},
)
def no_requirement_has_too_many_slots(
    s: FineGrainedSlotManagerState, job: int, requirement: int
) -> bool:
    """A requirement is fulfilled by no more slots than it requires."""
    return filled(s, job, requirement) <= s.required[job_row(s, job) + requirement]


@fine_grained_slot_manager.always(
    "JobScopedResourceTracker.tryAssignExcessResources",
    each={"job": jobs, "requirement": profiles},
    deviation=known(MOVE_OF_NONE, has_mixed_profiles),
)
def no_slot_is_in_excess_that_is_missing(
    s: FineGrainedSlotManagerState, job: int, requirement: int
) -> bool:
    """While a requirement lacks a slot, no slot in excess could fulfil it."""
    return missing(s, job, requirement) == 0 or not any(
        s.excess[job_row(s, job) + profile] > 0 and matches(s, profile, requirement)
        for profile in s.elements(profiles)
    )


@fine_grained_slot_manager.always(
    "DefaultRequirementMatcher.match", each={"job": jobs, "requirement": profiles}
)
def requirements_are_fulfilled_by_matching_slots(
    s: FineGrainedSlotManagerState, job: int, requirement: int
) -> bool:
    """A slot fulfils only a requirement of its own profile, or one for any profile."""
    return all(
        s.served[pair_row(s, job, requirement) + profile] == 0
        or requirement in (profile, s.unknown)
        for profile in s.elements(profiles)
    )


@fine_grained_slot_manager.always(
    "BiDirectionalResourceToRequirementMapping", each={"job": jobs, "requirement": profiles}
)
def both_maps_have_the_same_pairs(
    s: FineGrainedSlotManagerState, job: int, requirement: int
) -> bool:
    """The maps from requirements to slots and back have exactly the pairs that are counted."""
    row, width = job_row(s, job), s.profile_count
    own = pair_row(s, job, requirement)
    return is_in(s.fulfilled_order, row, width, requirement) == (
        filled(s, job, requirement) > 0
    ) and all(
        is_in(s.fulfilled_by, own, width, profile) == (s.served[own + profile] > 0)
        and is_in(s.serves_for, pair_row(s, job, profile), width, requirement)
        == (s.served[own + profile] > 0)
        for profile in s.elements(profiles)
    )


@fine_grained_slot_manager.always(
    "JobScopedResourceTracker.getMissingResources", each={"job": jobs, "requirement": profiles}
)
def requirements_have_what_their_state_says(
    s: FineGrainedSlotManagerState, job: int, requirement: int
) -> bool:
    """A requirement is FULFILLED if it is there and lacks nothing."""
    state = s.requirement[job_row(s, job) + requirement]
    if s.required[job_row(s, job) + requirement] == 0:
        return state == Requirement.ABSENT
    lacking = missing(s, job, requirement) > 0
    return state == (Requirement.MISSING if lacking else Requirement.FULFILLED)


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.jobMasterTargetAddresses",
    each={"job": jobs},
)
def the_job_master_of_requirements_is_known(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Where a job requires something, the address of its JobMaster is known."""
    return not requires_anything(s, job) or s.target[job] != NONE


remembers_applications = is_set("applications_needed")
"""Requests name an application."""


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.clearResourceRequirements",
    each={"job": jobs},
    when=remembers_applications,
    deviation=known(APPLICATION_STAYS),
)
def a_finished_job_is_forgotten(s: FineGrainedSlotManagerState, job: int) -> bool:
    """The application of a job is known only while its JobMaster is."""
    return s.application[job] == NONE or s.target[job] != NONE


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.unfulfillableJobs",
    each={"job": jobs},
    deviation=known(STALE_UNFULFILLABLE, ~has_allocator | has_moods | has_small_maximum),
)
def only_jobs_that_lack_something_cannot_be_served(
    s: FineGrainedSlotManagerState, job: int
) -> bool:
    """A job that lacks nothing is not among those that cannot be served."""
    return s.unfulfillable[job] == 0 or lacks_anything(s, job)


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.clearResourceRequirements (FLINK-31444)",
    on=clear_resource_requirements,
    each={"instance": instances},
    when=declares_workers,
    deviation=known(HALF_REGISTERED, has_late_reports),
)
def inactive_slots_of_a_finished_job_are_freed(
    before: FineGrainedSlotManagerState,
    after: FineGrainedSlotManagerState,
    job: int,
    instance: int,
) -> bool:
    """When a job is over, every TaskExecutor with a slot of it is told to free inactive ones."""
    has_slot = any(
        is_on(before, allocation, instance) and before.slot_job[allocation] == job
        for allocation in before.elements(allocations)
    )
    return not has_slot or any(
        e.kind == Effect.FREE_INACTIVE_SLOTS and e.instance == instance and e.job == job
        for e in after.effects
    )


# ----------------------------------------------------------------------------- requesting


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.allocateSlotsAccordingTo",
    deviation=known(STALE_INDEX, has_restarts & declares_workers),
)
def slots_are_requested_for_jobs_that_require_them(after: FineGrainedSlotManagerState) -> bool:
    """A slot is requested only for a job whose requirement it fulfils."""
    return all(
        any(
            matches(after, e.profile, requirement)
            and after.required[job_row(after, e.job) + requirement] > 0
            for requirement in after.elements(profiles)
        )
        for e in after.effects
        if e.kind == Effect.REQUEST_SLOT
    )


@fine_grained_slot_manager.step(
    "BlockedTaskManagerChecker",
    each={"instance": instances},
    when=has_blocking,
    deviation=known(PLANNED_BEFORE_BLOCKED, has_allocator),
)
def blocked_task_managers_get_no_slots(after: FineGrainedSlotManagerState, instance: int) -> bool:
    """No slot is requested from a TaskExecutor that is blocked."""
    return requests_to(after, instance) == 0 or after.blocked[after.owner[instance]] == 0


@fine_grained_slot_manager.step(
    "LeastUtilizationResourceMatchingStrategy", each={"instance": instances}, when=spreads
)
def slots_are_spread_evenly(after: FineGrainedSlotManagerState, instance: int) -> bool:
    """Who gets a slot has at most one more than any other TaskExecutor with room."""
    return requests_to(after, instance) == 0 or all(
        number_of_slots(after, instance) <= number_of_slots(after, other) + 1
        for other in after.elements(instances)
        if has_room_on(after, other, 0)
    )


@fine_grained_slot_manager.step(
    "MostUtilizationResourceMatchingStrategy", each={"instance": instances}, when=concentrates
)
def slots_are_kept_together(
    before: FineGrainedSlotManagerState, after: FineGrainedSlotManagerState, instance: int
) -> bool:
    """Who gets a first slot does so because no TaskExecutor in use has room."""
    return (
        requests_to(after, instance) == 0
        or number_of_slots(after, instance) > requests_to(after, instance)
        or not any(
            other != instance
            and number_of_slots(after, other) > 0
            and number_of_slots(before, other) > 0
            and has_room_on(after, other, 0)
            for other in after.elements(instances)
        )
    )


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.processResourceRequirements",
    on=process_resource_requirements,
    deviation=first_of(
        (MOVE_OF_NONE, has_mixed_profiles),
        (
            SPARE_BEYOND_MAXIMUM,
            spare_is_refused & ~is_set("check_delay"),
        ),
        (MORE_THAN_THERE_IS, has_late_reports & declares_workers),
    ),
)
def declaring_requirements_succeeds(
    before: FineGrainedSlotManagerState, after: FineGrainedSlotManagerState
) -> bool:
    """A JobMaster that declares its requirements to a started manager gets no exception."""
    return before.manager[0] != Manager.STARTED or not raises(after)


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.setFailUnfulfillableRequest",
    each={"job": jobs},
    deviation=known(STALE_UNFULFILLABLE, has_notify_flag & ~has_allocator),
)
def only_jobs_that_lack_something_are_told(after: FineGrainedSlotManagerState, job: int) -> bool:
    """A job is told that resources are missing only if it lacks something."""
    return lacks_anything(after, job) or not any(
        e.kind == Effect.NOT_ENOUGH_RESOURCES and e.job == job for e in after.effects
    )


# -------------------------------------------------------------------------------- liveness


def is_not_servable(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Nothing that the job lacks fits anywhere, or the manager does not work."""
    return not could_be_served(s, job)


@fine_grained_slot_manager.leads_to(
    "FineGrainedSlotManager.checkResourceRequirements",
    is_not_servable,
    each={"job": jobs},
    deviation=first_of(
        (SPARE_BEYOND_MAXIMUM, spare_is_refused & is_set("check_delay")),
        (MORE_THAN_THERE_IS, has_late_reports),
        (BEFORE_START, triggers_delayed_checks),
        (SECOND_FAILURE, has_failures & has_batches),
        (NO_CHECK_AFTER_REGISTRATION, has_waiting_jobs),
    ),
)
def missing_slots_that_fit_are_requested(s: FineGrainedSlotManagerState, job: int) -> bool:
    """A slot that a job lacks, and that fits on a TaskExecutor, is requested in the end."""
    return could_be_served(s, job)


def is_served_or_refused(s: FineGrainedSlotManagerState, job: int) -> bool:
    """The job lacks nothing, or is among those that cannot be served; or the manager stopped."""
    return (
        s.manager[0] != Manager.STARTED or not lacks_anything(s, job) or s.unfulfillable[job] == 1
    )


@fine_grained_slot_manager.leads_to(
    "FineGrainedSlotManager.processResourceRequirements",
    is_served_or_refused,
    each={"job": jobs},
    deviation=first_of(
        (SPARE_BEYOND_MAXIMUM, spare_is_refused & is_set("check_delay")),
        (SPARE_BEYOND_MAXIMUM, spare_is_refused_first),
        (MORE_THAN_THERE_IS, has_late_reports),
        (BEFORE_START, triggers_delayed_checks),
        (SECOND_FAILURE, has_failures & has_batches),
    ),
)
def what_is_declared_is_served_or_refused(s: FineGrainedSlotManagerState, job: int) -> bool:
    """What a job declares is requested in the end, or the job cannot be served."""
    return s.manager[0] == Manager.STARTED and lacks_anything(s, job)
