"""What JobMaster, ResourceManager and TaskExecutors each believe, side by side."""

from __future__ import annotations

from slotspec.models.cluster.job_master import is_held_at
from slotspec.models.cluster.lifecycles import Leader, Registration
from slotspec.models.cluster.state import ClusterState, slots_of
from slotspec.models.cluster.task_executor import is_allocated
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def has_enough_slots(setting: Setting) -> bool:
    """Whether the cluster has as many slots as the job needs."""
    return bool(slots_of(setting) >= setting["parallelism"])


def pool_agrees(s: ClusterState) -> bool:
    """Whether the pool holds exactly the slots that TaskExecutors have for the job."""
    for allocation in range(len(s.pool.slot)):
        for tm in range(len(s.tables)):
            held = is_held_at(s, allocation, tm)
            if held != is_allocated(s, tm, allocation):
                return False
            if held and s.pool.slot_index[allocation] != s.tables[tm].slot_number[allocation]:
                return False
    return True


def manager_agrees(s: ClusterState) -> bool:
    """Whether the ResourceManager knows every slot, and what is in it."""
    for tm in range(len(s.tables)):
        if s.at_rm[tm] != Registration.DONE or s.registered[tm] != s.instance[tm]:
            return False
        for index in range(s.width):
            slot = index * len(s.tables) + tm
            if s.manager.slot_instance[slot] != s.instance[tm]:
                return False
            if s.manager.slot_allocation[slot] != allocation_under(s.tables[tm], index):
                return False
    return True


def nothing_is_allocated(s: ClusterState) -> bool:
    """Whether no slot is in use, in anybody's view, and nobody asks for one."""
    for tm in range(len(s.tables)):
        for allocation in range(len(s.pool.slot)):
            if s.tables[tm].slot[allocation] != TaskSlot.FREE:
                return False
    for slot in range(len(s.manager.slot)):
        if s.manager.slot_allocation[slot] != NONE or s.manager.slot_request[slot] != NONE:
            return False
    for allocation in range(len(s.pool.slot)):
        if is_held(s.pool, allocation):
            return False
    return s.manager.entered[0] == NONE


def is_retired(s: ClusterState) -> bool:
    """Whether the job has ended."""
    return s.job_master[0] == Leader.RETIRED
