"""FLINK-21602: a slot is taken without a second look whether it is still available."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import put_allocated
from slotspec.models.slot_pool.state import SlotPoolState


def allocate_seen_slot(s: SlotPoolState, request_id: int, allocation: int) -> int:
    """What was available when the job looked is taken to be so still."""
    if s.slot[allocation] != PhysicalSlot.ALLOCATED:
        return pool.allocate_available_slot(s, request_id, allocation)
    put_allocated(s, request_id, allocation)
    return allocation


BUGS = [
    Bug(
        issue="FLINK-21602",
        description="A slot that was available when the job looked is reserved although it was given"
        " away meanwhile: two tasks have it.",
        model="slot_pool",
        property="only_an_available_slot_can_be_taken",
        length=5,
        generation="1.13",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={pool.allocate_available_slot: allocate_seen_slot},
        fixed="1.13.0",
        likeness="Flink's was in the declarative pool, which is not modelled; this is the same"
        " operation of SlotPoolImpl.",
    ),
]
