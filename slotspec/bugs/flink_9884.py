"""FLINK-9884: a request outlives the report that shows its allocation in a slot."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def displaced_and_still_waiting(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """The displaced request looks anew; that of the allocation found waits for another slot."""
    displaced = s.slot_request[slot]
    fire(s.slot, slot, TaskManagerSlot.displace)
    updates.carry(s, slot, allocation, job)
    updates.reject_call(s, displaced)


BUGS = [
    Bug(
        issue="FLINK-9884",
        description="A report shows an allocation in a slot that is given to another request; the"
        " request of that allocation stays, and gets a second slot.",
        model="slot_manager",
        property="what_displaces_a_request_is_not_waited_for",
        length=5,
        replace={updates.displace_allocation: displaced_and_still_waiting},
        generation="1.12",
        scope="reports",
        fixed="1.5.5, 1.6.2, 1.7.0",
        likeness="In the shortest trace the TaskExecutor reports an allocation that it was not"
        " asked for; that it was, and its answer lost, takes one step more.",
    )
]
