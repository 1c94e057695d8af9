"""What one process does for a search on disk: expand states, and merge their successors.

A search on one machine has one of these for all partitions of :mod:`.disk_store`; one on several
machines has one in each of its processes, for the partitions of that process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.search import disk_kernels
from slotspec.statemachine.search.disk_store import PARTITIONS, PLACE_BITS, DiskStore
from slotspec.statemachine.search.stopping import attend
from slotspec.statemachine.search.store import available_memory
from slotspec.statemachine.search.visited import SHARE

BATCH = 256
BURST_SECONDS = 0.2
LEAST_MEMORY = 32 << 20
ROWS = 1 << 20
"""The most rows that a worker collects before it writes them."""

RECENT_BYTES = 32 << 20
"""The most memory for the successors that a worker has seen lately and does not write again."""

EVERY = range(PARTITIONS)


class DiskWorker:
    """One worker's own memory."""

    def __init__(self, compiled: Compiled, batch: int, memory: int) -> None:
        width = compiled.layout.packed
        made = batch * max(1, len(compiled.instance.calls))
        self.buffer, self.kept = compiled.new_buffer(), compiled.new_buffer()
        self.words = np.zeros(made * width, dtype=np.uint64)
        self.source = np.zeros(made, dtype=np.uint32)
        self.call = np.zeros(made, dtype=np.uint32)
        # the initial state is known from the start, so it can mean "nothing yet"
        first = np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
        cells = 1 << (max(1024, min(RECENT_BYTES, memory // 8) // (8 * width)).bit_length() - 1)
        self.recent = np.tile(first, cells)
        room = max(made, min(ROWS, memory // 8 // (16 * (width + 1))))
        self.rows = np.empty((room, width + 1), dtype=np.uint64)
        self.sorted = np.empty_like(self.rows)
        self.parts = np.empty(room, dtype=np.uint8)
        self.filled = np.zeros(1, dtype=np.int64)
        self.ends = np.zeros(PARTITIONS, dtype=np.int64)
        self.states: Any = None
        """States that it has begun to expand, the number of the first, and how many are done."""
        self.number = self.done = 0

    @property
    def bytes(self) -> int:
        arrays = (self.words, self.source, self.call, self.recent, self.rows, self.sorted)
        return sum(array.nbytes for array in arrays)


class DiskWork:
    """The workers of one process, and the files that they work on.

    :param memory: bytes for all workers; None for a share of what is free.
    :param between: is called between two bursts; it may raise to end the search.
    :ivar put: receives rows, sorted by partition, and where each partition's rows end.
    :ivar until: when time is up, as given by ``perf_counter``.
    :ivar left: states of the level that are not expanded yet.
    """

    def __init__(
        self,
        compiled: Compiled,
        folder: Path,
        memory: int | None,
        workers: int,
        between: Callable[[], None],
    ) -> None:
        self.compiled, self.between = compiled, between
        self.calls = max(1, len(compiled.instance.calls))
        self.width = compiled.layout.packed
        self.batch = max(1, min(BATCH, (1 << 18) // self.calls))
        budget = memory if memory is not None else int(SHARE * available_memory())
        share = budget // workers
        self.workers = [DiskWorker(compiled, self.batch, share) for _ in range(workers)]
        self.roomy = budget >= LEAST_MEMORY
        base = sum(worker.bytes for worker in self.workers)
        self.store = DiskStore(folder, self.width, share - self.workers[0].bytes, base)
        self.put: Callable[[Any, Any], None] = self.store.put
        self.threads = ThreadPoolExecutor(workers)
        self.lock = Lock()
        self.ending = False
        self.until: float | None = None
        self.left = 0

    def close(self) -> None:
        """End the threads; the files stay open."""
        self.threads.shutdown(wait=True)

    def total(self, first: int, count: int) -> Any:
        """`count` cells of the result buffers, summed over all workers."""
        return sum(worker.buffer[first : first + count] for worker in self.workers)

    def expand(self, expanding: int, partitions: Sequence[int] = EVERY) -> None:
        """Expand the level; with `expanding` 0, only check the properties in its states."""
        starts, ends = self.store.starts, self.store.ends
        self.left = sum(int(ends[p] - starts[p]) for p in partitions)
        work = self.store.level(partitions)
        for worker in self.workers:
            worker.states, worker.filled[0] = None, 0
        self.bursts(lambda worker: self._expand_some(worker, work, expanding))
        if expanding:
            for worker in self.workers:
                self._write(worker)

    def _expand_some(
        self, worker: DiskWorker, work: Iterator[tuple[int, int, int]], expanding: int
    ) -> bool:
        """Expand until the burst is over; returns whether there is more to do."""
        until = perf_counter() + BURST_SECONDS
        while perf_counter() < until and not self.ending:
            if worker.states is None:
                with self.lock:
                    chosen = next(work, None)
                if chosen is None:
                    return False
                p, first, stop = chosen
                worker.states = self.store.read(p, first, stop)
                worker.number, worker.done = (p << PLACE_BITS) + first, 0
            before = worker.done
            done = disk_kernels.expand_states(
                self.compiled.expand,
                worker.buffer,
                worker.kept,
                worker.states,
                worker.done,
                worker.number,
                self.batch,
                self.calls,
                expanding,
                self.width,
                worker.words,
                worker.source,
                worker.call,
                worker.recent,
                worker.rows,
                worker.parts,
                worker.filled,
                PARTITIONS - 1,
            )
            if done == disk_kernels.STOPPED:
                return False
            worker.done = done
            with self.lock:
                self.left -= done - before
            if done == len(worker.states) // self.width:
                worker.states = None
            else:
                self._write(worker)
        return True

    def _write(self, worker: DiskWorker) -> None:
        """Write a worker's rows to the partitions."""
        count = int(worker.filled[0])
        disk_kernels.by_partition(worker.rows, worker.parts, count, worker.sorted, worker.ends)
        self.put(worker.sorted, worker.ends)
        worker.filled[0] = 0

    def merge(self, partitions: Sequence[int] = EVERY) -> None:
        """Merge partitions; afterwards, their new states are the level.

        :raises NoRoom: a partition does not fit into a worker's memory.
        """
        work = iter(partitions)

        def some(worker: DiskWorker) -> bool:
            until = perf_counter() + BURST_SECONDS
            while perf_counter() < until and not self.ending:
                with self.lock:
                    p = next(work, None)
                if p is None:
                    return False
                self.store.merge(p)
            return True

        before = self.store.lengths()
        try:
            self.bursts(some)
        except BaseException:
            self.store.rewind(*before)
            raise

    def bursts(self, work: Callable[[DiskWorker], bool]) -> None:
        """Let all workers work, burst by burst, until none has more to do."""
        self.ending = False
        busy = list(self.workers)
        while busy:
            running = [self.threads.submit(work, worker) for worker in busy]
            attend(running, [w.buffer for w in self.workers], self.until, self.ask_to_end)
            busy = [w for w, one in zip(busy, running, strict=True) if one.result()]
            self.compiled.improve()
            self.between()

    def ask_to_end(self) -> None:
        self.ending = True
