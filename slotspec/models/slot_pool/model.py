"""The model of the slot pool: operations and environment declare into it."""

from __future__ import annotations

from slotspec.models.slot_pool.scopes import SCOPES
from slotspec.models.slot_pool.state import BOUNDS, Effect, SlotPoolState
from slotspec.models.slot_pool.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

slot_pool = Model(
    "slot_pool",
    "The JobMaster's slot pool (SlotPoolImpl): requests, offers, timeouts, failures.",
    SlotPoolState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
