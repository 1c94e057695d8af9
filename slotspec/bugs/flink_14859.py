"""FLINK-14859: a slot that arrives for an outdated deployment has no owner."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Job, Share
from slotspec.models.cluster.scheduler import slot_request_fulfilled
from slotspec.models.cluster.state import ClusterState
from slotspec.statemachine.declaration.rules import fire


def keep_requests(s: ClusterState) -> None:
    """Return the assigned slots; requests are looked at when their slots come."""
    scheduler.give_up(s, int(Share.ASSIGNED))


def skip_if_outdated(s: ClusterState, share: int, allocation: int) -> None:
    """Ignore the slot when the deployment has been cancelled since."""
    if s.job[0] == Job.CANCELLING:
        fire(s.share, share, Share.give_up)
    else:
        slot_request_fulfilled(s, share, allocation)


BUGS = [
    Bug(
        issue="FLINK-14859",
        description="A slot arrives for a deployment that a failover has made obsolete. The slot is"
        " neither assigned to the task nor returned, and stays allocated for ever.",
        model="cluster",
        property="an_allocated_slot_has_an_owner",
        length=18,
        generation="1.12",
        scope="losses",
        bounds={"slots_per_task_manager": 2, "parallelism": 2, "losses": 0, "channel_room": 12},
        replace={
            scheduler.slot_request_fulfilled: skip_if_outdated,
            scheduler.give_up_slots: keep_requests,
        },
        fixed="1.10.0",
    )
]
