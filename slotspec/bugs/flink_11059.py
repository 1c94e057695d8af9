"""FLINK-11059: JobMaster and TaskExecutor never compare their views of the slots."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import task_executor
from slotspec.models.cluster.state import ClusterState


def ignore_report(s: ClusterState, tm: int) -> None:
    """The heartbeat carries no report of slots."""
    task_executor.forget_allocation_report(s, tm)


BUGS = [
    Bug(
        issue="FLINK-11059",
        description="A TaskExecutor has freed a slot and the pool does not know. The TaskExecutor"
        " refuses every task that is deployed into the slot, and no message ever corrects the"
        " pool's view.",
        model="cluster",
        property="the_job_finishes",
        length=68,
        generation="1.12",
        scope="losses",
        bounds={"slots_per_task_manager": 2, "parallelism": 2, "early_timeouts": 0},
        replace={task_executor.sync_slots_with_report: ignore_report},
        fixed="1.8.1, 1.9.0",
        likeness="In Flink the pool freed an idle slot, the answer to that call came too late, and"
        " the pool took the slot back. Here the answer to an offer is lost and the slot times out."
        " In both cases what is missing is the fix: heartbeats that report the allocated slots.",
    )
]
