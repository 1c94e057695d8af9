"""FLINK-11059: JobMaster and TaskExecutor never compare what they think of their slots."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import task_executor
from slotspec.models.cluster.state import ClusterState


def ignore_report(s: ClusterState, tm: int) -> None:
    """The heartbeat tells nothing of slots."""
    task_executor.forget_allocation_report(s, tm)


BUGS = [
    Bug(
        issue="FLINK-11059",
        description="A slot is no longer allocated at its TaskExecutor, and the pool has not heard of"
        " that: whatever is deployed into it is refused, again and again, and nothing ever tells"
        " the two that they differ.",
        model="cluster",
        property="the_job_finishes",
        length=55,
        generation="1.12",
        scope="losses",
        bounds={"slots_per_task_manager": 2, "parallelism": 2, "early_timeouts": 0},
        replace={task_executor.sync_slots_with_report: ignore_report},
        fixed="1.8.1, 1.9.0",
        likeness="In Flink the pool freed an idle slot by a call whose answer came too late, and"
        " took it back; here the answer to an offer is lost, and the slot times out. The defect is"
        " that both lack what mended them: reports of allocated slots with heartbeats.",
    )
]
