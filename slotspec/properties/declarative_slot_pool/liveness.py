"""What happens eventually, if time goes on."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.environment import has_time, is_delayed
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    requests,
)
from slotspec.models.declarative_slot_pool.timers import is_able
from slotspec.models.declarative_slot_pool.versions import BatchMark
from slotspec.properties.declarative_slot_pool.declarations import is_told
from slotspec.properties.declarative_slot_pool.views import (
    LOST_IN_UNKNOWN,
    MISTAKES,
    bridged,
    is_mixed,
    is_started,
    matches_request,
    pending_count,
    reserved_count,
)
from slotspec.statemachine.declaration.conditions import equals, exceeds, first_of, is_set, known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE

declares_late = bridged & has_time & is_delayed
"""A bridge that delays declarations."""


def is_told_or_alone(s: DeclarativePoolState) -> bool:
    """Whether the ResourceManager was told what is required, or there is none to tell."""
    return not is_started(s) or s.gateway == NONE or is_told(s)


@declarative_slot_pool.leads_to(
    "slot.request.max-interval (FLIP-370)",
    is_told_or_alone,
    when=declares_late,
    deviation=known(
        "every change restarts the delay, so steady changes postpone the declaration without"
        " limit, although the option is called a maximum (D3)"
    ),
)
def what_is_required_is_finally_declared(s: DeclarativePoolState) -> bool:
    """All that is required is finally declared to the ResourceManager that is connected."""
    return not is_told_or_alone(s)


returns_idle_slots = bridged & exceeds("idle_timeout", 0) & has_time
"""A bridge that returns idle slots."""
kept = first_of(
    (MISTAKES, is_set("mistakes")),
    (LOST_IN_UNKNOWN, is_set("unknown_slots")),
    ("a requirement that an adjustment left behind keeps a free slot for good (D1)", is_mixed),
)


def nobody_needs_slots(s: DeclarativePoolState) -> bool:
    """Whether the job needs no slot, but the pool has one."""
    return (
        is_started(s)
        and pending_count(s) == 0
        and reserved_count(s) == 0
        and AllocatedSlot.FREE in s.slot
    )


def somebody_needs_slots(s: DeclarativePoolState) -> bool:
    """The opposite."""
    return not nobody_needs_slots(s)


@declarative_slot_pool.leads_to(
    "DeclarativeSlotPoolBridge.checkIdleSlotTimeout",
    somebody_needs_slots,
    when=returns_idle_slots,
    deviation=kept,
)
def what_nobody_needs_is_given_back(s: DeclarativePoolState) -> bool:
    """Free slots of a job that needs none are finally returned, or used again."""
    return nobody_needs_slots(s)


defers = declares_late & is_set("defer")
"""A bridge that defers requests until all can be served."""


def can_all_be_served(s: DeclarativePoolState) -> bool:
    """Whether all pending requests and free slots are of one kind, and there are enough slots."""
    return (
        is_started(s)
        and s.pending[0] != NONE
        and length(s.free) >= length(s.pending)
        and all(
            a == NONE or r == NONE or matches_request(s, a, r) for a in s.free for r in s.pending
        )
    )


def cannot_all_be_served(s: DeclarativePoolState) -> bool:
    """The opposite."""
    return not can_all_be_served(s)


@declarative_slot_pool.leads_to(
    "DeclarativeSlotPoolBridge: deferred slot allocation (FLIP-370)",
    cannot_all_be_served,
    when=defers,
    deviation=known(
        "an adjustment swallowed the announcement that requirements are stable, and the slots"
        " wait for it (D2)"
    ),
)
def deferred_requests_are_finally_served(s: DeclarativePoolState) -> bool:
    """Deferred requests are served once slots for all of them are there, or something changes."""
    return can_all_be_served(s)


times_batch_out = bridged & has_time & is_set("batch_requests") & exceeds("batch_timeout", 0)
"""A bridge that times batch requests out."""


def is_hopeless(s: DeclarativePoolState, r: int) -> bool:
    """Whether a pending batch request matches no slot of the pool, while that is checked."""
    return (
        is_started(s)
        and s.batch_check == 1
        and r in s.pending
        and s.batch[r] == 1
        and is_able(s, r) != Answer.YES
    )


def has_hope(s: DeclarativePoolState, r: int) -> bool:
    """The opposite."""
    return not is_hopeless(s, r)


@declarative_slot_pool.leads_to(
    "DeclarativeSlotPoolBridge.checkBatchSlotTimeout",
    has_hope,
    when=times_batch_out,
    each={"r": requests},
    deviation=first_of(
        (
            "each check marks the request anew, so that it is never old enough (D10, 1.13)",
            equals("batch_mark", BatchMark.AT_EACH_CHECK),
        ),
        (LOST_IN_UNKNOWN, is_set("unknown_slots")),
    ),
)
def a_hopeless_batch_request_ends(s: DeclarativePoolState, r: int) -> bool:
    """A batch request that no slot of the pool matches finally times out, or finds a slot."""
    return is_hopeless(s, r)
