"""The JobMaster with the declarative pool: what differs from the older one.

Flink: JobMaster. It registers at the ResourceManager by a message, declares how many slots it
requires, and learns by a message that there are not enough.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master, scheduler
from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Share
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    answer_task_executor,
    in_flight,
    room_of,
    send,
    take_out,
    tell_task_executor,
)
from slotspec.models.cluster.state import (
    POOL,
    Message,
    allocations,
    shares,
    task_managers,
    tasks,
)
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool import operations as pool
from slotspec.models.declarative_slot_pool.lifecycles import DeclarationCall
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.state import Cause, Effect, Timer
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, fire

CALL = 0
"""The one declaration whose answer the pool waits for."""


def apply_each(s: DeclarativeClusterState, first: int) -> None:
    """Apply effects of the pool: send a message, or notify the scheduler.

    What the scheduler does in return may emit more effects, which are applied too.
    """
    i = first
    while i < len(s.effects):
        kind, one, two, _, _ = s.effects[i]
        match kind - POOL:
            case Effect.DECLARE:
                declare_required_resources(s, declared_after(s, i))
            case Effect.FREE_SLOT:
                job_master.free_slot_at(s, one, two)
            case Effect.REQUEST_FULFILLED:
                scheduler.slot_request_fulfilled(s, s.pool.request_id[one], two)
            case Effect.REQUEST_FAILED:
                scheduler.slot_request_failed(s, s.pool.request_id[one])
            case Effect.PAYLOAD_RELEASED:
                slot_lost(s, one)
        i += 1
    scheduler.deploy_if_complete(s)


def declared_after(s: DeclarativeClusterState, declaration: int) -> int:
    """How many slots a declaration asks for; the effect that says so follows it, if any does."""
    if declaration + 1 == len(s.effects):
        return 0
    kind, _, count, _, _ = s.effects[declaration + 1]
    return count if kind == POOL + Effect.DECLARED else 0


def slot_lost(s: DeclarativeClusterState, allocation: int) -> None:
    """The pool has released the payload of a slot; its share withdraws the request, too.

    Flink: SharedSlot.release, SlotSharingExecutionSlotAllocator.releaseSharedSlot.
    """
    share = scheduler.share_with(s, allocation)
    scheduler.slot_lost(s, allocation)
    if share != NONE:
        pool.release_slot(s.pool, share, int(Cause.GIVEN))


def is_restarting(s: DeclarativeClusterState) -> bool:
    """Whether some region is to restart: then the pool takes every slot that is offered.

    Nobody tells the pool of a batch job. Flink: DefaultSchedulerFactory, which calls
    DeclarativeSlotPoolBridge.setIsJobRestarting, and AdaptiveBatchSchedulerFactory, which does not.
    """
    if s.batch_requests:
        return False
    return not s.ending and any(region == Job.CANCELLING for region in s.job)


# ------------------------------------------------------------------------------ declarations


def declare_required_resources(s: DeclarativeClusterState, required: int) -> None:
    """Send what the pool declares; nobody waits for the answer to an older declaration.

    Flink: DefaultDeclareResourceRequirementServiceConnectionManager.
    """
    forget_answer(s)
    if not s.rm_deposed:
        send(s, TO_RESOURCE_MANAGER, int(Message.DECLARE_REQUIREMENTS), NONE, required)


def forget_answer(s: DeclarativeClusterState) -> None:
    """Drop the answer to a declaration that is in flight."""
    i = 0
    while i < in_flight(s, TO_JOB_MASTER):
        if s.message[TO_JOB_MASTER * room_of(s) + i] in (
            Message.REQUEST_ACKNOWLEDGED,
            Message.REQUEST_REFUSED,
        ):
            take_out(s, TO_JOB_MASTER, i)
        else:
            i += 1


def declaration_acknowledged(s: DeclarativeClusterState) -> None:
    """The ResourceManager has processed the newest declaration."""
    pool.rm_acknowledges(s.pool, CALL)


def declaration_fails(s: DeclarativeClusterState) -> None:
    """A declaration was refused or not answered: the pool sends it again soon."""
    pool.rm_fails(s.pool, CALL, 0)


def not_enough_resources(s: DeclarativeClusterState) -> None:
    """The ResourceManager lacks resources. Flink: notifyNotEnoughResourcesAvailable."""
    first = len(s.effects)
    pool.not_enough_resources(s.pool)
    job_master.apply_effects(s, first)


def has_delayed(s: DeclarativeClusterState) -> bool:
    """Whether the pool has scheduled a declaration, or one that failed."""
    return s.pool.timer[0] != Timer.UNUSED


def delay_is_over(s: DeclarativeClusterState) -> None:
    """What the pool has delayed is due: a declaration, or one that failed."""
    first = len(s.effects)
    pool.advance_time(s.pool, 1)
    job_master.apply_effects(s, first)


def is_waiting(s: DeclarativeClusterState) -> bool:
    """Whether the pool waits for the answer to a declaration."""
    return s.pool.call[CALL] == DeclarationCall.OPEN


# ------------------------------------------------------------------------------ task managers


def register_task_manager(s: DeclarativeClusterState, tm: int, ignored: int) -> None:
    """A TaskExecutor registers; what is known of a process of the same ResourceID ends.

    Flink: JobMaster.registerTaskManager, which compares the sessions of TaskExecutors.

    :param ignored: whether the TaskExecutor would ignore the answer.
    """
    if s.known[tm] and s.dead_end[tm]:
        job_master.disconnect_task_manager(s, tm)
    if not s.known[tm]:
        s.known[tm] = 1
        pool.register_task_manager(s.pool, tm)
    if not ignored:
        answer_task_executor(s, tm, int(Message.REGISTERED))


# -------------------------------------------------------------------------- resource manager


def close_connection(s: DeclarativeClusterState) -> None:
    """Give the ResourceManager up, and tell it whether the job has ended.

    Flink: dissolveResourceManagerConnection.
    """
    ended = job_master.HAS_ENDED if scheduler.is_finished(s) else job_master.RUNS
    job_master.leave_resource_manager(s, job_master.is_connected(s), ended)
    pool.disconnect_resource_manager(s.pool)


def known_gateway(s: DeclarativeClusterState) -> int:
    """The pool has one gateway, whichever ResourceManager it leads to."""
    return 0


# -------------------------------------------------------------------------------- leadership


def is_suspended(s: DeclarativeClusterState) -> bool:
    """Whether the scheduler of a JobMaster is suspended: the JobMaster ends in a later step."""
    return s.job_master[0] == Leader.LEADING and s.job[0] == Job.CREATED


def stop_scheduling(s: DeclarativeClusterState) -> None:
    """The JobMaster no longer leads: first its scheduler is suspended.

    Every task is cancelled by one call and counts as cancelled at once. No slot is in use any
    more, but the pool keeps its slots until the JobMaster ends; until then it handles messages.
    Flink: JobMaster.stopScheduling, Execution.suspend.
    """
    s.revoked = 1
    first = len(s.effects)
    for task in s.elements(tasks):
        if s.task[task] in (Execution.DEPLOYING, Execution.RUNNING):
            scheduler.cancel_once(s, task)
        elif scheduler.is_scheduled(s, task, scheduler.region_of_task(s, task)):
            scheduler.cancel_before_deployment(s, task)
    return_slots(s, int(Share.WAITING))
    return_slots(s, int(Share.ASSIGNED))
    job_master.forget_execution(s)
    job_master.apply_effects(s, first)


def return_slots(s: DeclarativeClusterState, state: int) -> None:
    """Withdraw what the shares in this state wait for, or return what they have."""
    for share in s.elements(shares):
        if s.share[share] == state:
            scheduler.return_slot(s, share)


def revoke_leadership(s: DeclarativeClusterState) -> None:
    """The JobMaster ends, after its scheduler was suspended; the ResourceManager is told.

    Flink: JobMaster.disconnectTaskManagerResourceManagerConnections, stopJobMasterServices.
    """
    close_connection(s)
    s.revoked = 0
    job_master.refuse_all_messages(s)
    job_master.disconnect_all(s)
    first = len(s.effects)
    pool.close(s.pool)
    job_master.apply_effects(s, first)
    restart(s.pool)
    job_master.end_session(s)


def end_job(s: DeclarativeClusterState, heard: int) -> None:
    """The job has finished: the pool returns every slot, and the JobMaster ends.

    Flink: JobMaster.onStop.

    :param heard: whether anybody has heard the result; else the next JobMaster runs the job anew.
    """
    connected = job_master.is_connected(s)
    first = len(s.effects)
    pool.close(s.pool)
    job_master.apply_effects(s, first)
    for tm in s.elements(task_managers):
        if s.known[tm]:
            s.known[tm] = 0
            tell_task_executor(s, tm, int(Message.DISCONNECT))
            s.dead_end[tm] = 0
    s.revoked = 0
    job_master.leave_resource_manager(s, connected, job_master.HAS_ENDED)
    held = any(is_held(s.pool, allocation) for allocation in s.elements(allocations))
    if not heard or not held:
        restart(s.pool)  # its timers end too, and nobody hears the answers to its calls
    if heard:
        fire(s.job_master, 0, Leader.retire)
    else:
        job_master.refuse_all_messages(s)
        job_master.forget_execution(s)
        job_master.end_session(s)
