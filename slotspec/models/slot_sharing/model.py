"""The model of slot sharing; operations and environment add their declarations to it."""

from __future__ import annotations

from slotspec.models.slot_sharing.scopes import SCOPES
from slotspec.models.slot_sharing.state import BOUNDS, Effect, SlotSharingState
from slotspec.models.slot_sharing.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

slot_sharing = Model(
    "slot_sharing",
    "Slot sharing (SlotSharingManager): trees of task slots over physical slots.",
    SlotSharingState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
