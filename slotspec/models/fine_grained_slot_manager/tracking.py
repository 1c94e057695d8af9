"""Which slots fulfil which requirements of a job.

Flink: DefaultResourceTracker, JobScopedResourceTracker. Steps return ``OK`` or how they failed.
"""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.lifecycles import Requirement
from slotspec.models.fine_grained_slot_manager.places import clear, push_back, push_front, take_out
from slotspec.models.fine_grained_slot_manager.state import (
    ILLEGAL_ARGUMENT,
    ILLEGAL_STATE,
    OK,
    Effect,
    FineGrainedSlotManagerState,
    jobs,
    profiles,
    requirement_entries,
)
from slotspec.statemachine.declaration.rules import NONE, emit, fire

# ---------------------------------------------------------------------------------- views


def job_row(s: FineGrainedSlotManagerState, job: int) -> int:
    """Where the profiles of a job begin."""
    return job * s.profile_count


def pair_row(s: FineGrainedSlotManagerState, job: int, profile: int) -> int:
    """Where the pairs of a job and a profile begin."""
    return (job * s.profile_count + profile) * s.profile_count


def filled(s: FineGrainedSlotManagerState, job: int, requirement: int) -> int:
    """How many slots fulfil a requirement."""
    row = pair_row(s, job, requirement)
    return sum(s.served[row + profile] for profile in s.elements(profiles))


def missing(s: FineGrainedSlotManagerState, job: int, requirement: int) -> int:
    """How many slots a requirement lacks."""
    required = s.required[job_row(s, job) + requirement]
    return max(required - filled(s, job, requirement), 0)


