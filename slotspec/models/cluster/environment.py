"""What may happen in a cluster: a process starts, finds another, receives a message, or works.

For each pair of processes one action receives a message of the channel between them: the
oldest, or one that the oldest cannot hold up. The receiver's module says what the message does.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.lifecycles import Job, Leader, Process, Registration, Share
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    can_arrive,
    is_busy,
    receive,
    tell_task_executor,
    way,
)
from slotspec.models.cluster.model import ACTS, ARRIVES, cluster
from slotspec.models.cluster.own_elements import of_own_execution, own_allocation
from slotspec.models.cluster.state import (
    ClusterState,
    Message,
    allocations,
    has_late_look_ups,
    has_queued_steps,
    has_stragglers,
    instances,
    may_lose_partitions,
    may_release_last_first,
    may_return_first,
    nexts,
    own_executions,
    registers_by_messages,
    shares,
    slot_numbers,
    task_managers,
    tasks,
)
from slotspec.models.common.orders import bring
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.state import Cause
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import indexed_task
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE, fire

can_depose = is_set("leader_changes")
can_hurry = is_set("early_timeouts")
can_miss_submissions = can_hurry & exceeds("overtaking", 1)
"""Whether the timeout of a submission may come before that of a later cancellation."""
can_miss_cancellations = can_miss_submissions & exceeds("cancel_tries", 1)
"""Whether a call to cancel a task may time out before it arrives, and is tried again."""
has_any_order = is_set("iteration_order")
has_late_stops = is_set("late_stops")
has_quick_tasks = is_set("quick_tasks")
has_deployment_reports = is_set("deployment_reports", "unknown_deployments")
has_slow_closing = is_set("slow_closing")
has_late_slots = is_set("late_slots")
can_step_down_late = can_depose & exceeds("overtaking", 1)
"""Whether others may learn of a change of leaders before the JobMaster does."""
can_lose_job_master = (can_depose | can_hurry) & exceeds("overtaking", 1)
"""Whether the ResourceManager may drop the JobMaster before that disconnects."""
can_fail_over = is_set("failovers")
can_lose_either = can_fail_over | can_lose_job_master


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
    for region in range(scheduler.regions_of(s)):
        fire(s.job, region, Job.submit)
    return NONE


@cluster.action(when=can_step_down_late, fair=ACTS)
def job_master_steps_down(s: ClusterState) -> int:
    """The JobMaster learns that it no longer leads."""
    if not s.revoked:
        return DISABLED
    job_master.revoke_leadership(s)
    return NONE


@cluster.action(when=can_lose_job_master, fair=ACTS)
def resource_manager_loses_job_master(s: ClusterState) -> int:
    """The ResourceManager learns that its JobMaster no longer leads, or misses its heartbeat."""
    if not s.job_registered or not (s.revoked or s.hurry):
        return DISABLED
    if not s.revoked:
        s.hurry = 0
    resource_manager.close_job_manager_connection(s, job_master.RUNS)
    return NONE


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_starts(s: ClusterState, tm: int) -> int:
    """A TaskExecutor starts, or restarts under its ResourceID."""
    if s.process[tm] == Process.UP:
        return DISABLED
    task_executor.start_process(s, tm)
    return NONE


# ---------------------------------------------------------------------------- connections


@cluster.action(fair=ACTS)
def job_master_finds_resource_manager(s: ClusterState) -> int:
    """The JobMaster registers at the leading ResourceManager, for the first time or again."""
    if (
        s.job_master[0] != Leader.LEADING
        or s.resource_manager[0] != Leader.LEADING
        or s.revoked
        or is_busy(s)
    ):
        return DISABLED
    if s.registrations:
        if s.pool.gateway != NONE or s.registering:
            return DISABLED
        job_master.register(s)
    else:
        if s.job_registered:
            return DISABLED
        job_master.connect_to_resource_manager(s)
    return NONE


@cluster.action(when=registers_by_messages, fair=ARRIVES)
def resource_manager_finds_job_master(s: ClusterState) -> int:
    """The ResourceManager has looked up who leads the job of a JobMaster that registers."""
    if not s.job_connecting:
        return DISABLED
    resource_manager.job_master_found(s)
    return NONE


@cluster.action(when=has_late_look_ups)
def resource_manager_finds_former_job_master(s: ClusterState) -> int:
    """The ResourceManager registers a JobMaster that has ended, or lost its leadership, since.

    It led when it registered. Flink: ResourceManager.registerJobManager, which has asked then.
    """
    if not s.job_connecting or resource_manager.is_job_master_leading(s):
        return DISABLED
    resource_manager.register_found(s)
    return NONE


@cluster.action(when=can_lose_either, fair=ACTS)
def job_master_loses_resource_manager(s: ClusterState) -> int:
    """The JobMaster learns that its ResourceManager no longer leads; requests wait for another."""
    if s.job_master[0] != Leader.LEADING:
        return DISABLED
    if s.registrations:
        if not s.rm_deposed:
            return DISABLED
        job_master.close_connection(s)
    else:
        if s.job_registered or s.pool.gateway == NONE:
            return DISABLED
        pool.disconnect_resource_manager(s.pool)
    return NONE


@cluster.action(when=has_any_order, allocation=allocations)
def request_comes_first(s: ClusterState, allocation: int) -> int:
    """The ResourceManager will look at this request first: they are in a hash table."""
    entered = s.manager.entered
    place = next(
        (
            i
            for i, request in enumerate(entered)
            if request != NONE and s.manager.request_allocation[request] == allocation
        ),
        NONE,
    )
    if place in (NONE, 0):
        return DISABLED
    bring(entered, place, 0)
    return NONE


@cluster.action(when=has_queued_steps)
def resource_manager_is_held_up(s: ClusterState) -> int:
    """The ResourceManager will handle other messages before what it queues next.

    The outcome of a call for a slot is a step of its own: a request that is cancelled, or whose
    slot is reported as another's, keeps its slot until then. Flink: SlotManagerImpl.allocateSlot,
    whenCompleteAsync.
    """
    if s.held_up or s.resource_manager[0] != Leader.LEADING:
        return DISABLED
    s.held_up = 1
    return NONE


@cluster.action(when=has_queued_steps, fair=ACTS)
def resource_manager_goes_on(s: ClusterState) -> int:
    """The ResourceManager comes to what it has queued."""
    if not s.held_up:
        return DISABLED
    resource_manager.go_on(s)
    return NONE


@cluster.action(when=has_queued_steps, place=slot_numbers)
def queued_outcome_comes_first(s: ClusterState, place: int) -> int:
    """Of the calls to a TaskExecutor that was given up, another one's outcome comes first: its
    slots are in a hash table. Flink: SlotManagerImpl.removeSlots."""
    if not s.held_up or not resource_manager.bring_forward(s, place):
        return DISABLED
    return NONE


@cluster.action(when=may_return_first)
def slots_are_returned_first(s: ClusterState) -> int:
    """A region that fails next will return its slots before it withdraws its requests: its tasks
    are in a hash table. Flink: DefaultScheduler.cancelTasksAsync."""
    if s.slots_first or Share.WAITING not in s.share or Share.ASSIGNED not in s.share:
        return DISABLED
    s.slots_first = 1
    return NONE


@cluster.action(when=may_release_last_first)
def last_task_is_released_first(s: ClusterState) -> int:
    """The next slot that is lost will release its last task first: its tasks are in a hash table.

    Flink: SharedSlot.release.
    """
    if s.last_first or not any(several_wait_in(s, share) for share in s.elements(shares)):
        return DISABLED
    s.last_first = 1
    return NONE


@cluster.action(when=may_lose_partitions, share=shares)
def partitions_are_lost(s: ClusterState, share: int) -> int:
    """What a finished source has written is gone, with its TaskExecutor or the connection to it.

    The job notices when a region fails that reads it.
    """
    if s.job_master[0] != Leader.LEADING or share >= s.sources or s.lost_partitions[share]:
        return DISABLED
    if s.job[share] != Job.FINISHED or scheduler.is_finished(s):
        return DISABLED
    s.lost_partitions[share] = 1
    return NONE


def several_wait_in(s: ClusterState, share: int) -> bool:
    """Whether several tasks have the slot of this share, and wait for the slots of others."""
    return sum(scheduler.waits_in(s, task, share) for task in s.elements(tasks)) > 1


@cluster.action(tm=task_managers, fair=ACTS)
def task_executor_finds_resource_manager(s: ClusterState, tm: int) -> int:
    """A TaskExecutor without a connection registers at the leading ResourceManager."""
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
        or s.revoked
        or s.at_jm[tm] != Registration.NONE
        or (not s.slow_closing and all(slot == TaskSlot.FREE for slot in s.tables[tm].slot))
        or is_busy(s)
    ):
        return DISABLED
    task_executor.connect_to_job_manager(s, tm)
    return NONE


@cluster.action(when=can_depose, tm=task_managers, fair=ACTS)
def task_executor_loses_job_master(s: ClusterState, tm: int) -> int:
    """A TaskExecutor learns from leader retrieval that its JobMaster no longer leads."""
    if not s.deposed_jm[tm] or is_busy(s):
        return DISABLED
    task_executor.lose_job_manager(s, tm)
    return NONE


# -------------------------------------------------------------------------------- messages


@cluster.action(place=nexts, fair=ARRIVES)
def resource_manager_hears_job_master(s: ClusterState, place: int) -> int:
    """The ResourceManager receives a message from the JobMaster."""
    if not can_arrive(s, TO_RESOURCE_MANAGER, place):
        return DISABLED
    message, allocation, detail = receive(s, TO_RESOURCE_MANAGER, place)
    if s.resource_manager[0] != Leader.LEADING:
        return message
    match message:
        case Message.REQUEST_SLOT:
            resource_manager.request_slot(s, allocation)
        case Message.CANCEL_SLOT_REQUEST:
            resource_manager.cancel_slot_request(s, allocation)
        case Message.REGISTER:
            resource_manager.register_job_master(s, detail)
        case _:
            resource_manager.close_job_manager_connection(s, detail)
    return message


@cluster.action(place=nexts, fair=ARRIVES)
def job_master_hears_resource_manager(s: ClusterState, place: int) -> int:
    """The JobMaster receives a message from the ResourceManager."""
    if not can_arrive(s, TO_JOB_MASTER, place):
        return DISABLED
    message, allocation, _ = receive(s, TO_JOB_MASTER, place)
    if s.job_master[0] != Leader.LEADING:
        return message
    match message:
        case Message.ALLOCATION_FAILED:
            job_master.internal_fail_allocation(s, allocation)
        case Message.REQUEST_REFUSED:
            job_master.request_failed(s, allocation, Cause.UNFULFILLABLE)
        case Message.REQUEST_ACKNOWLEDGED:
            job_master.request_acknowledged(s, allocation)
        case Message.REGISTERED:
            job_master.registered(s)
        case _:
            job_master.close_connection(s)
    return message


@cluster.action(tm=task_managers, place=nexts, fair=ARRIVES)
def job_master_hears_task_executor(s: ClusterState, tm: int, place: int) -> int:
    """The JobMaster receives a message from a TaskExecutor."""
    channel = way(tm, Way.TO_JOB_MASTER)
    if not can_arrive(s, channel, place):
        return DISABLED
    message, allocation, detail = receive(s, channel, place)
    if s.job_master[0] != Leader.LEADING:
        return message
    match message:
        case Message.REGISTER:
            job_master.register_task_manager(s, tm, ignored=detail)
        case Message.OFFER_SLOT:
            job_master.offer_slot(s, tm, allocation, detail)
        case Message.FAIL_SLOT:
            job_master.fail_slot(s, tm, allocation)
        case Message.DISCONNECT:
            job_master.disconnect_task_manager(s, tm)
        case _:
            job_master.update_task_execution_state(s, tm, message, allocation, detail)
    return message


@cluster.action(tm=task_managers, place=nexts, fair=ARRIVES)
def task_executor_hears_job_master(s: ClusterState, tm: int, place: int) -> int:
    """A TaskExecutor receives a message from the JobMaster."""
    channel = way(tm, Way.FROM_JOB_MASTER)
    if not can_arrive(s, channel, place):
        return DISABLED
    message, allocation, detail = receive(s, channel, place)
    if s.process[tm] != Process.UP:
        return message
    match message:
        case Message.REGISTERED:
            task_executor.establish_job_manager_connection(s, tm)
        case Message.OFFER_ACCEPTED:
            task_executor.offer_answered(s, tm, allocation, 1, detail)
        case Message.OFFER_REJECTED:
            task_executor.offer_answered(s, tm, allocation, 0, detail)
        case Message.OFFER_FAILED:
            task_executor.offer_failed(s, tm, allocation, detail)
        case Message.FREE_SLOT:
            task_executor.free_slot_internal(s, tm, allocation)
        case Message.SUBMIT_TASK:
            task_executor.submit_task(s, tm, allocation, detail)
        case Message.CANCEL_TASK:
            task_executor.cancel_task(s, tm, allocation, detail)
        case Message.UPDATE_REFUSED:
            task_executor.fail_task(s, tm, detail)
        case Message.ALLOCATION_REPORT:
            task_executor.sync_slots_with_report(s, tm)
        case _:
            task_executor.disconnect_job_manager(s, tm)
    return message


@cluster.action(when=has_stragglers, tm=task_managers, allocation=allocations, fair=ARRIVES)
def late_release_arrives(s: ClusterState, tm: int, allocation: int) -> int:
    """A TaskExecutor frees a slot for a JobMaster that leads no more: it does not ask who calls."""
    own = own_allocation(s, tm, allocation)
    if not s.late_releases[own]:
        return DISABLED
    s.late_releases[own] = 0
    task_executor.free_slot_internal(s, tm, allocation)
    return NONE


@cluster.action(when=has_stragglers, tm=task_managers, fair=ARRIVES)
def late_disconnect_arrives(s: ClusterState, tm: int) -> int:
    """A TaskExecutor disconnects from its JobMaster, as one that leads no more has asked."""
    if not s.late_disconnects[tm]:
        return DISABLED
    s.late_disconnects[tm] = 0
    task_executor.disconnect_job_manager(s, tm)
    return NONE


@cluster.action(tm=task_managers, place=nexts, fair=ARRIVES)
def resource_manager_hears_task_executor(s: ClusterState, tm: int, place: int) -> int:
    """The ResourceManager receives a message from a TaskExecutor."""
    channel = way(tm, Way.TO_RESOURCE_MANAGER)
    if not can_arrive(s, channel, place):
        return DISABLED
    message, allocation, detail = receive(s, channel, place)
    if s.resource_manager[0] != Leader.LEADING:
        resource_manager.forget_slot_report(s, tm)
        return message
    match message:
        case Message.REGISTER:
            resource_manager.register_task_executor(s, tm, ignored=detail)
        case Message.SLOT_REPORT:
            resource_manager.send_slot_report(s, tm, detail)
        case Message.HEARTBEAT:
            resource_manager.heartbeat_from(s, tm, detail)
        case Message.SLOT_AVAILABLE:
            resource_manager.notify_slot_available(s, tm, detail, allocation)
        case Message.DISCONNECT:
            resource_manager.disconnect_task_manager(s, tm)
        case _:
            first = len(s.effects)
            resource_manager.call_answered(s, message, allocation, detail)
            if message == Message.CALL_FAILED:
                resource_manager.note_retry(s, first)
    return message


@cluster.action(tm=task_managers, place=nexts, fair=ARRIVES)
def task_executor_hears_resource_manager(s: ClusterState, tm: int, place: int) -> int:
    """A TaskExecutor receives a message from the ResourceManager."""
    channel = way(tm, Way.FROM_RESOURCE_MANAGER)
    if not can_arrive(s, channel, place):
        return DISABLED
    message, allocation, detail = receive(s, channel, place)
    if s.process[tm] != Process.UP:
        return message
    match message:
        case Message.REGISTERED:
            task_executor.establish_resource_manager_connection(s, tm, detail)
        case Message.REQUEST_TASK_SLOT:
            task_executor.request_slot(s, tm, allocation, detail)
        case _:
            task_executor.close_resource_manager_connection(s, tm)
    return message


# --------------------------------------------------------------------------------- the job


@cluster.action(share=shares, fair=ACTS)
def scheduler_requests_slot(s: ClusterState, share: int) -> int:
    """The scheduler requests a slot for a share, as none is available."""
    if not scheduler.needs_slot(s, share) or scheduler.has_available_slot(s) or is_busy(s):
        return DISABLED
    request = scheduler.new_allocation(s)
    if request == NONE:
        return DISABLED
    first = len(s.effects)
    scheduler.request_new_slot(s, share, request)
    job_master.apply_effects(s, first)
    return request


@cluster.action(share=shares, allocation=allocations, fair=ACTS)
def scheduler_takes_slot(s: ClusterState, share: int, allocation: int) -> int:
    """The scheduler takes an available slot for a share. Which one depends on preferences."""
    if (
        not scheduler.needs_slot(s, share)
        or s.pool.slot[allocation] != PhysicalSlot.AVAILABLE
        or is_busy(s)
    ):
        return DISABLED
    first = len(s.effects)
    scheduler.take_available_slot(s, share, allocation)
    job_master.apply_effects(s, first)
    return NONE


def may_ask(s: ClusterState) -> bool:
    """Whether a slot is available, or an allocation id to request one under."""
    return scheduler.has_available_slot(s) or scheduler.new_allocation(s) != NONE


@cluster.action(own=own_executions, fair=ACTS)
def task_starts(s: ClusterState, own: int) -> int:
    """A task at a TaskExecutor begins to run, and says so."""
    tm, execution = of_own_execution(s, own)
    if indexed_task(s.tables[tm], execution) == NONE or s.announced[own]:
        return DISABLED
    if (s.stopping[own] and s.overtaking == 1) or is_busy(s):
        return DISABLED
    task_executor.task_starts(s, tm, execution)
    return NONE


@cluster.action(when=has_quick_tasks, own=own_executions)
def task_is_quick(s: ClusterState, own: int) -> int:
    """A task will end as soon as it is told to fail, before its TaskExecutor does anything else.

    So a slot that is freed is reported as free while the task still has to leave it.
    """
    tm, execution = of_own_execution(s, own)
    record = indexed_task(s.tables[tm], execution)
    if record == NONE or s.tables[tm].quick[record]:
        return DISABLED
    s.tables[tm].quick[record] = 1
    return NONE


@cluster.action(when=has_deployment_reports, own=own_executions)
def job_master_hears_of_unknown_task(s: ClusterState, own: int) -> int:
    """A heartbeat names a task that the JobMaster does not take for deployed: it is cancelled.

    Perhaps the task has ended since, and its last report comes after the heartbeat.
    Flink: JobMaster.onUnknownDeploymentsOf, called by DefaultExecutionDeploymentReconciler.
    """
    tm, execution = of_own_execution(s, own)
    record = indexed_task(s.tables[tm], execution)
    last = task_executor.last_report(s, tm, execution) if record == NONE else NONE
    if record == NONE and last == NONE:
        return DISABLED
    if s.job_master[0] != Leader.LEADING or not s.known[tm]:
        return DISABLED
    if scheduler.is_news(s, execution) or is_busy(s):
        return DISABLED
    detail = execution * s.cancel_tries + s.cancel_tries - 1
    allocation = s.subject[last] if record == NONE else s.tables[tm].task_slot[record]
    tell_task_executor(s, tm, int(Message.CANCEL_TASK), allocation, detail)
    return NONE


@cluster.action(own=own_executions, fair=ACTS)
def task_ends(s: ClusterState, own: int) -> int:
    """A task at a TaskExecutor has done its work, or has stopped as ordered."""
    tm, execution = of_own_execution(s, own)
    if indexed_task(s.tables[tm], execution) == NONE or is_busy(s):
        return DISABLED
    if not s.announced[own] and not s.stopping[own]:
        return DISABLED
    task_executor.task_ends(s, tm, execution, failed=s.stopping[own])
    return NONE


@cluster.action(when=has_late_stops, own=own_executions)
def task_has_done_its_work(s: ClusterState, own: int) -> int:
    """A task that was told to stop had done its work before, and has finished all the same.

    Flink: Task.doRun, which enters FINISHED before the TaskExecutor learns of it.
    """
    tm, execution = of_own_execution(s, own)
    if indexed_task(s.tables[tm], execution) == NONE or is_busy(s):
        return DISABLED
    if not s.announced[own] or not s.stopping[own]:
        return DISABLED
    task_executor.task_ends(s, tm, execution, failed=0)
    return NONE


@cluster.action(when=has_late_slots, tm=task_managers, allocation=allocations, fair=ACTS)
def slot_leaves(s: ClusterState, tm: int, allocation: int) -> int:
    """A freed slot has lost its last task, and leaves.

    Flink: TaskExecutor.SlotActionsImpl.freeSlot, which queues a step.
    """
    if not task_executor.is_about_to_leave(s, tm, allocation):
        return DISABLED
    task_executor.free_slot_internal(s, tm, allocation)
    return NONE


@cluster.action(when=has_slow_closing, tm=task_managers, allocation=allocations)
def slot_leaves_unnoticed(s: ClusterState, tm: int, allocation: int) -> int:
    """A freed slot leaves before its memory is released: the ResourceManager is not notified.

    It learns of it from a heartbeat. Flink: TaskSlot.closeAsync, whose future is not done yet.
    """
    if not task_executor.is_about_to_leave(s, tm, allocation):
        return DISABLED
    table.free_slot(s.tables[tm], allocation)
    return NONE


@cluster.action(fair=ACTS)
def job_master_ends(s: ClusterState) -> int:
    """The job has finished: the JobMaster returns every slot and ends."""
    if not scheduler.is_finished(s) or s.job_master[0] != Leader.LEADING or is_busy(s):
        return DISABLED
    job_master.end_job(s, heard=1)
    return NONE
