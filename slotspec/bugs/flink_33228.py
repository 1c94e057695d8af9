"""FLINK-33228: workers that were asked for just now are left out of the sum."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import records
from slotspec.models.slot_manager.state import SlotManagerState


def registered_ones_alone(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """What is expected is not counted."""
    return slots + more > s.max_slots


BUGS = [
    Bug(
        issue="FLINK-33228",
        description="What there is in total is added up without the workers that were asked for and"
        " have not come, so that the bound on it is missed.",
        model="slot_manager",
        property="the_maximum_is_kept",
        length=3,
        replace={records.exceeds_maximum: registered_ones_alone},
        generation="1.13",
        scope="workers",
        bounds={
            "task_managers": 1,
            "instances": 1,
            "slots": 1,
            "slots_per_worker": 1,
            "max_slots": 1,
        },
        fixed="1.19.0",
        likeness="Flink's was in the fine-grained slot manager, left out the workers asked for"
        " in the same round alone, and missed the minimum of resources; here it is the maximum.",
    )
]
