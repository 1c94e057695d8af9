"""FLINK-21859: the answer to an older offer is obeyed after a newer offer."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import task_executor
from slotspec.models.cluster.state import ClusterState


def obey_any(s: ClusterState, own: int, which: int) -> bool:
    """An answer is an answer."""
    return True


BUGS = [
    Bug(
        issue="FLINK-21859",
        description="A TaskExecutor offers a slot again, since the answer is late; then that answer"
        " comes, and is obeyed although the newer offer is still to be answered.",
        model="cluster",
        property="an_older_answer_changes_nothing",
        length=19,
        generation="1.13",
        scope="losses",
        bounds={"losses": 1},
        replace={task_executor.is_answer_obeyed: obey_any},
        fixed="1.13.0",
        likeness="In Flink the older answer is a no and the newer a yes, so that a slot is freed"
        " that the job takes. Here the answers of a JobMaster arrive in order, and a pool with"
        " requests does not change its mind like that: the older answer is a yes.",
    )
]
