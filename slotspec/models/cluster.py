"""The cluster: one job's JobMaster, the ResourceManager, TaskExecutors, and the net between.

Composed of the slot pool, the slot manager and a slot table for each TaskExecutor; their
rules are called as they stand. What is written here is what may happen to the whole: a
message arrives, a timer fires, somebody starts, crashes or loses its leadership.

Time is not counted. A timer fires when nothing is in flight any more, since timeouts are
long compared with messages; one that fires earlier is a fault. Everything that is no fault
is fair: it is not put off for ever.
"""

from __future__ import annotations

from slotspec.models import cluster_job_master as job_master
from slotspec.models import cluster_resource_manager as resource_manager
from slotspec.models import cluster_scheduler as scheduler
from slotspec.models import cluster_task_executor as task_executor
from slotspec.models import slot_manager_settling, slot_pool_records
from slotspec.models import slot_pool as pool
from slotspec.models import task_slot_table as table
from slotspec.models.cluster_generations import GENERATIONS
from slotspec.models.cluster_lifecycles import (
    Execution,
    Job,
    Leader,
    Process,
    Registration,
    Share,
)
from slotspec.models.cluster_messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    WAYS,
    Way,
    empty,
    has_retries,
    in_flight,
    is_busy,
    is_in_channel,
    is_quiet,
    is_retry,
    room_of,
    send,
    take_out,
    way,
)
from slotspec.models.cluster_scopes import SCOPES
from slotspec.models.cluster_state import (
    BOUNDS,
    STRIDE,
    TRIES,
    ClusterState,
    Message,
    allocations,
    calls,
    channels,
    instances,
    own_executions,
    task_managers,
    tasks,
)
from slotspec.models.manager_requests import SlotCall
from slotspec.models.slot_manager import is_stopped
from slotspec.models.slot_manager_records import is_registered
from slotspec.models.slot_manager_state import CALLS_PER_SLOT
from slotspec.models.slot_pool_queues import is_held, is_open
from slotspec.models.slot_pool_state import Cause
from slotspec.models.task_slot_table_lifecycles import SlotTimer, TaskSlot
from slotspec.models.task_slot_table_slots import allocation_under, indexed_task
from slotspec.statemachine.fields import Setting
from slotspec.statemachine.model import Fairness, Model
from slotspec.statemachine.rules import NONE, REFUSED, fire

cluster = Model(
    "cluster",
    "The whole slot protocol: JobMaster, ResourceManager, TaskExecutors, messages in flight.",
    ClusterState,
    bounds=BOUNDS,
    generations=GENERATIONS,
    scopes=SCOPES,
)

ARRIVES = Fairness.WEAK
"""A message that is in flight arrives some time."""
ACTS = Fairness.STRONG
"""Who acts of its own waits while the net is busy, which may come and go."""
TIMER = Fairness.STRONG
"""Timers wait for quiet, which may come and go: they fire if it comes again and again."""


def can_depose(setting: Setting) -> bool:
    return bool(setting["leader_changes"])


def can_lose(setting: Setting) -> bool:
    return bool(setting["losses"])


def can_repeat(setting: Setting) -> bool:
    return bool(setting["repeats"])


def can_crash(setting: Setting) -> bool:
    return bool(setting["crashes"])


def can_fail_over(setting: Setting) -> bool:
    return bool(setting["failovers"])


def can_hurry(setting: Setting) -> bool:
    return bool(setting["early_timeouts"])


# -------------------------------------------------------------------------------- starting


@cluster.action(fair=ACTS)
def resource_manager_gains_leadership(s: ClusterState) -> int:
    """A ResourceManager begins to lead."""
    if s.resource_manager[0] != Leader.STANDBY:
        return REFUSED
    resource_manager.grant_leadership(s)
    return NONE


@cluster.action(fair=ACTS)
def job_master_gains_leadership(s: ClusterState) -> int:
    """The JobMaster begins to lead, and its job is scheduled."""
    if s.job_master[0] != Leader.STANDBY or not scheduler.may_deploy(s):
        return REFUSED
    job_master.grant_leadership(s)
    fire(s.job, 0, Job.submit)
    return NONE


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_starts(s: ClusterState, tm: int) -> int:
    """A TaskExecutor starts, maybe once more under its ResourceID."""
    if s.process[tm] == Process.UP:
        return REFUSED
    task_executor.start_process(s, tm)
    return NONE


