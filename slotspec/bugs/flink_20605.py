"""FLINK-20605: an acknowledgement is processed for a slot that is gone."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def completed_whatever_happened(s: SlotManagerState, call: int) -> None:
    """An acknowledgement completes its slot; that the slot still waits for it is taken for
    granted."""
    slot = s.call_slot[call]
    if s.call[call] != SlotCall.ACKNOWLEDGED or s.slot[slot] == TaskManagerSlot.PENDING:
        updates.run_outcome(s, call)
    else:
        fire(s.call, call, SlotCall.conclude)
        fire(s.slot, slot, TaskManagerSlot.complete)


BUGS = [
    Bug(
        issue="FLINK-20605",
        description="An acknowledgement waits for the main thread while its TaskExecutor is lost, a"
        " report comes first, or the manager is suspended; then it meets a slot that is not"
        " PENDING, and the manager crashes.",
        model="slot_manager",
        property="fault",
        length=6,
        replace={updates.run_outcome: completed_whatever_happened},
        generation="1.12",
        scope="queue",
        fixed="1.13.0",
        likeness="Flink's was in the declarative slot manager, whose slots bear no undeclared"
        " change of state; this one tolerates nearly everything, and is made as strict here.",
    )
]
