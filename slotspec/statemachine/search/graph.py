"""The reachable states as the compiled search keeps them, for ``leads to``; see liveness.py.

A step takes 6 bytes (8 with 65,536 calls or more). While components are computed, a state takes
about 70 bytes in addition to what the search itself keeps.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.declaration.model import Property
from slotspec.statemachine.interpreter.liveness import (
    STRONG,
    WEAK,
    Graph,
    Watch,
    Way,
)
from slotspec.statemachine.search import kernels, liveness
from slotspec.statemachine.search.found_states import FoundStates
from slotspec.statemachine.search.step_log import StepLog
from slotspec.statemachine.search.store import Reserved
from slotspec.statemachine.search.visited import NOBODY, Visited
from slotspec.statemachine.search.worker_pool import Worker

BURST = 1 << 16
"""States that are processed between two checks of the limits."""

STATE_BYTES = 70


class CompiledGraph(Graph):
    """Steps in compact arrays; states are numbered without gaps.

    :param visited: the states of an exhaustive, exact search without symmetry.
    :param transitions: an upper bound of the number of steps.
    :param until: when time is up, as given by ``perf_counter``.
    :param log: the steps, if the search logged them; otherwise all states are expanded again.
    """

    def __init__(
        self,
        compiled: Compiled,
        visited: Visited,
        transitions: int,
        batch: int,
        watch: Watch,
        until: float | None = None,
        log: StepLog | None = None,
    ) -> None:
        super().__init__(compiled.instance)
        self.compiled, self.visited, self.watch = compiled, visited, watch
        self.found = FoundStates(compiled, visited, until)
        self.size = visited.count
        self.first: Any = np.zeros(self.size + 1, dtype=np.int64)
        self.gaps: Any = np.array(self.found.starts, dtype=np.int64) - self.found.before[:-1]
        self.targets, self.labels = self._steps(log, transitions, batch)
        self.fairness: Any = np.array(self.fair, dtype=np.uint8)
        self.faults: Any = np.array(self.faulty, dtype=np.uint8)
        self._number: Any = np.zeros(self.size, dtype=np.uint32)
        self._low, self._stack, self._path = (np.zeros_like(self._number) for _ in range(3))
        self._cursor: Any = np.zeros(self.size, dtype=np.int64)
        self._depth: Any = None
        self._hope: Any = None
        self._asked = 0
        self._via: Any = None

    def _steps(
        self, log: StepLog | None, transitions: int, batch: int
    ) -> tuple[Reserved, Reserved]:
        """The targets and labels of all steps; sets `first` to where those of each state begin."""
        if log is not None and log.complete:
            found = log.assembled(self.first, self.found.before.tolist(), self.gaps)
            if found is not None:
                self._count(int(self.first[-1]))
                return found
        targets = Reserved(transitions, np.uint32)
        labels = Reserved(transitions, self.visited.narrow)
        self._follow(batch, targets.array, labels.array)
        return targets, labels

    def _count(self, steps: int) -> None:
        """Check the limits, with so many steps in memory."""
        per = 4 + np.dtype(self.visited.narrow).itemsize
        self.watch(steps * per + self.size * STATE_BYTES)

    def _follow(self, batch: int, targets: Any, labels: Any) -> None:
        """Expand all states again, to find their steps."""
        compiled, visited = self.compiled, self.visited
        table = visited.table
        assert table is not None
        worker = Worker(compiled, batch, 0)
        opened = compiled.result_buffer.opened
        worker.buffer[opened : opened + compiled.result_buffer.kinds] = 0
        known = np.zeros(len(worker.recent) // visited.width, dtype=np.int64)
        at = 0
        for start, number, stop in zip(
            self.found.starts, self.found.before.tolist(), visited.ends(), strict=False
        ):
            for begin in range(start, stop, BURST):
                task = partial(
                    liveness.follow,
                    begin,
                    min(stop, begin + BURST),
                    number + begin - start,
                    at,
                    compiled.expand,
                    worker.buffer,
                    worker.buffer.ctypes.data,
                    visited.width,
                    batch,
                    visited.states.address,
                    visited.states.array,
                    table.address,
                    visited.entries,
                    visited.region,
                    self.gaps,
                    worker.words,
                    worker.words.ctypes.data,
                    worker.source,
                    worker.source.ctypes.data,
                    worker.call,
                    worker.call.ctypes.data,
                    np.zeros(kernels.CHUNK, dtype=np.uint64),
                    worker.recent,
                    known,
                    self.first,
                    targets,
                    labels,
                )
                at = self.found.run(task, worker.buffer)
                if at < 0:
                    raise RuntimeError("a step leads out of the states that were found")
                self._count(at)

    def ask(self, declared: Property, side: int, elements: tuple[int, ...]) -> Any:
        return self.found.ask(declared, side, elements)

    def sift(self, premise: Any, promise: Any) -> tuple[Any, Any]:
        within = promise ^ 1
        return premise & within, within

    def some(self, mask: Any) -> bool:
        return bool(mask.any())

    def barren(self, within: Any) -> bool:
        return self._hope is not None and not (self._hope & within).any()

    def reach(self, starts: Any, within: Any) -> Any:
        region = within.copy()
        liveness.reach(starts, region, self.first, self.targets.array, self._stack)
        return region >> 1

    def loops(self, within: Any) -> Any | None:
        """As declared; from the second call on, it searches only where fair runs can stay.

        Fairness does not depend on the property: a fair run that stays within some states also
        stays within one of the components of the whole graph that a fair run can stay in.
        """
        self._asked += 1
        if self._asked == 2:
            marks = self._loops(np.ones(self.size, dtype=np.uint8))
            self._hope = np.zeros_like(within) if marks is None else (marks != 0).view(np.uint8)
        return self._loops(within if self._hope is None else within & self._hope)

    def _loops(self, within: Any) -> Any | None:
        marks = np.zeros(self.size, dtype=np.uint32)
        calls = len(self.fair)
        found = 0
        left = within
        while left.any():
            self.watch(0)
            again = np.zeros(self.size, dtype=np.uint8)
            np.multiply(left ^ 1, liveness.OUT, out=self._number, dtype=np.uint32)
            found = liveness.components(
                found,
                self.first,
                self.targets.array,
                self.labels.array,
                self.fairness,
                self.faults,
                self._number,
                self._low,
                self._stack,
                self._path,
                self._cursor,
                again,
                marks,
                np.zeros(calls, dtype=np.int64),
                np.zeros(calls, dtype=np.uint8),
                np.zeros(calls, dtype=np.int64),
            )
            left = again
        return marks if found else None

    def way_to(self, state: int) -> list[int]:
        return self.visited.way_to(self.found.stored(state))

    def steps(self, state: int) -> Way:
        begin, end = int(self.first[state]), int(self.first[state + 1])
        labels, targets = self.labels.array[begin:end], self.targets.array[begin:end]
        return list(zip(labels.tolist(), targets.tolist(), strict=True))

    def onward(self, starts: Any, within: Any, marks: Any) -> tuple[int, Way]:
        order = np.flatnonzero(starts)
        if len(self.found.starts) > 1:
            order = order[np.argsort(self._depths()[order], kind="stable")]
        via = np.zeros(self.size, dtype=np.int64)
        end = liveness.onward(
            order, within, marks, self.first, self.targets.array, via, self._stack
        )
        if end < 0:
            raise LookupError("no start leads to a loop")
        way = self._back(int(end), via)
        return self._source(int(via[way[0][1]]) - 2) if way else int(end), way

    def _depths(self) -> Any:
        """The distance of each state from the initial one (several workers mix them)."""
        if self._depth is None:
            parents = np.zeros(self.size, dtype=np.uint32)
            for worker, start in enumerate(self.found.starts):
                there = self.visited.parents.array[start : self.visited.next_of(worker)]
                known = np.where(there == NOBODY, 0, there).astype(np.int64)
                known -= self.gaps[known // self.visited.region]
                parents[self.found.before[worker] : self.found.before[worker + 1]] = known
            self._depth = np.zeros(self.size, dtype=np.uint32)
            liveness.depths(parents, self._depth, self._path)
        return self._depth

    def _source(self, step: int) -> int:
        """The state that a step starts from."""
        return int(np.searchsorted(self.first, step, side="right")) - 1

    def _back(self, state: int, via: Any) -> Way:
        """The path that led to a state."""
        way: Way = []
        while via[state] != 1:
            step = int(via[state]) - 2
            way.append((int(self.labels.array[step]), state))
            state = self._source(step)
        return way[::-1]

    def still(self, state: int, marks: Any) -> Way | None:
        wanted = np.array([WEAK if how else 0 for how in self.fair], dtype=np.uint8)
        return self._inside(state, -1, marks, wanted, 1, False)

    def nearest(self, state: int, marks: Any, weak: set[int], strong: set[int]) -> Way:
        wanted = np.zeros(len(self.fair), dtype=np.uint8)
        wanted[list(weak)] = WEAK
        wanted[list(strong)] = STRONG
        return self._found(self._inside(state, -1, marks, wanted, len(weak), True))

    def home(self, state: int, to: int, marks: Any) -> Way:
        nothing = np.zeros(len(self.fair), dtype=np.uint8)
        return self._found(self._inside(state, to, marks, nothing, 0, False))

    @staticmethod
    def _found(way: Way | None) -> Way:
        if way is None:
            raise LookupError("a component is not connected")
        return way

    def _inside(
        self, state: int, to: int, marks: Any, wanted: Any, weak: int, going: bool
    ) -> Way | None:
        """A path that stays in a component; see :func:`.liveness.nearest`."""
        if self._via is None:
            self._via = np.zeros(self.size, dtype=np.int64)
        end, step, seen = liveness.nearest(
            state,
            to,
            marks,
            wanted,
            weak,
            going,
            self.faults,
            self.first,
            self.targets.array,
            self.labels.array,
            self._via,
            self._stack,
        )
        way = self._back(int(end), self._via) if end >= 0 else None
        if way is not None and step >= 0:
            way.append((int(self.labels.array[step]), int(self.targets.array[step])))
        self._via[self._stack[:seen]] = 0
        return way
