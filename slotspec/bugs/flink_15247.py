"""FLINK-15247: the table is closed while tasks still run in its slots."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.state import TaskSlotTableState


def nothing_is_waited_for(s: TaskSlotTableState, allocation: int) -> None:
    """The closing of the table does not wait for the tasks in its slots."""


BUGS = [
    Bug(
        issue="FLINK-15247",
        description="When the TaskExecutor stops, its services are closed at once, while tasks in"
        " its slots still run and use them.",
        model="task_slot_table",
        property="a_closed_table_runs_nothing",
        length=5,
        replace={table.wait_for_slot: nothing_is_waited_for},
        generation="1.12",
        scope="jobs",
        fixed="1.10.0",
        likeness="Of the services only the table itself and its timers are in the model.",
    )
]
