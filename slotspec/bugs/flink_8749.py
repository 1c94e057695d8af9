"""FLINK-8749: a scheduling operation is cancelled, and the slots that it has got already stay."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant
from slotspec.models.slot_sharing import failover
from slotspec.models.slot_sharing.state import SlotSharingState


def has_an_execution(s: SlotSharingState, slot: int) -> bool:
    """Only executions are cancelled: a slot that none is in yet, none gives up."""
    return s.slot[slot] == LogicalSlot.ALIVE and s.occupant[slot] == Occupant.PAYLOAD


BUGS = [
    Bug(
        issue="FLINK-8749",
        description="Some slots of a job that is being scheduled are there, others are not; when the"
        " scheduling is cancelled as a whole, those that are there are in no execution yet, and"
        " nobody gives them up.",
        model="slot_sharing",
        property="a_cancelled_job_keeps_no_slot",
        length=4,
        replace={failover.is_given_up: has_an_execution},
        generation="1.12",
        scope="callbacks",
        bounds={"multis": 1, "slots": 2, "groups": 2},
        fixed="1.5.0",
        likeness="Who schedules and cancels is not modelled as a class: it is the environment of"
        " the shared slots, and the defect is there.",
    )
]
