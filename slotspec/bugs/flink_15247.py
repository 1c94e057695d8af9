"""FLINK-15247: the table closes while tasks still run in its slots."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.state import TaskSlotTableState


def wait_for_nothing(s: TaskSlotTableState, allocation: int) -> None:
    """Closing the table does not wait for the tasks in its slots."""


BUGS = [
    Bug(
        issue="FLINK-15247",
        description="When the TaskExecutor stops, its services close at once while tasks in its"
        " slots still run and use them.",
        model="task_slot_table",
        property="a_closed_table_runs_nothing",
        length=5,
        replace={table.wait_for_slot: wait_for_nothing},
        generation="1.12",
        scope="jobs",
        fixed="1.10.0",
        likeness="Of these services the model has only the table itself and its timers.",
    )
]
