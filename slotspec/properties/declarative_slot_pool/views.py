"""What properties ask about a state or a step of the declarative slot pool."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.environment import is_bridge
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, Bridge
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.requirements import answer
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    Effect,
    listed_profiles,
)
from slotspec.statemachine.declaration.conditions import Condition, is_set
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE

MISTAKES = "callers that make mistakes leave traces in the pool's books (D5)"
LOST_IN_UNKNOWN = "an exception about an UNKNOWN slot comes in the middle of the books (D6)"
TWINS = "a request id that is used again hides what it stood for"


on_time = ~is_set("late_calls")
"""Nobody calls before the start or after the end."""
bridged = is_bridge & on_time
"""The bridge, called between start and end."""
has_idle_check = is_bridge & is_set("idle_timeout")
"""The bridge checks for idle slots, and returns them."""


@Condition
def is_mixed(setting: Setting) -> bool:
    """Slots can serve requests of several profiles."""
    return len(listed_profiles(setting)) > 2 or bool(setting["any_slots"])


one_use_of_ids = bridged & ~is_set("reused_ids")
"""The bridge, and no request id is used again while it is in use."""


def is_started(s: DeclarativePoolState) -> bool:
    """Whether the bridge serves the job."""
    return s.bridge_state[0] == Bridge.STARTED


def total_required(s: DeclarativePoolState) -> int:
    """How many slots are required."""
    return sum(s.required)


def pending_count(s: DeclarativePoolState) -> int:
    """How many requests are pending."""
    return sum(request != NONE for request in s.pending)


def reserved_count(s: DeclarativePoolState) -> int:
    """How many slots are somebody's."""
    return sum(state == AllocatedSlot.RESERVED for state in s.slot)


def counts_for(s: DeclarativePoolState, profile: int) -> int:
    """How many slots of the pool count for this requirement."""
    return sum(is_held(s, a) and matched == profile for a, matched in enumerate(s.matched))


def matches_request(s: DeclarativePoolState, allocation: int, request: int) -> bool:
    """Whether a slot can serve a request."""
    return answer(s, s.slot_profile[allocation], s.request_profile[request]) == Answer.YES


def fulfilled_with(after: DeclarativePoolState, request: int) -> int:
    """How often a step fulfilled a request."""
    return sum(e.kind == Effect.REQUEST_FULFILLED and e.request == request for e in after.effects)


def failed(after: DeclarativePoolState, request: int) -> int:
    """How often a step failed a request."""
    return sum(e.kind == Effect.REQUEST_FAILED and e.request == request for e in after.effects)


def raised(after: DeclarativePoolState) -> bool:
    """Whether a step ended with an exception."""
    return any(e.kind == Effect.RAISES for e in after.effects)


def returned(after: DeclarativePoolState, allocation: int) -> int:
    """How often a step gave a slot back to its TaskExecutor."""
    return sum(e.kind == Effect.FREE_SLOT and e.allocation == allocation for e in after.effects)


def accepted(after: DeclarativePoolState, allocation: int) -> bool:
    """Whether a step accepted an offer of an allocation."""
    return any(e.kind == Effect.ACCEPTED and e.allocation == allocation for e in after.effects)


def declared_in(after: DeclarativePoolState) -> int:
    """How often a step declared."""
    return sum(e.kind in (Effect.DECLARE, Effect.REQUIREMENTS) for e in after.effects)
