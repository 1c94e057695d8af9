"""What a message does that comes early, late, or after a newer one of its kind."""

from __future__ import annotations

from slotspec.models.cluster.environment import (
    job_master_hears_task_executor,
    task_executor_hears_job_master,
)
from slotspec.models.cluster.lifecycles import Registration, Share
from slotspec.models.cluster.messages import Way, in_flight, room_of, way
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.resource_manager import is_waited_for, tm_of
from slotspec.models.cluster.state import POOL, STRIDE, ClusterState, Message
from slotspec.models.cluster.task_executor import is_allocated
from slotspec.models.cluster.timers import scheduler_restarts_job
from slotspec.models.slot_pool.queues import is_held, is_open
from slotspec.models.slot_pool.recycling import is_queued
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.models.task_slot_table.slots import indexed_task
from slotspec.properties.common.effects import count_effects
from slotspec.statemachine.declaration.rules import NONE


def oldest(s: ClusterState, tm: int, direction: int) -> int:
    """Where the oldest message of a channel is."""
    return way(tm, direction) * room_of(s)


@cluster.step("TaskExecutor.submitTask (FLINK-5836)", on=task_executor_hears_job_master)
def a_task_is_taken_if_its_slot_is_there(
    before: ClusterState, after: ClusterState, result: int, tm: int
) -> bool:
    """A task submitted to a slot that the job was offered is taken, even while the answer to
    the offer is under way."""
    if result != Message.SUBMIT_TASK or before.at_jm[tm] != Registration.DONE:
        return True
    post = oldest(before, tm, int(Way.FROM_JOB_MASTER))
    execution = before.detail[post]
    if not is_allocated(before, tm, before.subject[post]):
        return True
    return indexed_task(after.tables[tm], execution) != NONE


