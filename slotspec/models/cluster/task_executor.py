"""The TaskExecutor: what it does with messages, and what it sends for its slot table.

Flink: TaskExecutor. Each method of the same name is one rule here; the table's own rules
are those of the slot table model. There is one job, number 0.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Process, Registration
from slotspec.models.cluster.messages import (
    WAYS,
    Way,
    empty,
    forget_registrations,
    is_in_channel,
    send,
    way,
)
from slotspec.models.cluster.resource_manager import forget_answers_to_come, forget_slot_report
from slotspec.models.cluster.state import STRIDE, TABLE, TRIES, ClusterState, Message
from slotspec.models.cluster.versions import OfferAnswers
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.environment import unused_ticket
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under, indexed_task, is_known
from slotspec.models.task_slot_table.state import Effect
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, fire

JOB = 0
NO_TIMEOUT = 0


def width_of(s: ClusterState) -> int:
    """How many allocation ids there are."""
    return len(s.pool.slot)


def tell_resource_manager(
    s: ClusterState, tm: int, message: int, subject: int, detail: int
) -> None:
    """Send something to the ResourceManager."""
    send(s, way(tm, int(Way.TO_RESOURCE_MANAGER)), message, subject, detail)


def tell_job_master(s: ClusterState, tm: int, message: int, subject: int, detail: int) -> None:
    """Send something to the JobMaster, if it is connected."""
    if s.at_jm[tm] == Registration.DONE:
        send(s, way(tm, int(Way.TO_JOB_MASTER)), message, subject, detail)


def tell_of_task(s: ClusterState, tm: int, message: int, subject: int, detail: int) -> None:
    """Tell the JobMaster of a task: as an answer, or by the gateway that the task was given.

    Either goes out whether or not the TaskExecutor is connected still.
    """
    send(s, way(tm, int(Way.TO_JOB_MASTER)), message, subject, detail)


# ------------------------------------------------------------------------- slot requests


def request_slot(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The ResourceManager asks for a slot. Flink: TaskExecutor.requestSlot."""
    if s.at_rm[tm] != Registration.DONE:
        tell_resource_manager(s, tm, int(Message.CALL_FAILED), NONE, detail)
        return
    number = detail // STRIDE // len(s.process)
    present = allocation_under(s.tables[tm], number)
    if present == NONE:
        ticket = unused_ticket(s.tables[tm])
        made = table.allocate_slot(s.tables[tm], number, JOB, allocation, NONE, ticket, NO_TIMEOUT)
        if made != 1:
            tell_resource_manager(s, tm, int(Message.CALL_FAILED), NONE, detail)
            return
    elif table.is_allocated(s.tables[tm], number, JOB, allocation) != 1:
        tell_resource_manager(s, tm, int(Message.CALL_OCCUPIED), present, detail)
        return
    if s.at_jm[tm] == Registration.DONE:
        offer_slots_to_job_manager(s, tm)
    elif s.at_jm[tm] == Registration.NONE:
        connect_to_job_manager(s, tm)
    tell_resource_manager(s, tm, int(Message.CALL_ACKNOWLEDGED), NONE, detail)


# --------------------------------------------------------------------------------- offers


def offer_slots_to_job_manager(s: ClusterState, tm: int) -> None:
    """Offer every slot that the job does not use yet, except those just on offer.

    Flink: TaskExecutor.offerSlotsToJobManager, which offers those again too.
    """
    for allocation in range(width_of(s)):
        unused = s.tables[tm].slot[allocation] == TaskSlot.ALLOCATED
        if unused and not s.offering[tm * width_of(s) + allocation]:
            offer_slot(s, tm, allocation)


def offer_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """Offer one slot."""
    own = tm * width_of(s) + allocation
    s.offering[own] = 1
    if s.offer_answers == OfferAnswers.NEWEST:
        s.offer[own] = 1 - s.offer[own]
    detail = 2 * s.tables[tm].slot_number[allocation] + s.offer[own]
    tell_job_master(s, tm, int(Message.OFFER_SLOT), allocation, detail)


