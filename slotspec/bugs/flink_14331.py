"""FLINK-14331: the slot request of a task that was cancelled is kept."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Share
from slotspec.models.cluster.scheduler import give_up
from slotspec.models.cluster.state import ClusterState
from slotspec.statemachine.declaration.rules import fire


def return_slots_only(s: ClusterState) -> None:
    """What is there is returned; what was only asked for is forgotten, not withdrawn."""
    for share in range(len(s.share)):
        if s.share[share] == Share.WAITING:
            fire(s.share, share, Share.give_up)
    give_up(s, int(Share.ASSIGNED))


BUGS = [
    Bug(
        issue="FLINK-14331",
        description="The job fails while a task still waits for its slot; the task is cancelled, and"
        " its request is kept: a slot that comes goes to a task that is no more.",
        model="cluster",
        property="a_request_is_for_a_share_that_waits",
        length=13,
        generation="1.12",
        scope="leaders",
        bounds={"slots_per_task_manager": 2, "parallelism": 2, "leader_changes": 0},
        replace={scheduler.give_up_slots: return_slots_only},
        fixed="1.10.0",
    )
]
