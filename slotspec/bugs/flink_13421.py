"""FLINK-13421: the scheduler is offered a shared slot that is releasing its children."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import tree
from slotspec.models.slot_sharing.state import SlotSharingState


def does_not_contain(s: SlotSharingState, root: int, group: int) -> bool:
    """Check only whether the group is already there."""
    return not tree.multi_contains(s, root, group)


BUGS = [
    Bug(
        issue="FLINK-13421",
        description="While a shared slot releases its children, the first failure triggers a"
        " failover that schedules another task into the same slot. The slot's map of children"
        " grows during the iteration.",
        model="slot_sharing",
        property="no_release_ends_with_an_exception",
        length=4,
        replace={tree.is_open_for: does_not_contain},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "profiles": 1, "deployments": 0},
        fixed="1.9.0",
        likeness="In Flink's report the slot is resolved and a failed execution starts the"
        " failover. In the shortest trace the callers still wait for a slot, and their futures"
        " fail in the same loop.",
    )
]
