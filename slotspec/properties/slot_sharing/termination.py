"""A cancelled job keeps no slots, and gets none meanwhile."""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.slot_sharing.failover import cancel_job, is_waiting
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.state import Effect, SlotSharingState


@slot_sharing.step("ExecutionGraph.cancel: the scheduling operation (FLINK-8749)", on=cancel_job)
def a_cancelled_job_keeps_no_slot(after: SlotSharingState) -> bool:
    """After that no execution waits for a logical slot, and every logical slot is returned."""
    return not any(
        is_waiting(after, slot) or logical == LogicalSlot.ALIVE
        for slot, logical in enumerate(after.slot)
    )


@slot_sharing.step(
    "SchedulerBase.cancelAllPendingSlotRequestsInternal (FLINK-22945)", on=cancel_job
)
def a_cancelled_job_is_given_no_slot(after: SlotSharingState) -> bool:
    """No returned slot is assigned again, which would start a chain as long as tasks wait."""
    return not any(e.kind == Effect.LOGICAL_SLOT_FULFILLED for e in after.effects)
