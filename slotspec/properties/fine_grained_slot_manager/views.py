"""What the properties look at: who lacks what, and what a step emitted."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot, Manager
from slotspec.models.fine_grained_slot_manager.planning import profile_on, takes_part
from slotspec.models.fine_grained_slot_manager.state import (
    Effect,
    FineGrainedSlotManagerState,
    Timer,
    Work,
    allocations,
    instances,
    jobs,
    profiles,
    resources,
)
from slotspec.models.fine_grained_slot_manager.tracking import lacks_anything, missing
from slotspec.models.fine_grained_slot_manager.workers import available


def raises(after: FineGrainedSlotManagerState) -> bool:
    """Whether the step ended with an exception."""
    return any(e.kind == Effect.RAISES for e in after.effects)


def requests_to(after: FineGrainedSlotManagerState, instance: int) -> int:
    """How many slots the step requested from a connection."""
    return sum(e.kind == Effect.REQUEST_SLOT and e.instance == instance for e in after.effects)


def needs_workers(s: FineGrainedSlotManagerState) -> bool:
    """Whether some job lacks a slot."""
    return any(lacks_anything(s, job) for job in s.elements(jobs))


def has_room_on(s: FineGrainedSlotManagerState, instance: int, requirement: int) -> bool:
    """Whether a slot for a requirement fits on a TaskExecutor that takes part in planning."""
    return takes_part(s, instance) and all(
        available(s, instance, resource)
        >= s.amount[profile_on(s, instance, requirement) * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def could_be_served(s: FineGrainedSlotManagerState, job: int) -> bool:
    """Whether a slot that the job lacks fits on some TaskExecutor, and the manager works."""
    return s.manager[0] == Manager.STARTED and any(
        missing(s, job, requirement) > 0 and has_room_on(s, instance, requirement)
        for requirement in s.elements(profiles)
        for instance in s.elements(instances)
    )


def is_scheduled(s: FineGrainedSlotManagerState, timer: int, work: int) -> bool:
    """Whether a timer of this kind is scheduled, or its work waits for the main thread."""
    return timer in s.timer or work in s.work


def check_is_scheduled(s: FineGrainedSlotManagerState) -> bool:
    """Whether a delayed check will run."""
    return is_scheduled(s, int(Timer.CHECK), int(Work.CHECK))


def declaration_is_scheduled(s: FineGrainedSlotManagerState) -> bool:
    """Whether a delayed declaration will be made."""
    return is_scheduled(s, int(Timer.DECLARE), int(Work.DECLARE))


def slots_of_job(s: FineGrainedSlotManagerState, job: int, profile: int) -> int:
    """How many slots of a profile TaskExecutors have for a job."""
    return sum(
        s.slot[allocation] != ManagedSlot.ABSENT
        and s.slot_known[allocation] == 1
        and s.slot_job[allocation] == job
        and s.slot_profile[allocation] == profile
        for allocation in s.elements(allocations)
    )
