"""What a message does that arrives early, late, or after a newer one of its kind."""

from __future__ import annotations

from slotspec.models.cluster.environment import (
    job_master_hears_task_executor,
    late_disconnect_arrives,
    late_release_arrives,
    task_executor_hears_job_master,
)
from slotspec.models.cluster.lifecycles import Job, Leader, Registration, Share
from slotspec.models.cluster.messages import Way, messages_about, room_of, way
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.own_elements import own_allocation
from slotspec.models.cluster.resource_manager import is_waited_for, tm_of
from slotspec.models.cluster.scheduler import is_news
from slotspec.models.cluster.state import (
    POOL,
    STRIDE,
    ClusterState,
    Message,
    allocations,
    has_stragglers,
    instances,
    may_return_first,
    task_managers,
)
from slotspec.models.cluster.task_executor import is_allocated
from slotspec.models.slot_pool.queues import is_held, is_open
from slotspec.models.slot_pool.recycling import is_queued
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import indexed_task
from slotspec.statemachine.declaration.conditions import exceeds, first_of, is_set, known
from slotspec.statemachine.declaration.rules import NONE

is_one_region = ~is_set("regions")
"""Whether the whole job restarts together."""
overtaken = known(
    "the message that the slot is free again overtakes the answer, and then a report does",
    exceeds("overtaking", 1),
)
"""Why a report may be older than an answer before it."""
returned_in_between = known(
    "FLINK-23806, mended in 1.13.3: tasks are cancelled in the order of a hash table, and a"
    " slot that one of them returns serves the request of the next (recorded: 1.12.5, seed"
    " 2000)",
    may_return_first,
)
"""Why a returned slot may serve a request that is withdrawn next."""
unordered = first_of(
    (
        "another thread submits the task, and no order binds that to the calls that cancel it"
        " (recorded: 1.11.4, seed 0022); the task is an orphan until its report is refused or"
        " its slot is freed",
        exceeds("overtaking", 1),
    ),
    (
        "a submission that has timed out may still arrive; nobody cancels it",
        is_set("early_timeouts"),
    ),
)
"""Why a task may start that nobody wants any more."""
unasked = known(
    "a TaskExecutor does not ask which JobMaster frees a slot or closes the connection, and"
    " calls of a former one may come late (recorded: 1.13.6, seed 9111); the tasks of the next"
    " one fail"
)
"""Why a former JobMaster may undo what the next one has done."""


def oldest(s: ClusterState, tm: int, direction: int) -> int:
    """Where the first message of a channel is."""
    return way(tm, direction) * room_of(s)


