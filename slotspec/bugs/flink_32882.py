"""FLINK-32882: a job's reservation at a pending worker is cleared twice."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import matching as placing
from slotspec.models.slot_manager.lifecycles import ManagerRequest, PendingTaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE, fire


def return_without_check(s: SlotManagerState, request: int) -> None:
    """Release the reservation without checking that it is still held."""
    pending = s.reservation[request]
    if pending != NONE:
        s.pending_request[pending] = NONE
        fire(s.pending, pending, PendingTaskManagerSlot.give_back)
        if s.request[request] == ManagerRequest.RESERVED:
            fire(s.request, request, ManagerRequest.lose_reservation)


BUGS = [
    Bug(
        issue="FLINK-32882",
        description="The reservation of a request at a worker that has not arrived is cleared a"
        " second time. There is no reservation left, and the manager crashes.",
        model="slot_manager",
        property="fault",
        length=4,
        replace={placing.return_reservation: return_without_check},
        generation="1.12",
        scope="workers",
        bounds={"allocations": 1, "requests": 2, "profiles": 1},
        fixed="1.18.0",
        likeness="Flink's bug was in the fine-grained slot manager, which clears the reservations"
        " of a whole job; here it is one request.",
    )
]
