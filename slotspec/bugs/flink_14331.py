"""FLINK-14331: the slot request of a cancelled task is kept."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Job, Share
from slotspec.models.cluster.scheduler import give_up, region_of
from slotspec.models.cluster.state import ClusterState
from slotspec.statemachine.declaration.rules import fire


def return_slots_only(s: ClusterState) -> None:
    """Return the assigned slots, but forget the pending requests without cancelling them."""
    for share in range(len(s.share)):
        if s.share[share] == Share.WAITING and s.job[region_of(s, share)] == Job.CANCELLING:
            fire(s.share, share, Share.give_up)
    give_up(s, int(Share.ASSIGNED))


BUGS = [
    Bug(
        issue="FLINK-14331",
        description="The job fails while a task still waits for its slot. The task is cancelled but"
        " its request stays, so the next slot goes to a task that no longer exists.",
        model="cluster",
        property="a_request_is_for_a_share_that_waits",
        length=11,
        generation="1.12",
        scope="leaders",
        bounds={
            "slots_per_task_manager": 2,
            "parallelism": 2,
            "leader_changes": 0,
            "channel_room": 12,
        },
        replace={scheduler.give_up_slots: return_slots_only},
        fixed="1.10.0",
    )
]
