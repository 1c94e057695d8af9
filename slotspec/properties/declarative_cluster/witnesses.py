"""What can happen in a cluster: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import Message
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.properties.cluster import witnesses
from slotspec.properties.cluster.views import has_enough_slots, is_retired, pool_agrees, tasks_run
from slotspec.properties.declarative_cluster.views import manager_agrees, nothing_is_allocated

declarative_cluster.share(
    cluster,
    witnesses.a_task_comes_before_the_answer_to_its_offer,
    witnesses.a_loss_is_overcome,
    witnesses.a_crash_is_overcome,
    witnesses.a_change_of_leaders_is_overcome,
    witnesses.a_failover_is_overcome,
)


@declarative_cluster.sometimes("DefaultScheduler", when=has_enough_slots)
def all_tasks_run(s: DeclarativeClusterState) -> bool:
    """Every task of the job runs at a TaskExecutor, and the JobMaster knows it."""
    return tasks_run(s) and pool_agrees(s) and manager_agrees(s)


@declarative_cluster.sometimes("JobMaster.onStop", when=has_enough_slots)
def everything_is_given_back(s: DeclarativeClusterState) -> bool:
    """The job has ended, and every slot is free in everybody's view."""
    return is_retired(s) and nothing_is_allocated(s) and manager_agrees(s)


@declarative_cluster.sometimes("TaskExecutor.freeInactiveSlots", when=has_enough_slots)
def inactive_slots_are_freed(s: DeclarativeClusterState) -> bool:
    """The ResourceManager tells a TaskExecutor to free what the job does not use."""
    return Message.FREE_INACTIVE_SLOTS in s.message
