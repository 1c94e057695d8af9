"""Faults: what may go wrong in a cluster, each as often as its bound allows.

Early timers are faults too; they are declared with the timers.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.environment import can_depose, can_fail_over
from slotspec.models.cluster.lifecycles import Leader, Process, Registration
from slotspec.models.cluster.messages import (
    HUBS,
    WAYS,
    Way,
    can_arrive,
    in_flight,
    is_busy,
    place_of,
    receive,
    repeat,
    room_of,
    take_out,
    way,
)
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.own_elements import of_own_execution, own_allocation
from slotspec.models.cluster.state import (
    ClusterState,
    Message,
    allocations,
    channels,
    has_stragglers,
    may_lose_results,
    nexts,
    own_executions,
    task_managers,
)
from slotspec.models.task_slot_table.slots import indexed_task
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE

can_lose = is_set("losses")
can_repeat = is_set("repeats")
can_crash = is_set("crashes")
can_cancel = is_set("cancels")
can_fail = is_set("failures")


@cluster.action(when=can_lose, channel=channels, place=nexts, fault=True)
def message_is_lost(s: ClusterState, channel: int, place: int) -> int:
    """A message that could arrive next is lost."""
    if not can_arrive(s, channel, place) or s.lost == s.losses:
        return DISABLED
    s.lost += 1
    message, _, detail = receive(s, channel, place)
    tm = (channel - HUBS) // WAYS
    if message in (Message.SLOT_REPORT, Message.HEARTBEAT):
        resource_manager.forget_slot_report(s, tm)
    elif message == Message.ALLOCATION_REPORT:
        task_executor.forget_allocation_report(s, tm)
    elif message in (Message.CANCEL_TASK, Message.CANCELLATION_FAILED):
        scheduler.note_lost_call(s, tm, detail)
    return message


def may_come_twice(s: ClusterState, message: int) -> bool:
    """Whether a caller may repeat a call that has arrived.

    Calls about tasks are repeated by a network alone, where messages may overtake each other.
    """
    if s.overtaking > 1 and message in (
        Message.SUBMIT_TASK,
        Message.CANCEL_TASK,
        Message.TASK_RUNNING,
        Message.TASK_FINISHED,
        Message.TASK_FAILED,
    ):
        return True
    return message in (
        Message.REQUEST_SLOT,
        Message.CANCEL_SLOT_REQUEST,
        Message.ALLOCATION_FAILED,
        Message.REQUEST_TASK_SLOT,
        Message.REGISTER,
        Message.SLOT_AVAILABLE,
        Message.OFFER_SLOT,
        Message.FREE_SLOT,
        Message.FAIL_SLOT,
        Message.DECLARE_REQUIREMENTS,
    )


@cluster.action(when=can_repeat, channel=channels, place=nexts, fault=True)
def message_is_repeated(s: ClusterState, channel: int, place: int) -> int:
    """A caller that saw no answer sends the newest message of a channel again.

    With overtaking, any of the newest; the second comes right behind the first.
    """
    count = in_flight(s, channel)
    if place >= count or count == room_of(s) or s.repeated == s.repeats:
        return DISABLED
    last = channel * room_of(s) + count - 1 - place
    if not may_come_twice(s, s.message[last]):
        return DISABLED
    s.repeated += 1
    repeat(s, last)
    return s.message[last]


@cluster.action(when=can_crash, tm=task_managers, arrive=2, fault=True)
def task_executor_crashes(s: ClusterState, tm: int, arrive: int) -> int:
    """The process of a TaskExecutor is killed.

    With overtaking, the messages that it has sent may still arrive.
    """
    if s.process[tm] != Process.UP or s.crashed == s.crashes:
        return DISABLED
    if arrive and s.overtaking == 1:
        return DISABLED
    s.crashed += 1
    task_executor.crash_process(s, tm, arrive)
    return NONE


@cluster.action(when=can_cancel, fault=True)
def job_is_cancelled(s: ClusterState) -> int:
    """The user cancels the job, or its restarts are used up."""
    if s.job_master[0] != Leader.LEADING or s.ending or scheduler.is_finished(s) or is_busy(s):
        return DISABLED
    first = len(s.effects)
    scheduler.cancel_job(s)
    job_master.apply_effects(s, first)
    return NONE


@cluster.action(when=can_fail, own=own_executions, fault=True)
def task_fails(s: ClusterState, own: int) -> int:
    """A task fails on its own."""
    tm, execution = of_own_execution(s, own)
    if indexed_task(s.tables[tm], execution) == NONE or s.failed == s.failures or is_busy(s):
        return DISABLED
    s.failed += 1
    task_executor.task_ends(s, tm, execution, failed=1)
    return NONE


@cluster.action(when=can_fail, own=own_executions, fault=True)
def task_is_not_set_up(s: ClusterState, own: int) -> int:
    """A TaskExecutor cannot set up a task that it was given."""
    tm, execution = of_own_execution(s, own)
    if indexed_task(s.tables[tm], execution) == NONE or s.failed == s.failures or is_busy(s):
        return DISABLED
    if s.announced[own] or s.stopping[own]:
        return DISABLED
    s.failed += 1
    task_executor.refuse_task(s, tm, execution)
    return NONE


@cluster.action(when=can_depose, fault=True)
def job_master_loses_leadership(s: ClusterState) -> int:
    """The JobMaster's leadership is revoked. Everybody learns of it in their own time."""
    if s.job_master[0] != Leader.LEADING or s.deposed == s.leader_changes or is_busy(s):
        return DISABLED
    if s.revoked or scheduler.is_finished(s):
        return DISABLED
    s.deposed += 1
    s.revoked = 1
    for tm in s.elements(task_managers):
        s.deposed_jm[tm] = int(s.at_jm[tm] != Registration.NONE)
    if s.overtaking == 1:
        job_master.revoke_leadership(s)
    return NONE


