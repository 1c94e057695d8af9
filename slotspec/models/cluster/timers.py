"""What happens in a cluster when time passes: timers fire, heartbeats report or are missed.

Timers fire when there is nothing to do but to wait; one that fires earlier is a fault.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.environment import (
    can_hurry,
    can_miss_cancellations,
    can_miss_submissions,
    may_ask,
)
from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Process, Registration, Share
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    is_busy,
    is_in_channel,
    is_quiet,
    is_retry,
    room_of,
    tell_task_executor,
    way,
)
from slotspec.models.cluster.model import TIMER, cluster
from slotspec.models.cluster.own_elements import of_own_execution, own_allocation
from slotspec.models.cluster.state import (
    STRIDE,
    ClusterState,
    Message,
    allocations,
    calls,
    instances,
    may_lose_cancellations,
    nexts,
    own_executions,
    registers_by_messages,
    shares,
    slot_numbers,
    task_managers,
    tasks,
)
from slotspec.models.cluster.versions import Deployment
from slotspec.models.slot_manager.lifecycles import SlotCall
from slotspec.models.slot_manager.operations import is_stopped
from slotspec.models.slot_manager.records import is_registered
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.queues import is_open
from slotspec.models.slot_pool.state import Cause
from slotspec.models.task_slot_table.lifecycles import SlotTimer, TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under, indexed_task
from slotspec.statemachine.declaration.rules import DISABLED, NONE, fire

# ---------------------------------------------------------------------------------- timers


def may_fire(s: ClusterState) -> bool:
    """Whether timers fire: there is nothing to do but to wait, or a timer is early."""
    return not is_busy(s) if s.hurry else is_quiet(s) and is_idle(s)


def may_end_retries(s: ClusterState) -> bool:
    """Whether a timer fires that can end a loop of requests that are refused and retried.

    It fires during such a loop too, since the network is never quiet there.
    """
    return may_fire(s) or (is_quiet(s, but_for_retries=1) and is_idle(s))


def is_idle(s: ClusterState) -> bool:
    """Whether every process is up and connected, or registering, and the scheduler waits."""
    if s.resource_manager[0] != Leader.LEADING or s.job_master[0] == Leader.STANDBY or s.revoked:
        return False
    if s.job_connecting or (
        s.job_master[0] == Leader.LEADING and (scheduler.is_finished(s) or not has_found(s))
    ):
        return False
    return (
        all(process == Process.UP for process in s.process)
        and Registration.NONE not in s.at_rm
        and not any(s.stopping)
        and not s.held_up
        and not any(s.deposed_jm)
        and not has_work(s)
    )


def has_found(s: ClusterState) -> bool:
    """Whether the JobMaster is connected to the ResourceManager that leads, or registering."""
    if s.registrations:
        return not s.rm_deposed and (s.pool.gateway != NONE or s.registering == 1)
    return s.job_registered == 1


def has_work(s: ClusterState) -> bool:
    """Whether the scheduler can request a slot at once, or a task is about to run."""
    return (
        (may_ask(s) and any(scheduler.needs_slot(s, share) for share in s.elements(shares)))
        or any(task_starts_soon(s, own) for own in s.elements(own_executions))
        or slot_leaves_soon(s)
    )


def task_starts_soon(s: ClusterState, own: int) -> bool:
    """Whether a task is at a TaskExecutor and does not run yet."""
    tm, execution = of_own_execution(s, own)
    return indexed_task(s.tables[tm], execution) != NONE and not s.announced[own]


def slot_leaves_soon(s: ClusterState) -> bool:
    """Whether a freed slot has lost its last task, and has not left yet."""
    return s.late_slots == 1 and any(
        task_executor.is_about_to_leave(s, tm, allocation)
        for tm in s.elements(task_managers)
        for allocation in s.elements(allocations)
    )


@cluster.action(when=can_hurry, fault=True)
def timer_is_early(s: ClusterState) -> int:
    """The next timer fires before its time: after a pause, or on a slow network."""
    if s.hurry or s.hurried == s.early_timeouts or is_busy(s):
        return DISABLED
    s.hurry = 1
    s.hurried += 1
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_times_out(s: ClusterState, allocation: int) -> int:
    """The JobMaster's timeout of a slot request fires.

    That of a batch job is the scheduler's, who withdraws it. Flink:
    PhysicalSlotRequestBulkCheckerImpl.
    """
    if not may_fire(s) or not is_open(s.pool, allocation):
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    share = s.pool.request_id[allocation]
    if s.slots_first:  # the scheduler hears of it before the pool does
        scheduler.fail_region(s, scheduler.region_of(s, share))
    elif s.batch_requests and s.share[share] == Share.WAITING:
        scheduler.return_slot(s, share)
    else:
        pool.request_timeout(s.pool, allocation)
    job_master.apply_effects(s, first)
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_call_times_out(s: ClusterState, allocation: int) -> int:
    """The ResourceManager has not answered the call for a request in time."""
    if not may_fire(s) or not s.pool.call_open[allocation]:
        return DISABLED
    s.hurry = 0
    job_master.request_failed(s, allocation, Cause.TIMEOUT)
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
    resource_manager.call_answered(s, Message.CALL_FAILED, NONE, detail)
    return NONE


def is_call_under_way(s: ClusterState, detail: int) -> bool:
    """Whether a request for a slot, or its answer, is in flight."""
    return any(
        is_retry(message) and about == detail
        for message, about in zip(s.message, s.detail, strict=True)
    )


@cluster.action(fair=TIMER)
def startup_period_ends(s: ClusterState) -> int:
    """The ResourceManager has waited long enough for TaskExecutors to register."""
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
    """Whether a TaskExecutor waits for answers to offers."""
    return any(
        s.offering[own_allocation(s, tm, allocation)] for allocation in s.elements(allocations)
    )


@cluster.action(tm=task_managers, allocation=allocations, fair=TIMER)
def slot_times_out(s: ClusterState, tm: int, allocation: int) -> int:
    """The job has not used a slot in time."""
    if not may_fire(s) or s.tables[tm].timer[allocation] != SlotTimer.RUNNING:
        return DISABLED
    s.hurry = 0
    task_executor.slot_times_out(s, tm, allocation)
    return NONE


@cluster.action(task=tasks, fair=TIMER)
def task_call_times_out(s: ClusterState, task: int) -> int:
    """A TaskExecutor has not answered a submission or a cancellation in time, or a task that
    should be there is not.

    Heartbeats detect the latter. Flink: Execution.deploy, cancel, and
    ExecutionDeploymentReconciler.
    """
    if not may_fire(s) or not scheduler.is_deployed(s, task):
        return DISABLED
    allocation = s.share_allocation[scheduler.share_of(s, task)]
    if s.task[task] != Execution.CANCELING and not s.hurry and is_at(s, task, allocation):
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    execution = scheduler.execution_of(s, task)
    if s.task[task] == Execution.CANCELING:
        scheduler.cancel_again(s, task)
    else:
        scheduler.submission_failed(s, execution)
    job_master.apply_effects(s, first)
    return NONE


@cluster.action(when=can_miss_submissions, task=tasks)
def submission_times_out(s: ClusterState, task: int) -> int:
    """A TaskExecutor has not answered a submission in time, and the task is being cancelled.

    Flink: Execution.deploy, markFailed: it counts as cancelled.
    """
    if not may_fire(s) or not s.hurry or s.task[task] != Execution.CANCELING:
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    scheduler.submission_failed(s, scheduler.execution_of(s, task))
    job_master.apply_effects(s, first)
    return NONE


@cluster.action(when=can_miss_cancellations, tm=task_managers, place=nexts)
def cancellation_times_out(s: ClusterState, tm: int, place: int) -> int:
    """A call to cancel a task that was given up is still on its way: it is tried again.

    Nobody waits for the answer to the former try. Flink: Execution.sendCancelRpcCall.
    """
    post = way(tm, Way.FROM_JOB_MASTER) * room_of(s) + place
    if not may_fire(s) or not s.hurry or place >= room_of(s):
        return DISABLED
    tries = s.cancel_tries
    detail = s.detail[post]
    if s.message[post] != Message.CANCEL_TASK or detail % tries + 1 == tries:
        return DISABLED
    if scheduler.is_news(s, detail // tries):
        return DISABLED
    s.hurry = 0
    s.detail[post] = detail - detail % tries + tries - 1
    tell_task_executor(s, tm, int(Message.CANCEL_TASK), s.subject[post], detail + 1)
    return NONE


@cluster.action(when=may_lose_cancellations, own=own_executions, fair=TIMER)
def lost_cancellation_times_out(s: ClusterState, own: int) -> int:
    """A call to cancel a task that was given up was lost: it is tried again, or not any more.

    Flink: Execution.sendCancelRpcCall.
    """
    calls = s.lost_cancellations[own]
    if not may_fire(s) or calls == 0 or s.job_master[0] != Leader.LEADING:
        return DISABLED
    s.hurry = 0
    s.lost_cancellations[own] = 0
    if calls < s.cancel_tries:
        tm, execution = of_own_execution(s, own)
        detail = execution * s.cancel_tries + calls
        tell_task_executor(s, tm, int(Message.CANCEL_TASK), NONE, detail)
    return NONE


@cluster.action(own=own_executions, fair=TIMER)
def task_update_times_out(s: ClusterState, own: int) -> int:
    """The JobMaster has not answered the report that a task runs: the task is to fail.

    Flink: TaskExecutor.updateTaskExecutionState.
    """
    if not may_fire(s) or not s.announced[own] or s.stopping[own]:
        return DISABLED
    tm, execution = of_own_execution(s, own)
    task = scheduler.task_of(s, execution)
    known = scheduler.is_news(s, execution) and s.task[task] == Execution.RUNNING
    if not s.hurry and known:
        return DISABLED
    s.hurry = 0
    task_executor.fail_task(s, tm, execution)
    return NONE


def is_at(s: ClusterState, task: int, allocation: int) -> bool:
    """Whether the TaskExecutor that has the slot has this task in it."""
    tm = s.pool.slot_tm[allocation]
    record = indexed_task(s.tables[tm], scheduler.execution_of(s, task))
    return record != NONE and s.tables[tm].task_slot[record] == allocation


@cluster.action(region=shares, fair=TIMER)
def scheduler_restarts_region(s: ClusterState, region: int) -> int:
    """No task of a region is deployed any more, and the restart delay is over: it restarts.

    Its slots were given up as its tasks ended. Without the delay a job that fails at once would
    restart for ever before any other timer fires.
    """
    if not may_fire(s) or s.job[region] != Job.CANCELLING or not scheduler.may_deploy(s):
        return DISABLED
    if scheduler.has_deployed(s, region):
        return DISABLED
    if s.full_failover and any(
        scheduler.has_deployed(s, other) for other in range(scheduler.regions_of(s))
    ):
        return DISABLED
    s.hurry = 0
    scheduler.reset_tasks(s, region)
    s.alone[region] = int(
        s.regions and not s.full_failover and s.deployment == Deployment.WITH_THE_JOB
    )
    fire(s.job, region, Job.restart)
    return NONE


def is_registering(s: ClusterState, tm: int) -> bool:
    """Whether a registration at the ResourceManager, or its answer, is in flight."""
    return (
        any(
            s.connecting[instance]
            for instance in s.elements(instances)
            if resource_manager.tm_of(s, instance) == tm
        )
        or is_in_channel(s, way(tm, Way.TO_RESOURCE_MANAGER), Message.REGISTER)
        or is_in_channel(s, way(tm, Way.FROM_RESOURCE_MANAGER), Message.REGISTERED)
    )


@cluster.action(tm=task_managers, fair=TIMER)
def registration_times_out(s: ClusterState, tm: int) -> int:
    """The ResourceManager has not answered a registration in time: the TaskExecutor retries.

    The timer does not wait for quiet: a ResourceManager that keeps requesting slots of a
    TaskExecutor that is not registered would keep it waiting for ever.
    """
    if s.at_rm[tm] != Registration.TRYING:
        return DISABLED
    if is_registering(s, tm):
        if not s.hurry or is_busy(s):
            return DISABLED
        s.hurry = 0
    task_executor.register_at_resource_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def job_registration_times_out(s: ClusterState, tm: int) -> int:
    """The JobMaster has not answered a registration in time: the TaskExecutor retries, or not."""
    if not may_fire(s) or s.at_jm[tm] != Registration.TRYING:
        return DISABLED
    s.hurry = 0
    if s.job_master[0] == Leader.LEADING:
        task_executor.connect_to_job_manager(s, tm)
    else:
        fire(s.at_jm, tm, Registration.close)
        s.deposed_jm[tm] = 0
    return NONE


# ------------------------------------------------------------------------------ heartbeats


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_reports(s: ClusterState, tm: int) -> int:
    """A heartbeat reports what is in the slots. Heartbeats without news are left out."""
    if not may_end_retries(s) or s.at_rm[tm] != Registration.DONE:
        return DISABLED
    if task_executor.has_report_under_way(s, tm) or (not s.hurry and not has_news(s, tm)):
        return DISABLED
    s.hurry = 0
    task_executor.write_slot_report(s, tm)
    task_executor.tell_resource_manager(s, tm, Message.HEARTBEAT, detail=s.instance[tm])
    return NONE


def has_news(s: ClusterState, tm: int) -> bool:
    """Whether the ResourceManager would learn anything new about the slots of a TaskExecutor."""
    return any(
        s.manager.slot_allocation[index * len(s.process) + tm]
        != allocation_under(s.tables[tm], index)
        for index in s.elements(slot_numbers)
    )


@cluster.action(tm=task_managers, fair=TIMER)
def job_master_reports(s: ClusterState, tm: int) -> int:
    """A heartbeat reports which slots of a TaskExecutor the pool holds, if that is news."""
    if not may_fire(s) or not s.known[tm] or s.at_jm[tm] != Registration.DONE:
        return DISABLED
    channel = way(tm, Way.FROM_JOB_MASTER)
    if is_in_channel(s, channel, Message.ALLOCATION_REPORT):
        return DISABLED
    if not s.hurry and not has_differences(s, tm):
        return DISABLED
    s.hurry = 0
    if not s.dead_end[tm]:
        job_master.write_allocation_report(s, tm)
        tell_task_executor(s, tm, int(Message.ALLOCATION_REPORT))
    return NONE


def has_differences(s: ClusterState, tm: int) -> bool:
    """Whether pool and TaskExecutor differ in a way that a report would repair."""
    return any(
        not task_executor.is_allocated(s, tm, allocation)
        if job_master.is_held_at(s, allocation, tm)
        else s.tables[tm].slot[allocation] == TaskSlot.ACTIVE
        for allocation in s.elements(allocations)
    )


@cluster.action(tm=task_managers, fair=TIMER)
def resource_manager_misses_heartbeat(s: ClusterState, tm: int) -> int:
    """The ResourceManager gives up a TaskExecutor that is dead or has left."""
    if not may_fire(s) or s.registered[tm] == NONE:
        return DISABLED
    if not s.hurry and s.at_rm[tm] == Registration.DONE and s.instance[tm] == s.registered[tm]:
        return DISABLED
    s.hurry = 0
    resource_manager.close_task_manager_connection(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_misses_resource_manager(s: ClusterState, tm: int) -> int:
    """A TaskExecutor gives up a ResourceManager that does not know it or its slots.

    It notices the latter if the call with its first report is not answered. Flink:
    TaskExecutor.establishResourceManagerConnection. That another ResourceManager leads does
    not depend on time, since it is notified. Flink:
    TaskExecutor.notifyOfNewResourceManagerLeader.
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
    """The JobMaster gives up a TaskExecutor that is dead or has left."""
    if not may_fire(s) or not s.known[tm]:
        return DISABLED
    if not s.hurry and s.at_jm[tm] == Registration.DONE and not s.dead_end[tm]:
        return DISABLED
    s.hurry = 0
    job_master.disconnect_task_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_misses_job_master(s: ClusterState, tm: int) -> int:
    """A TaskExecutor gives up a JobMaster that is gone or does not know it."""
    if not may_fire(s) or s.at_jm[tm] != Registration.DONE:
        return DISABLED
    reached = s.known[tm] and not s.dead_end[tm]
    if not s.hurry and s.job_master[0] == Leader.LEADING and reached:
        return DISABLED
    s.hurry = 0
    task_executor.disconnect_job_manager(s, tm)
    return NONE


