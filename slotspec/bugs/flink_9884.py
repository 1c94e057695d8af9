"""FLINK-9884: a request stays although a report shows its allocation in a slot."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def displace_and_keep_waiting(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """Requeue the displaced request, and leave the request of the reported allocation waiting."""
    displaced = s.slot_request[slot]
    fire(s.slot, slot, TaskManagerSlot.displace)
    updates.carry(s, slot, allocation, job)
    updates.reject_call(s, displaced)


BUGS = [
    Bug(
        issue="FLINK-9884",
        description="A report shows an allocation in a slot that is assigned to another request."
        " The request of that allocation stays, and gets a second slot.",
        model="slot_manager",
        property="what_displaces_a_request_is_not_waited_for",
        length=5,
        replace={updates.displace_allocation: displace_and_keep_waiting},
        generation="1.12",
        scope="reports",
        fixed="1.5.5, 1.6.2, 1.7.0",
        likeness="In the shortest trace the TaskExecutor reports an allocation that it was not"
        " asked for. If it was asked and its answer was lost, the trace is one step longer.",
    )
]
