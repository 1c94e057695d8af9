"""What must hold of slots across the views, even if messages are lost or late."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.scheduler import is_deployed, share_of
from slotspec.models.cluster.state import MANAGER, POOL, ClusterState, allocations, shares, tasks
from slotspec.models.slot_manager.state import Effect as ManagerEffect
from slotspec.models.slot_manager.state import Raised
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.statemachine.declaration.rules import NONE


@cluster.always("SlotSharingExecutionSlotAllocator", each={"share": shares})
def a_share_has_a_slot_of_its_own(s: ClusterState, share: int) -> bool:
    """Two shares of a job never have the same slot."""
    slot = s.share_allocation[share]
    return slot == NONE or all(s.share_allocation[other] != slot for other in range(share))


@cluster.always("SlotPoolImpl.AllocatedSlots, SharedSlot", each={"share": shares})
def a_share_has_what_the_pool_gave_it(s: ClusterState, share: int) -> bool:
    """The slot of a share is allocated in the pool, under this share's request."""
    allocation = s.share_allocation[share]
    if s.share[share] != Share.ASSIGNED:
        return allocation == NONE
    return (
        allocation != NONE
        and s.pool.slot[allocation] == PhysicalSlot.ALLOCATED
        and s.pool.slot_request[allocation] == share
    )


@cluster.always("SlotPoolImpl", each={"allocation": allocations})
def an_allocated_slot_has_an_owner(s: ClusterState, allocation: int) -> bool:
    """Every allocated slot of the pool belongs to a share of the job; any other would leak."""
    return s.pool.slot[allocation] != PhysicalSlot.ALLOCATED or allocation in s.share_allocation


@cluster.always("Execution.deploy", each={"task": tasks})
def deployed_tasks_have_slots(s: ClusterState, task: int) -> bool:
    """The scheduler considers a task deployed only while its share has a slot."""
    return not is_deployed(s, task) or s.share_allocation[share_of(s, task)] != NONE


@cluster.always("JobMaster.onStop", each={"allocation": allocations})
def a_retired_job_holds_nothing(s: ClusterState, allocation: int) -> bool:
    """When the JobMaster has ended, its pool holds no slot."""
    return s.job_master[0] != Leader.RETIRED or not is_held(s.pool, allocation)


@cluster.step("SlotPoolImpl, SlotManagerImpl")
def no_operation_ends_with_an_exception(after: ClusterState) -> bool:
    """No call of the pool or the manager ends with an exception.

    An unfulfillable request does not count: there the exception is the answer.
    """
    return not any(
        kind == POOL + PoolEffect.RAISES
        or (kind == MANAGER + ManagerEffect.RAISES and raised != Raised.UNFULFILLABLE)
        for kind, raised, _, _, _ in after.effects
    )
