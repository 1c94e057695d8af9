"""The scheduler of the job: shares of its tasks ask for slots, are deployed, start anew.

With slot sharing a job needs as many slots as its highest parallelism: one for each share,
which is one subtask of each vertex. Flink: SlotSharingExecutionSlotAllocator,
PhysicalSlotProviderImpl and DefaultScheduler, simplified: the whole job is one region.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Execution, Job, Share
from slotspec.models.cluster.messages import Way, is_mentioned, send, way
from slotspec.models.cluster.state import TRIES, ClusterState, Message
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
    if not is_unused(s.pool, allocation) or is_mentioned(s, allocation):
        return False
    for share in range(len(s.share)):
        if s.share_allocation[share] == allocation:
            return False
    if s.manager.fulfilled[allocation] != NONE:
        return False
    for request in range(len(s.manager.request)):
        if (
            s.manager.request[request] != ManagerRequest.UNUSED
            and s.manager.request_allocation[request] == allocation
        ):
            return False
    for call in range(len(s.manager.call)):
        if (
            s.manager.call[call] != SlotCall.UNUSED
            and s.manager.call_allocation[call] == allocation
        ):
            return False
    for slot in range(len(s.manager.slot)):
        if s.manager.slot_allocation[slot] == allocation:
            return False
    for tm in range(len(s.process)):
        if s.tables[tm].slot[allocation] != TaskSlot.FREE:
            return False
    return True


def new_allocation(s: ClusterState) -> int:
    """An allocation id that nobody knows, or NONE."""
    for allocation in range(len(s.pool.slot)):
        if is_new(s, allocation):
            return allocation
    return NONE


def available_slot(s: ClusterState) -> int:
    """An available slot of the pool, or NONE. Profiles are all the same."""
    for allocation in range(len(s.pool.slot)):
        if s.pool.slot[allocation] == PhysicalSlot.AVAILABLE:
            return allocation
    return NONE


# ---------------------------------------------------------------------------------- tasks


def vertices_of(s: ClusterState) -> int:
    """Number of vertices."""
    return len(s.task) // len(s.share)


def exists(s: ClusterState, task: int) -> bool:
    """Whether the job has this subtask: the first of several vertices has parallelism 1."""
    return vertices_of(s) == 1 or task >= len(s.share) or task == 0


def execution_of(s: ClusterState, task: int) -> int:
    """The present attempt of a task. Flink: ExecutionAttemptID."""
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
    for tm in range(len(s.process)):
        for record in range(len(s.tables[tm].task)):
            if s.tables[tm].execution[record] == execution:
                return True
    for post in range(len(s.message)):
        if is_about_a_task(s.message[post]) and s.detail[post] == execution:
            return True
    return False


def new_attempt(s: ClusterState, task: int) -> int:
    """Which attempt of a task nobody knows yet, or NONE."""
    for attempt in range(TRIES):
        if not is_attempt_known(s, task * TRIES + attempt):
            return attempt
    return NONE


def may_deploy(s: ClusterState) -> bool:
    """Whether every task can have a new attempt: at most one old one is still about."""
    for task in range(len(s.task)):
        if new_attempt(s, task) == NONE:
            return False
    return True


def share_of(s: ClusterState, task: int) -> int:
    """The share that a task belongs to."""
    return task % len(s.share)


def share_with(s: ClusterState, allocation: int) -> int:
    """The share whose slot has this allocation, or NONE."""
    for share in range(len(s.share)):
        if s.share_allocation[share] == allocation:
            return share
    return NONE


# ----------------------------------------------------------------------------- scheduling


def allocate_physical_slot(s: ClusterState, share: int, request: int) -> None:
    """Take an available slot for a share, or ask for a new one under the id of `request`.

    Flink: PhysicalSlotProviderImpl.allocatePhysicalSlot.
    """
    available = available_slot(s)
    if available != NONE:
        pool.allocate_available_slot(s.pool, share, available)
        fire(s.share, share, Share.assign)
        s.share_allocation[share] = available
        pool.assign_payload(s.pool, available)
        return
    fire(s.share, share, Share.ask)
    pool.request_new_allocated_slot(s.pool, request, share, 0)


def slot_request_fulfilled(s: ClusterState, share: int, allocation: int) -> None:
    """The slot of a share has come."""
    fire(s.share, share, Share.assign)
    s.share_allocation[share] = allocation
    pool.assign_payload(s.pool, allocation)


def deploy_if_complete(s: ClusterState) -> None:
    """Submit every task once every share has its slot. Flink: DefaultScheduler.deployAll."""
    if s.job[0] != Job.SCHEDULING:
        return
    for share in range(len(s.share)):
        if s.share[share] != Share.ASSIGNED:
            return
    fire(s.job, 0, Job.deploy)
    for task in range(len(s.task)):
        if exists(s, task):
            allocation = s.share_allocation[share_of(s, task)]
            fire(s.task, task, Execution.deploy)
            channel = way(s.pool.slot_tm[allocation], int(Way.FROM_JOB_MASTER))
            s.attempt[task] = new_attempt(s, task)
            send(s, channel, int(Message.SUBMIT_TASK), allocation, execution_of(s, task))


def fail_job(s: ClusterState) -> None:
    """Something failed: cancel what is deployed. Flink: the restart of the whole region."""
    if s.job[0] != Job.SCHEDULING and s.job[0] != Job.RUNNING:
        return
    fire(s.job, 0, Job.fail)
    for task in range(len(s.task)):
        if s.task[task] == Execution.DEPLOYING or s.task[task] == Execution.RUNNING:
            fire(s.task, task, Execution.cancel)
            cancel_task(s, task)


def cancel_task(s: ClusterState, task: int) -> None:
    """Tell the TaskExecutor to cancel a task, unless the pool is just giving it up."""
    allocation = s.share_allocation[share_of(s, task)]
    tm = s.pool.slot_tm[allocation]
    if tm != NONE:
        channel = way(tm, int(Way.FROM_JOB_MASTER))
        send(s, channel, int(Message.CANCEL_TASK), allocation, execution_of(s, task))


def slot_request_failed(s: ClusterState, share: int) -> None:
    """The request of a share has failed."""
    if s.share[share] == Share.WAITING:
        fire(s.share, share, Share.give_up)
    fail_job(s)


def slot_lost(s: ClusterState, allocation: int) -> None:
    """The pool has released the payload of a slot: its tasks are over, and so is the share.

    Flink: SharedSlot.release, Execution.fail.
    """
    share = share_with(s, allocation)
    if share == NONE:
        return
    for task in range(len(s.task)):
        if share_of(s, task) == share and is_deployed(s, task):
            fire(s.task, task, Execution.end)
    fire(s.share, share, Share.give_up)
    s.share_allocation[share] = NONE
    fail_job(s)


def is_deployed(s: ClusterState, task: int) -> bool:
    """Whether a task is out at a TaskExecutor, in the scheduler's view."""
    return (
        s.task[task] == Execution.DEPLOYING
        or s.task[task] == Execution.RUNNING
        or s.task[task] == Execution.CANCELING
    )


