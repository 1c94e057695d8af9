"""What is cleared at the end of each step, and when nothing is left to do."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader
from slotspec.models.cluster.messages import Way, has_retries, in_flight, room_of, take_out, way
from slotspec.models.cluster.recycling import is_answer
from slotspec.models.cluster.state import task_managers
from slotspec.models.declarative_cluster import job_master, resource_manager
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool import recycling as pool_recycling
from slotspec.models.task_slot_table import operations as table


@declarative_cluster.after_each_step
def settle(s: DeclarativeClusterState) -> None:
    """Let the parts clear what has ended, and drop answers that nobody waits for."""
    pool_recycling.recycle_records(s.pool)
    for tm in s.elements(task_managers):
        table.forget_tasks(s.tables[tm])
        forget_dead_calls(s, tm)
    s.pool.job_restarting = int(job_master.is_restarting(s))
    if s.retries and not has_retries(s) and not resource_manager.is_check_due(s):
        s.retries = 0


def forget_dead_calls(s: DeclarativeClusterState, tm: int) -> None:
    """Drop answers to calls that have ended."""
    back = way(tm, Way.TO_RESOURCE_MANAGER)
    i = 0
    while i < in_flight(s, back):
        post = back * room_of(s) + i
        if is_answer(s.message[post]) and not resource_manager.is_waited_for(s, s.subject[post]):
            take_out(s, back, i)
        else:
            i += 1


@declarative_cluster.final_states
def job_is_over(s: DeclarativeClusterState) -> bool:
    """The job has ended, and nothing is left to do."""
    return s.job_master[0] == Leader.RETIRED
