"""The periodic checks: whom they release, whom they keep, which requests they give up."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import (
    advance_time,
    asks_before_release,
    has_time,
    query_answered,
)
from slotspec.models.slot_manager.lifecycles import IdleQuery, ManagedTaskManager
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import is_registered, number_of_slots
from slotspec.models.slot_manager.state import (
    Answer,
    Check,
    Effect,
    SlotManagerState,
    allocations,
    instances,
)
from slotspec.properties.slot_manager.settings import keeps_redundancy
from slotspec.properties.slot_manager.views import is_waiting, notices, releases
from slotspec.statemachine.declaration.conditions import is_set, known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE

releases_at_once = has_time & ~is_set("wait_result_consumed")
"""Idle TaskExecutors are released without being asked."""
keeps_some = has_time & keeps_redundancy & is_set("redundant_task_managers")
"""Some workers are kept in reserve."""


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy", on=advance_time, when=has_time
)
def only_idle_connections_are_released(before: SlotManagerState, after: SlotManagerState) -> bool:
    """A connection that is released, or asked, has been idle for the timeout."""
    return all(
        before.registration[e.instance] == ManagedTaskManager.IDLE
        and before.idle_for[e.instance] + 1 >= after.task_manager_timeout
        for e in after.effects
        if e.kind in (Effect.RELEASE_RESOURCE, Effect.CAN_BE_RELEASED)
    )


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy",
    on=advance_time,
    each={"instance": instances},
    when=releases_at_once & ~keeps_some,
)
def without_redundancy_all_idle_ones_go(
    before: SlotManagerState, after: SlotManagerState, instance: int
) -> bool:
    """Without a reserve, a connection that has been idle for the whole timeout is released."""
    return (
        before.registration[instance] != ManagedTaskManager.IDLE
        or after.registration[instance] != ManagedTaskManager.IDLE
        or before.idle_for[instance] != after.task_manager_timeout
        or after.timer[0] == Check.UNUSED
        or any(e.kind == Effect.RELEASE_RESOURCE and e.instance == instance for e in after.effects)
    )


@slot_manager.step(
    "SlotManagerImpl.checkTaskManagerTimeoutsAndRedundancy (FLINK-18625)",
    on=advance_time,
    when=keeps_some & releases_at_once,
)
def the_reserve_is_kept(before: SlotManagerState, after: SlotManagerState) -> bool:
    """While a slot is in use, no connection is released whose slots the reserve needs."""
    released = releases(after)
    if released == 0 or length(after.free) == number_of_slots(after):
        return True
    reserve = after.redundant_task_managers * after.slots_per_worker
    return length(before.free) - released * after.slots_per_worker >= reserve


@slot_manager.step(
    "SlotManagerImpl.releaseTaskExecutorIfPossible", on=query_answered, when=asks_before_release
)
def who_was_used_meanwhile_stays(
    before: SlotManagerState, after: SlotManagerState, query: int, answer: int
) -> bool:
    """Only a TaskExecutor that agreed, and was not used since it was asked, is released."""
    may_go = before.query[query] != IdleQuery.STALE and answer == Answer.YES
    return releases(after) <= may_go


@slot_manager.step(
    "SlotManagerImpl.releaseTaskExecutorIfPossible",
    on=query_answered,
    when=asks_before_release,
    deviation=known("the manager acts on the answer even if the TaskExecutor has left meanwhile"),
)
def only_registered_connections_are_released(
    before: SlotManagerState, after: SlotManagerState, query: int
) -> bool:
    """A connection that is released after its answer has been registered all the time."""
    return releases(after) == 0 or (
        before.query[query] != IdleQuery.DETACHED
        and is_registered(before, before.query_instance[query])
    )


@slot_manager.step(
    "SlotManagerImpl.checkSlotRequestTimeouts",
    on=advance_time,
    each={"allocation": allocations},
    when=has_time,
)
def a_request_that_times_out_is_told(
    before: SlotManagerState, after: SlotManagerState, allocation: int
) -> bool:
    """When a request leaves the map as time passes, its JobMaster is told once."""
    return not is_waiting(before, allocation) or notices(after, allocation) == (
        not is_waiting(after, allocation)
    )


@slot_manager.step("SlotManagerImpl.checkSlotRequestTimeouts", on=advance_time, when=has_time)
def a_request_is_not_given_up_early(before: SlotManagerState, after: SlotManagerState) -> bool:
    """A request that leaves the map as time passes is as old as the timeout."""
    return all(
        before.request_age[request] + 1 >= before.slot_request_timeout
        or is_waiting(after, before.request_allocation[request])
        for request in before.entered
        if request != NONE
    )
