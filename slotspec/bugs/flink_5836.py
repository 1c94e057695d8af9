"""FLINK-5836: a task that comes before the answer to its slot's offer is refused."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState


def must_be_active(s: TaskSlotTableState, job: int, allocation: int) -> int:
    """Only the answer to the offer makes a slot active."""
    if not is_known(s, allocation) or s.slot_job[allocation] != job:
        return 0
    return int(s.slot[allocation] == TaskSlot.ACTIVE)


BUGS = [
    Bug(
        issue="FLINK-5836",
        description="The JobMaster takes a slot, and submits a task to it before it has answered the"
        " offer; the TaskExecutor refuses the task, since that answer makes the slot active.",
        model="cluster",
        property="a_task_is_taken_if_its_slot_is_there",
        length=16,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0, "early_timeouts": 0},
        replace={table.try_mark_slot_active: must_be_active},
        fixed="1.3.0",
    )
]
