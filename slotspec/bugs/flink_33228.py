"""FLINK-33228: workers that were just requested are missing from the total."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import records
from slotspec.models.slot_manager.state import SlotManagerState


def count_registered_only(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """Count the registered slots only."""
    return slots + more > s.max_slots


BUGS = [
    Bug(
        issue="FLINK-33228",
        description="The total of resources leaves out workers that were requested and have not"
        " arrived, so the limit on the total is exceeded.",
        model="slot_manager",
        property="the_maximum_is_kept",
        length=3,
        replace={records.exceeds_maximum: count_registered_only},
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
        likeness="Flink's bug was in the fine-grained slot manager, left out only the workers"
        " requested in the same round, and missed the minimum of resources; here it is the"
        " maximum.",
    )
]
