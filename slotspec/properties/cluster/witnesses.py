"""What can happen in a cluster: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.cluster.environment import can_depose, can_fail_over, can_hurry
from slotspec.models.cluster.faults import can_crash, can_lose
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.own_elements import own_allocation
from slotspec.models.cluster.scheduler import is_finished
from slotspec.models.cluster.state import ClusterState, Message, task_managers
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.properties.cluster.views import (
    has_enough_slots,
    is_retired,
    manager_agrees,
    nothing_is_allocated,
    pool_agrees,
    tasks_run,
)


@cluster.sometimes("DefaultScheduler", when=has_enough_slots)
def all_tasks_run(s: ClusterState) -> bool:
    """Every task of the job runs at a TaskExecutor, and the JobMaster knows it."""
    return tasks_run(s) and pool_agrees(s) and manager_agrees(s)


@cluster.sometimes("JobMaster.onStop", when=has_enough_slots)
def everything_is_given_back(s: ClusterState) -> bool:
    """The job has ended, and every slot is free in everybody's view."""
    return is_retired(s) and nothing_is_allocated(s) and manager_agrees(s)


@cluster.sometimes("TaskExecutor.submitTask", when=has_enough_slots)
def a_task_comes_before_the_answer_to_its_offer(s: ClusterState) -> bool:
    """A submitted task has made a slot active whose offer is not answered yet."""
    return any(
        s.offering[own_allocation(s, tm, allocation)] and slot == TaskSlot.ACTIVE
        for tm in s.elements(task_managers)
        for allocation, slot in enumerate(s.tables[tm].slot)
    )


@cluster.sometimes("JobMaster", when=has_enough_slots & can_lose)
def a_loss_is_overcome(s: ClusterState) -> bool:
    """The job finishes although a message was lost."""
    return s.lost > 0 and is_finished(s)


@cluster.sometimes("TaskExecutor", when=has_enough_slots & can_crash)
def a_crash_is_overcome(s: ClusterState) -> bool:
    """The job finishes although a TaskExecutor has crashed."""
    return s.crashed > 0 and is_finished(s)


@cluster.sometimes("JobMaster.suspendExecution", when=has_enough_slots & can_depose)
def a_change_of_leaders_is_overcome(s: ClusterState) -> bool:
    """The job finishes although its JobMaster had lost its leadership."""
    return s.deposed > 0 and is_finished(s)


@cluster.sometimes("ResourceManager", when=has_enough_slots & can_fail_over)
def a_failover_is_overcome(s: ClusterState) -> bool:
    """The job finishes although the ResourceManager has failed over."""
    return s.failed_over > 0 and is_finished(s)


can_lose_in_a_hurry = can_lose & can_hurry
"""Whether there are both losses and early timers."""


@cluster.sometimes("SlotOccupiedException", when=can_lose_in_a_hurry)
def a_slot_is_found_occupied(s: ClusterState) -> bool:
    """A TaskExecutor answers that the requested slot is occupied."""
    return Message.CALL_OCCUPIED in s.message
