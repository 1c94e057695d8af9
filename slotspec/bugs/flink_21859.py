"""FLINK-21859: the answer to an older offer is obeyed after a newer offer."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import task_executor
from slotspec.models.cluster.state import ClusterState


def obey_every_answer(s: ClusterState, older: int) -> bool:
    """Obey every answer."""
    return True


BUGS = [
    Bug(
        issue="FLINK-21859",
        description="A TaskExecutor repeats an offer because the answer is late. Then the old"
        " answer arrives and is obeyed although the newer offer is still unanswered.",
        model="cluster",
        property="an_older_answer_changes_nothing",
        length=19,
        generation="1.13",
        scope="losses",
        bounds={"losses": 1},
        replace={task_executor.is_answer_obeyed: obey_every_answer},
        fixed="1.13.0",
        likeness="In Flink the older answer is a no and the newer one a yes, so a slot that the job"
        " takes is freed. Here the answers of a JobMaster arrive in order, and a pool with"
        " requests does not reject and then accept the same slot: the older answer is a yes.",
    )
]
