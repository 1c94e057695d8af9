"""FLINK-7870: a request that times out is not cancelled at the ResourceManager."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.futures import run_cancel_hook
from slotspec.models.slot_pool.state import SlotPoolState


def tell_nobody(s: SlotPoolState, request: int) -> None:
    """There is no hook on the request's future."""


BUGS = [
    Bug(
        issue="FLINK-7870",
        description="A request that times out at the JobMaster is not cancelled at the"
        " ResourceManager, where such requests pile up and later take slots that nobody wants.",
        model="slot_pool",
        property="a_timed_out_request_is_cancelled_where_it_was_sent",
        length=4,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={run_cancel_hook: tell_nobody},
        fixed="1.5.0",
    ),
]