# ---------------------------------------------------------------------------- connections


@cluster.action(fair=ACTS)
def job_master_finds_resource_manager(s: ClusterState) -> int:
    """The JobMaster registers at the ResourceManager that leads, for the first time or again."""
    if (
        s.job_master[0] != Leader.LEADING
        or s.resource_manager[0] != Leader.LEADING
        or s.job_registered
        or is_busy(s)
    ):
        return REFUSED
    job_master.connect_to_resource_manager(s)
    return NONE


@cluster.action(when=can_fail_over, fair=ACTS)
def job_master_loses_resource_manager(s: ClusterState) -> int:
    """The JobMaster hears that its ResourceManager leads no more: requests wait for another."""
    if s.job_master[0] != Leader.LEADING or s.job_registered or s.pool.gateway == NONE:
        return REFUSED
    pool.disconnect_resource_manager(s.pool)
    return NONE


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_finds_resource_manager(s: ClusterState, tm: int) -> int:
    """A TaskExecutor without a connection registers at the ResourceManager that leads."""
    if (
        s.process[tm] != Process.UP
        or s.resource_manager[0] != Leader.LEADING
        or s.at_rm[tm] != Registration.NONE
    ):
        return REFUSED
    task_executor.register_at_resource_manager(s, tm)
    return NONE


@cluster.action(instance=instances, fair=ARRIVES)
def resource_manager_finds_gateway(s: ClusterState, instance: int) -> int:
    """The ResourceManager has looked up the gateway of a TaskExecutor that registers."""
    if not s.connecting[instance]:
        return REFUSED
    resource_manager.gateway_found(s, instance)
    return NONE


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_finds_job_master(s: ClusterState, tm: int) -> int:
    """A TaskExecutor that has slots for the job, and no connection, registers."""
    if (
        s.process[tm] != Process.UP
        or s.job_master[0] != Leader.LEADING
        or s.at_jm[tm] != Registration.NONE
        or not has_slots(s, tm)
        or is_busy(s)
    ):
        return REFUSED
    task_executor.connect_to_job_manager(s, tm)
    return NONE


def has_slots(s: ClusterState, tm: int) -> bool:
    """Whether a TaskExecutor has slots for the job."""
    for allocation in range(len(s.pool.slot)):
        if s.tables[tm].slot[allocation] != TaskSlot.FREE:
            return True
    return False


# -------------------------------------------------------------------------------- messages


@cluster.action(fair=ARRIVES)
def resource_manager_hears_job_master(s: ClusterState) -> int:
    """The oldest message from the JobMaster arrives at the ResourceManager."""
    if in_flight(s, TO_RESOURCE_MANAGER) == 0:
        return REFUSED
    at = TO_RESOURCE_MANAGER * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    take_out(s, TO_RESOURCE_MANAGER, 0)
    if s.resource_manager[0] != Leader.LEADING:
        return message
    if message == Message.REQUEST_SLOT:
        resource_manager.request_slot(s, allocation)
    else:
        resource_manager.cancel_slot_request(s, allocation)
    return message


@cluster.action(fair=ARRIVES)
def job_master_hears_resource_manager(s: ClusterState) -> int:
    """The oldest message from the ResourceManager arrives at the JobMaster."""
    if in_flight(s, TO_JOB_MASTER) == 0:
        return REFUSED
    at = TO_JOB_MASTER * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    take_out(s, TO_JOB_MASTER, 0)
    if s.job_master[0] != Leader.LEADING:
        return message
    if message == Message.ALLOCATION_FAILED:
        job_master.internal_fail_allocation(s, allocation)
    elif message == Message.REQUEST_REFUSED:
        job_master.request_answered(s, allocation, 1, int(Cause.UNFULFILLABLE))
    else:
        job_master.request_answered(s, allocation, 0, 0)
    return message