def offer_answered(s: ClusterState, tm: int, allocation: int, accepted: int, which: int) -> None:
    """The JobMaster takes the slot, or does not: then it is freed.

    Flink: TaskExecutor.handleAcceptedSlotOffers.
    """
    own = tm * width_of(s) + allocation
    if not is_answer_obeyed(s, own, which):
        return
    s.offering[own] = 0
    if s.at_jm[tm] != Registration.DONE:
        return
    if accepted:
        known = is_known(s.tables[tm], allocation)
        if not known or table.mark_slot_active(s.tables[tm], allocation) != 1:
            tell_job_master(s, tm, int(Message.FAIL_SLOT), allocation, 0)
    else:
        free_slot_internal(s, tm, allocation)


def offer_failed(s: ClusterState, tm: int, allocation: int, which: int) -> None:
    """The offer has met an exception: the slot is freed, connected or not.

    Flink: TaskExecutor.handleAcceptedSlotOffers, where it is given a Throwable.
    """
    own = tm * width_of(s) + allocation
    if is_answer_obeyed(s, own, which):
        s.offering[own] = 0
        free_slot_internal(s, tm, allocation)


def is_answer_obeyed(s: ClusterState, own: int, which: int) -> bool:
    """Whether an answer is to the newest offer of a slot (1.13), or any answer counts."""
    return s.offer_answers == OfferAnswers.ALL or s.offer[own] == which


def offers_time_out(s: ClusterState, tm: int) -> None:
    """No answer to offers came in time: they are made again."""
    for allocation in range(width_of(s)):
        s.offering[tm * width_of(s) + allocation] = 0
    offer_slots_to_job_manager(s, tm)


# -------------------------------------------------------------------------------- freeing


def free_slot_internal(s: ClusterState, tm: int, allocation: int) -> None:
    """Give a slot up; the ResourceManager hears of it once its tasks have ended.

    Flink: TaskExecutor.freeSlotInternal.
    """
    if not is_known(s.tables[tm], allocation):
        return
    first = len(s.effects)
    number = table.free_slot(s.tables[tm], allocation)
    note_failing(s, tm, first)
    if number != NONE:
        if s.at_rm[tm] == Registration.DONE:
            tell_resource_manager(s, tm, int(Message.SLOT_AVAILABLE), allocation, number)
        close_job_manager_connection_if_no_allocated_resources(s, tm)


def note_failing(s: ClusterState, tm: int, first: int) -> None:
    """Tasks that the table has told to fail will stop."""
    for i in range(first, len(s.effects)):
        if s.effects[i][0] == TABLE + Effect.FAIL_TASK:
            stop(s, tm, s.tables[tm].execution[s.effects[i][1]])


def stop(s: ClusterState, tm: int, execution: int) -> None:
    """An attempt is told to stop."""
    s.stopping[tm * TRIES * len(s.task) + execution] = 1


def close_job_manager_connection_if_no_allocated_resources(s: ClusterState, tm: int) -> None:
    """Without a slot for the job there is nothing to talk about with its JobMaster."""
    for allocation in range(width_of(s)):
        if is_known(s.tables[tm], allocation):
            return
    if s.at_jm[tm] != Registration.NONE:
        tell_job_master(s, tm, int(Message.DISCONNECT), NONE, 0)
        fire(s.at_jm, tm, Registration.close)
        forget_offers(s, tm)


def forget_offers(s: ClusterState, tm: int) -> None:
    """Answers to offers are no longer waited for."""
    for allocation in range(width_of(s)):
        s.offering[tm * width_of(s) + allocation] = 0


def slot_times_out(s: ClusterState, tm: int, allocation: int) -> None:
    """The job has not used a slot in time. Flink: TaskExecutor.timeoutSlot."""
    ticket = s.tables[tm].ticket[allocation]
    table.fire_timeout(s.tables[tm], allocation)
    s.tables[tm].sent[ticket] = NONE
    if table.is_valid_timeout(s.tables[tm], allocation, ticket) == 1:
        free_slot_internal(s, tm, allocation)


# ---------------------------------------------------------------------------------- tasks


