"""The states of a search on disk, divided by hash into partitions.

Duplicates are not looked for at once. The successors of a level are written to the partition
that their hash chooses. When the level is done, each partition alone is loaded, and its new
states are appended (hash-based delayed duplicate detection: Korf, "Linear-time disk-based
implicit graph search", 2008). So memory holds one partition for each worker, never all states.

A folder has three files for each partition: ``states`` and ``links`` only grow, so a level is
whole once the manifest names their lengths; ``rows`` waits for the merge. What a process has
written outlives it. After a failure of the machine, the checksums tell whether all is there.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from slotspec.statemachine.search import disk_kernels
from slotspec.statemachine.search.checkpoint import damaged
from slotspec.statemachine.search.disk_kernels import CALL_BITS

PARTITIONS = 128
PLACE_BITS = 36
"""A state's number is its partition times 2**36, plus its place there."""

LOAD = 0.7
"""Load factor of a partition's table."""

FIRST_LINK = 2**64 - 1
"""The link of the initial state."""

READ = 1 << 16
"""States or rows that are read at a time."""


class NoRoom(Exception):
    """A partition does not fit into a worker's memory."""


class DiskStore:
    """All states that were found, in files.

    :ivar starts: for each partition, where the present level begins.
    :ivar ends: for each partition, how many states were merged.
    :param partition_bytes: the memory for the partition that a worker merges.
    :param base: the memory that the workers use besides.
    :ivar sums: checksums of the files that only grow.
    :ivar peak: the most bytes of memory that were in use.
    """

    exact = True

    def __init__(self, folder: Path, width: int, partition_bytes: int, base: int) -> None:
        self.folder, self.width, self.partition_bytes = folder, width, partition_bytes
        self.base = base
        self.starts = np.zeros(PARTITIONS, dtype=np.int64)
        self.ends = np.zeros(PARTITIONS, dtype=np.int64)
        self.sums = np.zeros((2, PARTITIONS), dtype=np.uint32)
        self.waiting = np.zeros(PARTITIONS, dtype=np.int64)
        self.locks = [Lock() for _ in range(PARTITIONS)]
        self.peak = base
        kinds = ("states", "links", "rows")
        self.files = {
            kind: [
                os.open(folder / f"{kind}-{p}.bin", os.O_RDWR | os.O_CREAT, 0o644)
                for p in range(PARTITIONS)
            ]
            for kind in kinds
        }

    def close(self) -> None:
        for files in self.files.values():
            for file in files:
                os.close(file)

    @property
    def count(self) -> int:
        return int(self.ends.sum())

    def memory(self, frontier: int) -> int:
        return self.peak

    @property
    def disk_bytes(self) -> int:
        """Bytes of all files."""
        return (8 * self.width + 8) * self.count + 8 * (self.width + 1) * int(self.waiting.sum())

    # levels

    def begin(self, lengths: list[list[int]] | None, sums: list[list[int]] | None) -> None:
        """Take over the files as the manifest names them, or begin with empty ones.

        :raises InputError: ``CKP002`` if a file is damaged.
        """
        if lengths is not None and sums is not None:
            self.starts[:], self.ends[:] = lengths
            self.sums[:] = sums
        for row, (kind, size) in enumerate((("states", 8 * self.width), ("links", 8))):
            for p, file in enumerate(self.files[kind]):
                wanted = int(self.ends[p]) * size
                name = f"{kind}-{p}.bin"
                if os.fstat(file).st_size < wanted:
                    raise damaged(self.folder, name)
                os.ftruncate(file, wanted)
                if self.sum_of(file, wanted) != int(self.sums[row, p]):
                    raise damaged(self.folder, name)
        self.drop_rows()

    @staticmethod
    def sum_of(file: int, size: int) -> int:
        found, at = 0, 0
        while at < size:
            data = os.pread(file, min(1 << 22, size - at), at)
            found = zlib.crc32(data, found)
            at += len(data)
        return found

    def drop_rows(self) -> None:
        """Delete all rows; a level that was not finished is expanded again."""
        for file in self.files["rows"]:
            os.ftruncate(file, 0)
        self.waiting[:] = 0

    def lengths(self) -> tuple[Any, Any, Any]:
        """A copy of `starts`, `ends` and `sums`: a level to which :meth:`rewind` can go back."""
        return self.starts.copy(), self.ends.copy(), self.sums.copy()

    def rewind(self, starts: Any, ends: Any, sums: Any) -> None:
        """Go back to a level; what the files contain beyond it no longer counts."""
        self.starts[:], self.ends[:], self.sums[:] = starts, ends, sums

    def level(self, partitions: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """The states to expand: partition, first place, end."""
        for p in partitions:
            for first in range(int(self.starts[p]), int(self.ends[p]), READ):
                yield p, first, min(int(self.ends[p]), first + READ)

    # reading and writing

    def read(self, p: int, first: int, stop: int) -> Any:
        """The words of stored states."""
        size = 8 * self.width
        return self.words_at("states", p, first * size, (stop - first) * size)

    def words_at(self, kind: str, p: int, at: int, size: int) -> Any:
        out: Any = np.empty(size // 8, dtype=np.uint64)
        view = memoryview(out).cast("B")
        done = 0
        while done < size:
            got = os.preadv(self.files[kind][p], [view[done:]], at + done)
            if not got:
                raise damaged(self.folder, f"{kind}-{p}.bin")
            done += got
        return out

    def append(self, kind: str, p: int, at: int, array: Any) -> None:
        """Write an array at a place of a file."""
        contiguous: Any = np.ascontiguousarray(array)
        view = memoryview(contiguous).cast("B")
        done = 0
        while done < len(view):
            done += os.pwrite(self.files[kind][p], view[done:], at + done)

    def put(self, rows: Any, ends: Any) -> None:
        """Write rows, sorted by partition, to where they wait for the merge."""
        first = 0
        for p, end in enumerate(ends.tolist()):
            if end > first:
                with self.locks[p]:
                    at = int(self.waiting[p])
                    self.waiting[p] += end - first
                self.append("rows", p, at * 8 * (self.width + 1), rows[first:end])
            first = end

    def enter_first(self, words: Any) -> None:
        """Enter the initial state."""
        p = int(disk_kernels.partition_of(words, PARTITIONS - 1))
        self.keep(p, words, np.array([FIRST_LINK], dtype=np.uint64))

    def keep(self, p: int, states: Any, links: Any) -> None:
        """Append new states to a partition."""
        old = int(self.ends[p])
        for row, (kind, array) in enumerate((("states", states), ("links", links))):
            self.append(kind, p, old * array.nbytes // len(links), array)
            self.sums[row, p] = zlib.crc32(memoryview(array).cast("B"), int(self.sums[row, p]))
        self.ends[p] = old + len(links)

    def merge(self, p: int) -> None:
        """Append the waiting rows that are new, and begin the next level of a partition.

        :raises NoRoom: the partition does not fit into a worker's memory.
        """
        old, waiting, width = int(self.ends[p]), int(self.waiting[p]), self.width
        self.starts[p] = old
        if not waiting:
            return
        size = 8 * (width + 1)
        fits = int((self.partition_bytes - READ * size) / (size + 8 / LOAD))
        room, chunk = min(old + waiting, fits), min(READ, waiting)
        if room <= old:
            raise NoRoom
        # memory that is not written to takes none
        states = np.empty((room + chunk) * width, dtype=np.uint64)
        links = np.empty(room - old + chunk, dtype=np.uint64)
        states[: old * width] = self.read(p, 0, old)
        table, most, count = np.zeros(0, dtype=np.uint64), 0, old
        for first in range(0, waiting, chunk):
            n = min(chunk, waiting - first)
            rows = self.words_at("rows", p, first * size, n * size).reshape(n, width + 1)
            merged = -count
            while merged <= 0:
                if count + chunk > most:
                    # most rows are duplicates, so the table grows as it fills
                    most = min(room, 2 * count) + 2 * chunk
                    table = np.zeros(int(most / LOAD) + 1, dtype=np.uint64)
                    disk_kernels.enter(states, count, width, table)
                merged = disk_kernels.merge(
                    rows, states, count, old, width, table, links, min(most, room + chunk)
                )
                count = abs(merged)
                if merged <= 0 and count >= room:
                    raise NoRoom
        used = states.itemsize * width * count + table.nbytes + 8 * (count - old)
        self.peak = max(self.peak, self.base + used)
        if count > old:
            self.keep(p, states[old * width : count * width], links[: count - old])
        os.ftruncate(self.files["rows"][p], 0)
        self.waiting[p] = 0

    def link_of(self, number: int) -> int:
        """The link of the state with this number."""
        p, place = number >> PLACE_BITS, number & ((1 << PLACE_BITS) - 1)
        return int(self.words_at("links", p, 8 * place, 8)[0])

    def way_to(self, number: int) -> list[int]:
        """The calls that lead from the initial state to the state with this number."""
        return way_to(number, self.link_of)


def way_to(number: int, link_of: Callable[[int], int]) -> list[int]:
    """The calls that lead from the initial state to the state with this number."""
    calls: list[int] = []
    while (link := link_of(number)) != FIRST_LINK:
        calls.append(link & ((1 << CALL_BITS) - 1))
        number = link >> CALL_BITS
    return calls[::-1]