@cluster.action(tm=task_managers, fair=ARRIVES)
def job_master_hears_task_executor(s: ClusterState, tm: int) -> int:
    """The oldest message from a TaskExecutor arrives at the JobMaster."""
    channel = way(tm, int(Way.TO_JOB_MASTER))
    if in_flight(s, channel) == 0:
        return REFUSED
    at = channel * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    detail = s.detail[at]
    take_out(s, channel, 0)
    if s.job_master[0] != Leader.LEADING:
        return message
    if message == Message.REGISTER:
        job_master.register_task_manager(s, tm, detail)
    elif message == Message.OFFER_SLOT:
        job_master.offer_slot(s, tm, allocation, detail)
    elif message == Message.FAIL_SLOT:
        job_master.fail_slot(s, tm, allocation)
    elif message == Message.DISCONNECT:
        job_master.disconnect_task_manager(s, tm)
    else:
        job_hears(s, message, detail)
    return message


def job_hears(s: ClusterState, message: int, execution: int) -> None:
    """News of a task."""
    first = len(s.effects)
    if message == Message.TASK_SUBMITTED:
        scheduler.task_submitted(s, execution)
    elif message == Message.TASK_FINISHED:
        scheduler.task_finished(s, execution)
    else:
        scheduler.task_failed(s, execution)
    job_master.tell_world(s, first)


@cluster.action(tm=task_managers, fair=ARRIVES)
def task_executor_hears_job_master(s: ClusterState, tm: int) -> int:
    """The oldest message from the JobMaster arrives at a TaskExecutor."""
    channel = way(tm, int(Way.FROM_JOB_MASTER))
    if in_flight(s, channel) == 0:
        return REFUSED
    at = channel * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    detail = s.detail[at]
    take_out(s, channel, 0)
    if s.process[tm] != Process.UP:
        return message
    if message == Message.REGISTERED:
        task_executor.establish_job_manager_connection(s, tm)
    elif message == Message.OFFER_ACCEPTED:
        task_executor.offer_answered(s, tm, allocation, 1, detail)
    elif message == Message.OFFER_REJECTED:
        task_executor.offer_answered(s, tm, allocation, 0, detail)
    elif message == Message.OFFER_FAILED:
        task_executor.offer_failed(s, tm, allocation, detail)
    elif message == Message.FREE_SLOT:
        task_executor.free_slot_internal(s, tm, allocation)
    elif message == Message.SUBMIT_TASK:
        task_executor.submit_task(s, tm, allocation, detail)
    elif message == Message.CANCEL_TASK:
        task_executor.cancel_task(s, tm, allocation, detail)
    elif message == Message.ALLOCATION_REPORT:
        task_executor.sync_slots_with_report(s, tm)
    else:
        task_executor.disconnect_job_manager(s, tm)
    return message


@cluster.action(tm=task_managers, fair=ARRIVES)
def resource_manager_hears_task_executor(s: ClusterState, tm: int) -> int:
    """The oldest message from a TaskExecutor arrives at the ResourceManager."""
    channel = way(tm, int(Way.TO_RESOURCE_MANAGER))
    if in_flight(s, channel) == 0:
        return REFUSED
    at = channel * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    detail = s.detail[at]
    take_out(s, channel, 0)
    if s.resource_manager[0] != Leader.LEADING:
        resource_manager.forget_slot_report(s, tm)
        return message
    if message == Message.REGISTER:
        resource_manager.register_task_executor(s, tm, detail)
    elif message == Message.SLOT_REPORT:
        resource_manager.send_slot_report(s, tm, detail)
    elif message == Message.HEARTBEAT:
        resource_manager.heartbeat_from(s, tm, detail)
    elif message == Message.SLOT_AVAILABLE:
        resource_manager.notify_slot_available(s, tm, detail, allocation)
    elif message == Message.DISCONNECT:
        resource_manager.disconnect_task_manager(s, tm)
    else:
        first = len(s.effects)
        resource_manager.call_answered(s, message, allocation, detail)
        if message == Message.CALL_FAILED:
            resource_manager.note_retry(s, first)
    return message


