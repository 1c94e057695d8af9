"""FLINK-8505: a slot that is reported in use stays among the free ones."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.queues import append, place_of
from slotspec.statemachine.declaration.rules import NONE


def filled_and_still_listed(s: SlotManagerState, slot: int, allocation: int, job: int) -> int:
    """A FREE slot becomes ALLOCATED and stays in the list of free slots."""
    listed = s.slot[slot] == TaskManagerSlot.FREE and place_of(s.free, slot) != NONE
    status = updates.fill_slot(s, slot, allocation, job)
    if listed:
        append(s.free, slot)
    return status


BUGS = [
    Bug(
        issue="FLINK-8505",
        description="A slot that a TaskExecutor reports in use stays in the ResourceManager's list"
        " of free slots, and the next request that it matches fails on it.",
        model="slot_manager",
        property="listed_slots_are_free",
        length=3,
        replace={updates.fill_slot: filled_and_still_listed},
        generation="1.12",
        scope="reports",
        fixed="1.5.0",
    )
]