def is_news(s: ClusterState, execution: int) -> bool:
    """Whether a message about an attempt is about the present one of its task."""
    task = execution // TRIES
    return is_deployed(s, task) and execution_of(s, task) == execution


def task_failed(s: ClusterState, execution: int) -> None:
    """An attempt is over, cancelled or not."""
    if is_news(s, execution):
        task = execution // TRIES
        fire(s.task, task, Execution.end)
        fail_job(s)


def task_submitted(s: ClusterState, execution: int) -> None:
    """The TaskExecutor has the task."""
    task = execution // TRIES
    if is_news(s, execution) and s.task[task] == Execution.DEPLOYING:
        fire(s.task, task, Execution.run)


def task_finished(s: ClusterState, execution: int) -> None:
    """A task has done its work; the last of a share gives the slot back."""
    if not is_news(s, execution):
        return
    task = execution // TRIES
    if s.task[task] == Execution.CANCELING:
        fire(s.task, task, Execution.end)
        return
    fire(s.task, task, Execution.finish)
    share = share_of(s, task)
    if not is_done(s, share):
        return
    s.share_allocation[share] = NONE
    fire(s.share, share, Share.give_up)
    pool.release_slot(s.pool, share, int(Cause.OTHER))
    for other in range(len(s.share)):
        if not is_done(s, other):
            return
    fire(s.job, 0, Job.finish)


def is_done(s: ClusterState, share: int) -> bool:
    """Whether every task of a share has finished."""
    for task in range(len(s.task)):
        if share_of(s, task) == share and exists(s, task) and s.task[task] != Execution.FINISHED:
            return False
    return True


def give_up_slots(s: ClusterState) -> None:
    """Withdraw every request, and then return every slot.

    In the other order a slot that is returned would serve a request that is about to be
    withdrawn (FLINK-22945).
    """
    give_up(s, int(Share.WAITING))
    give_up(s, int(Share.ASSIGNED))


def give_up(s: ClusterState, state: int) -> None:
    """Give up what the shares in this state wait for, or have."""
    for share in range(len(s.share)):
        if s.share[share] == state:
            fire(s.share, share, Share.give_up)
            s.share_allocation[share] = NONE
            pool.release_slot(s.pool, share, int(Cause.OTHER))


def reset_tasks(s: ClusterState) -> None:
    """Every task is to be deployed again."""
    for task in range(len(s.task)):
        if s.task[task] == Execution.FINISHED:
            fire(s.task, task, Execution.reset)
