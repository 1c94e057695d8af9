"""FLINK-12260: a registration that was given up displaces the one that succeeded."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import resource_manager
from slotspec.models.cluster.state import ClusterState


def let_them_come(s: ClusterState, tm: int) -> None:
    """Each look-up of a gateway ends with a registration, in any order."""


BUGS = [
    Bug(
        issue="FLINK-12260",
        description="A registration is slow and is tried again; that succeeds, and then the first"
        " one is worked off as well: the valid connection is unregistered, and its slots with it.",
        model="cluster",
        property="only_the_newest_registration_counts",
        length=7,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0},
        replace={resource_manager.forget_older_connecting: let_them_come},
        fixed="1.8.1, 1.9.0",
        likeness="The trace ends where both registrations wait for the TaskExecutor's gateway; from"
        " there they are worked off in any order.",
    )
]
