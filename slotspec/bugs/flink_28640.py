"""FLINK-28640: a slot that was taken long ago is rejected when it is offered once more."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import SlotPoolState


def nothing_is_the_same(s: SlotPoolState, allocation: int, tm: int, index: int) -> bool:
    """Whoever offers is judged by what it is, not by what was taken of it before."""
    return False


BUGS = [
    Bug(
        issue="FLINK-28640",
        description="A TaskExecutor is blocked, and offers a slot once more that was taken before"
        " that: like everything it offers the slot is rejected, and so it is freed in use.",
        model="cluster",
        property="a_slot_in_use_is_not_rejected",
        length=18,
        generation="1.13",
        scope="losses",
        bounds={"losses": 0},
        replace={pool.is_same_slot: nothing_is_the_same},
        fixed="1.16.0",
        likeness="Nobody is blocked in the model: here every TaskExecutor is treated like that.",
    )
]
