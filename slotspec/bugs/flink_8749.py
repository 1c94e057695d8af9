"""FLINK-8749: a scheduling attempt is cancelled and keeps the slots it already has."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant
from slotspec.models.slot_sharing import failover
from slotspec.models.slot_sharing.state import SlotSharingState


def has_an_execution(s: SlotSharingState, slot: int) -> bool:
    """Only cancelled executions return slots; a slot without an execution is kept."""
    return s.slot[slot] == LogicalSlot.ALIVE and s.occupant[slot] == Occupant.PAYLOAD


BUGS = [
    Bug(
        issue="FLINK-8749",
        description="A job is being scheduled; some of its slots have arrived and others have not."
        " When the whole attempt is cancelled, the slots that have arrived belong to no execution"
        " yet, and nobody returns them.",
        model="slot_sharing",
        property="a_cancelled_job_keeps_no_slot",
        length=4,
        replace={failover.is_given_up: has_an_execution},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "slots": 2, "groups": 2},
        fixed="1.5.0",
        likeness="The component that schedules and cancels is not modelled as a class. It is part"
        " of the environment of the shared slots, so the bug is in the environment.",
    )
]
