"""Allocation ids: which of them are new. The ResourceManager makes them up (since 1.14)."""

from __future__ import annotations

from slotspec.models.cluster.messages import is_mentioned
from slotspec.models.cluster.state import allocations
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool.recycling import is_allocation_unused
from slotspec.models.fine_grained_slot_manager import workers
from slotspec.models.task_slot_table.lifecycles import TaskSlot


def is_known_elsewhere(s: DeclarativeClusterState, allocation: int) -> bool:
    """Whether somebody other than the manager knows this id."""
    return (
        not is_allocation_unused(s.pool, allocation)
        or is_mentioned(s, allocation)
        or allocation in s.share_allocation
        or any(table.slot[allocation] != TaskSlot.FREE for table in s.tables)
    )


def is_new(s: DeclarativeClusterState, allocation: int) -> bool:
    """Whether nobody in the cluster knows this id, so that it may be generated."""
    return workers.is_allocation_unused(s.manager, allocation) and not is_known_elsewhere(
        s, allocation
    )


def new_allocations(s: DeclarativeClusterState) -> int:
    """How many ids are new."""
    return sum(is_new(s, allocation) for allocation in s.elements(allocations))


def note_known(s: DeclarativeClusterState) -> None:
    """Tell the manager which ids others know, so that it makes up new ones."""
    for allocation in s.elements(allocations):
        s.manager.elsewhere[allocation] = int(is_known_elsewhere(s, allocation))


def forget_known(s: DeclarativeClusterState) -> None:
    """The manager has made up the ids that it needs."""
    for allocation in s.elements(allocations):
        s.manager.elsewhere[allocation] = 0
