"""Stores every state of a search, how it was reached, and the table of visited states."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from slotspec.statemachine.search import kernels
from slotspec.statemachine.search.kernels import NEXT, TABLE_SIZE, WORKER_CELLS
from slotspec.statemachine.search.store import Reserved, available_memory

LARGEST_NUMBER = 2**32 - 3
SMALLEST_TABLE = 1 << 18
LINE = 8
"""Entries in a cache line; a table is a multiple of it."""


def whole_lines(entries: int) -> int:
    """The least number of entries that fill whole cache lines."""
    return -(-entries // LINE) * LINE


FULL = 0.7
"""Load factor at which the table grows."""

VERY_FULL = 0.9
"""Load factor that is allowed if there is no memory to grow."""

SHARE = 0.85
"""Fraction of the machine's free memory that a search without a limit may use."""

NOBODY = np.uint32(2**32 - 1)


class Visited:
    """The store of states and the table of visited ones.

    Each worker appends to a region of its own, so a state's number tells which worker found it.
    All regions lie in address space that is reserved at once, and no state ever moves. Only the
    table is rebuilt when it grows, from the stored states.

    :param exact: keep states for comparison; otherwise 64-bit fingerprints only.
    :param found: how many states a worker has found already, in a search that is resumed.
    :param separate: whether the key that identifies a state differs from the state (symmetry).

    :ivar beside: bytes in use for what else the search keeps, which may be dropped.
    """

    def __init__(
        self,
        width: int,
        calls: int,
        workers: int,
        memory: int | None,
        exact: bool,
        separate: bool,
        found: int = 0,
    ) -> None:
        self.width, self.workers, self.exact = width, workers, exact
        self.separate = separate and exact
        self.budget = memory if memory is not None else int(SHARE * available_memory())
        self.narrow = np.uint16 if calls < 2**16 else np.uint32
        self.link_bytes = 4 + np.dtype(self.narrow).itemsize
        self.state_bytes = self.link_bytes
        if exact:
            self.state_bytes += 8 * width
        self.first_key: Any = np.zeros(width, dtype=np.uint64)
        roomy = self.budget // (self.link_bytes + 8) + 4096
        wanted = max(found, min(LARGEST_NUMBER // workers, roomy))
        while True:
            try:
                self._reserve(wanted)
                break
            except MemoryError:
                wanted //= 2
                if wanted < max(found, 4096):
                    raise
        self.shared = np.zeros(NEXT + WORKER_CELLS * workers, dtype=np.int64)
        for worker in range(workers):
            cells = NEXT + WORKER_CELLS * worker
            self.shared[cells] = self.shared[cells + 2] = worker * self.region
            self.shared[cells + 1] = (worker + 1) * self.region
        self.peak = 0
        self.beside = 0
        self.entries = 0
        self.table: Reserved | None = None

    def _reserve(self, region: int) -> None:
        count = region * self.workers
        self.region = region
        self.states = Reserved(count * self.width, np.uint64)
        self.keys = Reserved(count * self.width, np.uint64) if self.separate else self.states
        self.parents = Reserved(count, np.uint32)
        self.calls = Reserved(count, self.narrow)

    # sizes

    def next_of(self, worker: int) -> int:
        return int(self.shared[NEXT + WORKER_CELLS * worker])

    def ends(self) -> list[int]:
        """For each worker, the number of its next state."""
        return [self.next_of(worker) for worker in range(self.workers)]

    @property
    def count(self) -> int:
        """States found."""
        return sum(end - worker * self.region for worker, end in enumerate(self.ends()))

    def memory(self, frontier: int) -> int:
        """Bytes in use, including `frontier` states that are stored only until expanded."""
        used = self.count * self.state_bytes + 8 * self.entries + self._whole(frontier)
        self.peak = max(self.peak, used)
        return used + self.beside

    def least_memory(self, count: int, frontier: int) -> int:
        """Bytes that `count` states take at least, `frontier` of them not expanded."""
        return count * self.state_bytes + int(8 * count / VERY_FULL) + self._whole(frontier)

    def _whole(self, frontier: int) -> int:
        return 0 if self.exact and not self.separate else 8 * self.width * frontier

    # entering

    def enter_first(self, words: Any, key: Any) -> None:
        """Enter the initial state as number 0."""
        self.states.array[: self.width] = words
        if self.exact:
            self.keys.array[: self.width] = key
        self.first_key = key
        self.parents.array[0] = NOBODY
        self.shared[NEXT] = 1

    def drop_table(self) -> None:
        """Drop the table; the next one is built from the stored states."""
        self.table = None
        self.entries = 0

    def make_table(self, margin: int, frontier: int, prints: Any = None) -> bool:
        """Ensure that the table has room for `margin` more states; False if memory is too short.

        The first table is made in any case, as small as need be.

        :param prints: fingerprints to enter into the first table.
        """
        count = self.count
        if self.table is not None and count + margin <= FULL * self.entries:
            return True
        wanted = max(SMALLEST_TABLE, 2 * self.entries)
        while wanted * FULL < count + margin:
            wanted *= 2
        fixed = self.memory(frontier) - 8 * self.entries + margin * self.state_bytes
        kept = 0 if self.exact else 8 * self.entries
        for size in (wanted, wanted * 3 // 4 // LINE * LINE):
            fits = fixed + kept + 8 * size <= self.budget
            if size > self.entries and fits and count + margin <= FULL * size:
                self._rebuild(size, prints)
                return True
        if self.table is None:
            least = int((count + margin) / VERY_FULL) // LINE * LINE + LINE
            self._rebuild(min(wanted, max(SMALLEST_TABLE, least)), prints)
            return True
        return self.table is not None and count + margin <= VERY_FULL * self.entries

    def _rebuild(self, size: int, prints: Any) -> None:
        old = self.table.array if self.table is not None else prints
        if self.exact:
            old = self.table = None
        self.table = table = Reserved(size, np.uint64)
        self.entries = self.shared[TABLE_SIZE] = size
        if old is not None:
            kernels.move_fingerprints(old, table.address, size)
            return
        # without keys, the first table is made when there is only the initial state
        self.each(
            lambda worker: kernels.rehash(
                worker * self.region,
                self.next_of(worker),
                self.exact,
                self.keys.array if self.exact else self.first_key,
                self.width,
                table.address,
                size,
                np.zeros(4096, dtype=np.uint64),
            )
        )

    def each(self, task: Callable[[int], None]) -> None:
        """Run `task` for every worker's region, in parallel if there are several."""
        if self.workers == 1:
            task(0)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(task, range(self.workers)))

    def forget(self, ranges: list[tuple[int, int]]) -> None:
        """Release the expanded states in these ranges, if only their keys are needed."""
        if self.exact and not self.separate:
            return
        for first, stop in ranges:
            self.states.release(first * self.width, stop * self.width)

    def way_to(self, state: int) -> list[int]:
        """The calls that lead from the initial state to the state with this number."""
        calls: list[int] = []
        while self.parents.array[state] != NOBODY:
            calls.append(int(self.calls.array[state]))
            state = int(self.parents.array[state])
        return calls[::-1]
