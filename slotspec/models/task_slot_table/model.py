"""The model of the slot table; operations and environment add their declarations to it."""

from __future__ import annotations

from slotspec.models.task_slot_table.scopes import SCOPES
from slotspec.models.task_slot_table.state import BOUNDS, Effect, TaskSlotTableState
from slotspec.models.task_slot_table.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

task_slot_table = Model(
    "task_slot_table",
    "The TaskExecutor's slots (TaskSlotTableImpl): allocation, budget, timeouts, tasks.",
    TaskSlotTableState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
