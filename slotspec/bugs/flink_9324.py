"""FLINK-9324: a release is reported as done before the owner has the slot."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.logical_slot.state import Effect, LogicalSlotState, Reaction
from slotspec.statemachine.declaration.rules import emit


def end_release_then_return(s: LogicalSlotState, slot: int, fails: int) -> None:
    """The release future is completed first, the owner is told afterwards."""
    s.waits[slot] = 0
    releasing = s.slot[slot] == LogicalSlot.RELEASING
    logical_slot.end_release(s, slot, fails)
    if releasing:
        emit(s, Effect.RETURN_SLOT, slot)
        s.returned[slot] = 1
        if s.on_return[slot] != Reaction.RAISE:
            logical_slot.call_back(s, slot, s.on_return[slot])


BUGS = [
    Bug(
        issue="FLINK-9324",
        description="The release future of a logical slot completes when the payload has terminated,"
        " before the slot is back with its owner: a restart that waits for it asks for another"
        " slot instead of the one that is about to be returned.",
        model="logical_slot",
        property="a_release_is_done_only_after_the_return",
        length=2,
        replace={logical_slot.return_slot_to_owner: end_release_then_return},
        generation="1.11",
        scope="release",
        bounds={"slots": 1, "payloads": 1, "physical_slots": 0},
        fixed="1.5.0",
        likeness="Flink's owner answered with a future at that time, and the release did not wait"
        " for it; the owner of this model has the slot when its method returns, so the two"
        " change places within one step.",
    )
]
