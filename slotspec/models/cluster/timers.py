"""When time passes in a cluster: timers, and heartbeats that tell something or are missed.

They wait until there is nothing to do but to wait; one that fires earlier is a fault.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.environment import may_ask
from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Process, Registration, Share
from slotspec.models.cluster.messages import (
    Way,
    is_busy,
    is_in_channel,
    is_quiet,
    is_retry,
    send,
    way,
)
from slotspec.models.cluster.model import TIMER, cluster
from slotspec.models.cluster.state import (
    STRIDE,
    ClusterState,
    Message,
    allocations,
    calls,
    task_managers,
    tasks,
)
from slotspec.models.slot_manager.lifecycles import SlotCall
from slotspec.models.slot_manager.operations import is_stopped
from slotspec.models.slot_manager.records import is_registered
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import Cause
from slotspec.models.task_slot_table.lifecycles import SlotTimer, TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under, indexed_task
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE, fire


def can_hurry(setting: Setting) -> bool:
    return bool(setting["early_timeouts"])


# ---------------------------------------------------------------------------------- timers


def may_fire(s: ClusterState) -> bool:
    """Whether timers fire: there is nothing to do but to wait, or one is early."""
    if s.hurry:
        return not is_busy(s)
    return is_quiet(s, 0) and is_idle(s)


def may_end_retries(s: ClusterState) -> bool:
    """Whether a timer fires that ends requests refused and repeated without end.

    It fires in such a loop too, since nothing is ever quiet there.
    """
    return may_fire(s) or (is_quiet(s, 1) and is_idle(s))


def is_idle(s: ClusterState) -> bool:
    """Whether everybody is up and connected, or trying to be, and the scheduler waits."""
    if s.resource_manager[0] != Leader.LEADING or s.job_master[0] == Leader.STANDBY:
        return False
    if s.job_master[0] == Leader.LEADING and (s.job[0] == Job.FINISHED or not s.job_registered):
        return False
    for tm in range(len(s.process)):
        if s.process[tm] != Process.UP or s.at_rm[tm] == Registration.NONE:
            return False
    for own in range(len(s.stopping)):
        if s.stopping[own]:
            return False
    return not has_work(s)


def has_work(s: ClusterState) -> bool:
    """Whether the scheduler can ask for something at once."""
    if s.job[0] != Job.SCHEDULING or not may_ask(s):
        return False
    for share in range(len(s.share)):
        if s.share[share] == Share.IDLE:
            return True
    return False


@cluster.action(when=can_hurry, fault=True)
def timer_is_early(s: ClusterState) -> int:
    """The next timer fires before its time: a pause, or a slow net."""
    if s.hurry or s.hurried == s.early_timeouts or is_busy(s):
        return DISABLED
    s.hurry = 1
    s.hurried += 1
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_times_out(s: ClusterState, allocation: int) -> int:
    """The JobMaster's timeout of a slot request fires."""
    if not may_fire(s) or not is_open(s.pool, allocation):
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    pool.request_timeout(s.pool, allocation)
    job_master.tell_world(s, first)
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_call_times_out(s: ClusterState, allocation: int) -> int:
    """The ResourceManager has not answered the call for a request in time."""
    if not may_fire(s) or not s.pool.call_open[allocation]:
        return DISABLED
    s.hurry = 0
    job_master.request_answered(s, allocation, 1, int(Cause.TIMEOUT))
    return NONE


@cluster.action(call=calls, fair=TIMER)
def slot_call_times_out(s: ClusterState, call: int) -> int:
    """A TaskExecutor has not answered the request for a slot in time."""
    detail = call // CALLS_PER_SLOT * STRIDE + call % CALLS_PER_SLOT
    if not may_end_retries(s) or s.manager.call[call] != SlotCall.OPEN:
        return DISABLED
    if not s.hurry and is_call_under_way(s, detail):
        return DISABLED
    s.hurry = 0
    resource_manager.call_answered(s, int(Message.CALL_FAILED), NONE, detail)
    return NONE


def is_call_under_way(s: ClusterState, detail: int) -> bool:
    """Whether a request for a slot, or its answer, is in flight."""
    for post in range(len(s.message)):
        if is_retry(s.message[post]) and s.detail[post] == detail:
            return True
    return False


@cluster.action(fair=TIMER)
def startup_period_ends(s: ClusterState) -> int:
    """The ResourceManager has waited long enough for TaskExecutors to come."""
    if not may_fire(s) or s.manager.fail_unfulfillable or is_stopped(s.manager):
        return DISABLED
    s.hurry = 0
    resource_manager.end_startup_period(s)
    return NONE


