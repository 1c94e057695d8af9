"""FLINK-14701: a released child is taken out of the table by its id, which another one has."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import tree
from slotspec.models.slot_sharing.state import SlotSharingState, Wanted


def unregister_whoever_has_the_id(s: SlotSharingState, slot: int) -> None:
    """The table is asked for the id, and not whether it is this slot that has it."""
    tree.unregister_single(s, slot)
    for other in range(len(s.single)):
        if s.wanted[other] == Wanted.NAMESAKE:
            tree.unregister_single(s, other)


BUGS = [
    Bug(
        issue="FLINK-14701",
        description="A child that does not fit is released, and its caller asks again under the same"
        " request id before the release is over; the parent then removes the id from the table"
        " of slots, and with it the new child, which nobody can release any more.",
        model="slot_sharing",
        property="every_child_is_registered",
        length=4,
        replace={tree.unregister_single: unregister_whoever_has_the_id},
        generation="1.12",
        scope="callbacks",
        bounds={"slots": 2, "groups": 1, "profiles": 1, "deployments": 0},
        fixed="1.9.2, 1.10.0",
        likeness="Only Flink 1.9 asks again under the same id, when a slot turns out to be too"
        " small for all its children; here any release of a single child may be followed by"
        " that.",
    )
]
