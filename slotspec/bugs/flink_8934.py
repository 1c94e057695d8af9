"""FLINK-8934: the condition of FLINK-8748's mend, the wrong way round."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.futures import is_served_by_another


def is_served_by_its_own(request: int, allocation: int) -> bool:
    """One `!` is missing."""
    return allocation == request


BUGS = [
    Bug(
        issue="FLINK-8934",
        description="A request that gets the slot that was asked for it cancels that very slot at the"
        " ResourceManager; one that another slot serves cancels nothing.",
        model="slot_pool",
        property="an_accepted_slot_is_not_cancelled",
        length=5,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={is_served_by_another: is_served_by_its_own},
        fixed="1.5.0",
    ),
]
