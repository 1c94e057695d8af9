"""The scheduler of the job: shares of its tasks request slots, are deployed, and restart.

With slot sharing a job needs as many slots as its highest parallelism: one for each share,
which is one subtask of each vertex. Flink: SlotSharingExecutionSlotAllocator,
PhysicalSlotProviderImpl and DefaultScheduler. The job is one region, or each share is one.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Execution, Job, Share
from slotspec.models.cluster.messages import is_mentioned, tell_task_executor
from slotspec.models.cluster.own_elements import own_execution
from slotspec.models.cluster.state import (
    ClusterState,
    Message,
    allocations,
    posts,
    shares,
    task_managers,
    tasks,
    tries,
)
from slotspec.models.cluster.versions import Deployment
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


def has_available_slot(s: ClusterState) -> bool:
    """Whether the pool has a slot to give away. All slots have the same profile."""
    return any(s.pool.slot[a] == PhysicalSlot.AVAILABLE for a in s.elements(allocations))


# ---------------------------------------------------------------------------------- tasks


def exists(s: ClusterState, task: int) -> bool:
    """Whether the job has this subtask: the first of several vertices may have fewer."""
    return len(s.task) == len(s.share) or task >= len(s.share) or task < s.sources


def execution_of(s: ClusterState, task: int) -> int:
    """The current attempt of a task. Flink: ExecutionAttemptID."""
    return task * len(s.elements(tries)) + s.attempt[task]


def is_about_a_task(message: int) -> bool:
    """Whether a message is about an attempt of a task."""
    return message in (
        Message.SUBMIT_TASK,
        Message.SUBMISSION_FAILED,
        Message.CANCEL_TASK,
        Message.CANCELLATION_FAILED,
        Message.TASK_RUNNING,
        Message.UPDATE_REFUSED,
        Message.TASK_FINISHED,
        Message.TASK_FAILED,
    )


def told_execution(s: ClusterState, message: int, detail: int) -> int:
    """The attempt that a message is about; calls to cancel one are numbered."""
    if message in (Message.CANCEL_TASK, Message.CANCELLATION_FAILED):
        return detail // s.cancel_tries
    return detail


def is_attempt_known(s: ClusterState, execution: int) -> bool:
    """Whether a TaskExecutor or a message in flight knows this attempt."""
    return any(execution in table.execution for table in s.tables) or any(
        told_execution(s, s.message[post], s.detail[post]) == execution
        and is_about_a_task(s.message[post])
        for post in s.elements(posts)
    )


def new_attempt(s: ClusterState, task: int) -> int:
    """Which attempt of a task nobody knows yet, or NONE.

    If possible, one that the JobMaster does not still try to cancel.
    """
    count = len(s.elements(tries))
    unknown = next((i for i in range(count) if not is_attempt_known(s, task * count + i)), NONE)
    return next(
        (
            i
            for i in range(count)
            if not is_attempt_known(s, task * count + i) and not is_cancelled(s, task * count + i)
        ),
        unknown,
    )


def is_cancelled(s: ClusterState, execution: int) -> bool:
    """Whether the JobMaster will try again to cancel an attempt that it has given up."""
    return any(
        s.lost_cancellations[own_execution(s, tm, execution)] for tm in s.elements(task_managers)
    )


def begin_attempt(s: ClusterState, task: int) -> None:
    """Begin a new attempt of a task; calls to cancel the one of that number are over."""
    s.attempt[task] = new_attempt(s, task)
    for tm in s.elements(task_managers):
        s.lost_cancellations[own_execution(s, tm, execution_of(s, task))] = 0


def may_deploy(s: ClusterState) -> bool:
    """Whether every task can have a new attempt: some old attempt of it is forgotten."""
    return all(new_attempt(s, task) != NONE for task in s.elements(tasks))


def share_of(s: ClusterState, task: int) -> int:
    """The share that a task belongs to."""
    return task % len(s.share)


def region_of(s: ClusterState, share: int) -> int:
    """The region that a share belongs to: all shares are in region 0, or each in its own."""
    return share * s.regions


def region_of_task(s: ClusterState, task: int) -> int:
    """The region that a task belongs to."""
    return region_of(s, share_of(s, task))


def regions_of(s: ClusterState) -> int:
    """How many regions the job has."""
    return len(s.share) if s.regions else 1


def is_finished(s: ClusterState) -> bool:
    """Whether every region has finished, or the job was cancelled."""
    return all(s.job[region] == Job.FINISHED for region in range(regions_of(s)))


def share_with(s: ClusterState, allocation: int) -> int:
    """The share whose slot has this allocation, or NONE."""
    return next((i for i in s.elements(shares) if s.share_allocation[i] == allocation), NONE)


# ----------------------------------------------------------------------------- scheduling


def needs_slot(s: ClusterState, share: int) -> bool:
    """Whether a share is to be scheduled, and has not asked for a slot yet."""
    return (
        s.share[share] == Share.IDLE
        and s.job[region_of(s, share)] == Job.SCHEDULING
        and is_its_turn(s, share)
    )


def is_its_turn(s: ClusterState, share: int) -> bool:
    """Whether a share waits for no earlier stage of a batch job."""
    return (
        not s.stages
        or share < s.sources
        or all(s.job[earlier] == Job.FINISHED for earlier in range(s.sources))
    )


def take_available_slot(s: ClusterState, share: int, allocation: int) -> None:
    """Give an available slot to a share.

    Flink: PhysicalSlotProviderImpl.tryAllocateFromAvailable.
    """
    pool.allocate_available_slot(s.pool, share, allocation)
    assign(s, share, allocation)


def request_new_slot(s: ClusterState, share: int, request: int) -> None:
    """Request a slot for a share, under the id `request`.

    A failure that is not final does not end the request of a batch job.
    Flink: PhysicalSlotProviderImpl.requestNewSlot.
    """
    fire(s.share, share, Share.ask)
    if s.batch_requests:
        pool.request_new_allocated_batch_slot(s.pool, request, share, 0)
    else:
        pool.request_new_allocated_slot(s.pool, request, share, 0)


def slot_request_fulfilled(s: ClusterState, share: int, allocation: int) -> None:
    """The slot of a share has arrived, unless the share has given it up in the same step.

    A job that was cancelled returns it at once. Flink:
    DefaultScheduler.assignResourceOrHandleError.
    """
    if s.share[share] == Share.WAITING:
        assign(s, share, allocation)
        if s.ending:
            return_slot(s, share)


def assign(s: ClusterState, share: int, allocation: int) -> None:
    """A share gets a slot of the pool."""
    fire(s.share, share, Share.assign)
    s.share_allocation[share] = allocation
    s.share_tm[share] = s.pool.slot_tm[allocation]
    pool.assign_payload(s.pool, allocation)


def deploy_if_complete(s: ClusterState) -> None:
    """Submit the tasks of each region whose shares all have slots.

    Flink: DefaultScheduler.deployAll.
    """
    for region in range(regions_of(s)):
        if s.job[region] == Job.SCHEDULING and has_all_slots(s, region):
            fire(s.job, region, Job.deploy)
            for task in s.elements(tasks):
                if exists(s, task) and region_of_task(s, task) == region:
                    deploy(s, task)


def has_all_slots(s: ClusterState, region: int) -> bool:
    """Whether every share that is deployed together with this region has its slot."""
    return all(
        s.share[share] == Share.ASSIGNED
        for share in s.elements(shares)
        if region_of(s, share) == region
        or (
            s.deployment == Deployment.WITH_THE_JOB
            and not s.alone[region]
            and not s.alone[region_of(s, share)]
            and s.job[region_of(s, share)] == Job.SCHEDULING
            and is_its_turn(s, share)
        )
    )


def deploy(s: ClusterState, task: int) -> None:
    """Submit a task to the TaskExecutor of its slot. Flink: Execution.deploy."""
    begin_attempt(s, task)
    fire(s.task, task, Execution.deploy)
    tell_of_task(s, task, int(Message.SUBMIT_TASK), execution_of(s, task))


def tell_of_task(s: ClusterState, task: int, message: int, detail: int) -> None:
    """Send the TaskExecutor of a task's slot a message about it."""
    share = share_of(s, task)
    tell_task_executor(s, s.share_tm[share], message, s.share_allocation[share], detail)


