"""FLINK-12765: nobody looks whether a shared slot has what its tasks need together."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import resources
from slotspec.models.slot_sharing.state import SlotSharingState


def always_has_room(s: SlotSharingState, root: int, extra: int) -> bool:
    """What the children reserve is not added up, so every slot will do."""
    return True


BUGS = [
    Bug(
        issue="FLINK-12765",
        description="What the tasks of a shared slot need is not added up: a physical slot that is"
        " large enough for each of them, but not for all, is kept, and over-subscribed.",
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
