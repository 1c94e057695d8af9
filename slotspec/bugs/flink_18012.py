"""FLINK-18012: a slot that a submission activates keeps its timeout."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.rules import fire


def activated_with_its_timeout(s: TaskSlotTableState, job: int, allocation: int) -> int:
    """The slot becomes active, and its timeout goes on."""
    if not is_known(s, allocation) or s.slot_job[allocation] != job:
        return 0
    if s.slot[allocation] == TaskSlot.RELEASING:
        return 0
    fire(s.slot, allocation, TaskSlot.activate)
    return 1


BUGS = [
    Bug(
        issue="FLINK-18012",
        description="The submission of a task activates its slot and leaves the slot's timeout"
        " registered: later a slot that is in use times out and is freed.",
        model="task_slot_table",
        property="a_slot_in_use_does_not_time_out",
        length=5,
        replace={table.try_mark_slot_active: activated_with_its_timeout},
        generation="1.12",
        scope="timeouts",
        fixed="1.10.2, 1.11.0",
    )
]
