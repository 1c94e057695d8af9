"""FLINK-9456: nobody tells the JobMaster that the TaskExecutor of its slot is gone."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.records import leave_fulfilled
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


def removed_in_silence(s: SlotManagerState, slot: int, cause: int) -> None:
    """The slot is gone and its allocation with it; no JobMaster hears of that."""
    allocation = s.slot_allocation[slot]
    if allocation != NONE:
        leave_fulfilled(s, allocation)
        s.slot_allocation[slot] = NONE
    updates.remove_slot(s, slot, cause)


BUGS = [
    Bug(
        issue="FLINK-9456",
        description="A TaskExecutor dies before it has offered the slot that was given away on it;"
        " the JobMaster is not told, and waits for its whole timeout.",
        model="slot_manager",
        property="a_lost_slot_fails_its_allocation",
        length=3,
        replace={updates.remove_slot: removed_in_silence},
        generation="1.12",
        scope="reports",
        fixed="1.5.1, 1.6.0",
        likeness="The shortest trace has a TaskExecutor that registers with the allocation; one"
        " that was asked for it and agreed is lost in the same way.",
    )
]