def lacks_anything(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether a slot of the job is missing."""
    return any(missing(s, job, requirement) > 0 for requirement in s.elements(profiles))


def requires_anything(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether the job has a requirement. Flink: isRequirementEmpty."""
    return s.required_order[job_row(s, job)] != NONE


def has_excess(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether a slot of the job fulfils no requirement."""
    return s.excess_order[job_row(s, job)] != NONE


def is_tracked(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether there is a JobScopedResourceTracker of the job."""
    return requires_anything(s, job) or has_excess(s, job)


def acquired_slots(s: FineGrainedSlotManagerState, job: int, profile: int) -> int:
    """How many slots of a profile the job has. Flink: getAcquiredResources."""
    return s.excess[job_row(s, job) + profile] + sum(
        s.served[pair_row(s, job, requirement) + profile] for requirement in s.elements(profiles)
    )


def has_slots(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether the job has slots, as its JobScopedResourceTracker counts them."""
    return any(acquired_slots(s, job, profile) > 0 for profile in s.elements(profiles))


def notify_missing(s: FineGrainedSlotManagerState) -> None:
    """Tell every job that could not be served what it has, if that is wanted."""
    if s.notify:
        for job, flag in enumerate(s.unfulfillable):
            if flag:
                emit(s, Effect.NOT_ENOUGH_RESOURCES, job)
                for profile in s.elements(profiles):
                    if acquired_slots(s, job, profile) > 0:
                        emit(s, Effect.ACQUIRED, job, profile, acquired_slots(s, job, profile))


# -------------------------------------------------------------------------------- counting


def note(s: FineGrainedSlotManagerState, job: int, requirement: int) -> None:
    """Bring the lifecycle of a requirement up to date."""
    place = job_row(s, job) + requirement
    state = s.requirement[place]
    if s.required[place] == 0:
        if state != Requirement.ABSENT:
            fire(s.requirement, place, Requirement.withdraw)
    elif missing(s, job, requirement) == 0:
        if state != Requirement.FULFILLED:
            fire(s.requirement, place, Requirement.meet)
    elif state == Requirement.ABSENT:
        fire(s.requirement, place, Requirement.declare)
    elif state == Requirement.FULFILLED:
        fire(s.requirement, place, Requirement.miss)


def assign(s: FineGrainedSlotManagerState, job: int, requirement: int, profile: int) -> None:
    """One more slot of a profile fulfils a requirement.

    Flink: BiDirectionalResourceToRequirementMapping.incrementCount. Its maps are hash maps; the
    outer ones get a new key at the front, the inner ones at the end.
    """
    width = s.profile_count
    s.served[pair_row(s, job, requirement) + profile] += 1
    push_front(s.fulfilled_order, job_row(s, job), width, requirement)
    push_back(s.fulfilled_by, pair_row(s, job, requirement), width, profile)
    push_front(s.serves_order, job_row(s, job), width, profile)
    push_back(s.serves_for, pair_row(s, job, profile), width, requirement)
    note(s, job, requirement)


def unassign(
    s: FineGrainedSlotManagerState, job: int, requirement: int, profile: int, count: int
) -> None:
    """Slots of a profile no longer fulfil a requirement. Flink: decrementCount."""
    width = s.profile_count
    place = pair_row(s, job, requirement) + profile
    s.served[place] -= count
    if s.served[place] == 0:
        take_out(s.fulfilled_by, pair_row(s, job, requirement), width, profile)
        take_out(s.serves_for, pair_row(s, job, profile), width, requirement)
        if s.fulfilled_by[pair_row(s, job, requirement)] == NONE:
            take_out(s.fulfilled_order, job_row(s, job), width, requirement)
        if s.serves_for[pair_row(s, job, profile)] == NONE:
            take_out(s.serves_order, job_row(s, job), width, profile)
    note(s, job, requirement)


def add_excess(s: FineGrainedSlotManagerState, job: int, profile: int, count: int) -> None:
    """Slots of a profile fulfil no requirement."""
    s.excess[job_row(s, job) + profile] += count
    push_back(s.excess_order, job_row(s, job), s.profile_count, profile)


def drop_excess(s: FineGrainedSlotManagerState, job: int, profile: int, count: int) -> None:
    """Slots that fulfilled no requirement are gone, or fulfil one."""
    place = job_row(s, job) + profile
    s.excess[place] -= count
    if s.excess[place] == 0:
        take_out(s.excess_order, job_row(s, job), s.profile_count, profile)


# ------------------------------------------------------------------------------- matching


def matches(s: FineGrainedSlotManagerState, profile: int, requirement: int) -> bool:
    """Whether a slot can fulfil a requirement: both are equal, or it is UNKNOWN."""
    return requirement in (profile, s.unknown)


def find_requirement(s: FineGrainedSlotManagerState, job: int, profile: int) -> int:
    """The requirement that a slot of this profile fulfils next, or NONE.

    Flink: findMatchingRequirement, DefaultRequirementMatcher.
    """
    if missing(s, job, profile) > 0:
        return profile
    row = job_row(s, job)
    for place in s.elements(profiles):
        requirement = s.required_order[row + place]
        if (
            requirement != NONE
            and matches(s, profile, requirement)
            and missing(s, job, requirement) > 0
        ):
            return requirement
    return NONE


def notify_acquired(s: FineGrainedSlotManagerState, job: int, profile: int) -> None:
    """The job has one more slot. Flink: notifyAcquiredResource."""
    requirement = find_requirement(s, job, profile)
    if requirement == NONE:
        add_excess(s, job, profile, 1)
    else:
        assign(s, job, requirement, profile)


def notify_lost(s: FineGrainedSlotManagerState, job: int, profile: int) -> int:
    """The job has one slot less. Flink: notifyLostResource."""
    if not is_tracked(s, job):
        return OK
    if s.excess[job_row(s, job) + profile] > 0:
        drop_excess(s, job, profile, 1)
        return OK
    requirement = s.serves_for[pair_row(s, job, profile)]
    if requirement == NONE:
        return ILLEGAL_STATE
    unassign(s, job, requirement, profile, 1)
    assign_excess(s, job)
    return OK


def assign_excess(s: FineGrainedSlotManagerState, job: int) -> None:
    """Let slots in excess fulfil what is missing. Flink: tryAssignExcessResources."""
    row = job_row(s, job)
    for place in s.elements(profiles):
        profile = s.excess_order[row + place]
        if profile != NONE:
            for _ in range(s.excess[row + profile]):
                requirement = find_requirement(s, job, profile)
                if requirement == NONE:
                    break
                assign(s, job, requirement, profile)
                s.taken[profile] += 1
    for profile in s.elements(profiles):
        if s.taken[profile] > 0:
            drop_excess(s, job, profile, s.taken[profile])
            s.taken[profile] = 0


# --------------------------------------------------------------------------- requirements


def notify_requirements(s: FineGrainedSlotManagerState, job: int) -> int:
    """Replace what the job requires by the declared list. Flink: notifyResourceRequirements."""
    row = job_row(s, job)
    clear(s.required_order, row, s.profile_count)
    for profile in s.elements(profiles):
        s.required[row + profile] = 0
    for entry in s.elements(requirement_entries):
        profile = s.declared_profile[entry]
        if profile != NONE and s.declared_count[entry] > 0:
            s.required[row + profile] += s.declared_count[entry]
            push_back(s.required_order, row, s.profile_count, profile)
    status = release_surplus(s, job)
    if status == OK:
        assign_excess(s, job)
    for requirement in s.elements(profiles):
        note(s, job, requirement)
    return status


def add_move(s: FineGrainedSlotManagerState, requirement: int, profile: int, count: int) -> None:
    """Plan to turn slots that fulfil a requirement into excess."""
    for place, other in enumerate(s.move_requirement):
        if other == NONE:
            s.move_requirement[place] = requirement
            s.move_profile[place] = profile
            s.move_count[place] = count
            return


def find_moves(s: FineGrainedSlotManagerState, job: int, requirement: int) -> None:
    """Find the slots that a requirement has too many. Flink: findExcessSlots.

    When the first profiles make up the surplus exactly, Flink plans a move of no slots of the
    next profile, which fails when it is made.
    """
    over = filled(s, job, requirement) - s.required[job_row(s, job) + requirement]
    if over <= 0:
        return
    row = pair_row(s, job, requirement)
    for place in s.elements(profiles):
        profile = s.fulfilled_by[row + place]
        if profile != NONE:
            count = s.served[row + profile]
            add_move(s, requirement, profile, min(count, over))
            if count > over:
                return
            over -= count


def release_surplus(s: FineGrainedSlotManagerState, job: int) -> int:
    """Turn slots that fulfil more than is required into excess.

    Flink: findExcessSlots, and the loop that follows it.
    """
    for place in s.elements(profiles):
        requirement = s.fulfilled_order[job_row(s, job) + place]
        if requirement != NONE:
            find_moves(s, job, requirement)
    status = OK
    for place, requirement in enumerate(s.move_requirement):
        if requirement != NONE:
            if s.move_count[place] == 0:
                status = ILLEGAL_ARGUMENT
            if status == OK:
                profile = s.move_profile[place]
                unassign(s, job, requirement, profile, s.move_count[place])
                add_excess(s, job, profile, s.move_count[place])
            s.move_requirement[place] = NONE
            s.move_profile[place] = NONE
            s.move_count[place] = 0
    return status


def forget_jobs(s: FineGrainedSlotManagerState) -> None:
    """Forget all jobs, their requirements and slots. Flink: DefaultResourceTracker.clear."""
    width = s.profile_count
    for job in s.elements(jobs):
        s.unfulfillable[job] = 0
        clear(s.required_order, job_row(s, job), width)
        clear(s.excess_order, job_row(s, job), width)
        clear(s.fulfilled_order, job_row(s, job), width)
        clear(s.serves_order, job_row(s, job), width)
        for profile in s.elements(profiles):
            s.required[job_row(s, job) + profile] = 0
            s.excess[job_row(s, job) + profile] = 0
            clear(s.fulfilled_by, pair_row(s, job, profile), width)
            clear(s.serves_for, pair_row(s, job, profile), width)
            for other in s.elements(profiles):
                s.served[pair_row(s, job, profile) + other] = 0
            note(s, job, profile)
