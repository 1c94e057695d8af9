"""FLINK-20694: a freed slot counts for a second requirement, and for the first one, too."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.declarative_slot_pool import pool
from slotspec.models.declarative_slot_pool.requirements import find_requirement
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState
from slotspec.statemachine.declaration.rules import NONE


def free_and_match_again(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """Count the freed slot for a requirement that lacks slots, and forget what it counted for."""
    requirement = pool.free_reserved(s, allocation, cause)
    if requirement != NONE:
        _, wanted = find_requirement(s, s.slot_profile[allocation])
        if wanted != NONE:
            s.matched[allocation] = wanted
            s.acquired[wanted] += 1
    return requirement


BUGS = [
    Bug(
        issue="FLINK-20694",
        description="Two requirements, one slot. When the slot is freed, the pool matches it with"
        " the other requirement, but goes on counting it for the first one. Both look served, so"
        " the pool rejects the offers that the scheduler waits for.",
        model="declarative_slot_pool",
        property="what_is_acquired_is_there",
        length=6,
        replace={pool.free_reserved: free_and_match_again},
        generation="1.13",
        scope="core",
        bounds={},
        fixed="1.13.0",
    )
]