def fail_region(s: ClusterState, region: int) -> None:
    """Something failed: the region restarts, and what has to restart with it."""
    if s.job[region] not in (Job.SCHEDULING, Job.RUNNING):
        return
    stop_region(s, region)
    if s.ending:
        return
    if s.full_failover or (s.stages and region >= s.sources and any(s.lost_partitions)):
        s.reader_failed = 1


def restart_all(s: ClusterState) -> None:
    """Whatever fails, every region restarts, finished or not.

    Flink: RestartAllFailoverStrategy.getTasksNeedingRestart.
    """
    s.reader_failed = 0
    for region in range(regions_of(s)):
        s.lost_partitions[region] = 0
        s.written_at[region] = 0
        if s.job[region] == Job.FINISHED:
            fire(s.job, region, Job.rerun)
        else:
            stop_region(s, region)


def rerun_sources(s: ClusterState) -> None:
    """A region that reads lost results has failed: those who wrote them run again, and with them
    all who read them.

    By then it has returned its slot, which perhaps serves another reader. Flink:
    RestartPipelinedRegionFailoverStrategy.getTasksNeedingRestart, after Execution.markFailed.
    """
    s.reader_failed = 0
    for source in range(s.sources):
        if s.lost_partitions[source]:
            s.lost_partitions[source] = 0
            s.written_at[source] = 0
            fire(s.job, source, Job.rerun)
    for reader in range(s.sources, regions_of(s)):
        if s.job[reader] == Job.FINISHED:
            fire(s.job, reader, Job.rerun)
        else:
            stop_region(s, reader)


