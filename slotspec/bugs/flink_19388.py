"""FLINK-19388: returned logical slots change the map that a release iterates over."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import release
from slotspec.models.slot_sharing.state import Cause, Raised, SlotSharingState
from slotspec.models.slot_sharing.tree import has_children
from slotspec.statemachine.declaration.rules import NONE


def remove_child_at_any_time(s: SlotSharingState, parent: int, group: int) -> int:
    """Remove a child from its parent's map even while the parent releases its children."""
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
        description="A shared slot is released. The first execution that fails cancels the others,"
        " and their returned logical slots are removed from the map that the release is iterating"
        " over.",
        model="slot_sharing",
        property="no_release_ends_with_an_exception",
        length=5,
        replace={release.child_released: remove_child_at_any_time},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "slots": 2, "groups": 2, "deployments": 0},
        fixed="1.12.0",
        likeness="Flink's bug is in SharedSlot, which replaced SlotSharingManager in 1.12 and"
        " lacked a guard that the older class has. The bug removes the guard from the older"
        " class.",
    )
]
