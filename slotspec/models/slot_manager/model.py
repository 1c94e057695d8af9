"""The model of the slot manager. Operations and environment add their declarations to it."""

from __future__ import annotations

from slotspec.models.slot_manager.scopes import SCOPES
from slotspec.models.slot_manager.state import BOUNDS, Effect, SlotManagerState
from slotspec.models.slot_manager.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

slot_manager = Model(
    "slot_manager",
    "The ResourceManager's slots (SlotManagerImpl): requests, workers, reports, timeouts.",
    SlotManagerState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
