"""FLINK-21874: an acknowledgement is matched by its slot alone."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_manager import updates
from slotspec.models.slot_manager.lifecycles import SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import SlotManagerState


def confirmed_for_whoever_has_the_slot(s: SlotManagerState, call: int) -> None:
    """An acknowledgement confirms the slot for the request that it is given to by now."""
    slot = s.call_slot[call]
    if s.call[call] == SlotCall.ACKNOWLEDGED and s.slot[slot] == TaskManagerSlot.PENDING:
        s.call_allocation[call] = s.request_allocation[s.slot_request[slot]]
        s.call_job[call] = s.request_job[s.slot_request[slot]]
    updates.run_outcome(s, call)


BUGS = [
    Bug(
        issue="FLINK-21874",
        description="A slot is freed and given to another request while an acknowledgement waits"
        " for the main thread; the acknowledgement of the first confirms the second, which the"
        " TaskExecutor has not agreed to.",
        model="slot_manager",
        property="an_acknowledgement_confirms_its_own_allocation",
        length=8,
        replace={updates.run_outcome: confirmed_for_whoever_has_the_slot},
        generation="1.12",
        scope="queue",
        fixed="1.13.0",
        likeness="Flink's was in the declarative slot manager; this one believes a late"
        " acknowledgement and displaces the second request.",
    )
]