@cluster.action(fair=TIMER)
def requests_time_out_at_resource_manager(s: ClusterState) -> int:
    """The ResourceManager gives up on requests that it cannot fulfil."""
    if not may_end_retries(s) or s.manager.entered[0] == NONE:
        return DISABLED
    s.hurry = 0
    resource_manager.requests_time_out(s)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def offers_time_out(s: ClusterState, tm: int) -> int:
    """The JobMaster has not answered offers in time."""
    if not may_fire(s) or s.at_jm[tm] != Registration.DONE or not has_offers(s, tm):
        return DISABLED
    s.hurry = 0
    task_executor.offers_time_out(s, tm)
    return NONE


def has_offers(s: ClusterState, tm: int) -> bool:
    """Whether answers to offers are waited for."""
    width = len(s.pool.slot)
    for allocation in range(width):
        if s.offering[tm * width + allocation]:
            return True
    return False


@cluster.action(tm=task_managers, allocation=allocations, fair=TIMER)
def slot_times_out(s: ClusterState, tm: int, allocation: int) -> int:
    """A slot was not used in time."""
    if not may_fire(s) or s.tables[tm].timer[allocation] != SlotTimer.RUNNING:
        return DISABLED
    s.hurry = 0
    task_executor.slot_times_out(s, tm, allocation)
    return NONE


@cluster.action(task=tasks, fair=TIMER)
def task_call_times_out(s: ClusterState, task: int) -> int:
    """A TaskExecutor has not answered a submission or a cancellation in time, or a task that
    should be there is not.

    The last is found by heartbeats. Flink: Execution.deploy, cancel, and
    ExecutionDeploymentReconciler.
    """
    if not may_fire(s) or not scheduler.is_deployed(s, task):
        return DISABLED
    allocation = s.share_allocation[scheduler.share_of(s, task)]
    if s.task[task] == Execution.RUNNING and is_at(s, task, allocation):
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    if s.task[task] == Execution.CANCELING:
        scheduler.cancel_task(s, task)
    else:
        scheduler.task_failed(s, scheduler.execution_of(s, task))
    job_master.tell_world(s, first)
    return NONE


def is_at(s: ClusterState, task: int, allocation: int) -> bool:
    """Whether the TaskExecutor that has the slot has this task in it."""
    tm = s.pool.slot_tm[allocation]
    record = indexed_task(s.tables[tm], scheduler.execution_of(s, task))
    return record != NONE and s.tables[tm].task_slot[record] == allocation


@cluster.action(fair=TIMER)
def scheduler_restarts_job(s: ClusterState) -> int:
    """Nothing is deployed any more, and the restart delay is over: the job starts anew.

    Its slots are given up. Without the delay a job that fails at once would restart for ever
    before any other timer fires.
    """
    if not may_fire(s) or s.job[0] != Job.CANCELLING or not scheduler.may_deploy(s):
        return DISABLED
    for task in range(len(s.task)):
        if scheduler.is_deployed(s, task):
            return DISABLED
    s.hurry = 0
    first = len(s.effects)
    scheduler.give_up_slots(s)
    scheduler.reset_tasks(s)
    job_master.tell_world(s, first)
    fire(s.job, 0, Job.restart)
    return NONE


def is_registering(s: ClusterState, tm: int) -> bool:
    """Whether a registration at the ResourceManager, or its answer, is under way."""
    for instance in range(len(s.connecting)):
        if s.connecting[instance] and resource_manager.tm_of(s, instance) == tm:
            return True
    there = way(tm, int(Way.TO_RESOURCE_MANAGER))
    back = way(tm, int(Way.FROM_RESOURCE_MANAGER))
    return is_in_channel(s, there, int(Message.REGISTER)) or is_in_channel(
        s, back, int(Message.REGISTERED)
    )


@cluster.action(tm=task_managers, fair=TIMER)
def registration_times_out(s: ClusterState, tm: int) -> int:
    """The ResourceManager has not answered a registration in time: it is tried again.

    It does not wait for quiet: a ResourceManager that asks again and again for slots of a
    TaskExecutor that is not registered would keep it waiting for ever.
    """
    if s.at_rm[tm] != Registration.TRYING:
        return DISABLED
    if is_registering(s, tm) and (not s.hurry or is_busy(s)):
        return DISABLED
    if is_registering(s, tm):
        s.hurry = 0
    task_executor.register_at_resource_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def job_registration_times_out(s: ClusterState, tm: int) -> int:
    """The JobMaster has not answered a registration in time: it is tried again, or not."""
    if not may_fire(s) or s.at_jm[tm] != Registration.TRYING:
        return DISABLED
    s.hurry = 0
    if s.job_master[0] == Leader.LEADING:
        task_executor.connect_to_job_manager(s, tm)
    else:
        fire(s.at_jm, tm, Registration.close)
    return NONE


