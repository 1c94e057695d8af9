"""FLINK-15660: a request that is repeated word for word is refused."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import slots
from slotspec.models.task_slot_table.state import TaskSlotTableState


def never_acknowledged(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    """An allocation that has a slot is refused, whatever else the request says."""
    return False


BUGS = [
    Bug(
        issue="FLINK-15660",
        description="A request is repeated since its answer was lost, and refused since its"
        " allocation has a slot: the ResourceManager takes for failed what was done.",
        model="task_slot_table",
        property="a_repeated_request_is_acknowledged",
        length=3,
        replace={slots.is_acknowledged: never_acknowledged},
        generation="1.13",
        scope="slots",
        fixed="1.13.0",
        likeness="It is what 1.11 and 1.12 do: the choice repeated_allocation of these"
        " generations, here in 1.13.",
    )
]
