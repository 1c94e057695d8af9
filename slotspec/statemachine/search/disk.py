"""Breadth-first search whose states are kept on disk: exact, and larger than memory.

Level by level, the workers expand all states of the level, and then merge the successors into
the partitions of :mod:`.disk_store`. After each level the folder is a complete checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.results import Limit, Limits, Reporter, Result
from slotspec.statemachine.search import disk_kernels
from slotspec.statemachine.search.checkpoint import Checkpoint
from slotspec.statemachine.search.disk_store import (
    PARTITIONS,
    PLACE_BITS,
    DiskStore,
    NoRoom,
)
from slotspec.statemachine.search.explorer import PROGRESS_SECONDS, Explorer, _Stop
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


class _Workers:
    """What :meth:`.explorer.Explorer.conclude` asks of a pool."""

    def __init__(self, workers: list[DiskWorker]) -> None:
        self.workers = workers

    def close(self) -> None:
        """Nothing: the search ends its threads itself."""

    def total(self, first: int, count: int) -> Any:
        return sum(worker.buffer[first : first + count] for worker in self.workers)


class DiskExplorer(Explorer):
    """One search on disk; :meth:`run` returns its result."""

    def __init__(
        self,
        compiled: Compiled,
        limits: Limits,
        reporter: Reporter,
        workers: int,
        folder: Checkpoint,
    ) -> None:
        self.compiled, self.limits, self.reporter = compiled, limits, reporter
        self.instance = compiled.instance
        self.result = Result(self.instance, "compiled", workers=workers)
        self.symmetry, self.folder = None, folder
        self.found: dict[int, Found] = {}
        self.depth, self.earlier, self.left = 0, 0.0, 0
        self.width = compiled.layout.packed
        self.batch = max(1, min(BATCH, (1 << 18) // max(1, len(self.instance.calls))))
        budget = limits.memory if limits.memory is not None else int(SHARE * available_memory())
        share = budget // workers
        self.own = [DiskWorker(compiled, self.batch, share) for _ in range(workers)]
        self.roomy = budget >= LEAST_MEMORY
        partition = share - self.own[0].bytes
        base = sum(worker.bytes for worker in self.own)
        self.store = DiskStore(folder.folder, self.width, partition, base)
        self.visited = self.store  # type: ignore[assignment]
        self.pool = _Workers(self.own)  # type: ignore[assignment]
        self.threads = ThreadPoolExecutor(workers)
        self.lock = Lock()
        self.ending = False
        before = perf_counter()
        state = folder.state
        if state is None:
            self.store.begin(None, None)
            self.store.enter_first(
                np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
            )
            self.commit()
        else:
            self.store.begin(state["lengths"], state["sums"])
            self.restore(state)
        self.started = self.reported = perf_counter()
        self.until = None if limits.seconds is None else self.started + limits.seconds
        self.result.compile_seconds = compiled.seconds + self.started - before

    # the manifest

    def commit(self) -> None:
        """Make what is on the disk the state from which a resumed search goes on."""
        buffer = self.compiled.result_buffer
        store = self.store
        state = {
            "lengths": [store.starts.tolist(), store.ends.tolist()],
            "sums": store.sums.tolist(),
            "depth": self.depth,
            "seconds": self.seconds() if hasattr(self, "started") else 0.0,
            "peak": store.peak,
            "taken": self.pool.total(buffer.taken, len(self.instance.actions)).tolist(),
            "fired": self.pool.total(buffer.fired, buffer.size - buffer.fired).tolist(),
            "found": [asdict(found) for found in self.found.values()],
        }
        self.folder.commit([], state)

    def restore(self, state: dict[str, Any]) -> None:
        buffer, first = self.compiled.result_buffer, self.own[0].buffer
        self.depth, self.earlier = state["depth"], float(state["seconds"])
        self.store.peak = state["peak"]
        first[buffer.taken : buffer.taken + len(state["taken"])] = state["taken"]
        first[buffer.fired : buffer.fired + len(state["fired"])] = state["fired"]
        self.found = {f["kind"]: Found(**f) for f in state["found"]}
        self.gather()

    # the search

    def run(self) -> Result:
        try:
            result = super().run()
            result.depth = self.depth
            return result
        finally:
            self.threads.shutdown(wait=True)
            self.store.close()

    def search(self) -> None:
        """Expand and merge level after level until nothing new is found or a limit is hit."""
        if not self.roomy:
            raise _Stop(Limit.MEMORY)
        while self.fresh():
            if self.limits.until is not None:
                self.expand(0)
                if self.is_found(self.limits.until):
                    raise _Stop(Limit.FOUND)
            if self.limits.depth is not None and self.depth >= self.limits.depth:
                raise _Stop(Limit.DEPTH)
            before = [worker.buffer.copy() for worker in self.own]
            try:
                self.expand(1)
                self.merge()
            except BaseException:
                # a level counts as a whole or not at all, as it does for a resumed search; but
                # what is wrong is wrong
                self.gather()
                for worker, cells in zip(self.own, before, strict=True):
                    worker.buffer[:] = cells
                raise
            self.gather()
            self.depth += bool(self.fresh())
            self.commit()

    def expand(self, expanding: int) -> None:
        """Expand the level; with `expanding` 0, only check the properties in its states."""
        work = self.store.level()
        self.left = self.fresh()
        for worker in self.own:
            worker.states, worker.filled[0] = None, 0
        self.bursts(lambda worker: self.expand_some(worker, work, expanding))
        if expanding:
            for worker in self.own:
                self.write(worker)
        self.gather()

    def expand_some(
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
                max(1, len(self.instance.calls)),
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
                self.write(worker)
        return True

    def write(self, worker: DiskWorker) -> None:
        """Write a worker's rows to the partitions."""
        count = int(worker.filled[0])
        disk_kernels.by_partition(worker.rows, worker.parts, count, worker.sorted, worker.ends)
        self.store.put(worker.sorted, worker.ends)
        worker.filled[0] = 0

    def merge(self) -> None:
        """Merge all partitions; afterwards, the new states are the level."""
        work = iter(range(PARTITIONS))

        def some(worker: DiskWorker) -> bool:
            until = perf_counter() + BURST_SECONDS
            while perf_counter() < until and not self.ending:
                with self.lock:
                    p = next(work, None)
                if p is None:
                    return False
                self.store.merge(p)
            return True

        starts, ends, sums = (
            array.copy() for array in (self.store.starts, self.store.ends, self.store.sums)
        )
        try:
            self.bursts(some)
        except BaseException as stop:
            store = self.store
            store.starts[:], store.ends[:], store.sums[:] = starts, ends, sums
            if isinstance(stop, NoRoom):
                raise _Stop(Limit.MEMORY) from None
            raise

    def bursts(self, work: Callable[[DiskWorker], bool]) -> None:
        """Let all workers work, burst by burst, until none has more to do."""
        self.ending = False
        busy = list(self.own)
        while busy:
            running = [self.threads.submit(work, worker) for worker in busy]
            attend(running, [w.buffer for w in self.own], self.until, self.ask_to_end)
            busy = [w for w, one in zip(busy, running, strict=True) if one.result()]
            self.look_around()

    def ask_to_end(self) -> None:
        self.ending = True

    def look_around(self) -> None:
        self.compiled.improve()
        now = perf_counter()
        if self.until is not None and now > self.until:
            raise _Stop(Limit.SECONDS)
        if now - self.reported >= PROGRESS_SECONDS:
            self.reported = now
            self.report()

    def check_rest(self) -> None:
        """Check the properties in the states of the level that a limit leaves unexpanded."""
        try:
            self.expand(0)
        except (KeyboardInterrupt, OutOfTime, _Stop) as stop:
            late = not isinstance(stop, KeyboardInterrupt)
            self.result.limit = Limit.SECONDS if late else Limit.INTERRUPTED
            self.gather()

    def save(self) -> None:
        """Nothing: each level is saved as it ends."""

    def fresh(self) -> int:
        return int((self.store.ends - self.store.starts).sum())

    def frontier(self) -> int:
        return self.left
