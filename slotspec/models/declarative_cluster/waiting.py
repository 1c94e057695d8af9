"""When there is nothing to do but to wait, so that timers fire."""

from __future__ import annotations

from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Leader, Process, Registration
from slotspec.models.cluster.state import allocations, own_executions, shares
from slotspec.models.cluster.timers import slot_leaves_soon, task_starts_soon
from slotspec.models.declarative_cluster import job_master, resource_manager
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot, Manager
from slotspec.models.fine_grained_slot_manager.workers import is_on
from slotspec.models.task_slot_table.slots import is_known
from slotspec.statemachine.declaration.rules import NONE


def is_idle(s: DeclarativeClusterState) -> bool:
    """Whether every process is up and connected, or registering, and nobody has work to do."""
    if s.resource_manager[0] != Leader.LEADING or s.manager.manager[0] == Manager.KILLED:
        return False
    if s.job_master[0] == Leader.STANDBY or s.revoked:
        return False
    if s.job_connecting or (
        s.job_master[0] == Leader.LEADING
        and (
            scheduler.is_finished(s)
            or s.rm_deposed
            or (s.pool.gateway == NONE and not s.registering)
        )
    ):
        return False
    return (
        all(process == Process.UP for process in s.process)
        and Registration.NONE not in s.at_rm
        and not any(s.stopping)
        and not any(s.deposed_jm)
        and not has_work(s)
    )


def has_work(s: DeclarativeClusterState) -> bool:
    """Whether a short delay runs, the scheduler can request a slot, or a task is about to run."""
    return (
        (s.job_master[0] == Leader.LEADING and job_master.has_delayed(s))
        or resource_manager.is_check_due(s)
        or any(scheduler.needs_slot(s, share) for share in s.elements(shares))
        or any(task_starts_soon(s, own) for own in s.elements(own_executions))
        or slot_leaves_soon(s)
    )


def has_news(s: DeclarativeClusterState, tm: int) -> bool:
    """Whether the ResourceManager would learn anything new about the slots of a TaskExecutor."""
    return any(
        is_known(s.tables[tm], allocation)
        != (
            is_on(s.manager, allocation, s.instance[tm])
            and s.manager.slot[allocation] == ManagedSlot.ALLOCATED
        )
        for allocation in s.elements(allocations)
    )
