"""The workers of a search; each has a result buffer and space for successors."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.search import kernels
from slotspec.statemachine.search.canonicalizer import Canonicalizer
from slotspec.statemachine.search.kernels import (
    BATCHES,
    CURSOR,
    CUT,
    ENDING,
    NEXT,
    STOPPED,
    WORKER_CELLS,
)
from slotspec.statemachine.search.stopping import attend
from slotspec.statemachine.search.visited import Visited

BATCH = 256
BURST_SECONDS = 0.1
"""How long the workers run before the search checks limits and interrupts and reports progress."""


class Worker:
    """One worker's own memory."""

    def __init__(self, compiled: Compiled, batch: int, mode: int) -> None:
        rows = batch * max(1, len(compiled.instance.calls))
        self.buffer = compiled.new_buffer()
        self.kept = compiled.new_buffer()
        self.words = np.zeros(rows * compiled.layout.packed, dtype=np.uint64)
        self.source = np.zeros(rows, dtype=np.uint32)
        self.call = np.zeros(rows, dtype=np.uint32)
        self.hashes = np.zeros(kernels.CHUNK, dtype=np.uint64)
        self.numbers = np.zeros(kernels.CHUNK, dtype=np.uint32)
        # the initial state is in the table from the start, so it can mean "nothing yet"
        first = np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
        self.recent = np.tile(first, kernels.RECENT << (3 if mode else 0))
        self.canonicalizer = Canonicalizer(compiled, mode)
        self.keys = np.zeros_like(self.words) if mode else self.words
        self.successors = kernels.Successors(
            self.words,
            self.words.ctypes.data,
            self.keys,
            self.source,
            self.source.ctypes.data,
            self.call,
            self.call.ctypes.data,
            self.hashes,
            self.numbers,
            self.recent,
        )
        self.steps: kernels.Steps | None = None
        """Where the worker logs its steps, if they are asked for."""


class WorkerPool:
    """Expands levels of the search with the compiled model.

    :ivar until: when time is up, as given by ``perf_counter``; None for never.
    """

    def __init__(self, compiled: Compiled, visited: Visited, mode: int) -> None:
        self.compiled, self.visited = compiled, visited
        calls = max(1, len(compiled.instance.calls))
        self.batch = max(1, min(BATCH, (1 << 18) // calls))
        self.margin = visited.workers * self.batch * calls
        self.workers = [Worker(compiled, self.batch, mode) for _ in range(visited.workers)]
        apart = visited.workers > 1 or compiled.lasting
        self.pool = ThreadPoolExecutor(visited.workers) if apart else None
        self.until: float | None = None
        self.budget = 4
        self.batches = 0
        self.ranges = np.zeros((0, 3), dtype=np.int64)

    def begin(self, ranges: list[tuple[int, int]]) -> None:
        """Set the states with these numbers as the work to do."""
        rows, number = [], 0
        for first, stop in ranges:
            if stop > first:
                rows.append((first, stop, number))
                number += -(-(stop - first) // self.batch)
        self.ranges = np.array(rows or [(0, 0, 0)], dtype=np.int64)
        self.visited.shared[CURSOR] = 0
        self.visited.shared[NEXT + CUT :: WORKER_CELLS] = 0
        self.batches = number

    @property
    def left(self) -> int:
        """Batches of the level that no worker has taken yet."""
        return max(0, int(self.batches - self.visited.shared[CURSOR]))

    def rest(self) -> list[tuple[int, int]]:
        """Ranges of states of the level that no worker has taken yet, or not finished."""
        shared = self.visited.shared
        done = int(shared[CURSOR])
        cut = [int(number) - 1 for number in shared[NEXT + CUT :: WORKER_CELLS] if number]
        found = []
        for first, stop, number in self.ranges.tolist():
            batches = -(-(stop - first) // self.batch)
            for one in cut:
                if number <= one < min(number + batches, done):
                    begin = first + (one - number) * self.batch
                    found.append((begin, min(stop, begin + self.batch)))
            begin = first + max(0, done - number) * self.batch
            if begin < stop:
                found.append((begin, stop))
        return found

    def burst(self, expanding: bool = True, solo: bool = False) -> None:
        """Run the workers for about `BURST_SECONDS`, or until they stop by themselves.

        :raises OutOfTime: time is up.
        """
        started = perf_counter()
        before = self.left
        busy = 1 if solo else max(1, min(len(self.workers), before // 2))
        shared = self.visited.shared
        shared[BATCHES] = end = min(self.batches, int(shared[CURSOR]) + self.budget * busy)
        running: list[Future[None]] = []
        try:
            if self.pool is None or (busy < 2 and not self.compiled.lasting):
                self._work(0, expanding)
            else:
                for number in range(busy):
                    running.append(self.pool.submit(self._work, number, expanding))
                attend(running, [w.buffer for w in self.workers], self.until, self.ask_to_end)
        finally:
            # each worker that found no batch left has counted one too many
            shared[CURSOR] = min(int(shared[CURSOR]), end)
        for future in running:
            future.result()
        spent = perf_counter() - started
        done = before - self.left
        if done and self.left:
            per = max(spent / done * busy, 1e-9)
            self.budget = max(1, min(int(BURST_SECONDS / per), 4 * self.budget))

    def ask_to_end(self) -> None:
        """Make the workers take no further batch."""
        self.visited.shared[STOPPED] = ENDING

    def _work(self, number: int, expanding: bool) -> None:
        compiled, visited, worker = self.compiled, self.visited, self.workers[number]
        table = visited.table
        assert table is not None
        kernels.work(
            number,
            visited.workers,
            int(expanding),
            compiled.expand,
            worker.buffer,
            worker.kept,
            self.batch,
            self.ranges,
            kernels.Table(
                visited.exact,
                visited.width,
                visited.states.array,
                visited.states.address,
                visited.keys.array,
                visited.keys.address,
                visited.separate,
                visited.parents.array,
                visited.calls.array,
                table.address,
                visited.shared,
                visited.shared.ctypes.data,
            ),
            worker.successors,
            worker.canonicalizer.arguments,
            worker.steps,
        )

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True)

    def total(self, first: int, count: int) -> Any:
        """`count` cells of the result buffers, summed over all workers."""
        return sum(worker.buffer[first : first + count] for worker in self.workers)

    def total_finished(self, first: int, count: int) -> Any:
        """The same, but without the batches that :meth:`rest` gives again."""
        cut = self.visited.shared[NEXT + CUT :: WORKER_CELLS]
        buffers = [w.kept if n else w.buffer for w, n in zip(self.workers, cut, strict=True)]
        return sum(buffer[first : first + count] for buffer in buffers)
