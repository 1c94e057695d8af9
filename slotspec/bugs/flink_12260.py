"""FLINK-12260: a registration that was given up displaces the one that succeeded."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import resource_manager
from slotspec.models.cluster.state import ClusterState


def keep_older_connecting(s: ClusterState, tm: int) -> None:
    """Every gateway look-up ends in a registration, in any order."""


BUGS = [
    Bug(
        issue="FLINK-12260",
        description="A slow registration is retried and the retry succeeds. Then the"
        " ResourceManager processes the first attempt too: it unregisters the valid connection and"
        " drops its slots.",
        model="cluster",
        property="only_the_newest_registration_counts",
        length=7,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0},
        replace={resource_manager.forget_older_connecting: keep_older_connecting},
        fixed="1.8.1, 1.9.0",
        likeness="The trace ends where both registrations wait for the TaskExecutor's gateway; from"
        " there they can be processed in either order.",
    )
]
