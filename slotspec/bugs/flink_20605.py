"""FLINK-20605: an acknowledgement is processed for a slot that is gone."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def complete_without_check(s: SlotManagerState, call: int) -> None:
    """Complete the slot without checking that it still waits for the acknowledgement."""
    slot = s.call_slot[call]
    if s.call[call] != SlotCall.ACKNOWLEDGED or s.slot[slot] == TaskManagerSlot.PENDING:
        updates.run_outcome(s, call)
    else:
        fire(s.call, call, SlotCall.conclude)
        fire(s.slot, slot, TaskManagerSlot.complete)


BUGS = [
    Bug(
        issue="FLINK-20605",
        description="While an acknowledgement waits for the main thread, its TaskExecutor is lost,"
        " a report arrives first, or the manager is suspended. The acknowledgement then finds a"
        " slot that is not PENDING, and the manager crashes.",
        model="slot_manager",
        property="fault",
        length=6,
        replace={updates.run_outcome: complete_without_check},
        generation="1.12",
        scope="queue",
        fixed="1.13.0",
        likeness="Flink's bug was in the declarative slot manager, whose slots reject every"
        " undeclared change of state. The modelled slot manager tolerates nearly all of them; the"
        " bug makes it as strict.",
    )
]
