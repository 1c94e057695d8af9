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
    room_of,
    send,
    way,
)
from slotspec.models.cluster.own_elements import own_allocation, own_execution
from slotspec.models.cluster.resource_manager import forget_answers_to_come, forget_slot_report
from slotspec.models.cluster.state import (
    STRIDE,
    TABLE,
    ClusterState,
    Message,
    allocations,
    executions,
    slot_numbers,
)
from slotspec.models.cluster.versions import OfferAnswers
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.environment import unused_ticket
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import (
    allocation_under,
    indexed_task,
    is_empty,
    is_known,
)
from slotspec.models.task_slot_table.state import Effect
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, fire

JOB = 0
NO_TIMEOUT = 0


def tell_resource_manager(
    s: ClusterState, tm: int, message: int, subject: int = NONE, detail: int = 0
) -> None:
    """Send a message to the ResourceManager."""
    send(s, way(tm, Way.TO_RESOURCE_MANAGER), message, subject, detail)


def tell_job_master(
    s: ClusterState, tm: int, message: int, subject: int = NONE, detail: int = 0
) -> None:
    """Send a message to the JobMaster, if connected."""
    if s.at_jm[tm] == Registration.DONE:
        send(s, way(tm, Way.TO_JOB_MASTER), message, subject, detail)


def tell_of_task(s: ClusterState, tm: int, message: int, subject: int, detail: int) -> None:
    """Send the JobMaster a message about a task: an answer, or by the task's own gateway.

    Both are sent even if the TaskExecutor is no longer connected.
    """
    send(s, way(tm, Way.TO_JOB_MASTER), message, subject, detail)


# ------------------------------------------------------------------------- slot requests


