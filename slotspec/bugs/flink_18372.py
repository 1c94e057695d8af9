"""FLINK-18372: a request that was never sent has no allocation to hand on."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool.matching import serve
from slotspec.models.slot_pool.state import Effect, Raised, SlotPoolState
from slotspec.statemachine.declaration.rules import NONE, emit


def serve_and_hand_on(s: SlotPoolState, request: int, allocation: int) -> None:
    """The allocation of the served request is used without a look whether it has one."""
    never_sent = s.stored_allocation[request] == NONE
    serve(s, request, allocation)
    if never_sent:
        emit(s, Effect.RAISES, Raised.NULL_POINTER)


BUGS = [
    Bug(
        issue="FLINK-18372",
        description="A slot that is offered before a ResourceManager is connected serves a request"
        " that was never sent and so has no allocation: the offer ends with a"
        " NullPointerException.",
        model="slot_pool",
        property="a_started_pool_meets_no_null_pointer",
        length=4,
        generation="1.12",
        scope="queue",
        bounds={"requests": 2, "request_ids": 2},
        replace={serve: serve_and_hand_on},
        fixed="1.12.0",
    ),
]
