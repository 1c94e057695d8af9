"""FLINK-8748: a request that another slot serves is not cancelled at the ResourceManager."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.futures import is_served_by_another


def never(request: int, allocation: int) -> bool:
    """Whatever slot it got, the ResourceManager is not told."""
    return False


BUGS = [
    Bug(
        issue="FLINK-8748",
        description="A request that another slot serves is not cancelled at the ResourceManager, which"
        " goes on looking for a slot that nobody wants.",
        model="slot_pool",
        property="what_a_served_request_had_asked_for_is_inherited",
        length=5,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={is_served_by_another: never},
        fixed="1.5.0",
    ),
]