def submit_task(s: ClusterState, tm: int, allocation: int, execution: int) -> None:
    """The JobMaster deploys a task, maybe before it has answered the offer of its slot.

    Flink: TaskExecutor.submitTask.
    """
    good = 0
    if (
        s.at_jm[tm] == Registration.DONE
        and table.try_mark_slot_active(s.tables[tm], JOB, allocation) == 1
    ):
        record = unused_task_record(s, tm)
        if record != NONE:
            good = table.add_task(s.tables[tm], record, execution, JOB, allocation, 0)
    if good == 1:
        tell_of_task(s, tm, int(Message.TASK_SUBMITTED), allocation, execution)
    else:
        tell_of_task(s, tm, int(Message.TASK_FAILED), allocation, execution)


def unused_task_record(s: ClusterState, tm: int) -> int:
    """A record of the table for one more task, or NONE."""
    for record in range(len(s.tables[tm].task)):
        if table.is_unused(s.tables[tm], record):
            return record
    return NONE


def cancel_task(s: ClusterState, tm: int, allocation: int, execution: int) -> None:
    """The JobMaster cancels a task; one that is not there has failed.

    Flink: TaskExecutor.cancelTask.
    """
    if indexed_task(s.tables[tm], execution) != NONE:
        stop(s, tm, execution)
    else:
        tell_of_task(s, tm, int(Message.TASK_FAILED), allocation, execution)


def task_ends(s: ClusterState, tm: int, execution: int) -> None:
    """A task ends: it leaves its slot, and the JobMaster hears of it.

    Flink: TaskExecutor.unregisterTaskAndNotifyFinalState.
    """
    record = indexed_task(s.tables[tm], execution)
    allocation = s.tables[tm].task_slot[record]
    own = tm * TRIES * len(s.task) + execution
    stopped = s.stopping[own]
    s.stopping[own] = 0
    table.task_terminates(s.tables[tm], record, 0)
    first = len(s.effects)
    table.remove_task(s.tables[tm], execution)
    if stopped:
        tell_of_task(s, tm, int(Message.TASK_FAILED), allocation, execution)
    else:
        tell_of_task(s, tm, int(Message.TASK_FINISHED), allocation, execution)
    for i in range(first, len(s.effects)):
        if s.effects[i][0] == TABLE + Effect.FREE_SLOT:
            free_slot_internal(s, tm, allocation)


# ---------------------------------------------------------------------------- connections


def connect_to_job_manager(s: ClusterState, tm: int) -> None:
    """Register at the JobMaster, or try again. Flink: JobLeaderService."""
    fire(s.at_jm, tm, Registration.register)
    there = way(tm, int(Way.TO_JOB_MASTER))
    forget_registrations(s, there, way(tm, int(Way.FROM_JOB_MASTER)))
    send(s, there, int(Message.REGISTER), NONE, 0)


def establish_job_manager_connection(s: ClusterState, tm: int) -> None:
    """The JobMaster has confirmed the registration: offer it its slots.

    Flink: TaskExecutor.establishJobManagerConnection.
    """
    if s.at_jm[tm] != Registration.TRYING:
        return
    fire(s.at_jm, tm, Registration.succeed)
    forget_offers(s, tm)
    offer_slots_to_job_manager(s, tm)


def disconnect_job_manager(s: ClusterState, tm: int) -> None:
    """The JobMaster is lost: its tasks fail, its slots wait for it under a timeout; it is told.

    Flink: TaskExecutor.disconnectJobManagerConnection, disassociateFromJobManager.
    """
    if s.at_jm[tm] != Registration.DONE:
        return
    for record in range(len(s.tables[tm].task)):
        if s.tables[tm].task_slot[record] != NONE:
            stop(s, tm, s.tables[tm].execution[record])
    for allocation in range(width_of(s)):
        if s.tables[tm].slot[allocation] == TaskSlot.ACTIVE:
            ticket = unused_ticket(s.tables[tm])
            table.mark_slot_inactive(s.tables[tm], allocation, ticket, NO_TIMEOUT)
    tell_job_master(s, tm, int(Message.DISCONNECT), NONE, 0)
    fire(s.at_jm, tm, Registration.close)
    forget_offers(s, tm)


