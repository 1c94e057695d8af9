"""FLINK-9912: the pool drops a failed allocation and the TaskExecutor keeps it."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import clear_slot, is_held
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, fire


def drop_failed_slot(s: SlotPoolState, allocation: int) -> int:
    """Drop the slot without reporting that its TaskExecutor may now be empty."""
    if is_held(s, allocation):
        pool.release_payload(s, allocation)
        fire(s.slot, allocation, PhysicalSlot.fail)
        clear_slot(s, allocation)
    return NONE


BUGS = [
    Bug(
        issue="FLINK-9912",
        description="A slot whose allocation fails leaves the pool without being freed at its"
        " TaskExecutor, which stays registered even if the pool has no other slot of it.",
        model="slot_pool",
        property="a_dropped_slot_is_freed",
        length=4,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={pool.try_failing_allocated_slot: drop_failed_slot},
        fixed="1.7.0",
    ),
]