def stop_region(s: ClusterState, region: int) -> None:
    """Cancel the tasks of a region, and give up slots without tasks.

    Flink: DefaultScheduler.restartTasksWithDelay, cancelTasksAsync.
    """
    if s.job[region] not in (Job.SCHEDULING, Job.RUNNING):
        return
    for task in s.elements(tasks):
        if region_of_task(s, task) == region and s.task[task] in (
            Execution.DEPLOYING,
            Execution.RUNNING,
        ):
            fire(s.task, task, Execution.cancel)
            call_to_cancel(s, task)
        elif is_scheduled(s, task, region):
            cancel_before_deployment(s, task)
    fire(s.job, region, Job.fail)
    if s.ending and not s.withdraws_requests:
        give_up(s, int(Share.ASSIGNED))
    else:
        give_up_slots(s)
    end_if_cancelled(s, region)


def is_scheduled(s: ClusterState, task: int, region: int) -> bool:
    """Whether a task of a region has its slot, and waits for those of others."""
    return (
        s.job[region] == Job.SCHEDULING
        and exists(s, task)
        and region_of_task(s, task) == region
        and s.share[share_of(s, task)] == Share.ASSIGNED
        and knows_its_inputs(s, task)
    )


def knows_its_inputs(s: ClusterState, task: int) -> bool:
    """Whether every task that a task reads from has its slot: in 1.11 it asks for its own then.

    Flink: DefaultExecutionSlotAllocator, which waits for the preferred locations.
    """
    count = len(s.share)
    return (
        s.deployment != Deployment.WITH_THE_JOB
        or task < count
        or all(s.share[source] == Share.ASSIGNED for source in range(count) if exists(s, source))
    )


def cancel_before_deployment(s: ClusterState, task: int) -> None:
    """Tell the TaskExecutor to cancel a task that it never got.

    Recordings show it of each task that has a slot when its job fails.
    """
    begin_attempt(s, task)
    cancel_once(s, task)


def cancel_once(s: ClusterState, task: int) -> None:
    """Tell the TaskExecutor of a task to cancel it: one call, which is not repeated.

    Flink: Execution.cancelAtomically.
    """
    call_to_cancel(s, task, s.cancel_tries - 1)


def call_to_cancel(s: ClusterState, task: int, number: int = 0) -> None:
    """Tell the TaskExecutor of a task to cancel it; the number counts the calls from 0."""
    detail = execution_of(s, task) * s.cancel_tries + number
    tell_of_task(s, task, int(Message.CANCEL_TASK), detail)


def end_if_cancelled(s: ClusterState, region: int) -> None:
    """A region of a cancelled job is over when none of its tasks is deployed any more."""
    if s.ending and s.job[region] == Job.CANCELLING and not has_deployed(s, region):
        fire(s.job, region, Job.end)


def cancel_job(s: ClusterState) -> None:
    """The user cancels the job, or it may not restart any more.

    Until 1.13.2 requests stay until the pool is closed.
    Flink: SchedulerBase.cancel.
    """
    s.ending = 1
    for region in range(regions_of(s)):
        fail_region(s, region)
        end_if_cancelled(s, region)


