"""What may happen in a cluster: somebody starts, finds another, hears a message, works.

Every arrival is one action for each pair of processes: the oldest message of the channel
between them, told by what it is. What comes of it is written where its receiver is.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.lifecycles import Job, Leader, Process, Registration, Share
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    in_flight,
    is_busy,
    room_of,
    take_out,
    way,
)
from slotspec.models.cluster.model import ACTS, ARRIVES, cluster
from slotspec.models.cluster.state import (
    TRIES,
    ClusterState,
    Message,
    instances,
    own_executions,
    task_managers,
)
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import Cause
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import indexed_task
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE, fire


def can_fail_over(setting: Setting) -> bool:
    return bool(setting["failovers"])


# -------------------------------------------------------------------------------- starting


@cluster.action(fair=ACTS)
def resource_manager_gains_leadership(s: ClusterState) -> int:
    """A ResourceManager begins to lead."""
    if s.resource_manager[0] != Leader.STANDBY:
        return DISABLED
    resource_manager.grant_leadership(s)
    return NONE


@cluster.action(fair=ACTS)
def job_master_gains_leadership(s: ClusterState) -> int:
    """The JobMaster begins to lead, and its job is scheduled."""
    if s.job_master[0] != Leader.STANDBY or not scheduler.may_deploy(s):
        return DISABLED
    job_master.grant_leadership(s)
    fire(s.job, 0, Job.submit)
    return NONE


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_starts(s: ClusterState, tm: int) -> int:
    """A TaskExecutor starts, maybe once more under its ResourceID."""
    if s.process[tm] == Process.UP:
        return DISABLED
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
        return DISABLED
    job_master.connect_to_resource_manager(s)
    return NONE


@cluster.action(when=can_fail_over, fair=ACTS)
def job_master_loses_resource_manager(s: ClusterState) -> int:
    """The JobMaster hears that its ResourceManager leads no more: requests wait for another."""
    if s.job_master[0] != Leader.LEADING or s.job_registered or s.pool.gateway == NONE:
        return DISABLED
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
        return DISABLED
    task_executor.register_at_resource_manager(s, tm)
    return NONE


@cluster.action(instance=instances, fair=ARRIVES)
def resource_manager_finds_gateway(s: ClusterState, instance: int) -> int:
    """The ResourceManager has looked up the gateway of a TaskExecutor that registers."""
    if not s.connecting[instance]:
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
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
        return DISABLED
    share = 0
    while share < len(s.share) and s.share[share] != Share.IDLE:
        share += 1
    if share == len(s.share):
        return DISABLED
    if not may_ask(s):
        return DISABLED
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
        return DISABLED
    task_executor.task_ends(s, tm, own % width)
    return NONE


@cluster.action(fair=ACTS)
def job_master_ends(s: ClusterState) -> int:
    """The job has finished: everything is given back."""
    if s.job[0] != Job.FINISHED or s.job_master[0] != Leader.LEADING or is_busy(s):
        return DISABLED
    job_master.end_job(s)
    return NONE
