"""The inner loops of the search on disk: expand states, sort successors into partitions, merge.

A *row* is a successor on its way to its partition: the words of the state, and a *link*, which
names the state that it comes from and the call. A state's number is its partition and its place
there; see :mod:`.disk_store`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.search.atomics import prefetch
from slotspec.statemachine.search.kernels import expand_batch, hash_of, home_of, seen_lately
from slotspec.statemachine.search.numba_cache import allocating, fast, kernel_cache

CALL_BITS = 20
"""A link is a state's number times 2**20, plus a call: an instance has at most a million."""

STOPPED = -1

_ZERO, _ONE, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(8)
_S32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_CHUNK = 64
"""How many rows are looked up together, while their table entries are being prefetched."""


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def expand_states(
        expand: int,
        buffer: Any,
        kept: Any,
        states: Any,
        begin: int,
        number: int,
        batch: int,
        calls: int,
        expanding: int,
        width: int,
        words: Any,
        source: Any,
        call: Any,
        recent: Any,
        rows: Any,
        parts: Any,
        filled: Any,
        mask: int,
    ) -> int:
        """Expand stored states from `begin` on; returns where it ended, or ``STOPPED``.

        It ends early when there may be no room for another batch's rows. `number` is that of the
        first state; `parts` receives the partition of each row.
        """
        count = len(states) // width
        at = begin
        most = len(parts)
        cells = np.uint64(len(recent) // width - 1)
        few = np.uint64(mask)
        while at < count:
            n = min(batch, count - at)
            if filled[0] + n * calls > most:
                break
            found = expand_batch(
                expand,
                buffer,
                kept,
                number + at,
                states.ctypes.data + at * width * 8,
                n,
                expanding,
                words.ctypes.data,
                source.ctypes.data,
                call.ctypes.data,
            )
            if found < 0:
                return STOPPED
            to = filled[0]
            for row in range(found):
                h = hash_of(words, row * width, width)
                if seen_lately(recent, words, row * width, width, h, cells):
                    continue
                for w in range(width):
                    rows[to, w] = words[row * width + w]
                rows[to, width] = np.uint64(
                    ((number + at + np.int64(source[row])) << CALL_BITS) | np.int64(call[row])
                )
                parts[to] = h & few
                to += 1
            filled[0] = to
            at += n
        return int(at)

    @njit(**fast)  # type: ignore[untyped-decorator]
    def by_partition(rows: Any, parts: Any, count: int, out: Any, ends: Any) -> None:
        """Sort rows by partition; `ends` receives where each partition's rows end."""
        for p in range(len(ends)):
            ends[p] = 0
        for i in range(count):
            ends[parts[i]] += 1
        total = 0
        for p in range(len(ends)):
            size = ends[p]
            ends[p] = total
            total += size
        for i in range(count):
            to = ends[parts[i]]
            ends[parts[i]] += 1
            for w in range(rows.shape[1]):
                out[to, w] = rows[i, w]

    @njit(**allocating)  # type: ignore[untyped-decorator]
    def enter(states: Any, count: int, width: int, table: Any) -> None:
        """Enter the states of a partition, which differ, into an empty table."""
        entries = np.uint64(len(table))
        base = np.uint64(table.ctypes.data)
        hashes = np.zeros(_CHUNK, dtype=np.uint64)
        for begin in range(0, count, _CHUNK):
            n = min(_CHUNK, count - begin)
            for i in range(n):
                h = hash_of(states, (begin + i) * width, width)
                hashes[i] = h
                prefetch(base + home_of(h, entries) * _EIGHT)
            for i in range(n):
                h = hashes[i]
                place = home_of(h, entries)
                while table[place] != _ZERO:
                    place += _ONE
                    if place == entries:
                        place = _ZERO
                table[place] = (h & _LOW) << _S32 | (np.uint64(begin + i) + _ONE)

    @njit(**allocating)  # type: ignore[untyped-decorator]
    def merge(
        rows: Any, states: Any, count: int, old: int, width: int, table: Any, links: Any, most: int
    ) -> int:
        """Append the states of `rows` that are not known yet; returns how many there are now.

        `links` receives theirs, from the `old`-th state on. It ends early, with the number
        negative, where there might be more than `most`; merging the same rows again is harmless.
        """
        entries = np.uint64(len(table))
        base = np.uint64(table.ctypes.data)
        stored = np.uint64(states.ctypes.data)
        row_bytes = np.uint64(8 * width)
        hashes = np.zeros(_CHUNK, dtype=np.uint64)
        for begin in range(0, len(rows), _CHUNK):
            n = min(_CHUNK, len(rows) - begin)
            if count + n > most:
                return -count
            for i in range(n):
                h = hash_of(rows[begin + i], 0, width)
                hashes[i] = h
                prefetch(base + home_of(h, entries) * _EIGHT)
            for i in range(n):
                h = hashes[i]
                entry = table[home_of(h, entries)]
                if entry >> _S32 == h & _LOW and entry != _ZERO:
                    prefetch(stored + ((entry & _LOW) - _ONE) * row_bytes)
            for i in range(n):
                h = hashes[i]
                tag = h & _LOW
                place = home_of(h, entries)
                while True:
                    entry = table[place]
                    if entry == _ZERO:
                        for w in range(width):
                            states[count * width + w] = rows[begin + i, w]
                        links[count - old] = rows[begin + i, width]
                        count += 1
                        table[place] = tag << _S32 | np.uint64(count)
                        break
                    if entry >> _S32 == tag:
                        first = np.int64((entry & _LOW) - _ONE) * width
                        same = True
                        for w in range(width):
                            same &= states[first + w] == rows[begin + i, w]
                        if same:
                            break
                    place += _ONE
                    if place == entries:
                        place = _ZERO
        return count

    @njit(**fast)  # type: ignore[untyped-decorator]
    def partition_of(words: Any, mask: int) -> int:
        """The partition of one state."""
        return int(hash_of(words, 0, len(words)) & np.uint64(mask))
