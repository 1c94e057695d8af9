"""Slots compared, resources added up: what the slot table's properties share."""

from __future__ import annotations

from slotspec.models.task_slot_table.slots import amount_of, is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.rules import unchanged


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


def same_slots(before: TaskSlotTableState, after: TaskSlotTableState) -> bool:
    """Whether both states have the same slots and the same budget."""
    slots = unchanged(before, after, "slot", "slot_number", "slot_job", "slot_profile", "closing")
    return slots and unchanged(before, after, "timer", "ticket", "used")


def same_tasks(before: TaskSlotTableState, after: TaskSlotTableState) -> bool:
    """Whether both states have the same tasks in the same slots."""
    return unchanged(before, after, "task", "task_slot", "execution", "indexed")


def used_by_slots(s: TaskSlotTableState, resource: int) -> int:
    """The amount of a resource that the slots in the table have together."""
    return sum(
        amount_of(s, profile, resource)
        for allocation, profile in enumerate(s.slot_profile)
        if is_known(s, allocation)
    )
