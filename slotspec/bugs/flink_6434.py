"""FLINK-6434: a request that has timed out stays queued and is given a slot."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.futures import complete_exceptionally, fail_request
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import SlotPoolState


def fail_without_taking(s: SlotPoolState, request: int, error: int, root: int, cause: int) -> None:
    """The caller is told; a timeout does not take the request out of the queue."""
    if is_open(s, request):
        complete_exceptionally(s, request, error, root)


BUGS = [
    Bug(
        issue="FLINK-6434",
        description="A request whose caller has given up after a timeout is still fulfilled by the"
        " pool: the slot is allocated and has no owner who would return it.",
        model="slot_pool",
        property="a_slot_in_use_has_an_owner",
        length=5,
        generation="1.11",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={fail_request: fail_without_taking},
        fixed="1.5.0",
        likeness="The call that timed out was an RPC to the pool, then an actor of its own; here it"
        " is the request's future.",
    ),
]
