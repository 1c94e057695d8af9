"""What may happen in a cluster with declared requirements: what differs from the older one.

For each pair of processes one action receives a message of the channel between them: the
oldest, or one that the oldest cannot hold up. The receiver's module says what the message does.
"""

from __future__ import annotations

from slotspec.models.cluster import environment as older
from slotspec.models.cluster import job_master as older_job_master
from slotspec.models.cluster import resource_manager as older_resource_manager
from slotspec.models.cluster import scheduler
from slotspec.models.cluster import task_executor as older_task_executor
from slotspec.models.cluster.environment import (
    can_depose,
    can_fail_over,
    can_hurry,
)
from slotspec.models.cluster.lifecycles import Leader, Process
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    can_arrive,
    is_busy,
    receive,
    way,
)
from slotspec.models.cluster.model import ACTS, ARRIVES, cluster
from slotspec.models.cluster.state import (
    Message,
    allocations,
    instances,
    nexts,
    shares,
    task_managers,
)
from slotspec.models.declarative_cluster import job_master, resource_manager, task_executor
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, SlotRequest
from slotspec.models.fine_grained_slot_manager.lifecycles import Manager
from slotspec.models.fine_grained_slot_manager.workers import is_registered
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE

declarative_cluster.share(
    cluster,
    older.resource_manager_gains_leadership,
    older.job_master_gains_leadership,
    older.job_master_finds_resource_manager,
    older.resource_manager_finds_job_master,
    older.resource_manager_finds_former_job_master,
    older.resource_manager_loses_job_master,
    older.task_executor_starts,
    older.task_executor_finds_resource_manager,
    older.resource_manager_finds_gateway,
    older.task_executor_finds_job_master,
    older.task_executor_loses_job_master,
    older.job_master_hears_task_executor,
    older.task_executor_hears_job_master,
    older.late_release_arrives,
    older.late_disconnect_arrives,
    older.resource_manager_hears_task_executor,
    older.task_starts,
    older.task_is_quick,
    older.last_task_is_released_first,
    older.partitions_are_lost,
    older.job_master_hears_of_unknown_task,
    older.task_ends,
    older.task_has_done_its_work,
    older.slot_leaves,
    older.slot_leaves_unnoticed,
    older.job_master_ends,
)


can_lose_resource_manager = can_fail_over | can_hurry
"""Whether the ResourceManager may fail over, or die of an answer that comes too late."""


# ------------------------------------------------------------------------------ leadership


@declarative_cluster.action(when=can_depose, fair=ACTS)
def job_master_steps_down(s: DeclarativeClusterState) -> int:
    """A JobMaster that no longer leads learns of it, or ends after its scheduler is suspended."""
    if not s.revoked:
        return DISABLED
    if job_master.is_suspended(s):
        job_master.revoke_leadership(s)
    else:
        job_master.stop_scheduling(s)
    return NONE


# ----------------------------------------------------------------------------- connections


@declarative_cluster.action(when=can_lose_resource_manager, fair=ACTS)
def job_master_loses_resource_manager(s: DeclarativeClusterState) -> int:
    """The JobMaster learns that its ResourceManager no longer leads."""
    if s.job_master[0] != Leader.LEADING or not s.rm_deposed:
        return DISABLED
    older_job_master.close_connection(s)
    return NONE


@declarative_cluster.action(when=can_hurry, fair=ACTS)
def resource_manager_is_replaced(s: DeclarativeClusterState) -> int:
    """The process of the ResourceManager has ended with a fatal exception: another will lead."""
    if s.manager.manager[0] != Manager.KILLED:
        return DISABLED
    older_resource_manager.revoke_leadership(s)
    return NONE


# -------------------------------------------------------------------------------- messages


@declarative_cluster.action(place=nexts, fair=ARRIVES)
def resource_manager_hears_job_master(s: DeclarativeClusterState, place: int) -> int:
    """The ResourceManager receives a message from the JobMaster."""
    if not can_arrive(s, TO_RESOURCE_MANAGER, place):
        return DISABLED
    message, _, detail = receive(s, TO_RESOURCE_MANAGER, place)
    if s.resource_manager[0] != Leader.LEADING:
        return message
    match message:
        case Message.REGISTER:
            older_resource_manager.register_job_master(s, detail)
        case Message.DECLARE_REQUIREMENTS:
            resource_manager.declare_required_resources(s, detail)
        case _:
            resource_manager.close_job_manager_connection(s, detail)
    return message


