"""Random walks on several machines, with Ray: blocks of runs are divided among its processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.random_walk import InterpretedWalk, RandomWalk
from slotspec.statemachine.interpreter.statistics import Statistics
from slotspec.statemachine.search.random_walk import CompiledWalk, compile_walk
from slotspec.statemachine.search.ray_cluster import Shipped
from slotspec.statemachine.search.ray_tasks import Lost, in_order


@dataclass(frozen=True)
class Walking:
    """How to walk; the arguments of :func:`slotspec.statemachine.simulate.simulate`."""

    compiled: bool
    seed: int
    steps: int
    fault_rate: float
    swarm: bool


def walk_on_cluster(
    ray: Any,
    processors: int,
    instance: Instance,
    walking: Walking,
    blocks: Iterable[range],
    stop: Callable[[], bool],
) -> Generator[Statistics, None, None]:
    """Make the blocks of runs, and yield their statistics in order.

    :raises InputError: ``RAY002`` and ``RAY006`` if a node has other code, ``RAY007`` if a block
        cannot be made.
    """
    shipped = ray.put(Shipped.of(instance, ray))
    pieces = ((shipped, walking, block) for block in blocks)
    for statistics in in_order(ray, processors, walk_block, pieces, stop):
        if isinstance(statistics, Lost):
            raise InputError("RAY007", f"runs are lost on the cluster: {statistics.why}")
        yield statistics


def walk_block(shipped: Shipped, walking: Walking, block: range) -> Statistics:
    """One block of runs, in a process of the cluster."""
    walk = _walk(shipped, walking)
    if isinstance(walk, CompiledWalk):
        walk.compiled.improve()
    return walk.block(block, walking.seed, lambda: False)


@lru_cache(maxsize=1)
def _walk(shipped: Shipped, walking: Walking) -> RandomWalk:
    """What walks in this process, kept for its next block."""
    import ray

    instance = shipped.unpacked(ray)
    how = walking.steps, walking.fault_rate, walking.swarm
    if walking.compiled:
        return CompiledWalk(compile_walk(instance), *how)
    return InterpretedWalk(instance, *how)
