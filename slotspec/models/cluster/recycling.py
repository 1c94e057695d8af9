"""What is cleared at the end of each step, and when nothing is left to do."""

from __future__ import annotations

from slotspec.models.cluster import resource_manager
from slotspec.models.cluster.lifecycles import Leader
from slotspec.models.cluster.messages import Way, has_retries, in_flight, room_of, take_out, way
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import STRIDE, ClusterState, Message, task_managers
from slotspec.models.slot_manager import recycling as slot_manager_recycling
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.models.slot_pool import recycling as slot_pool_recycling
from slotspec.models.task_slot_table import operations as table


@cluster.after_each_step
def settle(s: ClusterState) -> None:
    """Let the parts clear what has ended, and drop answers that nobody waits for."""
    slot_pool_recycling.recycle_records(s.pool)
    slot_manager_recycling.settle(s.manager)
    for tm in s.elements(task_managers):
        table.forget_tasks(s.tables[tm])
        forget_dead_calls(s, tm)
    if s.retries and not has_retries(s):
        s.retries = 0


def forget_dead_calls(s: ClusterState, tm: int) -> None:
    """Drop answers to calls that have ended, and let requests of such calls go unanswered.

    So the record of a call can serve another one while messages are still in flight.
    """
    room = room_of(s)
    there = way(tm, Way.FROM_RESOURCE_MANAGER) * room
    for post in range(there, there + room):
        if s.message[post] == Message.REQUEST_TASK_SLOT and not is_call_alive(
            s, s.detail[post], s.subject[post]
        ):
            s.detail[post] = s.detail[post] // STRIDE * STRIDE + CALLS_PER_SLOT
    back = way(tm, Way.TO_RESOURCE_MANAGER)
    i = 0
    while i < in_flight(s, back):
        if is_answer(s.message[back * room + i]) and not resource_manager.is_waited_for(
            s, s.detail[back * room + i]
        ):
            take_out(s, back, i)
        else:
            i += 1


def is_answer(message: int) -> bool:
    """Whether a message answers a request for a slot."""
    return message in (Message.CALL_ACKNOWLEDGED, Message.CALL_OCCUPIED, Message.CALL_FAILED)


def is_call_alive(s: ClusterState, detail: int, allocation: int) -> bool:
    """Whether the call of a request in flight is still open, and for this allocation."""
    return (
        resource_manager.is_waited_for(s, detail)
        and s.manager.call_allocation[resource_manager.call_of(detail)] == allocation
    )


@cluster.final_states
def job_is_over(s: ClusterState) -> bool:
    """The job has ended, and nothing is left to do."""
    return s.job_master[0] == Leader.RETIRED
