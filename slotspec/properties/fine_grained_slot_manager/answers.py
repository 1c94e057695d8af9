"""What answers and reports do to slots, and that they do it to no other slot.

Each property here has a counterpart among those of the older SlotManager.
"""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.environment import (
    advance_time,
    asks_before_release,
    call_acknowledged,
    call_fails,
    free_slot,
    has_failures,
    has_late_reports,
    has_losses,
    has_queue,
    has_reports,
    report_requested_slot,
    report_without_slot,
    starts_twice,
    unregister_task_manager,
)
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    ManagedSlot,
    ManagedTaskManager,
    Manager,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    Effect,
    FineGrainedSlotManagerState,
    allocations,
)
from slotspec.models.fine_grained_slot_manager.workers import is_on
from slotspec.properties.fine_grained_slot_manager.settings import (
    FATAL_ANSWER,
    HALF_REGISTERED,
    SECOND_START,
)
from slotspec.properties.fine_grained_slot_manager.views import raises
from slotspec.statemachine.declaration.conditions import first_of, known
from slotspec.statemachine.declaration.rules import unchanged

State = FineGrainedSlotManagerState


def has_slot(s: State, allocation: int) -> bool:
    """Whether the manager knows a slot under this allocation."""
    return s.slot[allocation] != ManagedSlot.ABSENT


def is_gone(after: State, allocation: int) -> bool:
    """Whether no slot has this number any more, or a new one that the step has requested."""
    return not has_slot(after, allocation) or any(
        e.kind == Effect.REQUEST_SLOT and e.allocation == allocation for e in after.effects
    )


# -------------------------------------------------------------------------------- answers


@fine_grained_slot_manager.step(
    "DefaultSlotStatusSyncer.allocateSlot",
    on=call_acknowledged,
    when=~has_queue,
    deviation=first_of((FATAL_ANSWER, has_late_reports), (SECOND_START, starts_twice)),
)
def an_acknowledged_slot_is_allocated(before: State, after: State, allocation: int) -> bool:
    """The slot that a TaskExecutor acknowledges is ALLOCATED from then on, if it was PENDING."""
    return (
        before.slot[allocation] != ManagedSlot.PENDING
        or after.slot[allocation] == ManagedSlot.ALLOCATED
    )


@fine_grained_slot_manager.step("DefaultSlotStatusSyncer.allocateSlot", on=call_acknowledged)
def an_unexpected_acknowledgement_changes_no_slot(
    before: State, after: State, allocation: int
) -> bool:
    """An acknowledgement that nobody waits for any more changes no slot."""
    return before.awaited[allocation] == 1 or unchanged(before, after, "slot")


@fine_grained_slot_manager.step(
    "DefaultSlotStatusSyncer.allocateSlot",
    on=call_fails,
    when=has_failures & ~has_queue,
    deviation=first_of((HALF_REGISTERED, has_late_reports), (SECOND_START, starts_twice)),
)
def a_refused_slot_is_gone(before: State, after: State, allocation: int) -> bool:
    """A slot that a TaskExecutor refuses is given up, if it was PENDING."""
    return before.slot[allocation] != ManagedSlot.PENDING or is_gone(after, allocation)


@fine_grained_slot_manager.step(
    "DefaultSlotStatusSyncer.allocateSlot", on=call_fails, when=has_failures
)
def a_refusal_takes_no_other_slot(before: State, after: State, allocation: int) -> bool:
    """Whatever a TaskExecutor refuses to one job, all other slots stay as they are."""
    return all(
        other == allocation
        or not has_slot(before, other)
        or after.slot[other] == before.slot[other]
        for other in before.elements(allocations)
    )


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.freeSlot",
    on=free_slot,
    deviation=known(HALF_REGISTERED, has_late_reports),
)
def a_freed_slot_is_gone(before: State, after: State, allocation: int) -> bool:
    """A slot that its TaskExecutor frees is gone."""
    return before.manager[0] != Manager.STARTED or is_gone(after, allocation)


# -------------------------------------------------------------------------------- reports


@fine_grained_slot_manager.step(
    "DefaultSlotStatusSyncer.reportSlotStatus",
    on=report_without_slot,
    when=has_reports,
    deviation=known(HALF_REGISTERED, has_late_reports),
)
def a_slot_that_is_not_reported_is_gone(before: State, after: State, allocation: int) -> bool:
    """An ALLOCATED slot that its TaskExecutor does not report is gone."""
    return before.slot[allocation] != ManagedSlot.ALLOCATED or is_gone(after, allocation)


@fine_grained_slot_manager.step(
    "DefaultSlotStatusSyncer.reportSlotStatus", on=report_requested_slot, when=has_reports
)
def a_reported_slot_is_allocated(after: State, allocation: int) -> bool:
    """A requested slot that its TaskExecutor reports is ALLOCATED; no answer is waited for."""
    return raises(after) or after.slot[allocation] == ManagedSlot.ALLOCATED


# -------------------------------------------------------------------------- task managers


@fine_grained_slot_manager.step(
    "FineGrainedSlotManager.unregisterTaskManager", on=unregister_task_manager, when=has_losses
)
def who_leaves_takes_only_own_slots(before: State, after: State, instance: int) -> bool:
    """With a connection go its slots, and no slot of another connection."""
    return raises(after) or all(
        not has_slot(before, allocation)
        or is_gone(after, allocation) == is_on(before, allocation, instance)
        for allocation in before.elements(allocations)
    )


@fine_grained_slot_manager.step(
    "DefaultResourceAllocationStrategy.tryReconcileClusterResources",
    on=advance_time,
    when=asks_before_release,
)
def only_idle_task_managers_are_asked(before: State, after: State) -> bool:
    """A TaskExecutor that is asked whether it can be released has had no slot until then."""
    return all(
        e.kind != Effect.CAN_BE_RELEASED
        or before.registration[e.instance] == ManagedTaskManager.IDLE
        for e in after.effects
    )
