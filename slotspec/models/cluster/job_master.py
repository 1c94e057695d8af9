"""The JobMaster: what it does with messages, and what it sends for its pool.

Flink: JobMaster. Each method of the same name is one rule here; the pool's own rules are
those of the slot pool model.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Share
from slotspec.models.cluster.messages import TO_RESOURCE_MANAGER, Way, send, way
from slotspec.models.cluster.scheduler import (
    deploy_if_complete,
    slot_lost,
    slot_request_failed,
    slot_request_fulfilled,
)
from slotspec.models.cluster.state import POOL, ClusterState, Message
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Cause, Effect
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, fire


def tell_world(s: ClusterState, first: int) -> None:
    """Do what the pool's effects say, from effect number `first` on: send, or tell the job.

    What the job does in return may emit more; those follow.
    """
    i = first
    while i < len(s.effects):
        kind = s.effects[i][0]
        one = s.effects[i][1]
        two = s.effects[i][2]
        if kind == POOL + Effect.REQUEST_SLOT:
            tell_resource_manager(s, int(Message.REQUEST_SLOT), two)
        elif kind == POOL + Effect.CANCEL_SLOT_REQUEST:
            tell_resource_manager(s, int(Message.CANCEL_SLOT_REQUEST), two)
        elif kind == POOL + Effect.FREE_SLOT:
            free_slot_at(s, one, two)
        elif kind == POOL + Effect.REQUEST_FULFILLED:
            slot_request_fulfilled(s, s.pool.request_id[one], two)
        elif kind == POOL + Effect.REQUEST_FAILED:
            slot_request_failed(s, s.pool.request_id[one])
        elif kind == POOL + Effect.PAYLOAD_RELEASED:
            slot_lost(s, one)
        i += 1
    deploy_if_complete(s)


def tell_resource_manager(s: ClusterState, message: int, allocation: int) -> None:
    """Send something to the ResourceManager. One that leads no more does not hear it."""
    if s.job_registered:
        send(s, TO_RESOURCE_MANAGER, message, allocation, 0)


def free_slot_at(s: ClusterState, tm: int, allocation: int) -> None:
    """The pool gives a slot back to its TaskExecutor."""
    send(s, way(tm, int(Way.FROM_JOB_MASTER)), int(Message.FREE_SLOT), allocation, 0)


# --------------------------------------------------------------------------- task managers


def register_task_manager(s: ClusterState, tm: int, ignored: int) -> None:
    """A TaskExecutor registers; one that is registered is simply told so again.

    Flink: JobMaster.registerTaskManager.

    :param ignored: whether it would ignore the answer.
    """
    if not s.known[tm]:
        s.known[tm] = 1
        pool.register_task_manager(s.pool, tm)
    if not ignored:
        send(s, way(tm, int(Way.FROM_JOB_MASTER)), int(Message.REGISTERED), NONE, 0)


def disconnect_task_manager(s: ClusterState, tm: int) -> None:
    """Give a TaskExecutor up: its slots are released, and it is told.

    Flink: JobMaster.disconnectTaskManager.
    """
    if not s.known[tm]:
        return
    s.known[tm] = 0
    first = len(s.effects)
    pool.release_task_manager(s.pool, tm)
    tell_world(s, first)
    send(s, way(tm, int(Way.FROM_JOB_MASTER)), int(Message.DISCONNECT), NONE, 0)


def offer_slot(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """A TaskExecutor offers a slot. What that sets going is sent before the answer.

    Flink: JobMaster.offerSlots.
    """
    channel = way(tm, int(Way.FROM_JOB_MASTER))
    if not s.known[tm]:
        send(s, channel, int(Message.OFFER_FAILED), allocation, detail % 2)
        return
    first = len(s.effects)
    accepted = pool.offer_slot(s.pool, tm, detail // 2, allocation, 0)
    tell_world(s, first)
    if accepted == 1:
        send(s, channel, int(Message.OFFER_ACCEPTED), allocation, detail % 2)
    else:
        send(s, channel, int(Message.OFFER_REJECTED), allocation, detail % 2)


def fail_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """A TaskExecutor says that it no longer has a slot. Flink: JobMaster.failSlot."""
    if s.known[tm]:
        internal_fail_allocation(s, allocation)


def internal_fail_allocation(s: ClusterState, allocation: int) -> None:
    """An allocation has failed; a TaskExecutor without slots left is given up.

    Flink: JobMaster.internalFailAllocation.
    """
    first = len(s.effects)
    emptied = pool.fail_allocation(s.pool, allocation, int(Cause.OTHER))
    tell_world(s, first)
    if emptied != NONE:
        disconnect_task_manager(s, emptied)


# ------------------------------------------------------------------------ resource manager


def connect_to_resource_manager(s: ClusterState) -> None:
    """The ResourceManager is found, and waiting requests are sent.

    Flink: JobMaster.reconnectToResourceManager, establishResourceManagerConnection.
    """
    pool.disconnect_resource_manager(s.pool)
    s.job_registered = 1
    first = len(s.effects)
    pool.connect_to_resource_manager(s.pool, 0)
    tell_world(s, first)


def request_answered(s: ClusterState, allocation: int, refused: int, cause: int) -> None:
    """The ResourceManager has answered the call for a request, or it has timed out."""
    first = len(s.effects)
    if refused:
        pool.resource_manager_fails(s.pool, allocation, cause)
    else:
        pool.resource_manager_acknowledges(s.pool, allocation)
    tell_world(s, first)


# ------------------------------------------------------------------------------ leadership


def grant_leadership(s: ClusterState) -> None:
    """The JobMaster leads, for the first time or again. Flink: JobMaster.start."""
    fire(s.job_master, 0, Leader.gain)
    pool.start(s.pool)


def revoke_leadership(s: ClusterState) -> None:
    """The JobMaster leads no longer: every TaskExecutor is disconnected, the pool forgets.

    Flink: JobMaster.suspendExecution (the disconnect since FLINK-19237); since 1.13 it ends with
    its pool, and another one is made to lead again: JobMaster.onStop.
    """
    forget_execution(s)
    disconnect_all(s)
    first = len(s.effects)
    if s.can_suspend:
        pool.suspend(s.pool)
    else:
        pool.close(s.pool)
    tell_world(s, first)
    if not s.can_suspend:
        restart(s.pool)
    s.job_registered = 0
    fire(s.job_master, 0, Leader.lose)


def forget_execution(s: ClusterState) -> None:
    """The scheduler is gone: nobody hears of its tasks any more."""
    for task in range(len(s.task)):
        if s.task[task] == Execution.FINISHED:
            fire(s.task, task, Execution.reset)
        elif s.task[task] != Execution.CREATED:
            fire(s.task, task, Execution.end)
    for share in range(len(s.share)):
        if s.share[share] != Share.IDLE:
            fire(s.share, share, Share.give_up)
            s.share_allocation[share] = NONE
    if s.job[0] != Job.CREATED:
        fire(s.job, 0, Job.suspend)


def disconnect_all(s: ClusterState) -> None:
    """Every registered TaskExecutor is disconnected."""
    for tm in range(len(s.known)):
        disconnect_task_manager(s, tm)


def end_job(s: ClusterState) -> None:
    """The job has finished: the pool gives everything back, and the JobMaster ends.

    Flink: JobMaster.onStop.
    """
    first = len(s.effects)
    pool.close(s.pool)
    tell_world(s, first)
    for tm in range(len(s.known)):
        if s.known[tm]:
            s.known[tm] = 0
            send(s, way(tm, int(Way.FROM_JOB_MASTER)), int(Message.DISCONNECT), NONE, 0)
    pool.disconnect_resource_manager(s.pool)
    s.job_registered = 0
    fire(s.job_master, 0, Leader.retire)


# ------------------------------------------------------------------------------ heartbeats


def write_allocation_report(s: ClusterState, tm: int) -> None:
    """What the pool holds of a TaskExecutor. Flink: SlotPool.createAllocatedSlotReport."""
    width = len(s.pool.slot)
    for allocation in range(width):
        s.allocation_report[tm * width + allocation] = int(is_held_at(s, allocation, tm))


def is_held_at(s: ClusterState, allocation: int, tm: int) -> bool:
    """Whether the pool holds a slot of this TaskExecutor under this allocation."""
    return is_held(s.pool, allocation) and s.pool.slot_tm[allocation] == tm
