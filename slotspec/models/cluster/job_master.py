"""The JobMaster: what it does with messages, and what it sends for its pool.

Flink: JobMaster. Each method of the same name is one rule here; the pool's own rules are
those of the slot pool model.
"""

from __future__ import annotations

from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Share
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    answer_task_executor,
    empty,
    forget_registrations,
    in_flight,
    receive,
    room_of,
    send,
    tell_task_executor,
    way,
)
from slotspec.models.cluster.state import (
    NOBODY_WAITS,
    OF_FORMER,
    POOL,
    ClusterState,
    Message,
    allocations,
    own_executions,
    shares,
    task_managers,
    tasks,
)
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Cause, Effect
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, fire

RUNS, HAS_ENDED = 0, 1
"""What a JobMaster that disconnects says of its job."""


def apply_effects(s: ClusterState, first: int) -> None:
    """Apply the pool's effects, from number `first` on, then restart what a failure drags along."""
    apply_each(s, first)
    if s.reader_failed:
        after = len(s.effects)
        if s.full_failover:
            scheduler.restart_all(s)
        else:
            scheduler.rerun_sources(s)
        apply_each(s, after)


def apply_each(s: ClusterState, first: int) -> None:
    """Apply effects of the pool: send a message, or notify the scheduler.

    What the scheduler does in return may emit more effects, which are applied too.
    """
    i = first
    while i < len(s.effects):
        kind, one, two, _, _ = s.effects[i]
        match kind - POOL:
            case Effect.REQUEST_SLOT:
                tell_resource_manager(s, one, Message.REQUEST_SLOT, two)
            case Effect.CANCEL_SLOT_REQUEST:
                tell_resource_manager(s, one, Message.CANCEL_SLOT_REQUEST, two)
            case Effect.FREE_SLOT:
                free_slot_at(s, one, two)
            case Effect.REQUEST_FULFILLED:
                scheduler.slot_request_fulfilled(s, s.pool.request_id[one], two)
            case Effect.REQUEST_FAILED:
                scheduler.slot_request_failed(s, s.pool.request_id[one])
            case Effect.PAYLOAD_RELEASED:
                scheduler.slot_lost(s, one)
        i += 1
    scheduler.deploy_if_complete(s)


def tell_resource_manager(s: ClusterState, gateway: int, message: int, allocation: int) -> None:
    """Send a message through a gateway to a ResourceManager, unless that no longer leads.

    The ResourceManager may have dropped the JobMaster, which does not know it yet; or the
    JobMaster has left it, and cancels what it requested before.
    """
    if gateway == present_gateway(s):
        send(s, TO_RESOURCE_MANAGER, message, allocation)


def present_gateway(s: ClusterState) -> int:
    """The gateway of the ResourceManager that leads, or will: each failover makes another."""
    return s.failed_over % 2


def free_slot_at(s: ClusterState, tm: int, allocation: int) -> None:
    """The pool returns a slot to its TaskExecutor."""
    tell_task_executor(s, tm, int(Message.FREE_SLOT), allocation)


# --------------------------------------------------------------------------- task managers


def register_task_manager(s: ClusterState, tm: int, ignored: int) -> None:
    """A TaskExecutor registers; if it is registered already, the answer is simply repeated.

    Flink: JobMaster.registerTaskManager.

    :param ignored: whether the TaskExecutor would ignore the answer.
    """
    if not s.known[tm]:
        s.known[tm] = 1
        s.dead_end[tm] = 0
        pool.register_task_manager(s.pool, tm)
    if not ignored:
        answer_task_executor(s, tm, int(Message.REGISTERED))


def disconnect_task_manager(s: ClusterState, tm: int) -> None:
    """Give a TaskExecutor up: release its slots, and notify it.

    Flink: JobMaster.disconnectTaskManager.
    """
    if not s.known[tm]:
        return
    s.known[tm] = 0
    first = len(s.effects)
    pool.release_task_manager(s.pool, tm)
    apply_effects(s, first)
    scheduler.lose_partitions(s, tm)
    tell_task_executor(s, tm, int(Message.DISCONNECT))
    s.dead_end[tm] = 0


