"""FLINK-19237: a JobMaster that loses its leadership disconnects nobody."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import job_master
from slotspec.models.cluster.state import ClusterState


def disconnect_nobody(s: ClusterState) -> None:
    """TaskExecutors stay registered, while the pool forgets them."""


BUGS = [
    Bug(
        issue="FLINK-19237",
        description="A JobMaster loses its leadership and does not disconnect its TaskExecutors; when"
        " it leads again they count as registered, the pool does not know them, and whatever"
        " they offer is rejected.",
        model="cluster",
        property="a_waiting_job_takes_what_is_offered",
        length=18,
        generation="1.12",
        scope="leaders",
        bounds={"failovers": 0},
        replace={job_master.disconnect_all: disconnect_nobody},
        fixed="1.10.3, 1.11.3, 1.12.0",
    )
]
