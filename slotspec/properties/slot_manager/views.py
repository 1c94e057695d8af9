"""What the slot manager's properties look at: the map of requests, and what a step emitted."""

from __future__ import annotations

from slotspec.models.slot_manager.records import entered_under
from slotspec.models.slot_manager.state import Effect, SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


def is_waiting(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request is in the map under this id."""
    return entered_under(s, allocation) != NONE


def is_seen(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request is in the map, or an allocation fulfilled, under this id."""
    return s.fulfilled[allocation] != NONE or is_waiting(s, allocation)


def notices(after: SlotManagerState, allocation: int) -> int:
    """How often the step told a JobMaster that this allocation failed."""
    return sum(
        e.kind == Effect.ALLOCATION_FAILED and e.allocation == allocation for e in after.effects
    )


def releases(after: SlotManagerState) -> int:
    """How many connections the step released."""
    return sum(e.kind == Effect.RELEASE_RESOURCE for e in after.effects)


def raises(after: SlotManagerState, raised: int) -> bool:
    """Whether the step ended with this exception."""
    return any(e.kind == Effect.RAISES and e.raised == raised for e in after.effects)
