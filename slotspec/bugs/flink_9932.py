"""FLINK-9932: a task that comes before the answer to its slot's offer is refused."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState


def only_looked_at(s: TaskSlotTableState, job: int, allocation: int) -> int:
    """Whether the slot is active for this job; if it is not, nothing changes that."""
    if not is_known(s, allocation) or s.slot_job[allocation] != job:
        return 0
    return int(s.slot[allocation] == TaskSlot.ACTIVE)


BUGS = [
    Bug(
        issue="FLINK-9932",
        description="The JobMaster has accepted a slot and its answer is late or lost; tasks that"
        " it submits are refused, since the slot is not active, until the slot times out.",
        model="task_slot_table",
        property="a_submission_activates_the_slot_of_its_job",
        length=3,
        replace={table.try_mark_slot_active: only_looked_at},
        generation="1.12",
        scope="jobs",
        fixed="1.5.5, 1.6.2, 1.7.0",
        likeness="The slot table alone does not know of the answer: it shows the refusal, which"
        " is the same whether that is late or lost.",
    )
]
