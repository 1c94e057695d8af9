"""FLINK-9047: a slot that could not be freed is kept although its TaskExecutor has left."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import job_master
from slotspec.models.cluster.job_master import free_slot_at
from slotspec.models.cluster.lifecycles import Registration
from slotspec.models.cluster.state import ClusterState
from slotspec.models.slot_pool.lifecycles import Pool
from slotspec.models.slot_pool.matching import make_available

ONLY_NUMBER = 0
"""The slot's number: the bounds give a TaskExecutor one slot."""


def free_slot_or_keep_it(s: ClusterState, tm: int, allocation: int) -> None:
    """The call to a TaskExecutor that is gone fails, and the slot becomes available again."""
    if s.at_jm[tm] == Registration.DONE or s.pool.pool[0] != Pool.STARTED:
        free_slot_at(s, tm, allocation)
        return
    s.pool.slot_tm[allocation] = tm
    s.pool.slot_index[allocation] = ONLY_NUMBER
    s.pool.slot_profile[allocation] = 0
    make_available(s.pool, allocation)


BUGS = [
    Bug(
        issue="FLINK-9047",
        description="The call that frees a slot fails, and the pool takes the slot back without asking"
        " whether its TaskExecutor is still registered: a slot that is nowhere is available.",
        model="cluster",
        property="pool_held_slots_have_registered_task_managers",
        length=23,
        generation="1.12",
        scope="crashes",
        bounds={"task_managers": 1, "early_timeouts": 0},
        replace={job_master.free_slot_at: free_slot_or_keep_it},
        fixed="1.5.0",
        likeness="In Flink it is an idle slot that is freed; the cluster does not count time, and"
        " the slot is one whose allocation has failed.",
    )
]
