"""FLINK-34434: when a slot is removed before it is given, the wrong future is completed."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import fire


def concluded_without_a_word(s: SlotManagerState, call: int) -> None:
    """The call for a slot that was removed ends; who waits for its outcome is not told."""
    if s.slot[s.call_slot[call]] == TaskManagerSlot.ABSENT:
        fire(s.call, call, SlotCall.conclude)
    else:
        updates.run_outcome(s, call)


BUGS = [
    Bug(
        issue="FLINK-34434",
        description="A slot is removed before its TaskExecutor answers; the future of the call is"
        " completed and not the one that was returned, so that its request waits for ever.",
        model="slot_manager",
        property="a_called_request_will_hear",
        length=4,
        replace={updates.run_outcome: concluded_without_a_word},
        generation="1.12",
        scope="reports",
        bounds={"cancelled_answers": 0},
        fixed="1.19.0, 1.20.0",
        likeness="Flink's was in the fine-grained slot manager, which removes slots in the same"
        " way; what waits there is its caller, and here the request itself.",
    )
]
