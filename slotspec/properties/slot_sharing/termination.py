"""What is left of a job that is cancelled: nothing, and no detours on the way."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.slot_sharing.failover import cancel_job, is_waiting
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import Effect, SlotSharingState
from slotspec.properties.common.effects import count_effects


@slot_sharing.step("ExecutionGraph.cancel: the scheduling operation (FLINK-8749)", on=cancel_job)
def a_cancelled_job_keeps_no_slot(
    before: SlotSharingState, after: SlotSharingState, result: int
) -> bool:
    """Nobody waits for a logical slot after that, and every one that was there is given up."""
    for slot in range(len(after.single)):
        if is_waiting(after, slot) or after.slot[slot] == LogicalSlot.ALIVE:
            return False
    return True


@slot_sharing.step(
    "SchedulerBase.cancelAllPendingSlotRequestsInternal (FLINK-22945)", on=cancel_job
)
def a_cancelled_job_is_given_no_slot(
    before: SlotSharingState, after: SlotSharingState, result: int
) -> bool:
    """No return of a slot sets off another: a chain of those is as long as tasks wait."""
    return count_effects(after, int(Effect.LOGICAL_SLOT_FULFILLED)) == 0
