"""What can happen: each witness guards properties that would hold of nothing otherwise."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState


@declarative_slot_pool.sometimes("DeclarativeSlotPoolBridge.reserveFreeSlot")
def a_slot_is_reserved(s: DeclarativePoolState) -> bool:
    """A slot of the pool has been given to somebody."""
    return AllocatedSlot.RESERVED in s.slot