@cluster.action(when=may_lose_results, fault=True)
def job_master_ends_unheard(s: ClusterState) -> int:
    """The job has ended, and its JobMaster leads no more: the next one runs the job anew.

    Flink: JobMasterServiceLeadershipRunner.forwardResultFuture, which ignores the result of a
    former leader.
    """
    if not scheduler.is_finished(s) or s.job_master[0] != Leader.LEADING or is_busy(s):
        return DISABLED
    if s.deposed == s.leader_changes:
        return DISABLED
    s.deposed += 1
    job_master.end_job(s, heard=0)
    return NONE


@cluster.action(when=can_fail_over, fault=True)
def resource_manager_fails_over(s: ClusterState) -> int:
    """The ResourceManager's leadership is revoked."""
    if s.resource_manager[0] != Leader.LEADING or s.failed_over == s.failovers:
        return DISABLED
    s.failed_over += 1
    resource_manager.revoke_leadership(s)
    return NONE


def fall_behind(s: ClusterState, tm: int, message: int, allocation: int = NONE) -> bool:
    """Take a former JobMaster's call out of its channel, to arrive after calls of the next one.

    Since 1.13 each leadership has a JobMaster of its own, and nothing orders what two senders send.

    :returns: whether there is such a call, and one more may fall behind.
    """
    channel = way(tm, Way.FROM_JOB_MASTER)
    place = place_of(s, channel, message, allocation)
    if place == NONE or s.job_master[0] != Leader.STANDBY or s.fallen_behind == s.stragglers:
        return False
    take_out(s, channel, place)
    s.fallen_behind += 1
    return True


@cluster.action(when=has_stragglers, tm=task_managers, allocation=allocations, fault=True)
def release_falls_behind(s: ClusterState, tm: int, allocation: int) -> int:
    """A former JobMaster's call to free a slot will arrive after calls of the next one."""
    own = own_allocation(s, tm, allocation)
    if s.late_releases[own] or not fall_behind(s, tm, Message.FREE_SLOT, allocation):
        return DISABLED
    s.late_releases[own] = 1
    return NONE


@cluster.action(when=has_stragglers, tm=task_managers, fault=True)
def disconnect_falls_behind(s: ClusterState, tm: int) -> int:
    """A former JobMaster's call to disconnect will arrive after calls of the next one."""
    if s.late_disconnects[tm] or not fall_behind(s, tm, Message.DISCONNECT):
        return DISABLED
    s.late_disconnects[tm] = 1
    return NONE
