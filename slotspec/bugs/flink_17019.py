"""FLINK-17019: a slot goes to the request it was asked for, past those that wait longer."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import try_fulfill_slot_request_or_make_available
from slotspec.models.slot_pool.operations import offer_to_own_request
from slotspec.models.slot_pool.state import SlotPoolState


def own_request_first(s: SlotPoolState, allocation: int) -> bool:
    """Who asked for it gets it; the queue is looked at only if nobody did."""
    if s.slot[allocation] != PhysicalSlot.ALLOCATED and offer_to_own_request(s, allocation):
        return True
    return try_fulfill_slot_request_or_make_available(s, allocation)


BUGS = [
    Bug(
        issue="FLINK-17019",
        description="A slot goes to the request that it was asked for although an older one would be"
        " satisfied by it: requests are not fulfilled in the order of asking.",
        model="slot_pool",
        property="a_new_slot_goes_to_its_request",
        length=6,
        generation="1.12",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={try_fulfill_slot_request_or_make_available: own_request_first},
        fixed="1.12.0",
        likeness="As a choice of the generation 1.11 it is what Flink did until then; here 1.12,"
        " which promises the order, does it.",
    ),
]
