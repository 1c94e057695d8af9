"""Elements of a TaskExecutor's own: it and one of its allocations or attempts, as one number."""

from __future__ import annotations

from slotspec.models.cluster.state import ClusterState, allocations, executions


def own_allocation(s: ClusterState, tm: int, allocation: int) -> int:
    """An allocation of a TaskExecutor, as an element of own_allocations."""
    return tm * len(s.elements(allocations)) + allocation


def own_execution(s: ClusterState, tm: int, execution: int) -> int:
    """An attempt at a TaskExecutor, as an element of own_executions."""
    return tm * len(s.elements(executions)) + execution


def of_own_execution(s: ClusterState, own: int) -> tuple[int, int]:
    """The TaskExecutor and the attempt of an element of own_executions."""
    width = len(s.elements(executions))
    return own // width, own % width
