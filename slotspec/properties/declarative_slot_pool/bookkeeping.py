"""The tables of the pool and of the bridge agree with one another."""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState, allocations
from slotspec.statemachine.declaration.rules import NONE


@declarative_slot_pool.always("DefaultAllocatedSlotPool.freeSlots", each={"a": allocations})
def free_slots_are_listed_once(s: DeclarativePoolState, a: int) -> bool:
    """A free slot is among the free ones, once; no other is."""
    return sum(listed == a for listed in s.free) == int(s.slot[a] == AllocatedSlot.FREE)


@declarative_slot_pool.always("DefaultAllocatedSlotPool.AllocatedSlot", each={"a": allocations})
def a_slot_of_the_pool_is_complete(s: DeclarativePoolState, a: int) -> bool:
    """A slot of the pool has a TaskExecutor, a profile and a requirement that it counts for."""
    if s.slot[a] == AllocatedSlot.ABSENT:
        return s.slot_tm[a] == NONE and s.slot_profile[a] == NONE
    return s.slot_tm[a] != NONE and s.slot_profile[a] != NONE and s.matched[a] != NONE
