"""The periodic checks: who is released, who is kept, which requests are given up."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import (
    advance_time,
    asks_before_release,
    has_time,
    query_answered,
)
from slotspec.models.slot_manager.lifecycles import IdleQuery, ManagedTaskManager
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import entered_under, is_registered, number_of_slots
from slotspec.models.slot_manager.state import Answer, Effect, SlotManagerState
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_manager.settings import keeps_redundancy, known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def releases_at_once(setting: Setting) -> bool:
    """Idle TaskExecutors are released without being asked."""
    return has_time(setting) and not setting["wait_result_consumed"]


def keeps_some(setting: Setting) -> bool:
    """Some workers are kept in reserve."""
    return (
        has_time(setting) and keeps_redundancy(setting) and bool(setting["redundant_task_managers"])
    )


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy", on=advance_time, when=has_time
)
def only_idle_connections_are_released(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """A connection that is released, or asked, has been idle for the timeout."""
    for instance in range(len(after.registration)):
        chosen = count_effects(after, int(Effect.RELEASE_RESOURCE), instance, NONE)
        chosen += count_effects(after, int(Effect.CAN_BE_RELEASED), NONE, instance)
        if chosen > 0 and (
            before.registration[instance] != ManagedTaskManager.IDLE
            or before.idle_for[instance] + 1 < after.task_manager_timeout
        ):
            return False
    return True


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy",
    on=advance_time,
    when=lambda setting: releases_at_once(setting) and not keeps_some(setting),
)
def without_redundancy_all_idle_ones_go(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """If no reserve is wanted, no connection outlives a whole period of idleness unreleased."""
    for instance in range(len(after.registration)):
        if (
            before.registration[instance] == ManagedTaskManager.IDLE
            and after.registration[instance] == ManagedTaskManager.IDLE
            and before.idle_for[instance] == after.task_manager_timeout
            and after.timer[0] != 0
            and count_effects(after, int(Effect.RELEASE_RESOURCE), instance, NONE) == 0
        ):
            return False
    return True


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy (FLINK-18625)",
    on=advance_time,
    when=lambda setting: keeps_some(setting) and releases_at_once(setting),
)
def the_reserve_is_kept(before: SlotManagerState, after: SlotManagerState, result: int) -> bool:
    """While a slot is in use, no connection is released whose slots the reserve needs."""
    released = count_effects(after, int(Effect.RELEASE_RESOURCE), NONE, NONE)
    if released == 0 or length(after.free) == number_of_slots(after):
        return True
    reserve = after.redundant_task_managers * after.slots_per_worker
    return length(before.free) - released * after.slots_per_worker >= reserve


@slot_manager.step(
    "SlotManagerImpl.releaseTaskExecutorIfPossible", on=query_answered, when=asks_before_release
)
def who_was_used_meanwhile_stays(
    before: SlotManagerState, after: SlotManagerState, result: int, query: int, answer: int
) -> bool:
    """Only a TaskExecutor that agreed, and was not used since it was asked, is released."""
    released = count_effects(after, int(Effect.RELEASE_RESOURCE), NONE, NONE)
    if before.query[query] == IdleQuery.STALE or answer != Answer.YES:
        return released == 0
    return released <= 1


@slot_manager.step(
    "SlotManagerImpl.releaseTaskExecutorIfPossible",
    on=query_answered,
    when=asks_before_release,
    deviation=known("the answer is acted on though the TaskExecutor has left meanwhile"),
)
def only_registered_connections_are_released(
    before: SlotManagerState, after: SlotManagerState, result: int, query: int, answer: int
) -> bool:
    """A connection that is released by its answer is the one that was asked, still registered."""
    if count_effects(after, int(Effect.RELEASE_RESOURCE), NONE, NONE) == 0:
        return True
    return before.query[query] != IdleQuery.DETACHED and is_registered(
        before, before.query_instance[query]
    )


@slot_manager.step("SlotManagerImpl.checkSlotRequestTimeouts", on=advance_time, when=has_time)
def a_request_that_times_out_is_told(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """A request that leaves the map as time passes is told so, once."""
    for place in range(length(before.entered)):
        allocation = before.request_allocation[before.entered[place]]
        told = count_effects(after, int(Effect.ALLOCATION_FAILED), allocation, NONE)
        gone = entered_under(after, allocation) == NONE
        if told != gone:
            return False
    return True


@slot_manager.step("SlotManagerImpl.checkSlotRequestTimeouts", on=advance_time, when=has_time)
def a_request_is_not_given_up_early(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """A request that leaves the map as time passes is as old as the timeout."""
    for place in range(length(before.entered)):
        request = before.entered[place]
        if (
            entered_under(after, before.request_allocation[request]) == NONE
            and before.request_age[request] + 1 < before.slot_request_timeout
        ):
            return False
    return True
