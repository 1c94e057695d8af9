"""FLINK-8505: a slot that is reported in use stays in the list of free slots."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.queues import append, place_of
from slotspec.statemachine.declaration.rules import NONE


def fill_and_keep_listed(s: SlotManagerState, slot: int, allocation: int, job: int) -> int:
    """Allocate a FREE slot and keep it in the list of free slots."""
    listed = s.slot[slot] == TaskManagerSlot.FREE and place_of(s.free, slot) != NONE
    status = updates.fill_slot(s, slot, allocation, job)
    if listed:
        append(s.free, slot)
    return status


BUGS = [
    Bug(
        issue="FLINK-8505",
        description="A TaskExecutor reports a slot in use, and the slot stays in the"
        " ResourceManager's list of free slots. The next request that it matches fails.",
        model="slot_manager",
        property="listed_slots_are_free",
        length=3,
        replace={updates.fill_slot: fill_and_keep_listed},
        generation="1.12",
        scope="reports",
        fixed="1.5.0",
    )
]