def slot_request_failed(s: ClusterState, share: int) -> None:
    """The request of a share has failed."""
    if s.share[share] == Share.WAITING:
        fire(s.share, share, Share.give_up)
    fail_region(s, region_of(s, share))


def slot_lost(s: ClusterState, allocation: int) -> None:
    """The pool has released the payload of a slot: its tasks end, and the share loses the slot.

    The TaskExecutor is told to cancel them, if it is still there. Flink: SharedSlot.release,
    Execution.fail.
    """
    share = share_with(s, allocation)
    if share == NONE:
        return
    region = region_of(s, share)
    released_first = first_released(s, share)
    s.last_first = 0
    for task in s.elements(tasks):
        if share_of(s, task) == share and is_deployed(s, task):
            if s.task[task] != Execution.CANCELING:
                call_to_cancel(s, task)
            end_task(s, task)
        elif waits_in(s, task, share) and task != released_first:
            cancel_before_deployment(s, task)  # the failure of the first cancels the others
    fire(s.share, share, Share.give_up)
    s.share_allocation[share] = NONE
    s.share_tm[share] = NONE
    fail_region(s, region)
    end_if_cancelled(s, region)


def first_released(s: ClusterState, share: int) -> int:
    """The task that a lost slot releases first, of those that wait in it to be deployed.

    They are in a hash table. Flink: SharedSlot.release.
    """
    found = NONE
    for task in s.elements(tasks):
        if waits_in(s, task, share) and (found == NONE or s.last_first):
            found = task
    return found


def waits_in(s: ClusterState, task: int, share: int) -> bool:
    """Whether a task has the slot of this share, and waits for the slots of others."""
    return share_of(s, task) == share and is_scheduled(s, task, region_of(s, share))


def end_task(s: ClusterState, task: int) -> None:
    """An attempt is over, and did not finish; a lost call to cancel it is tried again."""
    fire(s.task, task, Execution.end)
    calls = s.cancel_calls[task]
    s.cancel_calls[task] = 0
    if calls and s.losses:
        tm = s.share_tm[share_of(s, task)]
        s.lost_cancellations[own_execution(s, tm, execution_of(s, task))] = calls


def is_deployed(s: ClusterState, task: int) -> bool:
    """Whether the scheduler believes that a task is at a TaskExecutor."""
    return s.task[task] in (Execution.DEPLOYING, Execution.RUNNING, Execution.CANCELING)


def has_deployed(s: ClusterState, region: int) -> bool:
    """Whether a task of a region is deployed."""
    return any(
        is_deployed(s, task) for task in s.elements(tasks) if region_of_task(s, task) == region
    )


def task_of(s: ClusterState, execution: int) -> int:
    """The task of an attempt."""
    return execution // len(s.elements(tries))


def is_news(s: ClusterState, execution: int) -> bool:
    """Whether a message about an attempt is about the current one of its task."""
    task = task_of(s, execution)
    return is_deployed(s, task) and execution_of(s, task) == execution


def task_failed(s: ClusterState, execution: int) -> None:
    """An attempt has ended, cancelled or not; a share without tasks returns its slot."""
    if not is_news(s, execution):
        return
    task = task_of(s, execution)
    end_task(s, task)
    region = region_of_task(s, task)
    fail_region(s, region)
    share = share_of(s, task)
    if s.job[region] == Job.CANCELLING:
        if s.share[share] == Share.ASSIGNED and not is_in_use(s, share):
            return_slot(s, share)
        end_if_cancelled(s, region)


def submission_failed(s: ClusterState, execution: int) -> None:
    """A TaskExecutor has refused a task, or has not answered. Flink: Execution.markFailed."""
    task_failed(s, execution)


def task_runs(s: ClusterState, execution: int) -> bool:
    """The TaskExecutor runs the task; returns whether the scheduler wants it to.

    A task that is being cancelled is told so again. Flink: ExecutionGraph.updateState,
    Execution.switchTo.
    """
    task = task_of(s, execution)
    if not is_news(s, execution):
        return False
    if s.task[task] == Execution.CANCELING:
        call_to_cancel(s, task)
        return False
    if s.task[task] == Execution.RUNNING:  # a repeated report is no transition: the task fails
        call_to_cancel(s, task)
        task_failed(s, execution)
        return False
    fire(s.task, task, Execution.run)
    return True


