"""The manager goes on working: delayed work is done, and no operation fails."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    advance_time,
    asks_before_release,
    declares_workers,
    has_allocator,
    has_idle_time,
    has_late_reports,
    has_restarts,
    query_answered,
    register_expected_task_manager,
    register_task_manager,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    Answer,
    Effect,
    FineGrainedSlotManagerState,
    instances,
)
from slotspec.models.fine_grained_slot_manager.workers import is_registered, number_of_slots
from slotspec.properties.fine_grained_slot_manager.settings import (
    ACROSS_SUSPEND,
    BEFORE_START,
    FATAL_ANSWER,
    MIXED_SIZES,
    MORE_THAN_THERE_IS,
    SPARE_BEYOND_MAXIMUM,
    STALE_INDEX,
    USED_BEFORE_DECLARED,
    has_delayed_checks,
    has_delayed_declarations,
    has_redundancy,
    spare_is_refused,
    triggers_delayed_checks,
)
from slotspec.properties.fine_grained_slot_manager.views import (
    check_is_scheduled,
    declaration_is_scheduled,
    needs_workers,
    raises,
)
from slotspec.statemachine.declaration.conditions import exceeds, first_of, is_set, known
from slotspec.statemachine.declaration.queues import length

# --------------------------------------------------------------------------------- delays


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.checkResourceRequirementsWithDelay",
    when=has_delayed_checks,
    deviation=first_of(
        (SPARE_BEYOND_MAXIMUM, spare_is_refused),
        (MORE_THAN_THERE_IS, has_late_reports),
        (BEFORE_START, triggers_delayed_checks),
    ),
)
def a_check_under_way_is_made(s: FineGrainedSlotManagerState) -> bool:
    """While a check counts as under way, its timer or the main thread has it."""
    return s.check_waiting == 0 or check_is_scheduled(s)


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.declareNeededResourcesWithDelay",
    when=has_delayed_declarations,
    deviation=known(ACROSS_SUSPEND, has_restarts),
)
def a_declaration_under_way_is_made(s: FineGrainedSlotManagerState) -> bool:
    """While a declaration counts as under way, its timer or the main thread has it."""
    return s.declare_waiting == 0 or declaration_is_scheduled(s)


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.checkResourceRequirements, declareResources",
    on=advance_time,
    deviation=first_of(
        (SPARE_BEYOND_MAXIMUM, spare_is_refused & is_set("check_delay")),
        (ACROSS_SUSPEND, has_restarts & has_delayed_declarations),
        (MORE_THAN_THERE_IS, has_late_reports & has_delayed_checks),
        (BEFORE_START, triggers_delayed_checks),
    ),
)
def delayed_work_succeeds(after: FineGrainedSlotManagerState) -> bool:
    """No check, declaration or search for idle TaskExecutors ends with an exception."""
    return not raises(after)


# ------------------------------------------------------------------------------ operations


@fine_grained_slot_manager.always(
    "DefaultSlotStatusSyncer.allocateSlot: the handler of the answer",
    deviation=known(FATAL_ANSWER, has_late_reports),
)
def the_process_survives(s: FineGrainedSlotManagerState) -> bool:
    """No answer of a TaskExecutor ends the process."""
    return s.manager[0] != Manager.KILLED


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.registerTaskManager",
    on=register_task_manager,
    deviation=first_of(
        (STALE_INDEX, has_restarts & has_allocator),
        (
            SPARE_BEYOND_MAXIMUM,
            spare_is_refused & ~is_set("check_delay"),
        ),
        (MORE_THAN_THERE_IS, has_late_reports),
    ),
)
def registering_succeeds(
    before: FineGrainedSlotManagerState, after: FineGrainedSlotManagerState
) -> bool:
    """A TaskExecutor that registers at a started manager gets no exception."""
    return before.manager[0] != Manager.STARTED or not raises(after)


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.registerTaskManager",
    on=register_expected_task_manager,
    when=has_allocator,
    deviation=known(STALE_INDEX, has_restarts),
)
def an_expected_worker_is_accepted(after: FineGrainedSlotManagerState, instance: int) -> bool:
    """A worker that the manager has asked for is registered, without an exception."""
    return is_registered(after, instance) and not raises(after)


# ------------------------------------------------------------------------------- releasing


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.releaseIdleTaskExecutorIfPossible",
    on=query_answered,
    when=asks_before_release & declares_workers,
)
def who_was_used_meanwhile_stays(
    before: FineGrainedSlotManagerState,
    after: FineGrainedSlotManagerState,
    query: int,
    answer: int,
) -> bool:
    """Only a TaskExecutor that agreed, and was not used since it was asked, is marked."""
    may_go = before.query[query] != IdleQuery.STALE and answer == Answer.YES
    return sum(after.unwanted) - sum(before.unwanted) <= may_go


@fine_grained_slot_manager.always(
    "FineGrainedSlotManager.releaseIdleTaskExecutor",
    each={"instance": instances},
    when=has_idle_time & declares_workers,
    deviation=known(USED_BEFORE_DECLARED),
)
def unwanted_task_managers_have_no_slots(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """No slot is on a TaskExecutor that is marked for release."""
    return s.unwanted[instance] == 0 or number_of_slots(s, instance) == 0


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.declareResources",
    when=has_idle_time & declares_workers,
    deviation=known(USED_BEFORE_DECLARED),
)
def no_task_manager_with_slots_is_given_away(after: FineGrainedSlotManagerState) -> bool:
    """A declaration names no TaskExecutor as unwanted that has a slot."""
    return not any(
        e.kind == Effect.UNWANTED and number_of_slots(after, e.instance) > 0 for e in after.effects
    )


has_minimum = is_set("min_slots") & declares_workers & ~is_set("redundant_task_managers")
"""There is a minimum, and nothing else is kept in reserve."""
has_several_sizes = exceeds("totals", 1)
"""TaskExecutors may be larger than those that the manager asks for."""


@fine_grained_slot_manager.step(
    "DefaultResourceAllocationStrategy.tryReconcileClusterResources",
    when=has_minimum,
    deviation=known(MIXED_SIZES, has_several_sizes),
)
def workers_in_reserve_are_needed(
    before: FineGrainedSlotManagerState, after: FineGrainedSlotManagerState
) -> bool:
    """While no job lacks a slot, a worker is asked for only if the minimum is not there."""
    if length(after.expected) <= length(before.expected) or needs_workers(after):
        return True
    there = sum(
        after.total_amount[after.total[instance] * after.resource_count]
        for instance in after.elements(instances)
        if is_registered(after, instance)
    )
    one = after.total_amount[after.worker * after.resource_count]
    return there + length(before.expected) * one < after.limits[0]


def is_used_or_leaving(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """The TaskExecutor has a slot, or is marked for release, or gone."""
    return s.registration[instance] != ManagedTaskManager.IDLE or s.unwanted[instance] == 1


@fine_grained_slot_manager.leads_to(
    "DefaultResourceAllocationStrategy.tryReconcileClusterResources",
    is_used_or_leaving,
    each={"instance": instances},
    when=has_idle_time & declares_workers & ~has_redundancy,
)
def nobody_stays_idle(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Without redundancy, a TaskExecutor that stays idle is given back in the end."""
    return s.registration[instance] == ManagedTaskManager.IDLE
