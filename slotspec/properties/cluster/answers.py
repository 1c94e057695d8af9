"""What a process must say: it answers calls, and does not leave without a word."""

from __future__ import annotations

from slotspec.models.cluster.environment import (
    job_master_hears_resource_manager,
    job_master_hears_task_executor,
    task_executor_hears_job_master,
    task_executor_hears_resource_manager,
)
from slotspec.models.cluster.job_master import is_connected
from slotspec.models.cluster.lifecycles import Execution, Leader, Process, Registration
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    in_flight,
    is_in_channel,
    messages_about,
    room_of,
    way,
)
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.own_elements import own_allocation, own_execution
from slotspec.models.cluster.scheduler import is_news, task_of
from slotspec.models.cluster.state import (
    STRIDE,
    ClusterState,
    Message,
    allocations,
    may_be_deposed,
    registers_by_messages,
    task_managers,
)
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under, indexed_task
from slotspec.statemachine.declaration.rules import NONE


@cluster.step(
    "JobMaster.registerTaskManager, offerSlots, updateTaskExecutionState",
    on=job_master_hears_task_executor,
)
def a_job_master_answers_task_executors(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """A JobMaster that leads answers each registration that somebody waits for and each offer,
    and refuses each report of a task that it does not take for running then."""
    if before.job_master[0] != Leader.LEADING or before.process[tm] != Process.UP:
        return True
    post = way(tm, Way.TO_JOB_MASTER) * room_of(before) + place
    allocation, detail = before.subject[post], before.detail[post]
    back = way(tm, Way.FROM_JOB_MASTER)
    match result:
        case Message.REGISTER:
            return detail == 1 or is_in_channel(after, back, Message.REGISTERED)
        case Message.OFFER_SLOT:
            return any(
                messages_about(after, back, answer, allocation) > 0
                for answer in (Message.OFFER_ACCEPTED, Message.OFFER_REJECTED, Message.OFFER_FAILED)
            )
        case Message.TASK_RUNNING:
            return is_in_channel(after, back, Message.UPDATE_REFUSED) or (
                is_news(after, detail) and after.task[task_of(after, detail)] == Execution.RUNNING
            )
    return True


@cluster.step(
    "TaskExecutor.submitTask, cancelTask",
    on=task_executor_hears_job_master,
)
def a_task_executor_answers_the_job_master(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """A TaskExecutor takes a task or refuses it, and stops a task or says that it is not there."""
    if before.process[tm] != Process.UP:
        return True
    detail = before.detail[way(tm, Way.FROM_JOB_MASTER) * room_of(before) + place]
    back = way(tm, Way.TO_JOB_MASTER)
    match result:
        case Message.SUBMIT_TASK:
            return indexed_task(after.tables[tm], detail) != NONE or is_in_channel(
                after, back, Message.SUBMISSION_FAILED
            )
        case Message.CANCEL_TASK:
            execution = detail // before.cancel_tries
            return after.stopping[own_execution(after, tm, execution)] == 1 or is_in_channel(
                after, back, Message.CANCELLATION_FAILED
            )
    return True


@cluster.always(
    "TaskExecutor.offerSlotsToJobManager", each={"tm": task_managers, "allocation": allocations}
)
def an_unused_slot_is_offered(s: ClusterState, tm: int, allocation: int) -> bool:
    """While it is connected to the JobMaster, a TaskExecutor waits for the answer to an offer of
    each slot that the job does not use."""
    return (
        s.at_jm[tm] != Registration.DONE
        or s.tables[tm].slot[allocation] != TaskSlot.ALLOCATED
        or s.offering[own_allocation(s, tm, allocation)] == 1
    )


@cluster.always(
    "TaskExecutor.disassociateFromJobManager",
    each={"tm": task_managers, "allocation": allocations},
)
def offers_end_with_the_connection(s: ClusterState, tm: int, allocation: int) -> bool:
    """A TaskExecutor waits for answers to its offers only while it is connected."""
    return s.at_jm[tm] == Registration.DONE or not s.offering[own_allocation(s, tm, allocation)]


def answers_to(s: ClusterState, tm: int, message: int, detail: int) -> int:
    """How many answers of this kind to a request for a slot are on their way."""
    first = way(tm, Way.TO_RESOURCE_MANAGER) * room_of(s)
    return sum(
        s.message[post] == message and s.detail[post] == detail
        for post in range(first, first + room_of(s))
    )


@cluster.step("TaskExecutor.requestSlot", on=task_executor_hears_resource_manager)
def a_requested_slot_is_acknowledged_or_occupied(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """A TaskExecutor acknowledges only a slot that it has, and calls only a slot occupied that
    has another allocation, or is not yet free of this one."""
    if result != Message.REQUEST_TASK_SLOT:
        return True
    post = way(tm, Way.FROM_RESOURCE_MANAGER) * room_of(before) + place
    allocation, detail = before.subject[post], before.detail[post]
    present = allocation_under(after.tables[tm], detail // STRIDE // len(before.process))
    acknowledged, occupied = int(Message.CALL_ACKNOWLEDGED), int(Message.CALL_OCCUPIED)
    if answers_to(after, tm, acknowledged, detail) > answers_to(before, tm, acknowledged, detail):
        return present == allocation
    if answers_to(after, tm, occupied, detail) > answers_to(before, tm, occupied, detail):
        releasing = after.tables[tm].slot[allocation] == TaskSlot.RELEASING
        return present != NONE and (present != allocation or releasing)
    return True


@cluster.step("SlotPoolImpl.requestSlotFromResourceManager", on=job_master_hears_resource_manager)
def an_answered_request_is_not_waited_for(
    before: ClusterState, after: ClusterState, result: int, place: int
) -> bool:
    """A JobMaster that leads does not wait for the answer to a request that was answered."""
    return (
        result not in (Message.REQUEST_ACKNOWLEDGED, Message.REQUEST_REFUSED)
        or before.job_master[0] != Leader.LEADING
        or not after.pool.call_open[before.subject[TO_JOB_MASTER * room_of(before) + place]]
    )


@cluster.step("JobMaster.dissolveResourceManagerConnection", when=registers_by_messages)
def a_job_master_that_leaves_says_so(before: ClusterState, after: ClusterState) -> bool:
    """A JobMaster that closes its connection tells the ResourceManager, if that still leads."""
    return (
        not is_connected(before)
        or after.pool.gateway != NONE
        or after.rm_deposed == 1
        or is_in_channel(after, TO_RESOURCE_MANAGER, Message.DISCONNECT)
    )


@cluster.step("ResourceManager.registerJobManager", when=registers_by_messages)
def a_look_up_begins_with_a_registration(before: ClusterState, after: ClusterState) -> bool:
    """The ResourceManager looks up who leads the job only if a JobMaster has registered."""
    return (
        after.job_connecting == 0
        or before.job_connecting > 0
        or is_in_channel(before, TO_RESOURCE_MANAGER, Message.REGISTER)
    )


@cluster.step("ResourceManager.closeJobManagerConnection", when=registers_by_messages)
def a_job_master_that_is_dropped_is_told(before: ClusterState, after: ClusterState) -> bool:
    """A ResourceManager that drops the JobMaster tells it, if that leads."""
    return (
        not before.job_registered
        or after.job_registered == 1
        or before.jm_deposed == 1
        or after.resource_manager[0] != Leader.LEADING
        or is_in_channel(after, TO_JOB_MASTER, Message.DISCONNECT)
    )


@cluster.always("FencedAkkaRpcActor, ResourceManager.registerJobManager", when=may_be_deposed)
def a_former_job_master_is_told_nothing(s: ClusterState) -> bool:
    """Nothing that the ResourceManager says to a JobMaster that leads no more reaches the next
    one."""
    return s.jm_deposed == 0 or in_flight(s, TO_JOB_MASTER) == 0


@cluster.step(
    "TaskExecutor.closeResourceManagerConnection, disconnectJobManagerConnection",
    each={"tm": task_managers},
)
def a_task_executor_that_leaves_says_so(before: ClusterState, after: ClusterState, tm: int) -> bool:
    """A TaskExecutor that closes a connection tells the other end, unless it crashes."""
    if after.process[tm] != Process.UP:
        return True
    return (
        before.at_rm[tm] != Registration.DONE
        or after.at_rm[tm] == Registration.DONE
        or is_in_channel(after, way(tm, Way.TO_RESOURCE_MANAGER), Message.DISCONNECT)
    ) and (
        before.at_jm[tm] != Registration.DONE
        or after.at_jm[tm] == Registration.DONE
        or is_in_channel(after, way(tm, Way.TO_JOB_MASTER), Message.DISCONNECT)
    )


@cluster.step(
    "ResourceManager.closeTaskManagerConnection, JobMaster.disconnectTaskManager",
    each={"tm": task_managers},
)
def a_task_executor_that_is_dropped_is_told(
    before: ClusterState, after: ClusterState, tm: int
) -> bool:
    """Who gives a TaskExecutor up tells it, unless the gateway leads to a process that is gone."""
    return (
        before.registered[tm] == NONE
        or after.registered[tm] != NONE
        or after.resource_manager[0] != Leader.LEADING
        or before.stale[tm] == 1
        or is_in_channel(after, way(tm, Way.FROM_RESOURCE_MANAGER), Message.DISCONNECT)
    ) and (
        not before.known[tm]
        or after.known[tm] == 1
        or before.dead_end[tm] == 1
        or is_in_channel(after, way(tm, Way.FROM_JOB_MASTER), Message.DISCONNECT)
    )


@cluster.step("TaskExecutor.disconnectResourceManager", on=task_executor_hears_resource_manager)
def a_task_executor_that_was_dropped_closes_the_connection(
    before: ClusterState, after: ClusterState, result: int, tm: int
) -> bool:
    """A TaskExecutor that learns that the ResourceManager has dropped it is neither registered nor
    about to be."""
    return (
        result != Message.DISCONNECT
        or before.process[tm] != Process.UP
        or after.at_rm[tm] == Registration.NONE
    )


@cluster.step(
    "JobMaster.disconnectResourceManager",
    on=job_master_hears_resource_manager,
    when=registers_by_messages,
)
def a_job_master_that_was_dropped_closes_the_connection(
    before: ClusterState, after: ClusterState, result: int
) -> bool:
    """A JobMaster that learns that the ResourceManager has dropped it has no gateway to it, and
    waits for none."""
    return (
        result != Message.DISCONNECT
        or before.job_master[0] != Leader.LEADING
        or not (is_connected(after) or after.registering)
    )
