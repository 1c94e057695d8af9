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
    ENDING,
    HALF,
    NEXT,
    STOPPED,
    UNFINISHED,
    UNFINISHED_END,
    WORKER_CELLS,
)
from slotspec.statemachine.search.stopping import attend
from slotspec.statemachine.search.stubborn_kernels import Choice
from slotspec.statemachine.search.visited import Visited
from slotspec.statemachine.search.work import work

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
            np.zeros(kernels.CHUNK, dtype=np.uint64),
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
        self.cells[:, [UNFINISHED, UNFINISHED_END, HALF]] = 0
        self.batches = number

    @property
    def cells(self) -> Any:
        """The shared cells of each worker."""
        return self.visited.shared[NEXT:].reshape(-1, WORKER_CELLS)

    @property
    def unfinished(self) -> list[tuple[int, int]]:
        """The batches that each worker has taken and not finished: the first, and their end."""
        return [
            (int(cells[UNFINISHED]), int(cells[UNFINISHED_END]))
            for cells in self.cells
            if cells[UNFINISHED] < cells[UNFINISHED_END]
        ]

    @property
    def left(self) -> int:
        """Batches of the level that no worker has finished."""
        taken = sum(end - first for first, end in self.unfinished)
        return int(self.batches - self.visited.shared[CURSOR]) + taken

    def rest(self) -> list[tuple[int, int]]:
        """Ranges of states of the level that no worker has finished."""
        left = [*self.unfinished, (int(self.visited.shared[CURSOR]), self.batches)]
        found = []
        for first, stop, number in self.ranges.tolist():
            for batch, end in left:
                begin = first + max(0, batch - number) * self.batch
                until = min(stop, first + (end - number) * self.batch)
                if begin < until:
                    found.append((begin, until))
        return found

    def burst(self, expanding: bool = True, solo: bool = False) -> None:
        """Run the workers for about `BURST_SECONDS`, or until they stop by themselves.

        :raises OutOfTime: time is up.
        """
        started = perf_counter()
        if self.unfinished:
            self.begin(self.rest())
        before = self.left
        busy = 1 if solo else max(1, min(len(self.workers), before // 2))
        shared = self.visited.shared
        shared[BATCHES] = min(self.batches, int(shared[CURSOR]) + self.budget * busy)
        if self.pool is None or (busy < 2 and not self.compiled.lasting):
            self._work(0, expanding)
        else:
            running: list[Future[None]] = []
            for number in range(busy):
                running.append(self.pool.submit(self._work, number, expanding))
            attend(running, [w.buffer for w in self.workers], self.until, self.ask_to_end)
            for future in running:
                future.result()
        spent = perf_counter() - started
        done = before - self.left
        if done and self.left:
            per = max(spent / done * busy, 1e-9)
            self.budget = max(1, min(int(BURST_SECONDS / per), 4 * self.budget))

    def ask_to_end(self) -> None:
        """Make the workers begin no further batch."""
        self.visited.shared[STOPPED] = ENDING

    def _work(self, number: int, expanding: bool) -> None:
        compiled, visited, worker = self.compiled, self.visited, self.workers[number]
        table = visited.table
        assert table is not None
        work(
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
            self.choice(number),
        )

    def choice(self, number: int) -> Choice | None:
        """What a worker needs to choose stubborn sets; None to take all calls."""
        return None

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True)

    def total(self, first: int, count: int) -> Any:
        """`count` cells of the result buffers, summed over all workers."""
        return sum(worker.buffer[first : first + count] for worker in self.workers)

    def total_finished(self, first: int, count: int) -> Any:
        """The same, but without the batches that :meth:`rest` gives again."""
        buffers = [
            worker.kept if cells[HALF] else worker.buffer
            for worker, cells in zip(self.workers, self.cells, strict=True)
        ]
        return sum(buffer[first : first + count] for buffer in buffers)
