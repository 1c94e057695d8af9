"""FLINK-18407: an orphaned allocation is cancelled at a ResourceManager that is not there."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.matching import maybe_remap_orphaned_allocation
from slotspec.models.slot_pool.queues import pending_under
from slotspec.models.slot_pool.state import Effect, Raised, SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, emit


def remap_or_cancel(s: SlotPoolState, orphan: int, used: int) -> None:
    """The gateway is called without a look whether there is one."""
    nobody = pending_under(s, used) == NONE and s.gateway == NONE
    maybe_remap_orphaned_allocation(s, orphan, used)
    if nobody:
        emit(s, Effect.RAISES, Raised.NULL_POINTER)


BUGS = [
    Bug(
        issue="FLINK-18407",
        description="A request that was sent is served by another slot while the ResourceManager is"
        " gone: cancelling what it had asked for ends with a NullPointerException.",
        model="slot_pool",
        property="a_started_pool_meets_no_null_pointer",
        length=6,
        generation="1.12",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={maybe_remap_orphaned_allocation: remap_or_cancel},
        fixed="1.12.0",
    ),
]
