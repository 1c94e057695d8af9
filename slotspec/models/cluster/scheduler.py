"""The scheduler of the job: shares of its tasks request slots, are deployed, and restart.

With slot sharing a job needs as many slots as its highest parallelism: one for each share,
which is one subtask of each vertex. Flink: SlotSharingExecutionSlotAllocator,
PhysicalSlotProviderImpl and DefaultScheduler, simplified: the whole job is one region.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Execution, Job, Share
from slotspec.models.cluster.messages import Way, is_mentioned, send, way
from slotspec.models.cluster.state import (
    TRIES,
    ClusterState,
    Message,
    allocations,
    posts,
    shares,
    tasks,
)
from slotspec.models.slot_manager.lifecycles import ManagerRequest, SlotCall
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.recycling import is_unused
from slotspec.models.slot_pool.state import Cause
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.statemachine.declaration.rules import NONE, fire

# -------------------------------------------------------------------------- allocation ids


def is_new(s: ClusterState, allocation: int) -> bool:
    """Whether nobody in the cluster knows this allocation id, so that it may be generated."""
    manager = s.manager
    return (
        is_unused(s.pool, allocation)
        and not is_mentioned(s, allocation)
        and allocation not in s.share_allocation
        and manager.fulfilled[allocation] == NONE
        and not any(
            request != ManagerRequest.UNUSED and requested == allocation
            for request, requested in zip(manager.request, manager.request_allocation, strict=True)
        )
        and not any(
            call != SlotCall.UNUSED and called == allocation
            for call, called in zip(manager.call, manager.call_allocation, strict=True)
        )
        and allocation not in manager.slot_allocation
        and all(table.slot[allocation] == TaskSlot.FREE for table in s.tables)
    )


def new_allocation(s: ClusterState) -> int:
    """An allocation id that nobody knows, or NONE."""
    return next((a for a in s.elements(allocations) if is_new(s, a)), NONE)


def available_slot(s: ClusterState) -> int:
    """An available slot of the pool, or NONE. All slots have the same profile."""
    return next(
        (a for a in s.elements(allocations) if s.pool.slot[a] == PhysicalSlot.AVAILABLE), NONE
    )


# ---------------------------------------------------------------------------------- tasks


def exists(s: ClusterState, task: int) -> bool:
    """Whether the job has this subtask: the first of several vertices has parallelism 1."""
    return len(s.task) == len(s.share) or task >= len(s.share) or task == 0


def execution_of(s: ClusterState, task: int) -> int:
    """The current attempt of a task. Flink: ExecutionAttemptID."""
    return task * TRIES + s.attempt[task]


def is_about_a_task(message: int) -> bool:
    """Whether a message is about an attempt of a task."""
    return message in (
        Message.SUBMIT_TASK,
        Message.TASK_SUBMITTED,
        Message.CANCEL_TASK,
        Message.TASK_FINISHED,
        Message.TASK_FAILED,
    )


def is_attempt_known(s: ClusterState, execution: int) -> bool:
    """Whether a TaskExecutor or a message in flight knows this attempt."""
    return any(execution in table.execution for table in s.tables) or any(
        is_about_a_task(s.message[post]) and s.detail[post] == execution
        for post in s.elements(posts)
    )


def new_attempt(s: ClusterState, task: int) -> int:
    """Which attempt of a task nobody knows yet, or NONE."""
    return next((i for i in range(TRIES) if not is_attempt_known(s, task * TRIES + i)), NONE)


def may_deploy(s: ClusterState) -> bool:
    """Whether every task can have a new attempt: at most one old attempt is still known."""
    return all(new_attempt(s, task) != NONE for task in s.elements(tasks))


def share_of(s: ClusterState, task: int) -> int:
    """The share that a task belongs to."""
    return task % len(s.share)


def share_with(s: ClusterState, allocation: int) -> int:
    """The share whose slot has this allocation, or NONE."""
    return next((i for i in s.elements(shares) if s.share_allocation[i] == allocation), NONE)


# ----------------------------------------------------------------------------- scheduling


def allocate_physical_slot(s: ClusterState, share: int, request: int) -> None:
    """Take an available slot for a share, or request a new one under the id `request`.

    Flink: PhysicalSlotProviderImpl.allocatePhysicalSlot.
    """
    available = available_slot(s)
    if available == NONE:
        fire(s.share, share, Share.ask)
        pool.request_new_allocated_slot(s.pool, request, share, 0)
    else:
        pool.allocate_available_slot(s.pool, share, available)
        assign(s, share, available)


def slot_request_fulfilled(s: ClusterState, share: int, allocation: int) -> None:
    """The slot of a share has arrived."""
    assign(s, share, allocation)


def assign(s: ClusterState, share: int, allocation: int) -> None:
    """A share gets a slot of the pool."""
    fire(s.share, share, Share.assign)
    s.share_allocation[share] = allocation
    pool.assign_payload(s.pool, allocation)


def deploy_if_complete(s: ClusterState) -> None:
    """Submit every task once every share has its slot. Flink: DefaultScheduler.deployAll."""
    if s.job[0] != Job.SCHEDULING or not all(share == Share.ASSIGNED for share in s.share):
        return
    fire(s.job, 0, Job.deploy)
    for task in s.elements(tasks):
        if exists(s, task):
            fire(s.task, task, Execution.deploy)
            allocation = s.share_allocation[share_of(s, task)]
            channel = way(s.pool.slot_tm[allocation], Way.FROM_JOB_MASTER)
            s.attempt[task] = new_attempt(s, task)
            send(s, channel, Message.SUBMIT_TASK, allocation, execution_of(s, task))


def fail_job(s: ClusterState) -> None:
    """Something failed: cancel what is deployed. Flink: the restart of the whole region."""
    if s.job[0] not in (Job.SCHEDULING, Job.RUNNING):
        return
    fire(s.job, 0, Job.fail)
    for task in s.elements(tasks):
        if s.task[task] in (Execution.DEPLOYING, Execution.RUNNING):
            fire(s.task, task, Execution.cancel)
            cancel_task(s, task)


def cancel_task(s: ClusterState, task: int) -> None:
    """Tell the TaskExecutor to cancel a task, unless the pool is just giving it up."""
    allocation = s.share_allocation[share_of(s, task)]
    tm = s.pool.slot_tm[allocation]
    if tm != NONE:
        channel = way(tm, Way.FROM_JOB_MASTER)
        send(s, channel, Message.CANCEL_TASK, allocation, execution_of(s, task))


def slot_request_failed(s: ClusterState, share: int) -> None:
    """The request of a share has failed."""
    if s.share[share] == Share.WAITING:
        fire(s.share, share, Share.give_up)
    fail_job(s)


def slot_lost(s: ClusterState, allocation: int) -> None:
    """The pool has released the payload of a slot: its tasks end, and the share loses the slot.

    Flink: SharedSlot.release, Execution.fail.
    """
    share = share_with(s, allocation)
    if share == NONE:
        return
    for task in s.elements(tasks):
        if share_of(s, task) == share and is_deployed(s, task):
            fire(s.task, task, Execution.end)
    fire(s.share, share, Share.give_up)
    s.share_allocation[share] = NONE
    fail_job(s)


def is_deployed(s: ClusterState, task: int) -> bool:
    """Whether the scheduler believes that a task is at a TaskExecutor."""
    return s.task[task] in (Execution.DEPLOYING, Execution.RUNNING, Execution.CANCELING)


def is_news(s: ClusterState, execution: int) -> bool:
    """Whether a message about an attempt is about the current one of its task."""
    task = execution // TRIES
    return is_deployed(s, task) and execution_of(s, task) == execution


def task_failed(s: ClusterState, execution: int) -> None:
    """An attempt has ended, cancelled or not."""
    if is_news(s, execution):
        fire(s.task, execution // TRIES, Execution.end)
        fail_job(s)


def task_submitted(s: ClusterState, execution: int) -> None:
    """The TaskExecutor has the task."""
    task = execution // TRIES
    if is_news(s, execution) and s.task[task] == Execution.DEPLOYING:
        fire(s.task, task, Execution.run)


def task_finished(s: ClusterState, execution: int) -> None:
    """A task has done its work; the last one of a share returns the slot."""
    if not is_news(s, execution):
        return
    task = execution // TRIES
    if s.task[task] == Execution.CANCELING:
        fire(s.task, task, Execution.end)
        return
    fire(s.task, task, Execution.finish)
    share = share_of(s, task)
    if is_done(s, share):
        return_slot(s, share)
        if all(is_done(s, other) for other in s.elements(shares)):
            fire(s.job, 0, Job.finish)


def is_done(s: ClusterState, share: int) -> bool:
    """Whether every task of a share has finished."""
    return all(
        s.task[task] == Execution.FINISHED
        for task in s.elements(tasks)
        if share_of(s, task) == share and exists(s, task)
    )


def return_slot(s: ClusterState, share: int) -> None:
    """A share withdraws its request, or returns its slot."""
    fire(s.share, share, Share.give_up)
    s.share_allocation[share] = NONE
    pool.release_slot(s.pool, share, int(Cause.OTHER))


def give_up_slots(s: ClusterState) -> None:
    """Withdraw every request, and then return every slot.

    In the other order a returned slot would serve a request that is about to be withdrawn
    (FLINK-22945).
    """
    give_up(s, int(Share.WAITING))
    give_up(s, int(Share.ASSIGNED))


def give_up(s: ClusterState, state: int) -> None:
    """Give up what the shares in this state wait for, or have."""
    for share in s.elements(shares):
        if s.share[share] == state:
            return_slot(s, share)


def reset_tasks(s: ClusterState) -> None:
    """Prepare every finished task to be deployed again."""
    for task in s.elements(tasks):
        if s.task[task] == Execution.FINISHED:
            fire(s.task, task, Execution.reset)