# ------------------------------------------------------------------------------ heartbeats


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_reports(s: ClusterState, tm: int) -> int:
    """A heartbeat reports what is in the slots. One without news is left out."""
    if not may_end_retries(s) or s.at_rm[tm] != Registration.DONE:
        return DISABLED
    if task_executor.has_report_under_way(s, tm) or (not s.hurry and not has_news(s, tm)):
        return DISABLED
    s.hurry = 0
    task_executor.write_slot_report(s, tm)
    task_executor.tell_resource_manager(s, tm, int(Message.HEARTBEAT), NONE, s.instance[tm])
    return NONE


def has_news(s: ClusterState, tm: int) -> bool:
    """Whether the ResourceManager would hear anything new of the slots of a TaskExecutor."""
    for index in range(s.width):
        known = s.manager.slot_allocation[index * len(s.process) + tm]
        if known != allocation_under(s.tables[tm], index):
            return True
    return False


@cluster.action(tm=task_managers, fair=TIMER)
def job_master_reports(s: ClusterState, tm: int) -> int:
    """A heartbeat tells a TaskExecutor what the pool holds of it. Likewise."""
    if not may_fire(s) or not s.known[tm] or s.at_jm[tm] != Registration.DONE:
        return DISABLED
    channel = way(tm, int(Way.FROM_JOB_MASTER))
    if is_in_channel(s, channel, int(Message.ALLOCATION_REPORT)):
        return DISABLED
    if not s.hurry and not has_differences(s, tm):
        return DISABLED
    s.hurry = 0
    job_master.write_allocation_report(s, tm)
    send(s, channel, int(Message.ALLOCATION_REPORT), NONE, 0)
    return NONE


def has_differences(s: ClusterState, tm: int) -> bool:
    """Whether pool and TaskExecutor differ in what a report would mend."""
    for allocation in range(len(s.pool.slot)):
        held = job_master.is_held_at(s, allocation, tm)
        if held and not task_executor.is_allocated(s, tm, allocation):
            return True
        if not held and s.tables[tm].slot[allocation] == TaskSlot.ACTIVE:
            return True
    return False


@cluster.action(tm=task_managers, fair=TIMER)
def resource_manager_misses_heartbeat(s: ClusterState, tm: int) -> int:
    """The ResourceManager gives up a TaskExecutor that is dead, or no longer its own."""
    if not may_fire(s) or s.registered[tm] == NONE:
        return DISABLED
    if not s.hurry and s.at_rm[tm] == Registration.DONE and s.instance[tm] == s.registered[tm]:
        return DISABLED
    s.hurry = 0
    resource_manager.close_task_manager_connection(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_misses_resource_manager(s: ClusterState, tm: int) -> int:
    """A TaskExecutor gives up a ResourceManager that does not know it, or not its slots.

    The latter where the call with its first report is not answered. Flink:
    TaskExecutor.establishResourceManagerConnection. That another one leads is no matter of
    time: it is told so. Flink: TaskExecutor.notifyOfNewResourceManagerLeader.
    """
    if s.outdated[tm]:
        task_executor.close_resource_manager_connection(s, tm)
        return NONE
    if not may_fire(s) or s.at_rm[tm] != Registration.DONE:
        return DISABLED
    known = s.registered[tm] == s.instance[tm] and is_registered(s.manager, s.instance[tm])
    if not s.hurry and known:
        return DISABLED
    s.hurry = 0
    task_executor.close_resource_manager_connection(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def job_master_misses_heartbeat(s: ClusterState, tm: int) -> int:
    """The JobMaster gives up a TaskExecutor that is dead, or no longer its own."""
    if not may_fire(s) or not s.known[tm]:
        return DISABLED
    if not s.hurry and s.at_jm[tm] == Registration.DONE:
        return DISABLED
    s.hurry = 0
    job_master.disconnect_task_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_misses_job_master(s: ClusterState, tm: int) -> int:
    """A TaskExecutor gives up a JobMaster that is gone, or does not know it."""
    if not may_fire(s) or s.at_jm[tm] != Registration.DONE:
        return DISABLED
    if not s.hurry and s.job_master[0] == Leader.LEADING and s.known[tm]:
        return DISABLED
    s.hurry = 0
    task_executor.disconnect_job_manager(s, tm)
    return NONE
