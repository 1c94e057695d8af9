"""FLINK-15660: an identical repeated request is refused."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import slots
from slotspec.models.task_slot_table.state import TaskSlotTableState


def never_acknowledged(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    """Refuse any allocation that has a slot, whatever else the request says."""
    return False


BUGS = [
    Bug(
        issue="FLINK-15660",
        description="A request is repeated because its answer was lost, and refused because its"
        " allocation already has a slot. The ResourceManager takes a successful request for a"
        " failed one.",
        model="task_slot_table",
        property="a_repeated_request_is_acknowledged",
        length=3,
        replace={slots.is_acknowledged: never_acknowledged},
        generation="1.13",
        scope="slots",
        fixed="1.13.0",
        likeness="This is the behaviour of 1.11 and 1.12, which the choice repeated_allocation of"
        " those generations declares; the bug puts it into 1.13.",
    )
]
