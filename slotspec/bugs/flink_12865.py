"""FLINK-12865: a slot report is older than the answers ahead of it."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import task_executor
from slotspec.models.cluster.messages import Way, room_of, send, take_out, way
from slotspec.models.cluster.state import ClusterState, Message
from slotspec.models.cluster.task_executor import request_slot


def overtake_report(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The report is written before the answer to this request; another thread sends it after."""
    request_slot(s, tm, allocation, detail)
    channel = way(tm, Way.TO_RESOURCE_MANAGER)
    for i in range(room_of(s)):
        post = channel * room_of(s) + i
        if s.message[post] == Message.HEARTBEAT:
            instance = s.detail[post]
            take_out(s, channel, i)
            send(s, channel, Message.HEARTBEAT, detail=instance)
            return


BUGS = [
    Bug(
        issue="FLINK-12865",
        description="Heartbeats run in a thread of their own. A slot report is written before a"
        " slot is allocated and sent after the ResourceManager learned of the allocation, so the"
        " ResourceManager takes the slot for free and gives it to another request.",
        model="cluster",
        property="a_slot_report_knows_what_was_answered_before_it",
        length=14,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0},
        replace={task_executor.request_slot: overtake_report},
        fixed="1.8.1, 1.9.0",
        likeness="The trace ends with the older report queued behind the newer answer; when the"
        " report arrives, the ResourceManager's view is wrong until the next report.",
    )
]
