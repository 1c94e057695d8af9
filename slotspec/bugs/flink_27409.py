"""FLINK-27409: what is expected for a job stays reserved when the job wants nothing more."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager.matching import forget_reservation
from slotspec.models.slot_manager.records import entered_under
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


def withdrawn_and_still_reserved(s: SlotManagerState, allocation: int) -> int:
    """A request that is given up forgets its expected slot, which stays reserved for it."""
    request = entered_under(s, allocation)
    if request != NONE and s.reservation[request] != NONE:
        forget_reservation(s, request)
    return manager.unregister_slot_request(s, allocation)


BUGS = [
    Bug(
        issue="FLINK-27409",
        description="A job gives up what it asked for while a worker is on its way; the slots"
        " expected of that stay reserved for it, and nobody else gets them.",
        model="slot_manager",
        property="reservations_are_for_living_requests",
        length=3,
        replace={manager.unregister_slot_request: withdrawn_and_still_reserved},
        generation="1.12",
        scope="workers",
        bounds={"allocations": 1, "requests": 2, "profiles": 1},
        fixed="1.16.0",
        likeness="Flink's was in the fine-grained slot manager, where a job declares that it"
        " requires nothing; here it withdraws its request.",
    )
]
