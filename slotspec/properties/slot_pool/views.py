"""What several properties of the slot pool ask of a state, or of a step's effects."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, unchanged


def satisfies(s: SlotPoolState, profile: int, request: int) -> bool:
    """Whether a slot of `profile` has what `request` asks for.

    It reads the table itself: a property that called the pool's own rule would agree with
    whatever that rule does.
    """
    return s.satisfies[profile * s.profile_count + s.request_profile[request]] == Answer.YES


def first_in_order(s: SlotPoolState, profile: int) -> int:
    """The request that has waited longest of those that a slot satisfies; sent ones first."""
    sent = next((r for r in s.pending if r != NONE and satisfies(s, profile, r)), NONE)
    if sent != NONE:
        return sent
    return next((r for r in s.waiting if r != NONE and satisfies(s, profile, r)), NONE)


def changes_nothing(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Whether the step changed nothing and called nobody; it may have answered or raised."""
    return unchanged(before, after) and all(
        e.kind in (Effect.ANY_ORDER, Effect.LISTED, Effect.RAISES) for e in after.effects
    )


def count(after: SlotPoolState, kind: int) -> int:
    """How many effects of `kind` the step emitted."""
    return sum(e.kind == kind for e in after.effects)


def frees(after: SlotPoolState, allocation: int) -> int:
    """How often the step freed a slot under this allocation."""
    return sum(e.kind == Effect.FREE_SLOT and e.allocation == allocation for e in after.effects)


def cancels(after: SlotPoolState, allocation: int) -> int:
    """How often the step cancelled this allocation at a ResourceManager."""
    return sum(
        e.kind == Effect.CANCEL_SLOT_REQUEST and e.allocation == allocation for e in after.effects
    )


def answers(after: SlotPoolState, request: int) -> int:
    """How often the step completed the future of `request`, with a slot or with an error."""
    return sum(
        e.kind in (Effect.REQUEST_FULFILLED, Effect.REQUEST_FAILED) and e.request == request
        for e in after.effects
    )


def fails(after: SlotPoolState, request: int) -> bool:
    """Whether the step failed the future of `request`."""
    return any(e.kind == Effect.REQUEST_FAILED and e.request == request for e in after.effects)