@declarative_cluster.action(place=nexts, fair=ARRIVES)
def job_master_hears_resource_manager(s: DeclarativeClusterState, place: int) -> int:
    """The JobMaster receives a message from the ResourceManager."""
    if not can_arrive(s, TO_JOB_MASTER, place):
        return DISABLED
    message, _, _ = receive(s, TO_JOB_MASTER, place)
    if s.job_master[0] != Leader.LEADING:
        return message
    match message:
        case Message.REGISTERED:
            older_job_master.registered(s)
        case Message.REQUEST_ACKNOWLEDGED:
            job_master.declaration_acknowledged(s)
        case Message.REQUEST_REFUSED:
            job_master.declaration_fails(s)
        case Message.NOT_ENOUGH_RESOURCES:
            job_master.not_enough_resources(s)
        case _:
            older_job_master.close_connection(s)
    return message


@declarative_cluster.action(tm=task_managers, place=nexts, fair=ARRIVES)
def task_executor_hears_resource_manager(s: DeclarativeClusterState, tm: int, place: int) -> int:
    """A TaskExecutor receives a message from the ResourceManager."""
    channel = way(tm, Way.FROM_RESOURCE_MANAGER)
    if not can_arrive(s, channel, place):
        return DISABLED
    message, allocation, detail = receive(s, channel, place)
    if s.process[tm] != Process.UP:
        return message
    match message:
        case Message.REGISTERED:
            older_task_executor.establish_resource_manager_connection(s, tm, detail)
        case Message.REQUEST_TASK_SLOT:
            task_executor.request_slot(s, tm, allocation, detail)
        case Message.FREE_INACTIVE_SLOTS:
            task_executor.free_inactive_slots(s, tm)
        case _:
            older_task_executor.close_resource_manager_connection(s, tm)
    return message


# --------------------------------------------------------------------------------- the job


@declarative_cluster.action(share=shares, fair=ACTS)
def scheduler_requests_slot(s: DeclarativeClusterState, share: int) -> int:
    """The scheduler requests a slot for a share, as none is free in the pool."""
    if not scheduler.needs_slot(s, share) or has_free_slot(s) or is_busy(s):
        return DISABLED
    if s.pool.request[share] != SlotRequest.UNUSED:
        return DISABLED
    first = len(s.effects)
    scheduler.request_new_slot(s, share, share)
    older_job_master.apply_effects(s, first)
    return NONE


def has_free_slot(s: DeclarativeClusterState) -> bool:
    """Whether the pool has a slot to give away. All slots have the same profile."""
    return s.pool.free[0] != NONE


@declarative_cluster.action(share=shares, allocation=allocations, fair=ACTS)
def scheduler_takes_slot(s: DeclarativeClusterState, share: int, allocation: int) -> int:
    """The scheduler takes a free slot for a share. Which one depends on preferences."""
    if (
        not scheduler.needs_slot(s, share)
        or s.pool.slot[allocation] != AllocatedSlot.FREE
        or is_busy(s)
    ):
        return DISABLED
    first = len(s.effects)
    scheduler.take_available_slot(s, share, allocation)
    older_job_master.apply_effects(s, first)
    return NONE


# --------------------------------------------------------------------------------- delays


@declarative_cluster.action(fair=ACTS)
def declaration_is_due(s: DeclarativeClusterState) -> int:
    """The delay of a declaration, or of one that failed, is over."""
    if s.job_master[0] != Leader.LEADING or not job_master.has_delayed(s) or is_busy(s):
        return DISABLED
    job_master.delay_is_over(s)
    return NONE


@declarative_cluster.action(instance=instances, fair=ACTS)
def check_is_due(s: DeclarativeClusterState, instance: int) -> int:
    """The ResourceManager checks what the job requires; it looks at one connection first."""
    if not may_check(s) or not resource_manager.may_come_first(s, instance):
        return DISABLED
    resource_manager.check_requirements(s, instance, instance, instance)
    return NONE


has_connection_orders = is_set("connection_orders")
"""Whether the ResourceManager may look at any three of its connections first."""


@declarative_cluster.action(
    when=has_connection_orders, instance=instances, second=instances, third=instances
)
def check_is_due_in_order(
    s: DeclarativeClusterState, instance: int, second: int, third: int
) -> int:
    """The ResourceManager checks what the job requires; it looks at these three connections first.

    They are in a hash table. If there are but two, the third is the second again.
    """
    if not may_check(s) or instance in (second, third):
        return DISABLED
    several = sum(is_registered(s.manager, one) for one in s.elements(instances)) > 2
    if several == (second == third):
        return DISABLED
    if not all(is_registered(s.manager, one) for one in (instance, second, third)):
        return DISABLED
    resource_manager.check_requirements(s, instance, second, third)
    return NONE


def may_check(s: DeclarativeClusterState) -> bool:
    """Whether the ResourceManager may check what the job requires."""
    return (
        s.resource_manager[0] == Leader.LEADING
        and resource_manager.is_check_due(s)
        and not is_busy(s)
    )
