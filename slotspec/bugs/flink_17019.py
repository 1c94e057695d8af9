"""FLINK-17019: a slot goes to its own request, ahead of requests that have waited longer."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import try_fulfill_slot_request_or_make_available
from slotspec.models.slot_pool.operations import offer_to_own_request
from slotspec.models.slot_pool.state import SlotPoolState


def own_request_first(s: SlotPoolState, allocation: int) -> bool:
    """Serve the request the slot was allocated for; look at the queue only if there is none."""
    if s.slot[allocation] != PhysicalSlot.ALLOCATED and offer_to_own_request(s, allocation):
        return True
    return try_fulfill_slot_request_or_make_available(s, allocation)


BUGS = [
    Bug(
        issue="FLINK-17019",
        description="A slot goes to the request that it was allocated for although it would fit an"
        " older one: requests are not fulfilled in the order they were made.",
        model="slot_pool",
        property="a_new_slot_goes_to_its_request",
        length=6,
        generation="1.12",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={try_fulfill_slot_request_or_make_available: own_request_first},
        fixed="1.12.0",
        likeness="Flink did this up to 1.11, where it is a choice of the generation; the bug puts"
        " it into 1.12, which promises the order.",
    ),
]
