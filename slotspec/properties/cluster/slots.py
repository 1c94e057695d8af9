"""What must hold of slots across the views, whatever is lost or late."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.scheduler import is_deployed, share_of
from slotspec.models.cluster.state import MANAGER, POOL, ClusterState
from slotspec.models.slot_manager.state import Effect as ManagerEffect
from slotspec.models.slot_manager.state import Raised
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.statemachine.declaration.rules import NONE


@cluster.always("SlotSharingExecutionSlotAllocator")
def a_share_has_a_slot_of_its_own(s: ClusterState) -> bool:
    """Two shares of a job never have the same slot."""
    for one in range(len(s.share)):
        for other in range(one):
            if (
                s.share_allocation[one] != NONE
                and s.share_allocation[one] == s.share_allocation[other]
            ):
                return False
    return True


@cluster.always("SlotPoolImpl.AllocatedSlots, SharedSlot")
def a_share_has_what_the_pool_gave_it(s: ClusterState) -> bool:
    """The slot of a share is allocated in the pool, under this share's request."""
    for share in range(len(s.share)):
        allocation = s.share_allocation[share]
        if (allocation != NONE) != (s.share[share] == Share.ASSIGNED):
            return False
        if allocation != NONE and (
            s.pool.slot[allocation] != PhysicalSlot.ALLOCATED
            or s.pool.slot_request[allocation] != share
        ):
            return False
    return True


@cluster.always("SlotPoolImpl")
def an_allocated_slot_has_an_owner(s: ClusterState) -> bool:
    """The pool has no slot allocated that no share of the job knows of (a leak)."""
    for allocation in range(len(s.pool.slot)):
        if s.pool.slot[allocation] == PhysicalSlot.ALLOCATED:
            owned = False
            for share in range(len(s.share)):
                if s.share_allocation[share] == allocation:
                    owned = True
            if not owned:
                return False
    return True


@cluster.always("Execution.deploy")
def deployed_tasks_have_slots(s: ClusterState) -> bool:
    """The scheduler thinks of a task as deployed only while its share has a slot."""
    for task in range(len(s.task)):
        if is_deployed(s, task) and s.share_allocation[share_of(s, task)] == NONE:
            return False
    return True


@cluster.always("JobMaster.onStop")
def a_retired_job_holds_nothing(s: ClusterState) -> bool:
    """When the JobMaster has ended, its pool holds no slot."""
    if s.job_master[0] != Leader.RETIRED:
        return True
    for allocation in range(len(s.pool.slot)):
        if is_held(s.pool, allocation):
            return False
    return True


@cluster.step("SlotPoolImpl, SlotManagerImpl")
def no_operation_ends_with_an_exception(before: ClusterState, after: ClusterState) -> bool:
    """Neither pool nor manager is called in a way that it cannot bear.

    An unfulfillable request is no such thing: its exception is the answer.
    """
    for i in range(len(after.effects)):
        if after.effects[i][0] == POOL + PoolEffect.RAISES:
            return False
        if (
            after.effects[i][0] == MANAGER + ManagerEffect.RAISES
            and after.effects[i][1] != Raised.UNFULFILLABLE
        ):
            return False
    return True