def cancellation_failed(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The TaskExecutor does not have a task that it is to cancel: try again, or give up.

    Tries go on even if the scheduler does not know the task any more.
    Flink: Execution.sendCancelRpcCall.
    """
    if detail % s.cancel_tries + 1 < s.cancel_tries:
        tell_task_executor(s, tm, int(Message.CANCEL_TASK), allocation, detail + 1)
    else:
        give_up_cancelling(s, detail // s.cancel_tries)


def note_lost_call(s: ClusterState, tm: int, detail: int) -> None:
    """A call to cancel a task, or its answer, is lost. Calls are counted if there are several."""
    execution = detail // s.cancel_tries
    calls = detail % s.cancel_tries + 1
    if s.cancel_tries > 1:
        if is_news(s, execution):
            s.cancel_calls[task_of(s, execution)] = calls
        else:
            s.lost_cancellations[own_execution(s, tm, execution)] = calls


def cancel_again(s: ClusterState, task: int) -> None:
    """A call to cancel a task was not answered in time: try again, or give up."""
    calls = s.cancel_calls[task]
    if calls == s.cancel_tries:
        task_failed(s, execution_of(s, task))
    else:
        s.cancel_calls[task] = 0
        call_to_cancel(s, task, calls)


def give_up_cancelling(s: ClusterState, execution: int) -> None:
    """An attempt that cannot be cancelled counts as failed."""
    if is_news(s, execution) and s.task[task_of(s, execution)] == Execution.CANCELING:
        task_failed(s, execution)


def task_finished(s: ClusterState, execution: int) -> None:
    """A task has done its work; the last one of a share returns the slot."""
    if not is_news(s, execution):
        return
    task = task_of(s, execution)
    if s.task[task] == Execution.CANCELING:
        task_failed(s, execution)
        return
    fire(s.task, task, Execution.finish)
    share = share_of(s, task)
    region = region_of(s, share)
    if is_done(s, share):
        if s.tracks_partitions and share < s.sources:
            s.written_at[share] = s.share_tm[share] + 1
        return_slot(s, share)
        if all(is_done(s, i) for i in s.elements(shares) if region_of(s, i) == region):
            fire(s.job, region, Job.finish)


def has_partitions(s: ClusterState, tm: int) -> bool:
    """Whether a TaskExecutor has what a finished source has written.

    Flink: JobMasterPartitionTracker.isTrackingPartitionsFor.
    """
    return tm + 1 in s.written_at


def lose_partitions(s: ClusterState, tm: int) -> None:
    """A TaskExecutor is given up, and what finished sources have written there.

    Flink: JobMasterPartitionTracker.stopTrackingPartitionsFor.
    """
    for source in s.elements(shares):
        if s.written_at[source] == tm + 1:
            s.written_at[source] = 0
            s.lost_partitions[source] = 1


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
    s.share_tm[share] = NONE
    pool.release_slot(s.pool, share, int(Cause.OTHER))


def give_up_slots(s: ClusterState) -> None:
    """Withdraw every request of regions that fail, then return every slot without a task.

    In the other order a returned slot serves a request that is about to be withdrawn
    (FLINK-22945).
    """
    if s.slots_first:
        s.slots_first = 0
        give_up(s, int(Share.ASSIGNED))
    give_up(s, int(Share.WAITING))
    give_up(s, int(Share.ASSIGNED))


def give_up(s: ClusterState, state: int) -> None:
    """Give up what the shares in this state wait for, or have, if nothing of them is deployed."""
    for share in s.elements(shares):
        if (
            s.share[share] == state
            and s.job[region_of(s, share)] == Job.CANCELLING
            and not is_in_use(s, share)
        ):
            return_slot(s, share)


def is_in_use(s: ClusterState, share: int) -> bool:
    """Whether a task of a share is deployed."""
    return any(is_deployed(s, task) for task in s.elements(tasks) if share_of(s, task) == share)


def reset_tasks(s: ClusterState, region: int) -> None:
    """Prepare every finished task of a region to be deployed again."""
    for task in s.elements(tasks):
        if region_of_task(s, task) == region and s.task[task] == Execution.FINISHED:
            fire(s.task, task, Execution.reset)