def register_at_resource_manager(s: ClusterState, tm: int) -> None:
    """Register, or try again. Flink: TaskExecutorToResourceManagerConnection."""
    fire(s.at_rm, tm, Registration.register)
    there = way(tm, int(Way.TO_RESOURCE_MANAGER))
    forget_registrations(s, there, way(tm, int(Way.FROM_RESOURCE_MANAGER)))
    forget_answers_to_come(s, tm)
    tell_resource_manager(s, tm, int(Message.REGISTER), NONE, 0)


def establish_resource_manager_connection(s: ClusterState, tm: int, instance: int) -> None:
    """The registration is confirmed: report the slots.

    Flink: TaskExecutor.establishResourceManagerConnection.
    """
    if s.at_rm[tm] != Registration.TRYING:
        return
    fire(s.at_rm, tm, Registration.succeed)
    s.instance[tm] = instance
    write_slot_report(s, tm)
    tell_resource_manager(s, tm, int(Message.SLOT_REPORT), NONE, instance)


def close_resource_manager_connection(s: ClusterState, tm: int) -> None:
    """The ResourceManager is lost, and told so; or a registration there is given up.

    Flink: TaskExecutor.closeResourceManagerConnection.
    """
    s.outdated[tm] = 0
    if s.at_rm[tm] == Registration.DONE:
        tell_resource_manager(s, tm, int(Message.DISCONNECT), NONE, 0)
    if s.at_rm[tm] != Registration.NONE:
        fire(s.at_rm, tm, Registration.close)
        s.instance[tm] = NONE


def write_slot_report(s: ClusterState, tm: int) -> None:
    """What is in each slot now. Flink: TaskSlotTable.createSlotReport."""
    for index in range(s.width):
        s.slot_report[tm * s.width + index] = allocation_under(s.tables[tm], index)


def has_report_under_way(s: ClusterState, tm: int) -> bool:
    """Whether a report of this TaskExecutor is in flight."""
    channel = way(tm, int(Way.TO_RESOURCE_MANAGER))
    return is_in_channel(s, channel, int(Message.SLOT_REPORT)) or is_in_channel(
        s, channel, int(Message.HEARTBEAT)
    )


def sync_slots_with_report(s: ClusterState, tm: int) -> None:
    """The JobMaster has told what it holds: free what it does not, tell it what is gone.

    Flink: TaskExecutor.syncTaskSlotsTableWithAllocatedSlotReport (since FLINK-11059).
    """
    for allocation in range(width_of(s)):
        own = tm * width_of(s) + allocation
        told = s.allocation_report[own]
        s.allocation_report[own] = 0
        if told and not is_allocated(s, tm, allocation):
            tell_job_master(s, tm, int(Message.FAIL_SLOT), allocation, 0)
        if not told and s.tables[tm].slot[allocation] == TaskSlot.ACTIVE:
            free_slot_internal(s, tm, allocation)


def is_allocated(s: ClusterState, tm: int, allocation: int) -> bool:
    """Whether a slot is there for the job, used or not."""
    state = s.tables[tm].slot[allocation]
    return state == TaskSlot.ALLOCATED or state == TaskSlot.ACTIVE


# -------------------------------------------------------------------------------- process


def start_process(s: ClusterState, tm: int) -> None:
    """The process starts. Flink: TaskExecutor.onStart."""
    fire(s.process, tm, Process.start)
    table.start(s.tables[tm])


def crash_process(s: ClusterState, tm: int) -> None:
    """The process is killed, with all that was sent to it or by it."""
    fire(s.process, tm, Process.crash)
    if s.at_rm[tm] != Registration.NONE:
        fire(s.at_rm, tm, Registration.close)
    if s.at_jm[tm] != Registration.NONE:
        fire(s.at_jm, tm, Registration.close)
    s.instance[tm] = NONE
    s.outdated[tm] = 0
    forget_offers(s, tm)
    for allocation in range(width_of(s)):
        s.offer[tm * width_of(s) + allocation] = 0
        s.allocation_report[tm * width_of(s) + allocation] = 0
    width = TRIES * len(s.task)
    for execution in range(width):
        s.stopping[tm * width + execution] = 0
    forget_slot_report(s, tm)
    for direction in range(WAYS):
        empty(s, way(tm, direction))
    restart(s.tables[tm])