def offer_slot(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """A TaskExecutor offers a slot. Messages that the offer causes are sent before the answer.

    Flink: JobMaster.offerSlots.
    """
    if s.known[tm]:
        first = len(s.effects)
        accepted = pool.offer_slot(s.pool, tm, detail // 2, allocation, 0) == 1
        apply_effects(s, first)
        answer = Message.OFFER_ACCEPTED if accepted else Message.OFFER_REJECTED
    else:
        answer = Message.OFFER_FAILED
    answer_task_executor(s, tm, int(answer), allocation, detail % 2)


def fail_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """A TaskExecutor reports that it no longer has a slot. Flink: JobMaster.failSlot."""
    if s.known[tm]:
        internal_fail_allocation(s, allocation)


def internal_fail_allocation(s: ClusterState, allocation: int) -> None:
    """An allocation has failed; a TaskExecutor that has no slot and no partition left is given up.

    Flink: JobMaster.internalFailAllocation.
    """
    first = len(s.effects)
    emptied = pool.fail_allocation(s.pool, allocation, int(Cause.OTHER))
    apply_effects(s, first)
    if emptied != NONE and not scheduler.has_partitions(s, emptied):
        disconnect_task_manager(s, emptied)


def update_task_execution_state(
    s: ClusterState, tm: int, message: int, allocation: int, execution: int
) -> None:
    """A TaskExecutor reports on a task, or answers a call about it.

    The answer to a report of a task that is not wanted any more is an exception. Only for a
    task that runs does this answer change anything. Flink: JobMaster.updateTaskExecutionState.
    """
    first = len(s.effects)
    match message:
        case Message.SUBMISSION_FAILED:
            scheduler.submission_failed(s, execution)
        case Message.CANCELLATION_FAILED:
            scheduler.cancellation_failed(s, tm, allocation, execution)
        case Message.TASK_RUNNING:
            if not scheduler.task_runs(s, execution):
                answer_task_executor(s, tm, int(Message.UPDATE_REFUSED), allocation, execution)
        case Message.TASK_FINISHED:
            scheduler.task_finished(s, execution)
        case _:
            scheduler.task_failed(s, execution)
    apply_effects(s, first)


# ------------------------------------------------------------------------ resource manager


def connect_to_resource_manager(s: ClusterState) -> None:
    """The JobMaster has found the ResourceManager; waiting requests are sent.

    Flink: JobMaster.reconnectToResourceManager, establishResourceManagerConnection.
    """
    pool.disconnect_resource_manager(s.pool)
    s.job_registered = 1
    first = len(s.effects)
    pool.connect_to_resource_manager(s.pool, present_gateway(s))
    apply_effects(s, first)


def register(s: ClusterState) -> None:
    """Register at the leading ResourceManager, or try again.

    Flink: JobMaster.ResourceManagerConnection.
    """
    forget_registrations(s, TO_RESOURCE_MANAGER, TO_JOB_MASTER)
    forget_look_up(s)
    s.registering = 1
    send(s, TO_RESOURCE_MANAGER, int(Message.REGISTER))


def forget_look_up(s: ClusterState) -> None:
    """Nobody waits for the answer to a registration that the ResourceManager looks into."""
    if s.job_connecting:
        s.job_connecting = NOBODY_WAITS


def registered(s: ClusterState) -> None:
    """The ResourceManager has confirmed the registration: the pool may use it.

    Flink: JobMaster.establishResourceManagerConnection.
    """
    if not s.registering:
        return
    s.registering = 0
    first = len(s.effects)
    pool.connect_to_resource_manager(s.pool, known_gateway(s))
    apply_effects(s, first)


def known_gateway(s: ClusterState) -> int:
    """The gateway of the ResourceManager at which the JobMaster registers or is registered."""
    return (present_gateway(s) + s.rm_deposed) % 2


def is_connected(s: ClusterState) -> bool:
    """Whether the JobMaster is registered at the ResourceManager that leads, as it believes."""
    return s.pool.gateway != NONE and not s.rm_deposed


def close_connection(s: ClusterState) -> None:
    """Give the ResourceManager up, and tell it. Flink: dissolveResourceManagerConnection."""
    leave_resource_manager(s, is_connected(s), RUNS)
    pool.disconnect_resource_manager(s.pool)


def leave_resource_manager(s: ClusterState, connected: bool, ended: int) -> None:
    """Tell the ResourceManager that the connection is closed; register there no longer.

    :param connected: whether there was a connection.
    """
    if not s.registrations:
        s.job_registered = 0
        return
    if connected:
        send(s, TO_RESOURCE_MANAGER, int(Message.DISCONNECT), NONE, ended)
    if s.registering:
        forget_registrations(s, TO_RESOURCE_MANAGER, TO_JOB_MASTER)
        forget_look_up(s)
    s.registering = 0
    s.rm_deposed = 0


def request_acknowledged(s: ClusterState, allocation: int) -> None:
    """The ResourceManager has registered a request."""
    first = len(s.effects)
    pool.resource_manager_acknowledges(s.pool, allocation)
    apply_effects(s, first)


def request_failed(s: ClusterState, allocation: int, cause: int) -> None:
    """The ResourceManager has refused a request, or the call for it has timed out."""
    first = len(s.effects)
    pool.resource_manager_fails(s.pool, allocation, cause)
    apply_effects(s, first)


# ------------------------------------------------------------------------------ leadership


def grant_leadership(s: ClusterState) -> None:
    """The JobMaster leads, for the first time or again. Flink: JobMaster.start."""
    fire(s.job_master, 0, Leader.gain)
    pool.start(s.pool)


def revoke_leadership(s: ClusterState) -> None:
    """The JobMaster no longer leads: it cancels its tasks, disconnects every TaskExecutor, and
    clears its pool.

    Flink: JobMaster.suspendExecution (disconnects since FLINK-19237). Since 1.13 the JobMaster
    ends together with its pool, and a new one leads later: JobMaster.onStop.
    """
    s.revoked = 0
    refuse_all_messages(s)
    cancel_tasks(s)
    forget_execution(s)
    disconnect_all(s)
    connected = is_connected(s)
    first = len(s.effects)
    if s.can_suspend:
        pool.suspend(s.pool)
    else:
        pool.close(s.pool)
    apply_effects(s, first)
    if not s.can_suspend:
        restart(s.pool)
    leave_resource_manager(s, connected, RUNS)
    end_session(s)


def refuse_all_messages(s: ClusterState) -> None:
    """The next leader receives nothing that was sent to a former one."""
    for tm in s.elements(task_managers):
        refuse_messages(s, tm)
    empty(s, TO_JOB_MASTER)


def refuse_messages(s: ClusterState, tm: int) -> None:
    """Messages to a former leader are refused, and an exception is the answer to each call."""
    channel = way(tm, Way.TO_JOB_MASTER)
    while in_flight(s, channel) > 0:
        message, allocation, detail = receive(s, channel, 0)
        if message == Message.OFFER_SLOT:
            answer_task_executor(s, tm, int(Message.OFFER_FAILED), allocation, detail % 2)
        elif message == Message.TASK_RUNNING:
            answer_task_executor(s, tm, int(Message.UPDATE_REFUSED), allocation, detail)


def cancel_tasks(s: ClusterState) -> None:
    """Tell the TaskExecutors to cancel what is deployed, or has a slot and waits for others.

    Flink: SchedulerBase.suspend, Execution.suspend.
    """
    for task in s.elements(tasks):
        if s.task[task] in (Execution.DEPLOYING, Execution.RUNNING):
            scheduler.call_to_cancel(s, task)
        elif scheduler.is_scheduled(s, task, scheduler.region_of_task(s, task)):
            scheduler.cancel_before_deployment(s, task)


def forget_execution(s: ClusterState) -> None:
    """The scheduler ends, and no longer learns what becomes of its tasks.

    The next one knows of no cancellation: nobody has stored it.
    """
    for task in s.elements(tasks):
        if s.task[task] == Execution.FINISHED:
            fire(s.task, task, Execution.reset)
        elif s.task[task] != Execution.CREATED:
            scheduler.end_task(s, task)
    for own in s.elements(own_executions):
        s.lost_cancellations[own] = 0
    for share in s.elements(shares):
        if s.share[share] != Share.IDLE:
            fire(s.share, share, Share.give_up)
            s.share_allocation[share] = NONE
            s.share_tm[share] = NONE
        s.lost_partitions[share] = 0
        s.written_at[share] = 0
    for region in range(scheduler.regions_of(s)):
        s.alone[region] = 0
        if s.job[region] != Job.CREATED:
            fire(s.job, region, Job.suspend)
    s.ending = 0


def end_session(s: ClusterState) -> None:
    """The JobMaster leads no more: it refuses what the ResourceManager says, who declines it.

    The next one has another fencing token.
    """
    fire(s.job_master, 0, Leader.lose)
    if s.registrations:
        s.jm_deposed = 1
        for post in range(TO_RESOURCE_MANAGER * room_of(s), (TO_RESOURCE_MANAGER + 1) * room_of(s)):
            if s.message[post] == Message.REGISTER:
                s.detail[post] = OF_FORMER


def disconnect_all(s: ClusterState) -> None:
    """Disconnect every registered TaskExecutor."""
    for tm in s.elements(task_managers):
        disconnect_task_manager(s, tm)


def end_job(s: ClusterState, heard: int) -> None:
    """The job has finished: the pool returns every slot, and the JobMaster ends.

    Flink: JobMaster.onStop.

    :param heard: whether anybody has heard the result; else the next JobMaster runs the job anew.
    """
    connected = is_connected(s)
    first = len(s.effects)
    pool.close(s.pool)
    apply_effects(s, first)
    for tm in s.elements(task_managers):
        if s.known[tm]:
            s.known[tm] = 0
            tell_task_executor(s, tm, int(Message.DISCONNECT))
            s.dead_end[tm] = 0
    pool.disconnect_resource_manager(s.pool)
    s.revoked = 0
    leave_resource_manager(s, connected, HAS_ENDED)
    if heard:
        fire(s.job_master, 0, Leader.retire)
    else:
        refuse_all_messages(s)
        forget_execution(s)
        restart(s.pool)
        end_session(s)


# ------------------------------------------------------------------------------ heartbeats


def write_allocation_report(s: ClusterState, tm: int) -> None:
    """Write down which slots of a TaskExecutor the pool holds.

    Flink: SlotPool.createAllocatedSlotReport.
    """
    width = len(s.elements(allocations))
    for allocation in range(width):
        s.allocation_report[tm * width + allocation] = int(is_held_at(s, allocation, tm))


def is_held_at(s: ClusterState, allocation: int, tm: int) -> bool:
    """Whether the pool holds a slot of this TaskExecutor under this allocation."""
    return is_held(s.pool, allocation) and s.pool.slot_tm[allocation] == tm
