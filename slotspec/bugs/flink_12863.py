"""FLINK-12863: a report of the allocated slots is older than the offers answered before it."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import job_master
from slotspec.models.cluster.job_master import offer_slot
from slotspec.models.cluster.messages import Way, room_of, send, take_out, way
from slotspec.models.cluster.state import ClusterState, Message


def overtake_report(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The report is written, and another thread sends it, after the answer to this offer."""
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
        description="The report of what the JobMaster holds is written before a slot is offered and"
        " sent after the offer was accepted, since heartbeats have a thread of their own: the"
        " TaskExecutor frees a slot that has just become active.",
        model="cluster",
        property="a_report_knows_what_was_accepted_before_it",
        length=17,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0},
        replace={job_master.offer_slot: overtake_report},
        fixed="1.8.1, 1.9.0",
        likeness="It came with what mended FLINK-11059. The trace ends with the older report behind"
        " the newer answer; when it arrives, the slot is freed.",
    )
]
