"""What the JobMaster calls of its pool, whichever pool it is. Flink: SlotPoolService.

The rules of the older cluster call the older pool's operations; these have the same parameters
and results, and call the bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slotspec.models.declarative_slot_pool import operations as bridge
from slotspec.models.declarative_slot_pool.pool import Acceptance, is_held
from slotspec.models.declarative_slot_pool.recycling import is_allocation_unused
from slotspec.models.declarative_slot_pool.state import Cause, DeclarativePoolState
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool import queues, recycling
from slotspec.statemachine.declaration.rules import NONE


def profile_of(s: DeclarativePoolState) -> int:
    """The profile of all slots and requests: the one that is not the wildcard."""
    return 1 - s.wildcard


def suspend(s: DeclarativePoolState) -> int:
    """The JobMaster no longer leads, and the pool ends with it. Flink: SlotPoolService.close."""
    return bridge.close(s)


def release_task_manager(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor is gone. Flink: SlotPoolService.releaseTaskManager."""
    return bridge.release_task_manager(s, tm, int(Cause.GIVEN))


def offer_slot(s: DeclarativePoolState, tm: int, index: int, allocation: int, profile: int) -> int:
    """A TaskExecutor offers one slot; 1 if it is accepted. Flink: SlotPoolService.offerSlots."""
    s.offer_allocation[0] = allocation
    s.offer_index[0] = index
    s.offer_profile[0] = profile_of(s)
    bridge.offer_slots(s, tm)
    return int(s.accepted[0] != Acceptance.REJECTED)


def fail_allocation(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """An allocation has failed; returns its TaskExecutor if that has no slot left.

    Flink: SlotPoolService.failAllocation.
    """
    if not is_held(s, allocation):
        return NONE
    return bridge.fail_allocation(s, s.slot_tm[allocation], allocation, int(Cause.GIVEN))


def allocate_available_slot(s: DeclarativePoolState, request_id: int, allocation: int) -> int:
    """Take a free slot. Flink: SlotPool.allocateAvailableSlot."""
    return bridge.allocate_available_slot(s, request_id, allocation, profile_of(s), 0)


def request_new_allocated_slot(
    s: DeclarativePoolState, request: int, request_id: int, profile: int
) -> int:
    """Request a slot. Flink: SlotPool.requestNewAllocatedSlot."""
    return bridge.request_new_allocated_slot(s, request, request_id, profile_of(s), 0)


def request_new_allocated_batch_slot(
    s: DeclarativePoolState, request: int, request_id: int, profile: int
) -> int:
    """Request a slot for a batch task. Flink: SlotPool.requestNewAllocatedBatchSlot."""
    return bridge.request_new_allocated_batch_slot(s, request, request_id, profile_of(s), 0)


def release_slot(s: DeclarativePoolState, request_id: int, cause: int) -> int:
    """Withdraw a request, or return its slot. Flink: SlotPool.releaseSlot."""
    return bridge.release_slot(s, request_id, int(Cause.GIVEN))


SLOT_POOL_SERVICE: Mapping[Callable[..., Any], Callable[..., Any]] = {
    pool.start: bridge.start,
    pool.close: bridge.close,
    pool.suspend: suspend,
    pool.connect_to_resource_manager: bridge.connect_to_resource_manager,
    pool.disconnect_resource_manager: bridge.disconnect_resource_manager,
    pool.register_task_manager: bridge.register_task_manager,
    pool.release_task_manager: release_task_manager,
    pool.offer_slot: offer_slot,
    pool.fail_allocation: fail_allocation,
    pool.allocate_available_slot: allocate_available_slot,
    pool.request_new_allocated_slot: request_new_allocated_slot,
    pool.request_new_allocated_batch_slot: request_new_allocated_batch_slot,
    pool.release_slot: release_slot,
    pool.assign_payload: bridge.assign_payload,
    queues.is_held: is_held,
    recycling.is_unused: is_allocation_unused,
}
"""Which operation of the bridge stands for which of the older pool."""
