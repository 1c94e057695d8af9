"""The compiled search with partial-order reduction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.compiler.drivers.stuttering import stuttered
from slotspec.statemachine.interpreter.exploring import doubted
from slotspec.statemachine.layout import Layout, Place
from slotspec.statemachine.results import Limits, Reporter
from slotspec.statemachine.search.canonicalizer import PLAIN
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.partial_order.relations import Relations
from slotspec.statemachine.search.stubborn_kernels import Choice
from slotspec.statemachine.search.visited import Visited
from slotspec.statemachine.search.worker_pool import WorkerPool


class ReducedPool(WorkerPool):
    """Workers that leave the calls outside of stubborn sets for later.

    :param starts: gives the number of each worker's first state of the next level.
    """

    def __init__(
        self,
        compiled: Compiled,
        visited: Visited,
        relations: Relations,
        starts: Callable[[], list[int]],
    ) -> None:
        super().__init__(compiled, visited, PLAIN)
        instance = compiled.instance
        count = len(instance.calls)
        width = max(1, -(-count // 64))
        places = {action.name: n for n, action in enumerate(instance.actions)}
        taken = compiled.result_buffer.taken
        self.actions = np.array(
            [taken + places[call.action.name] for call in instance.calls], dtype=np.int64
        )
        self.moving = rows(relations.moving, width)
        self.still = rows(relations.still, width)
        self.first, self.places, self.allowed, self.writers = conditions(
            relations, compiled.layout, width
        )
        self.starts = starts
        self.space = [
            (
                np.zeros((2, width), dtype=np.uint64),
                np.zeros(count, dtype=np.int32),
                np.zeros((count, width), dtype=np.uint64),
                np.zeros(count, dtype=np.int64),
            )
            for _ in self.workers
        ]

    def choice(self, number: int) -> Choice:
        return Choice(
            self.moving,
            self.still,
            self.first,
            self.places,
            self.allowed,
            self.writers,
            self.actions,
            np.array(self.starts(), dtype=np.int64),
            self.visited.region,
            *self.space[number],
        )


def conditions(relations: Relations, layout: Layout, width: int) -> tuple[Any, Any, Any, Any]:
    """The conditions of all calls, as :class:`.stubborn_kernels.Choice` wants them."""
    where: dict[int, tuple[int, int]] = {byte: (at, bits) for byte, at, bits in layout._bits()}
    cells: list[Place] = []
    within: list[int] = []
    for name in layout.state_fields:
        place = layout.places[name]
        cells += [place] * place.size
        within += range(place.size)
    first, places, allowed, writers = [0], [], [], []
    for known in relations.conditions:
        for one in known:
            place = cells[one.cell]
            at, bits = where.get(place.offset + within[one.cell], (0, 0))
            places.append((at // 64, at % 64, bits))
            allowed.append(sum(1 << place.byte(value) for value in one.allowed))
            writers.append(relations.writers[one.cell])
        first.append(len(places))
    return (
        np.array(first, dtype=np.int64),
        np.array(places or [(0, 0, 0)], dtype=np.int64),
        rows(allowed or [0], 4),
        rows(writers or [0], width),
    )


def rows(sets: Sequence[int], width: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    """Sets of calls as rows of 64-bit words."""
    data = b"".join(one.to_bytes(8 * width, "little") for one in sets)
    return np.frombuffer(data, dtype="<u8").reshape(len(sets), width).astype(np.uint64)


class ReducedExplorer(Explorer):
    """One search; :meth:`run` returns its result."""

    def __init__(
        self,
        compiled: Compiled,
        limits: Limits,
        reporter: Reporter,
        workers: int,
        relations: Relations,
    ) -> None:
        self.relations = relations
        super().__init__(compiled, limits, reporter, workers, fingerprints=False)
        self.result.partial_order = relations.note

    def new_pool(self, mode: int) -> WorkerPool:
        return ReducedPool(self.compiled, self.visited, self.relations, lambda: self.starts)

    def conclude(self) -> None:
        super().conclude()
        buffers = [worker.buffer for worker in self.pool.workers]
        names = stuttered(self.instance, buffers)
        self.result.properties = [doubted(one, names) for one in self.result.properties]
