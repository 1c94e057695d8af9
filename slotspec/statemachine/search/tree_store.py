"""The states of a compressed search: folded in memory, and in the order of discovery in a file.

Memory holds what decides whether a state is new: the dictionary and the roots, see
:mod:`.tree_kernels`. The file has the roots of each level. The search reads it to expand a level,
and to find the way to a state. Nothing says from where a state was reached: the way is found
backwards, by expanding each level before until a step leads to the state.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.search import kernels, tree_kernels
from slotspec.statemachine.search.store import Reserved, available_memory
from slotspec.statemachine.search.tree_kernels import (
    CELLS,
    DICTIONARY,
    ENDING,
    FRESH,
    NEEDS,
    NEW,
    NOTHING,
    NUMBERS,
    SHARED_CELLS,
    SPARE,
    Batch,
    Tree,
)
from slotspec.statemachine.search.visited import SHARE, whole_lines

SEGMENTS = 64
SMALLEST = 1 << 10
"""Entries of a segment in the beginning."""

FULL = 0.85
GROWTH = 1.2
"""A full segment grows by this factor, so at least 0.71 of its entries are in use."""

SMALLEST_DICTIONARY = 1 << 13
"""Numbers that the dictionary has room for in the beginning."""

MOST_NUMBERS = 2**32 - 2
BLOCK = 1 << 16
"""Roots that are read from the file at a time, or collected before they are written."""


class NoRoom(Exception):
    """The search needs more memory than it may use."""


class TreeStore:
    """All states that were found.

    :param size: states in a batch.
    :param memory: the most bytes to use; None for a share of what is free.
    :param workers: how many workers enter states at the same time.
    :ivar batches: the memory of each worker.
    :ivar levels: the number of the first state of each level.
    :ivar count: the states of all whole levels.
    :ivar peak: the most bytes of memory that were in use, without the memory for a batch.
    """

    exact = True

    def __init__(self, compiled: Compiled, size: int, memory: int | None, workers: int = 1) -> None:
        self.compiled, self.size = compiled, size
        self.width = compiled.layout.packed
        self.budget = memory if memory is not None else int(SHARE * available_memory())
        width = self.width
        self.batches = [self._batch() for _ in range(workers)]
        self.meanwhile = workers * kernels.CHUNK
        room = max(SMALLEST_DICTIONARY, 8 * self.meanwhile * width)
        smallest = whole_lines(max(SMALLEST, int(2 * self.meanwhile / FULL)))
        self.segments = [Reserved(smallest, np.uint64) for _ in range(SEGMENTS)]
        self.tree = Tree(
            width,
            workers,
            np.zeros(room, dtype=np.uint64),
            np.zeros(room * 4 // 3 + 1, dtype=np.uint32),
            np.array([segment.address for segment in self.segments], dtype=np.uint64),
            np.full(SEGMENTS, smallest, dtype=np.int64),
            np.zeros(SEGMENTS, dtype=np.int64),
            np.full(SEGMENTS, int(FULL * smallest), dtype=np.int64),
            np.zeros(SHARED_CELLS, dtype=np.int64),
        )
        self.file = TemporaryFile(prefix="slotspec-")  # noqa: SIM115
        self.written = 0
        self.levels = [0]
        self.count = 0
        self.peak = 0
        self.memory(0)

    def _batch(self) -> Batch:
        """Memory for one worker."""
        size, width = self.size, self.width
        rows = size * max(1, len(self.compiled.instance.calls))
        return Batch(
            np.zeros(size * width, dtype=np.uint64),
            np.zeros(rows * width, dtype=np.uint64),
            np.zeros(rows, dtype=np.uint32),
            np.zeros(rows, dtype=np.uint32),
            np.zeros(kernels.RECENT * width, dtype=np.uint64),
            np.zeros(width, dtype=np.uint64),
            np.zeros(kernels.CHUNK, dtype=np.uint64),
            np.zeros(kernels.CHUNK, dtype=np.uint64),
            np.zeros(CELLS, dtype=np.int64),
            np.zeros(BLOCK, dtype=np.uint64),
        )

    def close(self) -> None:
        self.file.close()

    def memory(self, frontier: int) -> int:
        tree = self.tree
        used = 8 * int(tree.sizes.sum()) + int(tree.values.nbytes) + int(tree.table.nbytes)
        self.peak = max(self.peak, used)
        return used

    # states

    def enter_first(self, words: Any) -> None:
        """Enter the initial state, which is the first level."""
        tree_kernels.enter_one(words, self.tree, self.batches[0])
        for batch in self.batches:
            batch.recent[:] = np.tile(words, kernels.RECENT)
        self.end_level()

    @property
    def found(self) -> int:
        """States that were found, those of the level that is being found included."""
        return self.written + sum(int(batch.cells[NEW]) for batch in self.batches)

    def end_level(self) -> None:
        """Count what was found as the next level."""
        self.write()
        self.levels.append(self.written)
        self.count = self.written

    def write(self) -> None:
        """Write the new roots to the file."""
        self.file.seek(8 * self.written)
        for batch in self.batches:
            new = int(batch.cells[NEW])
            self.file.write(memoryview(batch.fresh[:new]).cast("B"))
            self.written += new
            batch.cells[NEW] = 0
        self.file.flush()

    def blocks(self, level: int) -> Iterator[tuple[int, Any]]:
        """The roots of a level: the number of the first, and the roots."""
        for first in range(self.levels[level], self.levels[level + 1], BLOCK):
            yield first, self.read(first, min(self.levels[level + 1], first + BLOCK))

    def read(self, first: int, stop: int) -> Any:
        """The roots with these numbers."""
        roots: Any = np.empty(stop - first, dtype=np.uint64)
        self.file.seek(8 * first)
        if self.file.readinto(memoryview(roots).cast("B")) != roots.nbytes:
            raise RuntimeError("the file of states has lost something")
        return roots

    # room

    def make_room(self, needs: set[int]) -> None:
        """Make room for what workers need, while none of them runs.

        :raises NoRoom: there is no memory for it.
        """
        self.tree.shared[ENDING] = 0
        for batch in self.batches:
            batch.cells[NEEDS] = NOTHING
        if FRESH in needs:
            self.write()
        if DICTIONARY in needs:
            self._grow_dictionary()
        tight = self.tree.counts + self.meanwhile > self.tree.most
        for number in np.flatnonzero(tight).tolist():
            self._grow_segment(number)

    def _claim(self, more: int) -> None:
        """
        :raises NoRoom: so many bytes more are too many.
        """
        used = self.memory(0) + more
        if used > self.budget:
            raise NoRoom
        self.peak = max(self.peak, used)

    def _grow_segment(self, number: int) -> None:
        tree = self.tree
        least = int((tree.counts[number] + self.meanwhile) / FULL) + 2
        size = whole_lines(max(least, int(tree.sizes[number] * GROWTH)))
        self._claim(8 * size)
        new = Reserved(size, np.uint64)
        tree_kernels.move_roots(self.segments[number].array, new.address, size)
        self.segments[number] = new
        tree.at[number], tree.sizes[number] = new.address, size
        tree.most[number] = int(FULL * size)

    def _grow_dictionary(self) -> None:
        tree, used = self.tree, int(self.tree.shared[NUMBERS])
        room = min(len(tree.values) * 3 // 2, MOST_NUMBERS)
        self._claim(8 * room + 6 * room)
        if room <= used + 2 * self.meanwhile * self.width:
            raise NoRoom
        values = np.zeros(room, dtype=np.uint64)
        values[: used + 1] = tree.values[: used + 1]
        table = np.zeros(room * 4 // 3 + 1, dtype=np.uint32)
        spares = np.array([batch.cells[SPARE] for batch in self.batches], dtype=np.int64)
        tree_kernels.number_again(values, used, spares, table)
        self.tree = tree._replace(values=values, table=table)

    # traces

    def way_to(self, number: int) -> list[int]:
        """The calls that lead from the initial state to the state with this number."""
        compiled = self.compiled
        buffer, kept = compiled.new_buffer(), compiled.new_buffer()
        results = compiled.result_buffer
        buffer[results.opened : results.opened + results.kinds] = 0
        wanted = np.zeros(self.width, dtype=np.uint64)
        calls: list[int] = []
        for level in range(bisect_right(self.levels, number) - 2, -1, -1):
            tree_kernels.unfold(self.read(number, number + 1)[0], wanted, self.tree)
            for first, block in self.blocks(level):
                source, call = tree_kernels.step_to(
                    wanted,
                    compiled.expand,
                    buffer,
                    kept,
                    block,
                    self.size,
                    self.tree,
                    self.batches[0],
                )
                if source >= 0:
                    number = first + source
                    calls.append(call)
                    break
            else:
                raise RuntimeError("no step leads to a state that was found")
        return calls[::-1]
