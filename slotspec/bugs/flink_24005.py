"""FLINK-24005: a free slot that is lost lowers what is required a second time."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.declarative_slot_pool import pool
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState


def take_away_and_count(s: DeclarativePoolState, allocation: int) -> None:
    """Report every slot that goes as one that was in use."""
    pool.take_away(s, allocation)
    s.counted[s.matched[allocation]] = 1


BUGS = [
    Bug(
        issue="FLINK-24005",
        description="A slot is freed, and what is required lowered by one. Then its TaskExecutor is"
        " lost. The pool reports the requirement of the free slot as released again, and the"
        " bridge lowers what is required once more: another request has no requirement any more,"
        " and waits for ever.",
        model="declarative_slot_pool",
        property="what_is_needed_is_required",
        length=7,
        replace={pool.take_away: take_away_and_count},
        generation="1.13",
        scope="core",
        bounds={},
        fixed="1.13.3, 1.14.0",
    )
]
