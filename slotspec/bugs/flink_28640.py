"""FLINK-28640: a slot that was accepted long ago is rejected when it is offered again."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import SlotPoolState


def never_the_same(s: SlotPoolState, allocation: int, tm: int, index: int) -> bool:
    """Judge every offer anew; forget what was accepted before."""
    return False


BUGS = [
    Bug(
        issue="FLINK-28640",
        description="A TaskExecutor is blocked and repeats the offer of a slot that was accepted"
        " before. The pool rejects it, like everything a blocked TaskExecutor offers, and so frees"
        " a slot that is in use.",
        model="cluster",
        property="a_slot_in_use_is_not_rejected",
        length=18,
        generation="1.13",
        scope="losses",
        bounds={"losses": 0},
        replace={pool.is_same_slot: never_the_same},
        fixed="1.16.0",
        likeness="The model does not block TaskExecutors; here the pool treats every TaskExecutor"
        " like a blocked one.",
    )
]
