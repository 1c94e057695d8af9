"""What JobMaster, ResourceManager and TaskExecutors each believe, side by side."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Registration, Share
from slotspec.models.cluster.state import allocations, task_managers
from slotspec.models.declarative_cluster.slot_manager_service import JOB
from slotspec.models.declarative_cluster.slot_pool_service import profile_of
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_cluster.waiting import has_news
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.fine_grained_slot_manager.workers import is_registered
from slotspec.models.task_slot_table.lifecycles import TaskSlot


def manager_agrees(s: DeclarativeClusterState) -> bool:
    """Whether the ResourceManager knows every slot of every TaskExecutor, and no other."""
    return all(
        s.at_rm[tm] == Registration.DONE
        and s.registered[tm] == s.instance[tm]
        and is_registered(s.manager, s.instance[tm])
        and not has_news(s, tm)
        for tm in s.elements(task_managers)
    )


def requirements_agree(s: DeclarativeClusterState) -> bool:
    """Whether the ResourceManager knows what the job requires: nothing once it has ended."""
    if s.job_master[0] != Leader.LEADING:
        return s.job_master[0] == Leader.STANDBY or s.manager.required[JOB] == 0
    return s.manager.required[JOB] == s.pool.required[profile_of(s.pool)] == wanted(s)


def wanted(s: DeclarativeClusterState) -> int:
    """How many slots the shares of the job have, or wait for."""
    return sum(share != Share.IDLE for share in s.share)


def nothing_is_allocated(s: DeclarativeClusterState) -> bool:
    """Whether no slot is in use, in anybody's view, and nobody requires one."""
    return (
        all(slot == TaskSlot.FREE for table in s.tables for slot in table.slot)
        and all(slot == ManagedSlot.ABSENT for slot in s.manager.slot)
        and not any(is_held(s.pool, allocation) for allocation in s.elements(allocations))
        and s.manager.required[JOB] == 0
    )
