"""FLINK-34434: when a slot is removed before it is assigned, the wrong future is completed."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def conclude_without_outcome(s: SlotManagerState, call: int) -> None:
    """End the call for a removed slot without reporting the outcome."""
    if s.slot[s.call_slot[call]] == TaskManagerSlot.ABSENT:
        fire(s.call, call, SlotCall.conclude)
    else:
        updates.run_outcome(s, call)


BUGS = [
    Bug(
        issue="FLINK-34434",
        description="A slot is removed before its TaskExecutor answers. The slot manager completes"
        " the future of the call and not the one that it returned, so the request waits for ever.",
        model="slot_manager",
        property="a_called_request_will_hear",
        length=4,
        replace={updates.run_outcome: conclude_without_outcome},
        generation="1.12",
        scope="reports",
        bounds={"cancelled_answers": 0},
        fixed="1.19.0, 1.20.0",
        likeness="Flink's bug was in the fine-grained slot manager, which removes slots in the same"
        " way; there the caller waits, here the request itself.",
    )
]
