"""What happens when time passes in a cluster with declared requirements.

Most timers are those of the older cluster.
"""

from __future__ import annotations

from slotspec.models.cluster import job_master as older_job_master
from slotspec.models.cluster import resource_manager as older_resource_manager
from slotspec.models.cluster import scheduler, timers
from slotspec.models.cluster.lifecycles import Leader, Share
from slotspec.models.cluster.messages import (
    is_mentioned,
)
from slotspec.models.cluster.model import TIMER, cluster
from slotspec.models.cluster.state import (
    Message,
    allocations,
    shares,
)
from slotspec.models.cluster.timers import may_end_retries, may_fire
from slotspec.models.declarative_cluster import job_master, resource_manager
from slotspec.models.declarative_cluster.model import declarative_cluster
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.fine_grained_slot_manager.operations import is_stopped
from slotspec.statemachine.declaration.rules import DISABLED, NONE

declarative_cluster.share(
    cluster,
    timers.timer_is_early,
    timers.offers_time_out,
    timers.slot_times_out,
    timers.task_call_times_out,
    timers.submission_times_out,
    timers.cancellation_times_out,
    timers.lost_cancellation_times_out,
    timers.task_update_times_out,
    timers.scheduler_restarts_region,
    timers.registration_times_out,
    timers.job_registration_times_out,
    timers.task_executor_reports,
    timers.job_master_reports,
    timers.resource_manager_misses_heartbeat,
    timers.task_executor_misses_resource_manager,
    timers.job_master_misses_heartbeat,
    timers.task_executor_misses_job_master,
    timers.job_master_registration_times_out,
    timers.job_master_misses_resource_manager,
    timers.resource_manager_misses_job_master,
)


# --------------------------------------------------------------------------------- timers


@declarative_cluster.action(share=shares, fair=TIMER)
def request_times_out(s: DeclarativeClusterState, share: int) -> int:
    """The timeout of a slot request fires: the scheduler withdraws it, and its region fails.

    Flink: PhysicalSlotRequestBulkCheckerImpl, SlotSharingExecutionSlotAllocator.
    """
    if not may_fire(s) or s.share[share] != Share.WAITING:
        return DISABLED
    s.hurry = 0
    first = len(s.effects)
    scheduler.return_slot(s, share)
    older_job_master.apply_effects(s, first)
    return NONE


@declarative_cluster.action(fair=TIMER)
def declaration_times_out(s: DeclarativeClusterState) -> int:
    """The ResourceManager has not answered a declaration in time."""
    if not may_fire(s) or s.job_master[0] != Leader.LEADING or not job_master.is_waiting(s):
        return DISABLED
    s.hurry = 0
    job_master.declaration_fails(s)
    return NONE


@declarative_cluster.action(allocation=allocations, fair=TIMER)
def slot_call_times_out(s: DeclarativeClusterState, allocation: int) -> int:
    """A TaskExecutor has not answered the request for a slot in time."""
    if not may_end_retries(s) or not resource_manager.is_waited_for(s, allocation):
        return DISABLED
    if not s.hurry and is_mentioned(s, allocation):
        return DISABLED
    s.hurry = 0
    resource_manager.call_answered(s, int(Message.CALL_FAILED), allocation, 0)
    return NONE


@declarative_cluster.action(fair=TIMER)
def startup_period_ends(s: DeclarativeClusterState) -> int:
    """The ResourceManager has waited long enough for TaskExecutors to register."""
    if not may_fire(s) or s.manager.notify or is_stopped(s.manager):
        return DISABLED
    s.hurry = 0
    older_resource_manager.end_startup_period(s)
    return NONE
