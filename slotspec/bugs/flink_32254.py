"""FLINK-32254: the maximum is rounded down to whole workers before it is compared."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import records
from slotspec.models.slot_manager.state import SlotManagerState


def divided_first(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """The maximum is divided by the slots of a worker, and multiplied by them afterwards."""
    return slots + pending + more > s.max_slots // s.slots_per_worker * s.slots_per_worker


BUGS = [
    Bug(
        issue="FLINK-32254",
        description="An integer division comes before the multiplication, so that the maximum"
        " becomes smaller than configured, and a worker that fits is not asked for.",
        model="slot_manager",
        property="a_worker_is_asked_for_up_to_the_maximum",
        length=3,
        replace={records.exceeds_maximum: divided_first},
        generation="1.12",
        scope="workers",
        fixed="1.18.0; taken back to 1.16 and 1.17",
        likeness="Flink's was in the amount of memory that the fine-grained slot manager derives"
        " from the maximum number of slots; here it is in that number.",
    )
]