@cluster.always("TaskExecutor.requestSlot (FLINK-9427)")
def no_slot_is_asked_for_ahead_of_its_registration(s: ClusterState) -> bool:
    """A TaskExecutor learns that it is registered before it is asked for one of the slots
    that were registered with it."""
    room = room_of(s)
    for tm in range(len(s.process)):
        first = oldest(s, tm, int(Way.FROM_RESOURCE_MANAGER))
        for told in range(first, first + room):
            if s.message[told] == Message.REGISTERED:
                for post in range(first, told):
                    if (
                        s.message[post] == Message.REQUEST_TASK_SLOT
                        and is_waited_for(s, s.detail[post])
                        and s.manager.slot_instance[s.detail[post] // STRIDE] == s.detail[told]
                    ):
                        return False
    return True


@cluster.always("ResourceManager.registerTaskExecutor (FLINK-12260)")
def only_the_newest_registration_counts(s: ClusterState) -> bool:
    """Of the registrations of a TaskExecutor one at most is waiting for its gateway, so that
    none is completed after one that came later."""
    for one in range(len(s.connecting)):
        for other in range(one):
            if s.connecting[one] and s.connecting[other] and tm_of(s, one) == tm_of(s, other):
                return False
    return True


@cluster.step("JobMaster.offerSlots (FLINK-19237)", on=job_master_hears_task_executor)
def a_waiting_job_takes_what_is_offered(
    before: ClusterState, after: ClusterState, result: int, tm: int
) -> bool:
    """While a request waits, no slot is rejected that a registered TaskExecutor offers."""
    if result != Message.OFFER_SLOT or not before.known[tm]:
        return True
    allocation = before.subject[oldest(before, tm, int(Way.TO_JOB_MASTER))]
    for share in range(len(before.share)):
        if before.share[share] == Share.WAITING:
            return is_held(before.pool, allocation) or is_held(after.pool, allocation)
    return True


@cluster.step("JobMaster.offerSlots (FLINK-28640)", on=job_master_hears_task_executor)
def a_slot_in_use_is_not_rejected(
    before: ClusterState, after: ClusterState, result: int, tm: int
) -> bool:
    """A slot that the pool has taken already is accepted when it is offered once more."""
    if result != Message.OFFER_SLOT or not before.known[tm]:
        return True
    post = oldest(before, tm, int(Way.TO_JOB_MASTER))
    allocation = before.subject[post]
    if (
        not is_held(before.pool, allocation)
        or before.pool.slot_tm[allocation] != tm
        or before.pool.slot_index[allocation] != before.detail[post] // 2
    ):
        return True
    channel = way(tm, int(Way.FROM_JOB_MASTER))
    answer = channel * room_of(after) + in_flight(after, channel) - 1
    return after.message[answer] != Message.OFFER_REJECTED


@cluster.always("Execution.cancel, PhysicalSlotProvider.cancelSlotRequest (FLINK-14331)")
def a_request_is_for_a_share_that_waits(s: ClusterState) -> bool:
    """The pool looks for no slot for a task that was cancelled and is not scheduled again."""
    for request in range(len(s.pool.request)):
        if (
            is_queued(s.pool, request)
            and is_open(s.pool, request)
            and s.share[s.pool.request_id[request]] != Share.WAITING
        ):
            return False
    return True


@cluster.step("DefaultScheduler.cancelTasksAsync (FLINK-23806)", on=scheduler_restarts_job)
def a_restart_serves_no_old_request(before: ClusterState, after: ClusterState, result: int) -> bool:
    """A slot that is returned for a restart does not go to a task that is to be restarted too."""
    return count_effects(after, POOL + PoolEffect.REQUEST_FULFILLED) == 0


@cluster.step("TaskExecutor.handleAcceptedSlotOffers", on=task_executor_hears_job_master)
def an_older_answer_changes_nothing(
    before: ClusterState, after: ClusterState, result: int, tm: int
) -> bool:
    """The answer to an offer that was made again since leaves the slot as it is."""
    if result not in (Message.OFFER_ACCEPTED, Message.OFFER_REJECTED, Message.OFFER_FAILED):
        return True
    post = oldest(before, tm, int(Way.FROM_JOB_MASTER))
    allocation = before.subject[post]
    own = tm * len(before.pool.slot) + allocation
    if before.detail[post] == before.offer[own]:
        return True
    return before.tables[tm].slot[allocation] == after.tables[tm].slot[allocation]


@cluster.always("TaskManagerHeartbeatListener.retrievePayload (FLINK-12863)")
def a_report_knows_what_was_accepted_before_it(s: ClusterState) -> bool:
    """A report of allocated slots that follows the acceptance of an offer has that slot,
    unless it was freed or the connection closed in between."""
    width = len(s.pool.slot)
    for tm in range(len(s.process)):
        first = oldest(s, tm, int(Way.FROM_JOB_MASTER))
        accepted = NONE
        for post in range(first, first + room_of(s)):
            message = s.message[post]
            if message == Message.OFFER_ACCEPTED:
                accepted = s.subject[post]
            elif message == Message.FREE_SLOT or message == Message.DISCONNECT:
                accepted = NONE
            elif (
                message == Message.ALLOCATION_REPORT
                and accepted != NONE
                and not s.allocation_report[tm * width + accepted]
            ):
                return False
    return True


@cluster.always("ResourceManagerHeartbeatListener.retrievePayload (FLINK-12865)")
def a_slot_report_knows_what_was_answered_before_it(s: ClusterState) -> bool:
    """A heartbeat that follows the answer that a slot is allocated shows it so, unless it was
    freed in between."""
    for tm in range(len(s.process)):
        first = oldest(s, tm, int(Way.TO_RESOURCE_MANAGER))
        answered = NONE
        for post in range(first, first + room_of(s)):
            message = s.message[post]
            if message == Message.CALL_ACKNOWLEDGED and is_waited_for(s, s.detail[post]):
                answered = s.detail[post] // STRIDE // len(s.process)
            elif message == Message.SLOT_AVAILABLE:
                answered = NONE
            elif (
                message == Message.HEARTBEAT
                and answered != NONE
                and s.slot_report[tm * s.width + answered] == NONE
            ):
                return False
    return True