def request_slot(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The ResourceManager requests a slot. Flink: TaskExecutor.requestSlot."""
    if s.at_rm[tm] != Registration.DONE:
        tell_resource_manager(s, tm, Message.CALL_FAILED, NONE, detail)
        return
    slots = s.tables[tm]
    number = detail // STRIDE // len(s.process)
    present = allocation_under(slots, number)
    if present == NONE:
        ticket = unused_ticket(slots)
        if table.allocate_slot(slots, number, JOB, allocation, NONE, ticket, NO_TIMEOUT) != 1:
            tell_resource_manager(s, tm, Message.CALL_FAILED, NONE, detail)
            return
    elif table.is_allocated(slots, number, JOB, allocation) != 1:
        tell_resource_manager(s, tm, Message.CALL_OCCUPIED, present, detail)
        return
    if s.at_jm[tm] == Registration.DONE:
        offer_slots_to_job_manager(s, tm)
    elif s.at_jm[tm] == Registration.NONE:
        connect_to_job_manager(s, tm)
    tell_resource_manager(s, tm, Message.CALL_ACKNOWLEDGED, NONE, detail)


# --------------------------------------------------------------------------------- offers


def offer_slots_to_job_manager(s: ClusterState, tm: int) -> None:
    """Offer every slot that the job does not use yet, those on offer included.

    Flink: TaskExecutor.offerSlotsToJobManager.
    """
    for allocation, slot in enumerate(s.tables[tm].slot):
        if slot == TaskSlot.ALLOCATED:
            offer_slot(s, tm, allocation)


def offer_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """Offer one slot."""
    own = own_allocation(s, tm, allocation)
    s.offering[own] = 1
    if s.offer_answers == OfferAnswers.NEWEST:
        outdate_offers(s, tm, allocation)
    tell_job_master(s, tm, Message.OFFER_SLOT, allocation, 2 * s.tables[tm].slot_number[allocation])


def outdate_offers(s: ClusterState, tm: int, allocation: int) -> None:
    """Mark what is on its way of offers of this slot: it is about an older offer from now on."""
    for direction in (Way.TO_JOB_MASTER, Way.FROM_JOB_MASTER):
        first = way(tm, direction) * room_of(s)
        for post in range(first, first + room_of(s)):
            if is_about_offer(s.message[post]) and s.subject[post] == allocation:
                s.detail[post] += 1 - s.detail[post] % 2


def is_about_offer(message: int) -> bool:
    """Whether a message offers a slot, or answers that."""
    return message in (
        Message.OFFER_SLOT,
        Message.OFFER_ACCEPTED,
        Message.OFFER_REJECTED,
        Message.OFFER_FAILED,
    )


def offer_answered(s: ClusterState, tm: int, allocation: int, accepted: int, older: int) -> None:
    """The JobMaster has accepted the slot, or rejected it: then it is freed.

    Flink: TaskExecutor.handleAcceptedSlotOffers.
    """
    if not is_answer_obeyed(s, older):
        return
    s.offering[own_allocation(s, tm, allocation)] = 0
    if s.at_jm[tm] != Registration.DONE:
        return
    if accepted:
        known = is_known(s.tables[tm], allocation)
        if not known or table.mark_slot_active(s.tables[tm], allocation) != 1:
            tell_job_master(s, tm, Message.FAIL_SLOT, allocation)
    else:
        free_slot_internal(s, tm, allocation)


def offer_failed(s: ClusterState, tm: int, allocation: int, older: int) -> None:
    """The answer to an offer is an exception: the slot is freed, connected or not.

    Flink: TaskExecutor.handleAcceptedSlotOffers, called with a Throwable.
    """
    if is_answer_obeyed(s, older):
        s.offering[own_allocation(s, tm, allocation)] = 0
        free_slot_internal(s, tm, allocation)


def is_answer_obeyed(s: ClusterState, older: int) -> bool:
    """Whether an answer counts: any answer does, or (1.13) only that to the newest offer."""
    return s.offer_answers == OfferAnswers.ALL or not older


def offers_time_out(s: ClusterState, tm: int) -> None:
    """No answer to offers arrived in time: repeat the offers."""
    forget_offers(s, tm)
    offer_slots_to_job_manager(s, tm)


def forget_offers(s: ClusterState, tm: int) -> None:
    """Wait no longer for answers to offers."""
    for allocation in s.elements(allocations):
        s.offering[own_allocation(s, tm, allocation)] = 0


# -------------------------------------------------------------------------------- freeing


def free_slot_internal(s: ClusterState, tm: int, allocation: int) -> None:
    """Give a slot up; the ResourceManager is notified once its tasks have ended.

    Flink: TaskExecutor.freeSlotInternal.
    """
    if not is_known(s.tables[tm], allocation):
        return
    first = len(s.effects)
    number = table.free_slot(s.tables[tm], allocation)
    note_failing(s, tm, first)
    if number != NONE:
        if s.at_rm[tm] == Registration.DONE:
            tell_resource_manager(s, tm, Message.SLOT_AVAILABLE, allocation, number)
        close_job_manager_connection_if_no_allocated_resources(s, tm)


def note_failing(s: ClusterState, tm: int, first: int) -> None:
    """Stop the tasks that the table has told to fail."""
    for i in range(first, len(s.effects)):
        kind, task, _, _, _ = s.effects[i]
        if kind == TABLE + Effect.FAIL_TASK:
            stop(s, tm, s.tables[tm].execution[task])


def stop(s: ClusterState, tm: int, execution: int) -> None:
    """Tell an attempt to stop."""
    s.stopping[own_execution(s, tm, execution)] = 1


def close_job_manager_connection_if_no_allocated_resources(s: ClusterState, tm: int) -> None:
    """Close the connection to the JobMaster once no slot is left for its job."""
    if s.at_jm[tm] != Registration.NONE and all(
        slot == TaskSlot.FREE for slot in s.tables[tm].slot
    ):
        tell_job_master(s, tm, Message.DISCONNECT)
        fire(s.at_jm, tm, Registration.close)
        s.deposed_jm[tm] = 0
        forget_offers(s, tm)


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
    added = (
        s.at_jm[tm] == Registration.DONE
        and table.try_mark_slot_active(s.tables[tm], JOB, allocation) == 1
        and add_task(s, tm, allocation, execution)
    )
    if not added:
        tell_of_task(s, tm, int(Message.SUBMISSION_FAILED), allocation, execution)


def add_task(s: ClusterState, tm: int, allocation: int, execution: int) -> bool:
    """Add a task to a slot, if there is room. Flink: TaskSlotTable.addTask."""
    slots = s.tables[tm]
    record = next((i for i in range(len(slots.task)) if table.is_unused(slots, i)), NONE)
    return record != NONE and table.add_task(slots, record, execution, JOB, allocation, 0) == 1


def cancel_task(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The JobMaster cancels a task; if it is not there, the answer is an exception.

    Flink: TaskExecutor.cancelTask.
    """
    execution = detail // s.cancel_tries
    if indexed_task(s.tables[tm], execution) != NONE:
        stop(s, tm, execution)
    else:
        tell_of_task(s, tm, int(Message.CANCELLATION_FAILED), allocation, detail)


def fail_task(s: ClusterState, tm: int, execution: int) -> None:
    """A report on a task was refused or not answered: the task is to fail, if it is still there.

    Flink: TaskExecutor.updateTaskExecutionState, failTask.
    """
    if indexed_task(s.tables[tm], execution) != NONE:
        stop(s, tm, execution)


def task_starts(s: ClusterState, tm: int, execution: int) -> None:
    """A task begins to run, and the JobMaster is notified. Flink: Task.doRun."""
    record = indexed_task(s.tables[tm], execution)
    s.announced[own_execution(s, tm, execution)] = 1
    allocation = s.tables[tm].task_slot[record]
    tell_of_task(s, tm, int(Message.TASK_RUNNING), allocation, execution)


def refuse_task(s: ClusterState, tm: int, execution: int) -> None:
    """A task could not be set up after its slot has become active: the answer is an exception."""
    record = indexed_task(s.tables[tm], execution)
    allocation = s.tables[tm].task_slot[record]
    table.task_terminates(s.tables[tm], record, 0)
    table.remove_task(s.tables[tm], execution)
    tell_of_task(s, tm, int(Message.SUBMISSION_FAILED), allocation, execution)


def task_ends(s: ClusterState, tm: int, execution: int, failed: int) -> None:
    """A task ends: it leaves its slot, and the JobMaster is notified.

    Flink: TaskExecutor.unregisterTaskAndNotifyFinalState.

    :param failed: whether it failed, or was told to stop.
    """
    record = indexed_task(s.tables[tm], execution)
    allocation = s.tables[tm].task_slot[record]
    own = own_execution(s, tm, execution)
    outcome = Message.TASK_FAILED if failed else Message.TASK_FINISHED
    s.stopping[own] = 0
    s.announced[own] = 0
    table.task_terminates(s.tables[tm], record, 0)
    first = len(s.effects)
    table.remove_task(s.tables[tm], execution)
    tell_of_task(s, tm, outcome, allocation, execution)
    for i in range(first, len(s.effects)):
        if s.effects[i].kind == TABLE + Effect.FREE_SLOT and not s.late_slots:
            free_slot_internal(s, tm, allocation)


def last_report(s: ClusterState, tm: int, execution: int) -> int:
    """The place of the last report of an attempt, if that is in flight, or NONE."""
    first = way(tm, Way.TO_JOB_MASTER) * room_of(s)
    return next(
        (
            post
            for post in range(first, first + room_of(s))
            if s.message[post] in (Message.TASK_FINISHED, Message.TASK_FAILED)
            and s.detail[post] == execution
        ),
        NONE,
    )


def is_about_to_leave(s: ClusterState, tm: int, allocation: int) -> bool:
    """Whether a freed slot has lost its last task: it leaves in a step that is queued."""
    return s.tables[tm].slot[allocation] == TaskSlot.RELEASING and is_empty(
        s.tables[tm], allocation
    )


# ---------------------------------------------------------------------------- connections


def connect_to_job_manager(s: ClusterState, tm: int) -> None:
    """Register at the JobMaster, or try again. Flink: JobLeaderService."""
    fire(s.at_jm, tm, Registration.register)
    there = way(tm, Way.TO_JOB_MASTER)
    forget_registrations(s, there, way(tm, Way.FROM_JOB_MASTER))
    send(s, there, Message.REGISTER)


def establish_job_manager_connection(s: ClusterState, tm: int) -> None:
    """The JobMaster has confirmed the registration: offer it the slots of its job.

    Flink: TaskExecutor.establishJobManagerConnection.
    """
    if s.at_jm[tm] != Registration.TRYING:
        return
    fire(s.at_jm, tm, Registration.succeed)
    forget_offers(s, tm)
    offer_slots_to_job_manager(s, tm)


def disconnect_job_manager(s: ClusterState, tm: int) -> None:
    """Disconnect from the JobMaster: fail its tasks, put its slots under a timeout, notify it.

    Flink: TaskExecutor.disconnectJobManagerConnection, disassociateFromJobManager.
    """
    if s.at_jm[tm] != Registration.DONE:
        return
    slots = s.tables[tm]
    for record, allocation in enumerate(slots.task_slot):
        if allocation != NONE:
            stop(s, tm, slots.execution[record])
    for allocation in s.elements(allocations):
        if slots.slot[allocation] == TaskSlot.ACTIVE:
            table.mark_slot_inactive(slots, allocation, unused_ticket(slots), NO_TIMEOUT)
    tell_job_master(s, tm, Message.DISCONNECT)
    fire(s.at_jm, tm, Registration.close)
    s.deposed_jm[tm] = 0
    forget_offers(s, tm)


def lose_job_manager(s: ClusterState, tm: int) -> None:
    """The JobMaster that it knows no longer leads: disconnect, or give up registering there.

    Flink: JobLeaderListener.jobManagerLostLeadership.
    """
    s.deposed_jm[tm] = 0
    if s.at_jm[tm] == Registration.TRYING:
        forget_registrations(s, way(tm, Way.TO_JOB_MASTER), way(tm, Way.FROM_JOB_MASTER))
        fire(s.at_jm, tm, Registration.close)
    disconnect_job_manager(s, tm)


def register_at_resource_manager(s: ClusterState, tm: int) -> None:
    """Register, or try again. Flink: TaskExecutorToResourceManagerConnection."""
    fire(s.at_rm, tm, Registration.register)
    there = way(tm, Way.TO_RESOURCE_MANAGER)
    forget_registrations(s, there, way(tm, Way.FROM_RESOURCE_MANAGER))
    forget_answers_to_come(s, tm)
    send(s, there, Message.REGISTER)


def establish_resource_manager_connection(s: ClusterState, tm: int, instance: int) -> None:
    """The ResourceManager has confirmed the registration: report the slots.

    Flink: TaskExecutor.establishResourceManagerConnection.
    """
    if s.at_rm[tm] != Registration.TRYING:
        return
    fire(s.at_rm, tm, Registration.succeed)
    s.instance[tm] = instance
    write_slot_report(s, tm)
    tell_resource_manager(s, tm, Message.SLOT_REPORT, detail=instance)


def close_resource_manager_connection(s: ClusterState, tm: int) -> None:
    """Disconnect from the ResourceManager and notify it, or give up registering there.

    Flink: TaskExecutor.closeResourceManagerConnection.
    """
    s.outdated[tm] = 0
    if s.at_rm[tm] == Registration.DONE:
        tell_resource_manager(s, tm, Message.DISCONNECT)
    if s.at_rm[tm] != Registration.NONE:
        fire(s.at_rm, tm, Registration.close)
        s.instance[tm] = NONE


def write_slot_report(s: ClusterState, tm: int) -> None:
    """Write down what is in each slot now. Flink: TaskSlotTable.createSlotReport."""
    for index in s.elements(slot_numbers):
        s.slot_report[tm * s.width + index] = allocation_under(s.tables[tm], index)


def has_report_under_way(s: ClusterState, tm: int) -> bool:
    """Whether a report of this TaskExecutor is in flight."""
    channel = way(tm, Way.TO_RESOURCE_MANAGER)
    return is_in_channel(s, channel, Message.SLOT_REPORT) or is_in_channel(
        s, channel, Message.HEARTBEAT
    )


def sync_slots_with_report(s: ClusterState, tm: int) -> None:
    """The JobMaster has reported what it holds: free other slots, report back what is gone.

    Flink: TaskExecutor.syncTaskSlotsTableWithAllocatedSlotReport (since FLINK-11059).
    """
    for allocation in s.elements(allocations):
        own = own_allocation(s, tm, allocation)
        reported = s.allocation_report[own]
        s.allocation_report[own] = 0
        if reported and not is_allocated(s, tm, allocation):
            tell_job_master(s, tm, Message.FAIL_SLOT, allocation)
        if not reported and s.tables[tm].slot[allocation] == TaskSlot.ACTIVE:
            free_slot_internal(s, tm, allocation)


def forget_allocation_report(s: ClusterState, tm: int) -> None:
    """Clear the JobMaster's report that was in flight."""
    for allocation in s.elements(allocations):
        s.allocation_report[own_allocation(s, tm, allocation)] = 0


def is_allocated(s: ClusterState, tm: int, allocation: int) -> bool:
    """Whether a slot is there for the job, used or not."""
    return s.tables[tm].slot[allocation] in (TaskSlot.ALLOCATED, TaskSlot.ACTIVE)


# -------------------------------------------------------------------------------- process


def start_process(s: ClusterState, tm: int) -> None:
    """The process starts. Flink: TaskExecutor.onStart."""
    fire(s.process, tm, Process.start)
    table.start(s.tables[tm])


def crash_process(s: ClusterState, tm: int, arrive: int) -> None:
    """The process is killed; messages to it are lost.

    :param arrive: whether its last messages still arrive.
    """
    fire(s.process, tm, Process.crash)
    if s.at_rm[tm] != Registration.NONE:
        fire(s.at_rm, tm, Registration.close)
    if s.at_jm[tm] != Registration.NONE:
        fire(s.at_jm, tm, Registration.close)
    s.instance[tm] = NONE
    s.outdated[tm] = 0
    s.deposed_jm[tm] = 0
    s.late_disconnects[tm] = 0
    for allocation in s.elements(allocations):
        s.late_releases[own_allocation(s, tm, allocation)] = 0
    s.dead_end[tm] = s.known[tm]
    s.stale[tm] = int(s.registered[tm] != NONE)
    forget_offers(s, tm)
    for execution in s.elements(executions):
        s.stopping[own_execution(s, tm, execution)] = 0
        s.announced[own_execution(s, tm, execution)] = 0
    forget_allocation_report(s, tm)
    if arrive == 0:
        forget_slot_report(s, tm)
    for direction in range(WAYS):
        if not arrive or direction in (Way.FROM_JOB_MASTER, Way.FROM_RESOURCE_MANAGER):
            empty(s, way(tm, direction))
    forget_registrations(s, way(tm, Way.TO_JOB_MASTER), way(tm, Way.FROM_JOB_MASTER))
    restart(s.tables[tm])
