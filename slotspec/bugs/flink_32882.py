"""FLINK-32882: what is reserved for a job at an expected worker is cleared twice."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import matching as placing
from slotspec.models.slot_manager.lifecycles import ManagerRequest, PendingTaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.statemachine.declaration.rules import NONE, fire


def returned_again_and_again(s: SlotManagerState, request: int) -> None:
    """The request's expected slot is given back; that it was already is not looked at."""
    pending = s.reservation[request]
    if pending != NONE:
        s.pending_request[pending] = NONE
        fire(s.pending, pending, PendingTaskManagerSlot.give_back)
        if s.request[request] == ManagerRequest.RESERVED:
            fire(s.request, request, ManagerRequest.lose_reservation)


BUGS = [
    Bug(
        issue="FLINK-32882",
        description="The reservation of a request at a worker that has not come is cleared a second"
        " time, and the manager crashes, since there is none.",
        model="slot_manager",
        property="fault",
        length=4,
        replace={placing.return_reservation: returned_again_and_again},
        generation="1.12",
        scope="workers",
        bounds={"allocations": 1, "requests": 2, "profiles": 1},
        fixed="1.18.0",
        likeness="Flink's was in the fine-grained slot manager, which clears what is reserved"
        " for a whole job; here it is one request.",
    )
]
