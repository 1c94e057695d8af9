"""FLINK-23806: slots that a restarted job returns are given to other tasks of the same job."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Share
from slotspec.models.cluster.scheduler import give_up
from slotspec.models.cluster.state import ClusterState


def return_slots_first(s: ClusterState) -> None:
    """Return the assigned slots while the other requests still wait."""
    give_up(s, int(Share.ASSIGNED))
    give_up(s, int(Share.WAITING))


BUGS = [
    Bug(
        issue="FLINK-23806",
        description="A slot request is not fulfilled in time and the job restarts. A returned slot"
        " serves the request of another task, which is about to be withdrawn, so the slot comes"
        " back again. Every waiting task adds one level to the stack.",
        model="cluster",
        property="a_restart_serves_no_old_request",
        length=35,
        generation="1.12",
        scope="leaders",
        bounds={
            "slots_per_task_manager": 3,
            "parallelism": 3,
            "allocations": 3,
            "leader_changes": 0,
            "failovers": 0,
            "losses": 1,
            "channel_room": 16,
        },
        replace={scheduler.give_up_slots: return_slots_first},
        fixed="1.13.3, 1.14.0",
        likeness="Flink's stack overflows after some thousand tasks; the property is broken by the"
        " first slot that is handed on.",
    )
]