@cluster.action(tm=task_managers, fair=ARRIVES)
def task_executor_hears_resource_manager(s: ClusterState, tm: int) -> int:
    """The oldest message from the ResourceManager arrives at a TaskExecutor."""
    channel = way(tm, int(Way.FROM_RESOURCE_MANAGER))
    if in_flight(s, channel) == 0:
        return REFUSED
    at = channel * room_of(s)
    message = s.message[at]
    allocation = s.subject[at]
    detail = s.detail[at]
    take_out(s, channel, 0)
    if s.process[tm] != Process.UP:
        return message
    if message == Message.REGISTERED:
        task_executor.establish_resource_manager_connection(s, tm, detail)
    elif message == Message.REQUEST_TASK_SLOT:
        task_executor.request_slot(s, tm, allocation, detail)
    else:
        task_executor.close_resource_manager_connection(s, tm)
    return message


# --------------------------------------------------------------------------------- the job


@cluster.action(fair=ACTS)
def scheduler_allocates_slots(s: ClusterState) -> int:
    """The scheduler asks for a slot for a share that has none."""
    if s.job[0] != Job.SCHEDULING or is_busy(s):
        return REFUSED
    share = 0
    while share < len(s.share) and s.share[share] != Share.IDLE:
        share += 1
    if share == len(s.share):
        return REFUSED
    if not may_ask(s):
        return REFUSED
    first = len(s.effects)
    scheduler.allocate_physical_slot(s, share, scheduler.new_allocation(s))
    job_master.tell_world(s, first)
    return share


def may_ask(s: ClusterState) -> bool:
    """Whether there is a slot to be taken, or an allocation id to ask under."""
    return scheduler.available_slot(s) != NONE or scheduler.new_allocation(s) != NONE


@cluster.action(own=own_executions, fair=ACTS)
def task_ends(s: ClusterState, own: int) -> int:
    """A task at a TaskExecutor has done its work, or has stopped as it was told."""
    width = TRIES * len(s.task)
    tm = own // width
    if indexed_task(s.tables[tm], own % width) == NONE or is_busy(s):
        return REFUSED
    task_executor.task_ends(s, tm, own % width)
    return NONE


@cluster.action(fair=ACTS)
def job_master_ends(s: ClusterState) -> int:
    """The job has finished: everything is given back."""
    if s.job[0] != Job.FINISHED or s.job_master[0] != Leader.LEADING or is_busy(s):
        return REFUSED
    job_master.end_job(s)
    return NONE


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
        return REFUSED
    s.hurry = 1
    s.hurried += 1
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_times_out(s: ClusterState, allocation: int) -> int:
    """The JobMaster's timeout of a slot request fires."""
    if not may_fire(s) or not is_open(s.pool, allocation):
        return REFUSED
    s.hurry = 0
    first = len(s.effects)
    pool.request_timeout(s.pool, allocation)
    job_master.tell_world(s, first)
    return NONE


@cluster.action(allocation=allocations, fair=TIMER)
def request_call_times_out(s: ClusterState, allocation: int) -> int:
    """The ResourceManager has not answered the call for a request in time."""
    if not may_fire(s) or not s.pool.call_open[allocation]:
        return REFUSED
    s.hurry = 0
    job_master.request_answered(s, allocation, 1, int(Cause.TIMEOUT))
    return NONE


@cluster.action(call=calls, fair=TIMER)
def slot_call_times_out(s: ClusterState, call: int) -> int:
    """A TaskExecutor has not answered the request for a slot in time."""
    detail = call // CALLS_PER_SLOT * STRIDE + call % CALLS_PER_SLOT
    if not may_end_retries(s) or s.manager.call[call] != SlotCall.OPEN:
        return REFUSED
    if not s.hurry and is_call_under_way(s, detail):
        return REFUSED
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
        return REFUSED
    s.hurry = 0
    resource_manager.end_startup_period(s)
    return NONE


