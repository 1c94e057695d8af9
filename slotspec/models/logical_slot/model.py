"""The model of logical slots. Operations and environment add their declarations to it."""

from __future__ import annotations

from slotspec.models.logical_slot.state import BOUNDS, GENERATIONS, SCOPES, Effect, LogicalSlotState
from slotspec.statemachine.declaration.model import Model

logical_slot = Model(
    "logical_slot",
    "Logical slots (SingleLogicalSlot): payloads, release, return to the owner.",
    LogicalSlotState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
