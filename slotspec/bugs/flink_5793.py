"""FLINK-5793: a returned slot that serves the next request is not recorded as allocated."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.matching import enter_allocated
from slotspec.models.slot_pool.queues import drop_slot
from slotspec.models.slot_pool.state import SlotPoolState


def record_new_slots_only(s: SlotPoolState, request_id: int, allocation: int) -> None:
    """Remove a returned slot from the allocated ones and do not add it again."""
    if s.slot[allocation] == PhysicalSlot.ALLOCATED:
        drop_slot(s, allocation)
    else:
        enter_allocated(s, request_id, allocation)


BUGS = [
    Bug(
        issue="FLINK-5793",
        description="A slot that a finished task returns goes to the next request without being"
        " recorded among the allocated slots: it is in use, and the pool does not know it.",
        model="slot_pool",
        property="whoever_is_served_holds_the_slot",
        length=6,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={enter_allocated: record_new_slots_only},
        fixed="1.3.0",
    ),
]
