"""What the slot table's properties look at: slots compared, resources added up."""

from __future__ import annotations

from slotspec.models.task_slot_table.slots import is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState


def same_slot(a: TaskSlotTableState, b: TaskSlotTableState, allocation: int) -> bool:
    """Whether both states have the same slot under `allocation`, in the same use."""
    return (
        a.slot[allocation] == b.slot[allocation]
        and a.slot_number[allocation] == b.slot_number[allocation]
        and a.slot_job[allocation] == b.slot_job[allocation]
        and a.slot_profile[allocation] == b.slot_profile[allocation]
        and a.closing[allocation] == b.closing[allocation]
        and a.timer[allocation] == b.timer[allocation]
        and a.ticket[allocation] == b.ticket[allocation]
    )


def same_slots(a: TaskSlotTableState, b: TaskSlotTableState) -> bool:
    """Whether both states have the same slots and the same budget."""
    for allocation in range(len(a.slot)):
        if not same_slot(a, b, allocation):
            return False
    for resource in range(len(a.used)):
        if a.used[resource] != b.used[resource]:
            return False
    return True


def same_tasks(a: TaskSlotTableState, b: TaskSlotTableState) -> bool:
    """Whether both states have the same tasks in the same slots."""
    for task in range(len(a.task)):
        if (
            a.task[task] != b.task[task]
            or a.task_slot[task] != b.task_slot[task]
            or a.execution[task] != b.execution[task]
            or a.indexed[task] != b.indexed[task]
        ):
            return False
    return True


def used_by_slots(s: TaskSlotTableState, resource: int) -> int:
    """How much of a resource the slots in the table have, added up."""
    count = 0
    for allocation in range(len(s.slot)):
        if is_known(s, allocation):
            count += s.amount[s.slot_profile[allocation] * len(s.used) + resource]
    return count
