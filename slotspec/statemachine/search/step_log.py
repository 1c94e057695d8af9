"""The steps that a search takes, logged on the way for ``leads to``; see graph.py.

Without a log, a second pass over all states has to find them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.search import kernels
from slotspec.statemachine.search.kernels import (
    BATCH_COUNT,
    OVERFLOW,
    STATE_COUNT,
    STEP_COUNT,
    Steps,
)
from slotspec.statemachine.search.numba_cache import fast, kernel_cache
from slotspec.statemachine.search.store import Reserved
from slotspec.statemachine.search.visited import Visited

MOST_BATCHES = 1 << 24


class WorkerLog:
    """The steps that one worker takes, in its order."""

    def __init__(self, visited: Visited, room: int, degrees: Any, recent: int) -> None:
        self.targets = Reserved(room, np.uint32)
        self.labels = Reserved(room, visited.narrow)
        self.batches = Reserved(2 * MOST_BATCHES, np.int64)
        self.cells = np.zeros(4, dtype=np.int64)
        self.steps = Steps(
            self.cells,
            self.targets.array,
            self.labels.array,
            degrees,
            self.batches.array,
            # a worker's recent successors begin as the initial state, whose number is 0
            np.zeros(recent, dtype=np.int64),
            np.zeros(kernels.CHUNK, dtype=np.int64),
            np.zeros(kernels.CHUNK, dtype=np.int64),
            np.zeros(kernels.CHUNK, dtype=np.int64),
        )

    def bytes(self) -> int:
        per: int = self.targets.itemsize + self.labels.itemsize
        steps, batches = int(self.cells[STEP_COUNT]), int(self.cells[BATCH_COUNT])
        return steps * per + batches * 16


class StepLog:
    """The steps of an exact search without symmetry, from its initial state on.

    :param least: how many steps a batch of states has at most.
    :param recent: how many recent successors a worker knows.
    :raises MemoryError: there is not enough address space.
    """

    def __init__(self, visited: Visited, least: int, recent: int) -> None:
        self.visited = visited
        self.degrees = Reserved(visited.region * visited.workers, visited.narrow)
        room = least + visited.budget // (4 + np.dtype(visited.narrow).itemsize)
        self.workers = [
            WorkerLog(visited, room, self.degrees.array, recent) for _ in range(visited.workers)
        ]

    def bytes(self) -> int:
        """The memory that it takes."""
        degrees: int = self.visited.count * self.degrees.itemsize
        return degrees + sum(log.bytes() for log in self.workers)

    @property
    def complete(self) -> bool:
        """Whether every state's steps are here."""
        states = sum(int(log.cells[STATE_COUNT]) for log in self.workers)
        full = any(log.cells[OVERFLOW] for log in self.workers)
        return states == self.visited.count and not full

    def assembled(
        self, first: Any, before: Sequence[int], gaps: Any
    ) -> tuple[Reserved, Reserved] | None:
        """The targets and labels of all steps, by state; None if there is no room for them.

        :param first: receives the position of each state's first step.
        :param before: for each worker, the gapless number of its first state, and their total.
        :param gaps: for each worker, the difference between the numbers of a state.
        """
        visited = self.visited
        for worker, end in enumerate(visited.ends()):
            start, begin = worker * visited.region, before[worker] + 1
            first[begin : begin + end - start] = self.degrees.array[start:end]
        np.cumsum(first, out=first)
        if len(self.workers) == 1:  # a single worker takes the states in their order
            return self.workers[0].targets, self.workers[0].labels
        if visited.memory(0) + 2 * self.bytes() > visited.budget:
            return None
        total = int(first[-1])
        targets, labels = Reserved(total, np.uint32), Reserved(total, visited.narrow)
        for log in self.workers:
            count, end = int(log.cells[BATCH_COUNT]), int(log.cells[STEP_COUNT])
            by_state(
                log.steps, count, end, first, visited.region, gaps, targets.array, labels.array
            )
        return targets, labels


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def by_state(
        steps: Steps,
        batches: int,
        end: int,
        first: Any,
        region: int,
        gaps: Any,
        targets: Any,
        labels: Any,
    ) -> None:
        """Put a worker's steps where those of each state belong, with gapless numbers."""
        for batch in range(batches):
            state, at = steps.batches[2 * batch], steps.batches[2 * batch + 1]
            stop = steps.batches[2 * batch + 3] if batch + 1 < batches else end
            to = first[state - gaps[state // region]]
            for step in range(at, stop):
                target = np.int64(steps.targets[step])
                targets[to] = target - gaps[target // region]
                labels[to] = steps.labels[step]
                to += 1
