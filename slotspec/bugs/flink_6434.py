"""FLINK-6434: a request that has timed out stays in the queue and is given a slot."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.futures import complete_exceptionally, fail_request
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import SlotPoolState


def fail_and_keep_queued(s: SlotPoolState, request: int, error: int, root: int, cause: int) -> None:
    """Fail the request's future and leave the request in the queue."""
    if is_open(s, request):
        complete_exceptionally(s, request, error, root)


BUGS = [
    Bug(
        issue="FLINK-6434",
        description="The caller of a request gives up after a timeout, and the pool still fulfils"
        " the request. The slot is allocated and has no owner who would return it.",
        model="slot_pool",
        property="a_slot_in_use_has_an_owner",
        length=5,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={fail_request: fail_and_keep_queued},
        fixed="1.5.0",
        likeness="The call that timed out was an RPC to the pool, which was an actor of its own"
        " then; here it is the request's future.",
    ),
]
