"""FLINK-27409: slots stay reserved for a job that no longer needs them."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager.matching import forget_reservation
from slotspec.models.slot_manager.records import entered_under
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE


def withdraw_and_stay_reserved(s: SlotManagerState, allocation: int) -> int:
    """Withdraw the request and forget its reservation without releasing it."""
    request = entered_under(s, allocation)
    if request != NONE and s.reservation[request] != NONE:
        forget_reservation(s, request)
    return manager.unregister_slot_request(s, allocation)


BUGS = [
    Bug(
        issue="FLINK-27409",
        description="A job withdraws its request while a worker is starting. The slots of that"
        " worker stay reserved for the job, and no other job can use them.",
        model="slot_manager",
        property="reservations_are_for_living_requests",
        length=3,
        replace={manager.unregister_slot_request: withdraw_and_stay_reserved},
        generation="1.12",
        scope="workers",
        bounds={"allocations": 1, "requests": 2, "profiles": 1},
        fixed="1.16.0",
        likeness="Flink's bug was in the fine-grained slot manager, where a job declares that it"
        " requires nothing; here it withdraws its request.",
    )
]
