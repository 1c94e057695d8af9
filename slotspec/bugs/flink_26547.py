"""FLINK-26547: a slot that nobody required adjusts what is required when it is reserved."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool import pool
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.requirements import adjust_requirements, answer
from slotspec.models.declarative_slot_pool.state import OK, DeclarativePoolState


def reserve_and_adjust(s: DeclarativePoolState, allocation: int, wanted: int) -> int:
    """Adjust what is required, also if the slot was taken without a requirement."""
    old = s.matched[allocation]
    is_wildcard = (
        s.slot[allocation] == AllocatedSlot.FREE
        and old == s.wildcard
        and old != wanted
        and answer(s, s.slot_profile[allocation], wanted) == Answer.YES
    )
    status = pool.reserve(s, allocation, wanted)
    if status != OK or not is_wildcard:
        return status
    return adjust_requirements(s, old, wanted)


BUGS = [
    Bug(
        issue="FLINK-26547",
        description="While a job restarts, the pool takes slots without a requirement. When one of"
        " them is reserved, the pool adjusts what is required all the same: one slot of the"
        " requested profile less, one of any profile more. Nothing takes that back.",
        model="declarative_slot_pool",
        property="what_is_required_is_needed",
        length=6,
        replace={pool.reserve: reserve_and_adjust},
        generation="1.20",
        scope="restarts",
        bounds={},
        fixed="1.15.0",
        likeness="The bug lived between FLINK-25855 and 1.15.0, and is shown in 1.20. What Flink"
        " 2.3 still gets wrong in the same place is finding D1.",
    )
]
