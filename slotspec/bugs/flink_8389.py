"""FLINK-8389: closing the pool does not give its slots back."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import Pool
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, fire


def close_and_forget(s: SlotPoolState) -> int:
    """The TaskExecutors are not told."""
    pool.cancel_pending_slot_requests(s)
    fire(s.pool, 0, Pool.close)
    pool.clear(s)
    return NONE


BUGS = [
    Bug(
        issue="FLINK-8389",
        description="When the JobMaster ends, the slots that it has accepted are not freed, and stay"
        " active at their TaskExecutors.",
        model="slot_pool",
        property="close_frees_each_slot_once",
        length=4,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={pool.close: close_and_forget},
        fixed="1.5.0",
    ),
]
