"""The model of slot sharing; operations and environment add their declarations to it."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.scopes import SCOPES
from slotspec.models.slot_sharing_allocator.state import (
    BOUNDS,
    Effect,
    SlotSharingAllocatorState,
)
from slotspec.models.slot_sharing_allocator.versions import GENERATIONS
from slotspec.statemachine.declaration.model import Model

slot_sharing_allocator = Model(
    "slot_sharing_allocator",
    "Slot sharing since 1.12 (SlotSharingExecutionSlotAllocator): shared slots, bulks, timeouts.",
    SlotSharingAllocatorState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
    effects=Effect,
)
