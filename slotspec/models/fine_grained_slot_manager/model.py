"""The model of the fine-grained slot manager. Operations and environment declare into it."""

from __future__ import annotations

from slotspec.models.fine_grained_slot_manager.scopes import SCOPES
from slotspec.models.fine_grained_slot_manager.state import (
    BOUNDS,
    Effect,
    FineGrainedSlotManagerState,
)
from slotspec.models.fine_grained_slot_manager.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

fine_grained_slot_manager = Model(
    "fine_grained_slot_manager",
    "The ResourceManager's side since 1.14 (FineGrainedSlotManager): requirements, resources,"
    " workers.",
    FineGrainedSlotManagerState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
