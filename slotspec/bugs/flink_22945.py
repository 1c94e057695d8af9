"""FLINK-22945: slots that a cancelled job returns are given to other tasks of the same job."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.slot_sharing import failover
from slotspec.models.slot_sharing.state import SlotSharingState


def return_slots_first(s: SlotSharingState) -> None:
    """Return the assigned slots while the other requests still wait."""
    failover.return_slots(s)
    failover.cancel_requests(s)


BUGS = [
    Bug(
        issue="FLINK-22945",
        description="A job is cancelled while some of its tasks still wait for slots. Each returned"
        " slot goes to one of these tasks, which is cancelled too and returns it within the same"
        " call. Every waiting task adds one level to the stack.",
        model="slot_sharing",
        property="a_cancelled_job_is_given_no_slot",
        length=6,
        replace={failover.cancel_executions: return_slots_first},
        generation="1.12",
        scope="callbacks",
        bounds={"slots": 2, "groups": 1, "profiles": 1, "deployments": 0},
        fixed="1.13.2, 1.14.0",
        likeness="Flink's stack overflows after some thousand tasks; the property is broken by the"
        " first slot that is handed on. The scheduler and the pool are the environment of the"
        " shared slots, so the bug is in the environment. FLINK-23806 is the same bug for tasks"
        " that are restarted.",
    )
]
