"""FLINK-8089: an offered slot that its own request does not want is parked beside others."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import (
    make_available,
    try_fulfill_slot_request_or_make_available,
)
from slotspec.models.slot_pool.state import SlotPoolState


def park_what_is_new(s: SlotPoolState, allocation: int) -> bool:
    """Only a returned slot is given to whoever waits."""
    if s.slot[allocation] == PhysicalSlot.ALLOCATED:
        return try_fulfill_slot_request_or_make_available(s, allocation)
    make_available(s, allocation)
    return True


BUGS = [
    Bug(
        issue="FLINK-8089",
        description="An offered slot whose own request is gone becomes available although another"
        " request waits for such a slot, and goes on waiting.",
        model="slot_pool",
        property="a_slot_becomes_available_only_if_nobody_wants_it",
        length=4,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={try_fulfill_slot_request_or_make_available: park_what_is_new},
        fixed="1.5.0",
    ),
]
