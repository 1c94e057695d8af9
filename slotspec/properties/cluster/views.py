"""What JobMaster, ResourceManager and TaskExecutors each believe, side by side."""

from __future__ import annotations

from slotspec.models.cluster.job_master import is_held_at
from slotspec.models.cluster.lifecycles import Execution, Leader, Registration
from slotspec.models.cluster.scheduler import exists, share_of
from slotspec.models.cluster.state import (
    ClusterState,
    allocations,
    slot_numbers,
    slots_of,
    task_managers,
    tasks,
)
from slotspec.models.cluster.task_executor import is_allocated
from slotspec.models.cluster.timers import is_at
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under
from slotspec.statemachine.declaration.conditions import Condition
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


@Condition
def has_enough_slots(setting: Setting) -> bool:
    """Whether the cluster has as many slots as the job needs."""
    return bool(slots_of(setting) >= setting["parallelism"])


def tasks_run(s: ClusterState) -> bool:
    """Whether every task of the job runs at a TaskExecutor, and the JobMaster knows it."""
    return all(
        s.task[task] == Execution.RUNNING and is_at(s, task, s.share_allocation[share_of(s, task)])
        for task in s.elements(tasks)
        if exists(s, task)
    )


def pool_agrees(s: ClusterState) -> bool:
    """Whether the pool holds exactly the slots that TaskExecutors have for the job."""
    return all(
        is_allocated(s, tm, allocation)
        and s.pool.slot_index[allocation] == s.tables[tm].slot_number[allocation]
        if is_held_at(s, allocation, tm)
        else not is_allocated(s, tm, allocation)
        for allocation in s.elements(allocations)
        for tm in s.elements(task_managers)
    )


def manager_agrees(s: ClusterState) -> bool:
    """Whether the ResourceManager knows every slot, and what is in it."""
    return all(
        s.at_rm[tm] == Registration.DONE and s.registered[tm] == s.instance[tm]
        for tm in s.elements(task_managers)
    ) and all(
        s.manager.slot_instance[index * len(s.tables) + tm] == s.instance[tm]
        and s.manager.slot_allocation[index * len(s.tables) + tm]
        == allocation_under(s.tables[tm], index)
        for tm in s.elements(task_managers)
        for index in s.elements(slot_numbers)
    )


def nothing_is_allocated(s: ClusterState) -> bool:
    """Whether no slot is in use, in anybody's view, and nobody requests one."""
    return (
        all(slot == TaskSlot.FREE for table in s.tables for slot in table.slot)
        and all(allocation == NONE for allocation in s.manager.slot_allocation)
        and all(request == NONE for request in s.manager.slot_request)
        and not any(is_held(s.pool, allocation) for allocation in s.elements(allocations))
        and s.manager.entered[0] == NONE
    )


def is_retired(s: ClusterState) -> bool:
    """Whether the job has ended."""
    return s.job_master[0] == Leader.RETIRED
