"""FLINK-9912: a failed allocation is dropped by the pool and kept by the TaskExecutor."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.queues import clear_slot, is_held
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, fire


def drop_failed_slot(s: SlotPoolState, allocation: int) -> int:
    """The slot leaves the pool; nobody is told which TaskExecutor is empty now."""
    if is_held(s, allocation):
        pool.release_payload(s, allocation)
        fire(s.slot, allocation, PhysicalSlot.fail)
        clear_slot(s, allocation)
    return NONE


BUGS = [
    Bug(
        issue="FLINK-9912",
        description="A slot whose allocation fails leaves the pool without being freed at its"
        " TaskExecutor, which stays registered even if it has no slot left here.",
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
