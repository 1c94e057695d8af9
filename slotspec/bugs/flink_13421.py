"""FLINK-13421: the scheduler is offered a slot that releases its children at this moment."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import tree
from slotspec.models.slot_sharing.state import SlotSharingState


def does_not_contain(s: SlotSharingState, root: int, group: int) -> bool:
    """Only whether the group is there already is looked at."""
    return not tree.multi_contains(s, root, group)


BUGS = [
    Bug(
        issue="FLINK-13421",
        description="While a shared slot releases its children, the failover that the first of them"
        " sets off schedules another task, into the very slot: its map of children grows while"
        " it is gone through.",
        model="slot_sharing",
        property="no_release_ends_with_an_exception",
        length=4,
        replace={tree.is_open_for: does_not_contain},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "profiles": 1, "deployments": 0},
        fixed="1.9.0",
        likeness="In Flink's report the slot is resolved and a failed execution starts the"
        " failover; the shortest trace has callers that still wait for a slot, whose futures"
        " fail in the same loop.",
    )
]
