"""FLINK-12863: a report of the allocated slots is older than the answers ahead of it."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import job_master
from slotspec.models.cluster.job_master import offer_slot
from slotspec.models.cluster.messages import Way, room_of, send, take_out, way
from slotspec.models.cluster.state import ClusterState, Message


def overtake_report(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The report is written before the answer to this offer, and another thread sends it after."""
    offer_slot(s, tm, allocation, detail)
    channel = way(tm, Way.FROM_JOB_MASTER)
    for i in range(room_of(s)):
        if s.message[channel * room_of(s) + i] == Message.ALLOCATION_REPORT:
            take_out(s, channel, i)
            send(s, channel, Message.ALLOCATION_REPORT)
            return


BUGS = [
    Bug(
        issue="FLINK-12863",
        description="Heartbeats run in a thread of their own. The JobMaster's report of its slots"
        " is written before a slot is offered and sent after the offer is accepted, so the"
        " TaskExecutor frees a slot that has just become active.",
        model="cluster",
        property="a_report_knows_what_was_accepted_before_it",
        length=17,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0},
        replace={job_master.offer_slot: overtake_report},
        fixed="1.8.1, 1.9.0",
        likeness="The bug came with the fix of FLINK-11059. The trace ends with the older report"
        " queued behind the newer answer; when the report arrives, the slot is freed.",
    )
]
