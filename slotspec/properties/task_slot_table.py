"""The properties of the slot table, gathered; importing this declares them all."""

from slotspec.properties import (
    task_slot_table_answers,
    task_slot_table_bookkeeping,
    task_slot_table_tasks,
    task_slot_table_witnesses,
)

__all__ = [
    "task_slot_table_answers",
    "task_slot_table_bookkeeping",
    "task_slot_table_tasks",
    "task_slot_table_witnesses",
]
