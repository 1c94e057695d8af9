"""The state of a cluster with declared requirements.

It is that of the older cluster, with the bridge and its declarative pool at the JobMaster, and
the fine-grained manager at the ResourceManager. An allocation id also names the call that asks a
TaskExecutor for this slot.
"""

from __future__ import annotations

from collections.abc import Sequence

from slotspec.models.cluster.state import (
    MANAGER,
    POOL,
    TABLE,
    ClusterState,
    task_managers,
)
from slotspec.models.cluster.state import table_instance as older_table
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import DeclarativePoolState
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import FineGrainedSlotManagerState
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Setting, part

TICK = 1
"""How long declarations, their repetitions and checks are delayed, in ticks of the parts' time.

Their delays are tens of milliseconds, so the cluster lets them end at any time.
"""
TABLE_GENERATION = "2.3"


def pool_instance(g: Setting) -> Instance:
    """The JobMaster's bridge and pool in a cluster: one request for each share."""
    return declarative_slot_pool.instance(
        {
            "task_managers": g["task_managers"],
            "slot_indices": 2 * g["slots_per_task_manager"],
            "allocations": g["allocations"],
            "requests": g["parallelism"],
            "request_ids": g["parallelism"],
            "batch_requests": g["batch_requests"],
            "profiles": 2,
            "most_required": 2 * g["parallelism"],
            "interval": TICK,
            "longest_backoff": TICK,
            "timers": 2,
        },
        generation=g["generation"],
    )


def manager_instance(g: Setting) -> Instance:
    """The ResourceManager's manager in a standalone cluster."""
    return fine_grained_slot_manager.instance(
        {
            "task_managers": g["task_managers"],
            "jobs": 1,
            "instances": 2 * g["task_managers"],
            "slots_per_worker": g["slots_per_task_manager"],
            "allocations": g["allocations"],
            "report_entries": g["allocations"],
            "reports": 2,
            "most_required": g["parallelism"],
            "pending_workers": g["parallelism"],
            "allocator": 0,
            "strategy": g["evenly_spread"],
            "check_delay": TICK,
            "timers": 1,
        },
        generation=g["generation"],
    )


def table_instance(g: Setting) -> Instance:
    """The slot table of one TaskExecutor in a cluster: all slots are dynamic ones."""
    older = older_table(Setting(g.bounds, {**g.choices, "generation": TABLE_GENERATION}))
    return task_slot_table.instance(
        {**older.setting.bounds, "dynamic_slots": g["slots_per_task_manager"] + 1, "spare": 0},
        generation=TABLE_GENERATION,
    )


class DeclarativeClusterState(ClusterState):
    """A JobMaster that declares what it needs, a ResourceManager, TaskExecutors, messages."""

    pool: DeclarativePoolState = part(  # type: ignore[assignment]
        pool_instance, "Its slot pool, with the bridge.", effects_from=POOL
    )
    manager: FineGrainedSlotManagerState = part(  # type: ignore[assignment]
        manager_instance, "Its slot manager.", effects_from=MANAGER
    )
    tables: Sequence[TaskSlotTableState] = part(
        table_instance, "Their slot tables.", per=task_managers, effects_from=TABLE
    )
