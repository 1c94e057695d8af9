"""The model of the declarative slot pool: operations and environment declare into it."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.scopes import SCOPES
from slotspec.models.declarative_slot_pool.state import BOUNDS, DeclarativePoolState, Effect
from slotspec.models.declarative_slot_pool.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

declarative_slot_pool = Model(
    "declarative_slot_pool",
    "The JobMaster's declarative slot pool (DefaultDeclarativeSlotPool) and its bridge.",
    DeclarativePoolState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
