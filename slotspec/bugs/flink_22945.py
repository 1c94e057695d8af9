"""FLINK-22945: slots that come back from a cancelled job are given to others of its tasks."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import failover
from slotspec.models.slot_sharing.state import SlotSharingState


def return_slots_first(s: SlotSharingState) -> None:
    """Those that wait are still waiting while the slots of the others come back."""
    failover.return_slots(s)
    failover.cancel_requests(s)


BUGS = [
    Bug(
        issue="FLINK-22945",
        description="A job is cancelled while some of its tasks still wait for slots: each slot that"
        " comes back is given to one of these, which has been cancelled and returns it within"
        " the same call, and so on, one level of the stack deeper for every task that waits.",
        model="slot_sharing",
        property="a_cancelled_job_is_given_no_slot",
        length=6,
        replace={failover.cancel_executions: return_slots_first},
        generation="1.12",
        scope="callbacks",
        bounds={"slots": 2, "groups": 1, "profiles": 1, "deployments": 0},
        fixed="1.13.2, 1.14.0",
        likeness="Flink's stack overflows after some thousand tasks; the property is broken by"
        " the first slot that is handed on. The scheduler and the pool are the environment of"
        " the shared slots, and the defect is there. FLINK-23806 is the same of tasks that are"
        " restarted.",
    )
]
