"""Mutants of the fine-grained slot manager: a mistake in one rule each."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager import (
    checking,
    operations,
    planning,
    syncing,
    timers,
    tracking,
    workers,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.state import (
    OK,
    Answer,
    FineGrainedSlotManagerState,
    allocations,
    pending_workers,
    profiles,
    resources,
)
from slotspec.statemachine.declaration.rules import NONE, fire
from tests.models.mutation import Mutant

State = FineGrainedSlotManagerState


def only_oldest_requirement(s: State, job: int, profile: int) -> int:
    """A slot goes to the oldest requirement that it matches; its own profile has no priority."""
    row = tracking.job_row(s, job)
    for place in s.elements(profiles):
        requirement = s.required_order[row + place]
        if (
            requirement != NONE
            and tracking.matches(s, profile, requirement)
            and tracking.missing(s, job, requirement) > 0
        ):
            return requirement
    return NONE


def nothing_is_reassigned(s: State, job: int) -> None:
    """A slot in excess never fulfils what is missing."""


def bigger_slots_match(s: State, profile: int, requirement: int) -> bool:
    """A slot also fulfils a requirement for a smaller profile."""
    return tracking.matches(s, profile, requirement) or all(
        s.amount[profile * s.resource_count + resource]
        >= s.amount[requirement * s.resource_count + resource]
        for resource in s.elements(resources)
    )


def lost_slots_stay_counted(s: State, job: int, profile: int) -> int:
    """A slot that is lost still counts for its requirement."""
    if s.excess[tracking.job_row(s, job) + profile] > 0:
        tracking.drop_excess(s, job, profile, 1)
    return OK


def planned_on_unused(s: State, instance: int, resource: int) -> int:
    """PENDING slots do not count when a plan looks for room."""
    return s.unused[instance * s.resource_count + resource]


def blocked_ones_too(s: State, instance: int) -> bool:
    """Blocked TaskExecutors take part in planning."""
    return workers.is_registered(s, instance)


def least_for_most(s: State, instance: int, other: int) -> bool:
    """The order of candidates is reversed."""
    used, whole = planning.utilization(s, instance)
    used_of_other, whole_of_other = planning.utilization(s, other)
    if s.strategy == 1:
        return used * whole_of_other > used_of_other * whole
    return used * whole_of_other < used_of_other * whole


def nobody_is_spare(s: State) -> bool:
    """Redundancy and the minimum are always satisfied."""
    return True


def at_the_maximum(s: State, total: int) -> bool:
    """``>=`` for ``>`` against the maximum."""
    count = s.resource_count
    cpu = s.total_amount[total * count] + sum(
        s.total_amount[s.total[i] * count] for i, r in enumerate(s.registration) if r
    )
    cpu += sum(s.total_amount[s.worker * count] for worker in s.expected if worker != NONE)
    return s.limits[2] >= 0 and cpu >= s.limits[2]


def expected_ones_do_not_count(s: State, total: int) -> bool:
    """Expected workers do not count against the maximum."""
    count = s.resource_count
    cpu = s.total_amount[total * count] + sum(
        s.total_amount[s.total[i] * count] for i, r in enumerate(s.registration) if r
    )
    return s.limits[2] >= 0 and cpu > s.limits[2]


def flag_is_left(s: State) -> int:
    """A check that has been made still counts as under way."""
    return checking.check(s)


def released_however_used(s: State, query: int) -> None:
    """A TaskExecutor that agrees is marked, whatever happened since."""
    instance, agreed = s.query_instance[query], s.query_answer[query] == Answer.YES
    timers.forget_query(s, query)
    if agreed:
        checking.release(s, instance)
        checking.declare_with_delay(s)


def idle_for_longer(s: State, instance: int) -> bool:
    """``>`` for ``>=`` against the idle timeout."""
    return (
        s.registration[instance] == ManagedTaskManager.IDLE
        and s.task_manager_timeout > 0
        and s.idle_for[instance] > s.task_manager_timeout
    )


def unwanted_ones_are_needed(s: State, instance: int) -> None:
    """A TaskExecutor that agreed is not marked."""


def pending_ones_leave_too(s: State, instance: int) -> tuple[int, int]:
    """A report without a PENDING slot removes it."""
    for allocation in s.elements(allocations):
        if workers.is_on(s, allocation, instance) and not syncing.is_reported(s, allocation):
            syncing.mark_going(s, allocation)
    syncing.order_going(s)
    count = 0
    for allocation in s.going:
        if allocation != NONE:
            job, profile = s.slot_job[allocation], s.slot_profile[allocation]
            workers.remove_slot(s, allocation)
            tracking.notify_lost(s, job, profile)
            count += 1
    syncing.clear_going(s)
    return OK, count


def freed_but_not_lost(s: State, allocation: int) -> int:
    """A slot that is freed still counts for its job."""
    if s.slot[allocation] == ManagedSlot.PENDING:
        s.awaited[allocation] = 0
    workers.remove_slot(s, allocation)
    return OK


def waited_for_in_vain(s: State, allocation: int) -> int:
    """Freeing a PENDING slot does not end the wait for its answer."""
    awaited = s.awaited[allocation]
    status = syncing.free(s, allocation)
    s.awaited[allocation] = awaited
    return status


def failures_do_not_count(s: State, call: int, failed: bool) -> None:
    """No failure is followed by a check."""
    syncing.decide(s, call, False)


def refused_slots_stay(s: State, allocation: int) -> int:
    """A slot that is refused stays PENDING."""
    return OK


def answered_is_confirmed(s: State, call: int) -> int:
    """An answer is acted on even if nobody waits for it."""
    present = s.slot[call] == ManagedSlot.PENDING
    if s.call[call] != SlotCall.ACKNOWLEDGED or s.awaited[call] or not present:
        return syncing.run_answer(s, call)
    fire(s.call, call, SlotCall.conclude)
    return syncing.confirm(s, call)


def the_last_expected(s: State, total: int, default_slot: int) -> int:
    """A registering TaskExecutor takes the place of the youngest expected worker."""
    found = operations.find_expected(s, total, default_slot)
    for worker in s.indexed:
        if worker != NONE and found != NONE:
            found = worker
    return found


def sync_is_no_use(s: State, query: int) -> None:
    """A question is answered, and nothing follows."""
    fire(s.query, query, IdleQuery.conclude)
    s.query_instance[query] = NONE
    s.query_answer[query] = int(Answer.NONE_YET)


def nothing_survives(s: State) -> None:
    """Suspending forgets expected workers, and the index, too."""
    for worker in s.elements(pending_workers):
        if workers.is_expected(s, worker):
            workers.clear_plan(s, worker)
            workers.remove(s.expected, worker)
            workers.remove(s.indexed, worker)
            fire(s.pending, worker, PendingTaskManager.drop)


MUTANTS: dict[str, Mutant] = {
    "only the oldest requirement": Mutant(
        tracking.find_requirement, only_oldest_requirement, "profiles"
    ),
    "nothing is reassigned": Mutant(
        tracking.assign_excess,
        nothing_is_reassigned,
        "profiles",
        "slots_of_two_profiles_fulfil_a_requirement",
    ),
    "bigger slots match": Mutant(
        tracking.matches,
        bigger_slots_match,
        "profiles",
        "requirements_are_fulfilled_by_matching_slots",
    ),
    "lost slots stay counted": Mutant(
        tracking.notify_lost,
        lost_slots_stay_counted,
        "requests",
        "a_job_has_the_slots_that_are_counted",
    ),
    "planned on what is unused": Mutant(
        workers.available, planned_on_unused, "requests", "registering_succeeds"
    ),
    "blocked ones too": Mutant(
        planning.takes_part, blocked_ones_too, "spread", "blocked_task_managers_get_no_slots"
    ),
    "least for most, spread": Mutant(
        planning.is_better, least_for_most, "spread", "slots_are_spread_evenly"
    ),
    "least for most, fewest": Mutant(
        planning.is_better, least_for_most, "fewest", "slots_are_kept_together"
    ),
    "nobody is spare": Mutant(
        planning.has_spare, nobody_is_spare, "minimum", "a_worker_is_expected_in_reserve"
    ),
    "at the maximum": Mutant(
        workers.exceeds_maximum, at_the_maximum, "minimum", "what_is_declared_is_served_or_refused"
    ),
    "expected ones do not count": Mutant(
        workers.exceeds_maximum, expected_ones_do_not_count, "redundancy", "the_maximum_is_kept"
    ),
    "the flag is left": Mutant(
        timers.run_check, flag_is_left, "workers", "a_check_under_way_is_made"
    ),
    "released however used": Mutant(
        timers.run_query, released_however_used, "workers", "who_was_used_meanwhile_stays"
    ),
    "idle for longer": Mutant(
        checking.is_idle_too_long, idle_for_longer, "workers", "nobody_stays_idle"
    ),
    "nobody is unwanted": Mutant(
        checking.release, unwanted_ones_are_needed, "workers", "nobody_stays_idle"
    ),
    "pending ones leave too": Mutant(
        syncing.lose_unreported,
        pending_ones_leave_too,
        "reports",
        "only_pending_slots_are_waited_for",
    ),
    "freed but not lost": Mutant(
        syncing.free, freed_but_not_lost, "requests", "a_job_has_the_slots_that_are_counted"
    ),
    "waited for in vain": Mutant(
        syncing.free, waited_for_in_vain, "requests", "only_pending_slots_are_waited_for"
    ),
    "failures do not count": Mutant(
        syncing.decide, failures_do_not_count, "requests", "a_failed_batch_has_an_open_call"
    ),
    "refused slots stay": Mutant(
        syncing.withdraw, refused_slots_stay, "requests", "pending_slots_are_waited_for"
    ),
    "answered is confirmed": Mutant(
        syncing.run_answer,
        answered_is_confirmed,
        "starts",
        "an_unexpected_acknowledgement_changes_no_slot",
        recorded=False,
    ),
    "the last expected": Mutant(operations.find_expected, the_last_expected, "any_order"),
    "a question without effect": Mutant(
        timers.run_query, sync_is_no_use, "workers", "nobody_stays_idle"
    ),
    "nothing survives": Mutant(
        workers.suspend_workers, nothing_survives, "restarts", "registering_succeeds"
    ),
}
