"""The properties of the slot table, gathered; importing this declares them all."""

from slotspec.properties.task_slot_table import answers as task_slot_table_answers
from slotspec.properties.task_slot_table import bookkeeping as task_slot_table_bookkeeping
from slotspec.properties.task_slot_table import tasks as task_slot_table_tasks
from slotspec.properties.task_slot_table import witnesses as task_slot_table_witnesses

__all__ = [
    "task_slot_table_answers",
    "task_slot_table_bookkeeping",
    "task_slot_table_tasks",
    "task_slot_table_witnesses",
]
