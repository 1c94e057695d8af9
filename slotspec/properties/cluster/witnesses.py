"""What can happen in a cluster: nothing above holds for want of events."""

from __future__ import annotations

from collections.abc import Callable

from slotspec.models.cluster.environment import can_fail_over
from slotspec.models.cluster.faults import can_crash, can_depose, can_lose
from slotspec.models.cluster.lifecycles import Execution, Job
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.scheduler import exists, share_of
from slotspec.models.cluster.state import ClusterState, Message
from slotspec.models.cluster.timers import can_hurry, is_at
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.properties.cluster.views import (
    has_enough_slots,
    is_retired,
    manager_agrees,
    nothing_is_allocated,
    pool_agrees,
)
from slotspec.statemachine.declaration.records import Setting


def can_finish(*conditions: Callable[[Setting], bool]) -> Callable[[Setting], bool]:
    """The condition that the job has slots enough to run to its end, and these too."""

    def condition(setting: Setting) -> bool:
        return has_enough_slots(setting) and all(holds(setting) for holds in conditions)

    return condition


@cluster.sometimes("DefaultScheduler", when=has_enough_slots)
def all_tasks_run(s: ClusterState) -> bool:
    """Every task of the job runs at a TaskExecutor, and the JobMaster knows it."""
    if s.job[0] != Job.RUNNING:
        return False
    for task in range(len(s.task)):
        if exists(s, task) and (
            s.task[task] != Execution.RUNNING
            or not is_at(s, task, s.share_allocation[share_of(s, task)])
        ):
            return False
    return pool_agrees(s) and manager_agrees(s)


@cluster.sometimes("JobMaster.onStop", when=has_enough_slots)
def everything_is_given_back(s: ClusterState) -> bool:
    """The job has ended, and every slot is free in everybody's view."""
    return is_retired(s) and nothing_is_allocated(s) and manager_agrees(s)


@cluster.sometimes("TaskExecutor.submitTask", when=has_enough_slots)
def a_task_comes_before_the_answer_to_its_offer(s: ClusterState) -> bool:
    """A slot is active since a task was submitted to it, and its offer is not answered yet."""
    for own in range(len(s.offering)):
        if s.offering[own] and (
            s.tables[own // len(s.pool.slot)].slot[own % len(s.pool.slot)] == TaskSlot.ACTIVE
        ):
            return True
    return False


@cluster.sometimes("JobMaster", when=can_finish(can_lose))
def a_loss_is_overcome(s: ClusterState) -> bool:
    """The job finishes although a message was lost."""
    return s.lost > 0 and s.job[0] == Job.FINISHED


@cluster.sometimes("TaskExecutor", when=can_finish(can_crash))
def a_crash_is_overcome(s: ClusterState) -> bool:
    """The job finishes although a TaskExecutor has crashed."""
    return s.crashed > 0 and s.job[0] == Job.FINISHED


@cluster.sometimes("JobMaster.suspendExecution", when=can_finish(can_depose))
def a_change_of_leaders_is_overcome(s: ClusterState) -> bool:
    """The job finishes although its JobMaster had lost its leadership."""
    return s.deposed > 0 and s.job[0] == Job.FINISHED


@cluster.sometimes("ResourceManager", when=can_finish(can_fail_over))
def a_failover_is_overcome(s: ClusterState) -> bool:
    """The job finishes although the ResourceManager has failed over."""
    return s.failed_over > 0 and s.job[0] == Job.FINISHED


def can_lose_in_a_hurry(setting: Setting) -> bool:
    """Whether there are both losses and early timers."""
    return can_lose(setting) and can_hurry(setting)


@cluster.sometimes("SlotOccupiedException", when=can_lose_in_a_hurry)
def a_slot_is_found_occupied(s: ClusterState) -> bool:
    """A TaskExecutor answers that something else is in the slot it was asked for."""
    for post in range(len(s.message)):
        if s.message[post] == Message.CALL_OCCUPIED:
            return True
    return False
