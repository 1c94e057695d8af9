"""FLINK-12765: nobody checks that a shared slot can hold all its tasks."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import resources
from slotspec.models.slot_sharing.state import SlotSharingState


def always_has_room(s: SlotSharingState, root: int, extra: int) -> bool:
    """Every slot fits, because the children's reservations are not added up."""
    return True


BUGS = [
    Bug(
        issue="FLINK-12765",
        description="The resources that the tasks of a shared slot need are not added up. A"
        " physical slot that is large enough for each task, but not for all of them, is kept and"
        " over-subscribed.",
        model="slot_sharing",
        property="a_slot_that_is_too_small_goes_back",
        length=4,
        replace={resources.has_room: always_has_room},
        generation="1.12",
        scope="surprises",
        bounds={"multis": 1, "profiles": 1, "deployments": 0, "repeated_groups": 0},
        fixed="1.9.0",
    )
]
