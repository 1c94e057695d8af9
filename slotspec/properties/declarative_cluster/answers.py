"""What a process must say, and when an answer ends its waiting."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import Message
from slotspec.models.declarative_cluster.environment import job_master_hears_resource_manager
from slotspec.models.declarative_cluster.job_master import is_waiting
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_cluster.timers import declaration_times_out
from slotspec.properties.cluster import answers

declarative_cluster.share(
    cluster,
    answers.a_job_master_answers_task_executors,
    answers.a_task_executor_answers_the_job_master,
    answers.an_unused_slot_is_offered,
    answers.offers_end_with_the_connection,
    answers.a_job_master_that_leaves_says_so,
    answers.a_look_up_begins_with_a_registration,
    answers.a_job_master_that_is_dropped_is_told,
    answers.a_former_job_master_is_told_nothing,
    answers.a_task_executor_that_leaves_says_so,
    answers.a_task_executor_that_is_dropped_is_told,
    answers.a_task_executor_that_was_dropped_closes_the_connection,
    answers.a_job_master_that_was_dropped_closes_the_connection,
)


@declarative_cluster.step(
    "DefaultDeclareResourceRequirementServiceConnectionManager",
    on=job_master_hears_resource_manager,
)
def an_answered_declaration_is_not_waited_for(after: DeclarativeClusterState, result: int) -> bool:
    """The JobMaster does not wait for the answer to its declaration any more once it has come."""
    return result not in (Message.REQUEST_ACKNOWLEDGED, Message.REQUEST_REFUSED) or (
        after.job_master[0] != Leader.LEADING or not is_waiting(after)
    )


@declarative_cluster.step(
    "DefaultDeclareResourceRequirementServiceConnectionManager", on=declaration_times_out
)
def a_declaration_that_timed_out_is_not_waited_for(after: DeclarativeClusterState) -> bool:
    """The JobMaster does not wait for the answer to its declaration after the time for it."""
    return not is_waiting(after)


@declarative_cluster.step(
    "DeclarativeSlotPoolBridge.notifyNotEnoughResourcesAvailable",
    on=job_master_hears_resource_manager,
)
def nobody_waits_where_there_is_not_enough(after: DeclarativeClusterState, result: int) -> bool:
    """No request waits any more once the JobMaster has learned that there are too few slots.

    Those of a batch job wait on, as a slot that it uses comes free.
    """
    return (
        after.batch_requests != 0
        or result != Message.NOT_ENOUGH_RESOURCES
        or after.job_master[0] != Leader.LEADING
        or Share.WAITING not in after.share
    )