@cluster.action(fair=TIMER)
def requests_time_out_at_resource_manager(s: ClusterState) -> int:
    """The ResourceManager gives up on requests that it cannot fulfil."""
    if not may_end_retries(s) or s.manager.entered[0] == NONE:
        return REFUSED
    s.hurry = 0
    resource_manager.requests_time_out(s)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def offers_time_out(s: ClusterState, tm: int) -> int:
    """The JobMaster has not answered offers in time."""
    if not may_fire(s) or s.at_jm[tm] != Registration.DONE or not has_offers(s, tm):
        return REFUSED
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
        return REFUSED
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
        return REFUSED
    allocation = s.share_allocation[scheduler.share_of(s, task)]
    if s.task[task] == Execution.RUNNING and is_at(s, task, allocation):
        return REFUSED
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
        return REFUSED
    for task in range(len(s.task)):
        if scheduler.is_deployed(s, task):
            return REFUSED
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
        return REFUSED
    if is_registering(s, tm) and (not s.hurry or is_busy(s)):
        return REFUSED
    if is_registering(s, tm):
        s.hurry = 0
    task_executor.register_at_resource_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def job_registration_times_out(s: ClusterState, tm: int) -> int:
    """The JobMaster has not answered a registration in time: it is tried again, or not."""
    if not may_fire(s) or s.at_jm[tm] != Registration.TRYING:
        return REFUSED
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
        return REFUSED
    if task_executor.has_report_under_way(s, tm) or (not s.hurry and not has_news(s, tm)):
        return REFUSED
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
        return REFUSED
    channel = way(tm, int(Way.FROM_JOB_MASTER))
    if is_in_channel(s, channel, int(Message.ALLOCATION_REPORT)):
        return REFUSED
    if not s.hurry and not has_differences(s, tm):
        return REFUSED
    s.hurry = 0
    job_master.write_allocation_report(s, tm)
    send(s, channel, int(Message.ALLOCATION_REPORT), NONE, 0)
    return NONE


def has_differences(s: ClusterState, tm: int) -> bool:
    """Whether pool and TaskExecutor differ in what a report would mend."""
    for allocation in range(len(s.pool.slot)):
        held = is_held(s.pool, allocation) and s.pool.slot_tm[allocation] == tm
        if held and not task_executor.is_allocated(s, tm, allocation):
            return True
        if not held and s.tables[tm].slot[allocation] == TaskSlot.ACTIVE:
            return True
    return False


@cluster.action(tm=task_managers, fair=TIMER)
def resource_manager_misses_heartbeat(s: ClusterState, tm: int) -> int:
    """The ResourceManager gives up a TaskExecutor that is dead, or no longer its own."""
    if not may_fire(s) or s.registered[tm] == NONE:
        return REFUSED
    if not s.hurry and s.at_rm[tm] == Registration.DONE and s.instance[tm] == s.registered[tm]:
        return REFUSED
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
        return REFUSED
    known = s.registered[tm] == s.instance[tm] and is_registered(s.manager, s.instance[tm])
    if not s.hurry and known:
        return REFUSED
    s.hurry = 0
    task_executor.close_resource_manager_connection(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def job_master_misses_heartbeat(s: ClusterState, tm: int) -> int:
    """The JobMaster gives up a TaskExecutor that is dead, or no longer its own."""
    if not may_fire(s) or not s.known[tm]:
        return REFUSED
    if not s.hurry and s.at_jm[tm] == Registration.DONE:
        return REFUSED
    s.hurry = 0
    job_master.disconnect_task_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, fair=TIMER)
def task_executor_misses_job_master(s: ClusterState, tm: int) -> int:
    """A TaskExecutor gives up a JobMaster that is gone, or does not know it."""
    if not may_fire(s) or s.at_jm[tm] != Registration.DONE:
        return REFUSED
    if not s.hurry and s.job_master[0] == Leader.LEADING and s.known[tm]:
        return REFUSED
    s.hurry = 0
    task_executor.disconnect_job_manager(s, tm)
    return NONE


# ---------------------------------------------------------------------------------- faults


@cluster.action(when=can_lose, channel=channels, fault=True)
def message_is_lost(s: ClusterState, channel: int) -> int:
    """The oldest message of a channel is lost."""
    if in_flight(s, channel) == 0 or s.lost == s.losses:
        return REFUSED
    message = s.message[channel * room_of(s)]
    s.lost += 1
    take_out(s, channel, 0)
    tm = (channel - 2) // WAYS
    if message == Message.SLOT_REPORT or message == Message.HEARTBEAT:
        resource_manager.forget_slot_report(s, tm)
    elif message == Message.ALLOCATION_REPORT:
        forget_allocation_report(s, tm)
    return message


