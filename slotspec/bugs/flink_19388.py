"""FLINK-19388: logical slots that are returned meanwhile change the map that is gone through."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import release
from slotspec.models.slot_sharing.state import Cause, Raised, SlotSharingState
from slotspec.models.slot_sharing.tree import has_children
from slotspec.statemachine.declaration.rules import NONE


def child_released_at_any_time(s: SlotSharingState, parent: int, group: int) -> int:
    """A child leaves its parent's map, also while the parent releases its children."""
    while release.take_child(s, parent, group):
        if has_children(s, parent):
            return NONE
        if s.parent[parent] == NONE:
            return release.release_root(s, parent, int(Cause.FLINK))
        group = s.group[parent]
        parent = s.parent[parent]
    return int(Raised.ILLEGAL_ARGUMENT)


BUGS = [
    Bug(
        issue="FLINK-19388",
        description="A shared slot is released; the first execution that fails has the others"
        " cancelled, and their logical slots come back and are taken out of the map that the"
        " release is just going through.",
        model="slot_sharing",
        property="no_release_ends_with_an_exception",
        length=5,
        replace={release.child_released: child_released_at_any_time},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "slots": 2, "groups": 2, "deployments": 0},
        fixed="1.12.0",
        likeness="Flink's bug is in SharedSlot, which took over from SlotSharingManager in 1.12"
        " and lacked what keeps the older class from it: the defect takes that away from the"
        " older class.",
    )
]
