"""FLINK-5793: a returned slot that goes to the next request is not in the books."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import enter_allocated
from slotspec.models.slot_pool.queues import drop_slot
from slotspec.models.slot_pool.state import SlotPoolState


def enter_only_what_is_new(s: SlotPoolState, request_id: int, allocation: int) -> None:
    """A returned slot has left the allocated ones and is not entered again."""
    if s.slot[allocation] == PhysicalSlot.ALLOCATED:
        drop_slot(s, allocation)
    else:
        enter_allocated(s, request_id, allocation)


BUGS = [
    Bug(
        issue="FLINK-5793",
        description="A slot that a finished task returns is handed to the next request without being"
        " entered among the allocated slots: in use, and unknown to the pool.",
        model="slot_pool",
        property="whoever_is_served_holds_the_slot",
        length=6,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={enter_allocated: enter_only_what_is_new},
        fixed="1.3.0",
    ),
]