def forget_allocation_report(s: ClusterState, tm: int) -> None:
    """A report of the JobMaster in flight is lost."""
    width = len(s.pool.slot)
    for allocation in range(width):
        s.allocation_report[tm * width + allocation] = 0


def may_come_twice(message: int) -> bool:
    """Whether a caller may have made a call again that had arrived."""
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
    )


@cluster.action(when=can_repeat, channel=channels, fault=True)
def message_is_repeated(s: ClusterState, channel: int) -> int:
    """The newest message of a channel is sent once more, by a caller that saw no answer."""
    count = in_flight(s, channel)
    if count == 0 or count == room_of(s) or s.repeated == s.repeats:
        return REFUSED
    last = channel * room_of(s) + count - 1
    if not may_come_twice(s.message[last]):
        return REFUSED
    s.repeated += 1
    send(s, channel, s.message[last], s.subject[last], s.detail[last])
    return s.message[last]


@cluster.action(when=can_crash, tm=task_managers, fault=True)
def task_executor_crashes(s: ClusterState, tm: int) -> int:
    """A TaskExecutor is killed."""
    if s.process[tm] != Process.UP or s.crashed == s.crashes:
        return REFUSED
    s.crashed += 1
    task_executor.crash_process(s, tm)
    return NONE


@cluster.action(when=can_depose, fault=True)
def job_master_loses_leadership(s: ClusterState) -> int:
    """The JobMaster's leadership is revoked: what was sent to it no longer counts."""
    if s.job_master[0] != Leader.LEADING or s.deposed == s.leader_changes or is_busy(s):
        return REFUSED
    if s.job[0] == Job.FINISHED:
        return REFUSED
    s.deposed += 1
    job_master.revoke_leadership(s)
    empty(s, TO_JOB_MASTER)
    for tm in range(len(s.process)):
        empty(s, way(tm, int(Way.TO_JOB_MASTER)))
    return NONE


@cluster.action(when=can_fail_over, fault=True)
def resource_manager_fails_over(s: ClusterState) -> int:
    """The ResourceManager's leadership is revoked."""
    if s.resource_manager[0] != Leader.LEADING or s.failed_over == s.failovers:
        return REFUSED
    s.failed_over += 1
    resource_manager.revoke_leadership(s)
    return NONE


# --------------------------------------------------------------------------------- tidying


@cluster.after_each_step
def settle(s: ClusterState) -> None:
    """Let the parts clear what is over, and forget answers that nobody waits for."""
    slot_pool_records.recycle(s.pool)
    slot_manager_settling.settle(s.manager)
    for tm in range(len(s.process)):
        table.forget_tasks(s.tables[tm])
        forget_dead_calls(s, tm)
    if s.retries and not has_retries(s):
        s.retries = 0


def forget_dead_calls(s: ClusterState, tm: int) -> None:
    """A request whose call is over is answered to nobody; such answers are ignored.

    So the record of a call can serve another one while messages are still in flight.
    """
    room = room_of(s)
    there = way(tm, int(Way.FROM_RESOURCE_MANAGER))
    for post in range(there * room, there * room + room):
        if s.message[post] == Message.REQUEST_TASK_SLOT and not is_call_alive(
            s, s.detail[post], s.subject[post]
        ):
            s.detail[post] = s.detail[post] // STRIDE * STRIDE + CALLS_PER_SLOT
    back = way(tm, int(Way.TO_RESOURCE_MANAGER))
    i = 0
    while i < in_flight(s, back):
        message = s.message[back * room + i]
        if (
            message == Message.CALL_ACKNOWLEDGED
            or message == Message.CALL_OCCUPIED
            or message == Message.CALL_FAILED
        ) and not resource_manager.is_waited_for(s, s.detail[back * room + i]):
            take_out(s, back, i)
        else:
            i += 1


def is_call_alive(s: ClusterState, detail: int, allocation: int) -> bool:
    """Whether the call of a request in flight is still open, and for this allocation."""
    return (
        resource_manager.is_waited_for(s, detail)
        and s.manager.call_allocation[resource_manager.call_of(detail)] == allocation
    )


@cluster.final_states
def job_is_over(s: ClusterState) -> bool:
    """The job has ended, and nothing is left to be done."""
    return s.job_master[0] == Leader.RETIRED