@cluster.step("TaskExecutor.submitTask (FLINK-5836)", on=task_executor_hears_job_master)
def a_task_is_taken_if_its_slot_is_there(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """A TaskExecutor accepts a task submitted to a slot that it has offered to the job, even
    before the answer to the offer arrives."""
    post = oldest(before, tm, Way.FROM_JOB_MASTER) + place
    return (
        result != Message.SUBMIT_TASK
        or before.at_jm[tm] != Registration.DONE
        or not is_allocated(before, tm, before.subject[post])
        or indexed_task(after.tables[tm], before.detail[post]) != NONE
    )


@cluster.always("TaskExecutor.requestSlot (FLINK-9427)", each={"tm": task_managers})
def no_slot_is_asked_for_ahead_of_its_registration(s: ClusterState, tm: int) -> bool:
    """A TaskExecutor learns that it is registered before the ResourceManager requests one of the
    slots that were registered with it."""
    first = oldest(s, tm, Way.FROM_RESOURCE_MANAGER)
    return not any(
        s.message[post] == Message.REQUEST_TASK_SLOT
        and is_waited_for(s, s.detail[post])
        and s.manager.slot_instance[s.detail[post] // STRIDE] == s.detail[answer]
        for answer in range(first, first + room_of(s))
        if s.message[answer] == Message.REGISTERED
        for post in range(first, answer)
    )


@cluster.always("ResourceManager.registerTaskExecutor (FLINK-12260)", each={"instance": instances})
def only_the_newest_registration_counts(s: ClusterState, instance: int) -> bool:
    """At most one registration of a TaskExecutor waits for its gateway, so that none completes
    after a later one."""
    return not s.connecting[instance] or not any(
        s.connecting[other] and tm_of(s, other) == tm_of(s, instance) for other in range(instance)
    )


@cluster.step("JobMaster.offerSlots (FLINK-19237)", on=job_master_hears_task_executor)
def a_waiting_job_takes_what_is_offered(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """While a request waits, the JobMaster rejects no slot that a registered TaskExecutor
    offers."""
    if result != Message.OFFER_SLOT or not before.known[tm] or Share.WAITING not in before.share:
        return True
    allocation = before.subject[oldest(before, tm, Way.TO_JOB_MASTER) + place]
    return is_held(before.pool, allocation) or is_held(after.pool, allocation)


@cluster.step("JobMaster.offerSlots (FLINK-28640)", on=job_master_hears_task_executor)
def a_slot_in_use_is_not_rejected(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """The pool accepts a slot that it already holds when it is offered again."""
    if result != Message.OFFER_SLOT or not before.known[tm]:
        return True
    post = oldest(before, tm, Way.TO_JOB_MASTER) + place
    allocation = before.subject[post]
    if (
        not is_held(before.pool, allocation)
        or before.pool.slot_tm[allocation] != tm
        or before.pool.slot_index[allocation] != before.detail[post] // 2
    ):
        return True
    back, rejected = way(tm, Way.FROM_JOB_MASTER), int(Message.OFFER_REJECTED)
    # an earlier rejection may still be on its way, and none leaves for a dead process
    return messages_about(after, back, rejected, allocation) <= messages_about(
        before, back, rejected, allocation
    )


@cluster.always(
    "Execution.cancel, PhysicalSlotProvider.cancelSlotRequest (FLINK-14331)",
    each={"request": allocations},
)
def a_request_is_for_a_share_that_waits(s: ClusterState, request: int) -> bool:
    """The pool looks for no slot for a task that was cancelled and is not scheduled again."""
    return (
        not is_queued(s.pool, request)
        or not is_open(s.pool, request)
        or s.share[s.pool.request_id[request]] == Share.WAITING
    )


@cluster.step(
    "DefaultScheduler.cancelTasksAsync (FLINK-23806)",
    when=is_one_region,
    deviation=returned_in_between,
)
def a_restart_serves_no_old_request(after: ClusterState) -> bool:
    """A slot returned for a restart does not go to another task that is to be restarted."""
    return (
        after.job[0] != Job.CANCELLING
        or bool(after.ending)
        or all(e.kind != POOL + PoolEffect.REQUEST_FULFILLED for e in after.effects)
    )


@cluster.step("TaskExecutor.handleAcceptedSlotOffers", on=task_executor_hears_job_master)
def an_older_answer_changes_nothing(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """The answer to an offer that has been repeated since leaves the slot as it is."""
    post = oldest(before, tm, Way.FROM_JOB_MASTER) + place
    allocation = before.subject[post]
    return (
        result not in (Message.OFFER_ACCEPTED, Message.OFFER_REJECTED, Message.OFFER_FAILED)
        or before.detail[post] == 0
        or before.tables[tm].slot[allocation] == after.tables[tm].slot[allocation]
    )


@cluster.always(
    "TaskManagerHeartbeatListener.retrievePayload (FLINK-12863)",
    each={"tm": task_managers},
    deviation=overtaken,
)
def a_report_knows_what_was_accepted_before_it(s: ClusterState, tm: int) -> bool:
    """A report of allocated slots that follows the acceptance of an offer has that slot,
    unless it was freed or the connection closed in between."""
    first = oldest(s, tm, Way.FROM_JOB_MASTER)
    accepted = NONE
    for post in range(first, first + room_of(s)):
        match s.message[post]:
            case Message.OFFER_ACCEPTED:
                accepted = s.subject[post]
            case Message.FREE_SLOT | Message.DISCONNECT:
                accepted = NONE
            case Message.ALLOCATION_REPORT if accepted != NONE:
                if not s.allocation_report[own_allocation(s, tm, accepted)]:
                    return False
    return True


@cluster.step(
    "Execution.cancel, TaskExecutor.submitTask",
    on=task_executor_hears_job_master,
    deviation=unordered,
)
def a_task_that_was_given_up_does_not_start(
    before: ClusterState, after: ClusterState, result: int, tm: int, place: int
) -> bool:
    """A TaskExecutor starts no task that the scheduler has given up, unless it is about to be
    told: a call to cancel it, or the end of the connection, is on its way."""
    if result != Message.SUBMIT_TASK:
        return True
    execution = before.detail[oldest(before, tm, Way.FROM_JOB_MASTER) + place]
    first = oldest(after, tm, Way.FROM_JOB_MASTER)
    return (
        indexed_task(after.tables[tm], execution) == NONE
        or is_news(after, execution)
        or any(
            after.message[post] in (Message.FREE_SLOT, Message.DISCONNECT)
            or (
                after.message[post] == Message.CANCEL_TASK
                and after.detail[post] // after.cancel_tries == execution
            )
            for post in range(first, first + room_of(after))
        )
    )


@cluster.always(
    "ResourceManagerHeartbeatListener.retrievePayload (FLINK-12865)",
    each={"tm": task_managers},
    deviation=overtaken,
)
def a_slot_report_knows_what_was_answered_before_it(s: ClusterState, tm: int) -> bool:
    """A heartbeat that follows the answer that a slot is allocated shows the slot as allocated,
    unless it was freed in between."""
    first = oldest(s, tm, Way.TO_RESOURCE_MANAGER)
    answered = NONE
    for post in range(first, first + room_of(s)):
        match s.message[post]:
            case Message.CALL_ACKNOWLEDGED if is_waited_for(s, s.detail[post]):
                answered = s.detail[post] // STRIDE // len(s.process)
            case Message.SLOT_AVAILABLE:
                answered = NONE
            case Message.HEARTBEAT if answered != NONE:
                if s.slot_report[tm * s.width + answered] == NONE:
                    return False
    return True


@cluster.step(
    "TaskExecutor.freeSlot", when=has_stragglers, on=late_release_arrives, deviation=unasked
)
def a_former_job_master_frees_no_slot_of_the_next(
    before: ClusterState, tm: int, allocation: int
) -> bool:
    """A JobMaster that leads no more frees no slot that the next one has taken."""
    return not is_taken(before, tm, allocation)


@cluster.step(
    "TaskExecutor.disconnectJobManager",
    when=has_stragglers,
    on=late_disconnect_arrives,
    deviation=unasked,
)
def a_former_job_master_closes_no_connection_of_the_next(before: ClusterState, tm: int) -> bool:
    """A JobMaster that leads no more closes no connection in which the next one has a slot."""
    return not any(is_taken(before, tm, allocation) for allocation in before.elements(allocations))


def is_taken(s: ClusterState, tm: int, allocation: int) -> bool:
    """Whether the leading JobMaster has a slot, of which its TaskExecutor knows that it is used."""
    return (
        s.job_master[0] == Leader.LEADING
        and s.tables[tm].slot[allocation] == TaskSlot.ACTIVE
        and allocation in s.share_allocation
    )
