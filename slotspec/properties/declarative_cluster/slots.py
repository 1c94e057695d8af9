"""What must hold of slots across the views, even if messages are lost or late."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import MANAGER, POOL, allocations, shares
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.slot_pool_service import profile_of
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, SlotRequest
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.state import Effect as PoolEffect
from slotspec.models.fine_grained_slot_manager.lifecycles import Manager
from slotspec.models.fine_grained_slot_manager.state import Effect as ManagerEffect
from slotspec.properties.cluster import slots
from slotspec.properties.declarative_cluster.views import wanted
from slotspec.statemachine.declaration.conditions import is_set, known
from slotspec.statemachine.declaration.rules import NONE

declarative_cluster.share(
    cluster, slots.a_share_has_a_slot_of_its_own, slots.deployed_tasks_have_slots
)


@declarative_cluster.always("DeclarativeSlotPoolBridge, SharedSlot", each={"share": shares})
def a_share_has_what_the_pool_gave_it(s: DeclarativeClusterState, share: int) -> bool:
    """The slot of a share is reserved in the pool, under this share's request."""
    allocation = s.share_allocation[share]
    if s.share[share] != Share.ASSIGNED:
        return allocation == NONE
    return (
        allocation != NONE
        and s.pool.slot[allocation] == AllocatedSlot.RESERVED
        and s.pool.fulfilled[share] == allocation
    )


@declarative_cluster.always("DefaultDeclarativeSlotPool", each={"allocation": allocations})
def a_reserved_slot_has_an_owner(s: DeclarativeClusterState, allocation: int) -> bool:
    """Every reserved slot of the pool belongs to a share of the job; any other would leak."""
    return s.pool.slot[allocation] != AllocatedSlot.RESERVED or allocation in s.share_allocation


@declarative_cluster.always("DeclarativeSlotPoolBridge.pendingRequests", each={"share": shares})
def a_request_is_for_a_share_that_waits(s: DeclarativeClusterState, share: int) -> bool:
    """The pool looks for a slot for exactly the shares that wait for one."""
    return (s.pool.request[share] == SlotRequest.PENDING) == (s.share[share] == Share.WAITING)


@declarative_cluster.always("DefaultDeclarativeSlotPool.totalResourceRequirements")
def the_pool_requires_what_shares_want(s: DeclarativeClusterState) -> bool:
    """While the JobMaster leads, its pool requires one slot for each share that has or awaits
    one."""
    return s.job_master[0] != Leader.LEADING or s.pool.required[profile_of(s.pool)] == wanted(s)


@declarative_cluster.always("JobMaster.onStop", each={"allocation": allocations})
def a_retired_job_holds_nothing(s: DeclarativeClusterState, allocation: int) -> bool:
    """When the JobMaster has ended, its pool holds no slot."""
    return s.job_master[0] != Leader.RETIRED or not is_held(s.pool, allocation)


fatal = known(
    "M6: an answer after a report of other slots finds no resources left, which is fatal",
    is_set("early_timeouts"),
)
"""Why the ResourceManager may end."""


@declarative_cluster.step("DeclarativeSlotPoolBridge, FineGrainedSlotManager", deviation=fatal)
def no_operation_ends_with_an_exception(after: DeclarativeClusterState) -> bool:
    """No call of the pool or the manager ends with an exception, nor does a timer of theirs."""
    return not any(
        kind
        in (
            POOL + PoolEffect.RAISES,
            POOL + PoolEffect.TIMER_RAISED,
            MANAGER + ManagerEffect.RAISES,
            MANAGER + ManagerEffect.DIES,
        )
        for kind, _, _, _, _ in after.effects
    )


@declarative_cluster.always("FineGrainedSlotManager, FatalExitExceptionHandler", deviation=fatal)
def the_resource_manager_survives(s: DeclarativeClusterState) -> bool:
    """No answer of a TaskExecutor ends the process of the ResourceManager."""
    return s.manager.manager[0] != Manager.KILLED