@cluster.action(when=registers_by_messages, fair=TIMER)
def job_master_registration_times_out(s: ClusterState) -> int:
    """The ResourceManager has not answered the JobMaster's registration in time: it retries.

    As for TaskExecutors, the timer does not wait for quiet.
    """
    if not s.registering or s.rm_deposed or s.resource_manager[0] != Leader.LEADING:
        return DISABLED
    if is_job_registering(s):
        if not s.hurry or is_busy(s):
            return DISABLED
        s.hurry = 0
    job_master.register(s)
    return NONE


def is_job_registering(s: ClusterState) -> bool:
    """Whether the JobMaster's registration, or its answer, is in flight."""
    return (
        s.job_connecting != 0
        or is_in_channel(s, TO_RESOURCE_MANAGER, Message.REGISTER)
        or is_in_channel(s, TO_JOB_MASTER, Message.REGISTERED)
    )


@cluster.action(when=registers_by_messages, fair=TIMER)
def job_master_misses_resource_manager(s: ClusterState) -> int:
    """The JobMaster gives up a ResourceManager that does not know it, and registers anew.

    The timer does not wait for quiet: declarations that are refused are sent again and again.
    """
    if s.job_master[0] != Leader.LEADING or s.pool.gateway == NONE or s.rm_deposed:
        return DISABLED
    if s.job_registered:
        if not s.hurry or is_busy(s):
            return DISABLED
        s.hurry = 0
    job_master.close_connection(s)
    return NONE


@cluster.action(when=registers_by_messages, fair=TIMER)
def resource_manager_misses_job_master(s: ClusterState) -> int:
    """The ResourceManager gives up a JobMaster that is not connected to it, or has ended.

    That the job has ended it learns from the leader retrieval of the job. Flink:
    ResourceManager.onJobLeaderIdTimeout, removeJob.
    """
    if not may_fire(s) or not s.job_registered:
        return DISABLED
    if s.job_master[0] == Leader.LEADING and (s.pool.gateway != NONE or s.registering):
        return DISABLED
    s.hurry = 0
    ended = int(s.job_master[0] == Leader.RETIRED)
    resource_manager.close_job_manager_connection(s, ended)
    return NONE
