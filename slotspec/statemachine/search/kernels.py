"""The compiled search's inner loops: hashing, the visited set, and a worker's share of work.

All they know of a model is the number of words of a stored state, so they are compiled once
per machine and cached.

The visited set is an open-addressing table of 64-bit entries, in which zero means empty. In an
exact search, an entry is a 32-bit tag of the state's hash and the state's 32-bit number plus
one; states with equal tags are compared as a whole. With fingerprints, an entry is the 64-bit
hash itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.backend.result_buffer import BASE, STOP
from slotspec.statemachine.search.atomics import (
    call_expand,
    prefetch,
    read,
    swap_if,
)
from slotspec.statemachine.search.canonicalizer import MODE, canonical
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache

CURSOR, BATCHES, TABLE_SIZE, ROOM, STOPPED = 0, 8, 9, 10, 11
NEXT = 16
"""Shared cells: next batch, batch at which this burst ends, entries of the table, number of
states at which to stop for more room, why to stop (0 for not at all, ``NO_ROOM`` or ``ENDING``);
from NEXT on, 8 cells for each worker: its next number, the number that it may not reach, its first
number, and those below."""

NO_ROOM, ENDING = 1, 2

UNFINISHED, UNFINISHED_END, HALF = 3, 4, 5
"""Cells of a worker: the first batch that it took and did not finish, the end of these, and whether
it entered some successors of the first of them."""

WORKER_CELLS = 8

CHUNK = 128
"""How many successors are looked up together: while the table entry and the stored state of one
are being prefetched, the others are processed."""

RECENT = 1 << 13
"""Size of a worker's cache of recent successors' keys: a third to half of all successors were
seen by the same worker a moment ago."""

_M1, _M2, _M3 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S29, _S31, _S32 = np.uint64(29), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ZERO, _ONE, _SEVEN, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(8)


@njit(**inner)  # type: ignore[untyped-decorator]
def hash_on(h: Any, word: Any) -> Any:
    """Go on with a hash: a multiply and a fold."""
    h = (h ^ word) * _M2
    return h ^ (h >> _S32)


@njit(**inner)  # type: ignore[untyped-decorator]
def hash_end(h: Any) -> Any:
    """The hash after its last word: a final mix, which is never 0."""
    h = h * _M3
    h = h ^ (h >> _S29)
    if h == _ZERO:
        h = _ONE
    return h


@njit(**inner)  # type: ignore[untyped-decorator]
def hash_of(words: Any, first: int, count: int) -> Any:
    """64-bit hash of a stored state."""
    h = _M1
    for i in range(count):
        h = hash_on(h, words[first + i])
    return hash_end(h)


@njit(**inner)  # type: ignore[untyped-decorator]
def mix(word: Any) -> Any:
    """64-bit hash of a single word."""
    h = (word ^ (word >> _S31) ^ _M1) * _M2
    h = (h ^ (h >> _S29)) * _M3
    return h ^ (h >> _S32)


@njit(**inner)  # type: ignore[untyped-decorator]
def home_of(h: Any, size: Any) -> Any:
    """The first position to probe for a hash, in a table of any size up to 2**32.

    The visited set is probed with :func:`next_place` from there on; other tables go on to the next
    position.
    """
    return ((h >> _S32) * size) >> _S32


@njit(**inner)  # type: ignore[untyped-decorator]
def next_place(place: Any, home: Any, size: Any) -> Any:
    """The next position to probe: around the cache line of the home, and then around the next one.

    So most probes stay in the line that was prefetched. The size is a multiple of eight.
    """
    inside = (place & ~_SEVEN) | ((place + _ONE) & _SEVEN)
    if (inside ^ home) & _SEVEN != _ZERO:
        return inside
    following = inside + _EIGHT
    return following if following < size else following - size


@njit(**inner)  # type: ignore[untyped-decorator]
def find(h: Any, words: Any, at: int, width: int, keys: Any, table: Any, entries: Any) -> Any:
    """The number of the stored state with this key, which has the hash `h`; -1 if there is none."""
    place = home = home_of(h, entries)
    tag = h & _LOW
    while True:
        entry = read(table + place * _EIGHT)
        if entry == _ZERO:
            return np.int64(-1)
        if entry >> _S32 == tag:
            number = np.int64((entry & _LOW) - _ONE)
            same = True
            for w in range(width):
                same &= keys[number * width + w] == words[at + w]
            if same:
                return number
        place = next_place(place, home, entries)


@njit(**inner)  # type: ignore[untyped-decorator]
def seen_lately(recent: Any, words: Any, at: int, width: int, h: Any, mask: Any) -> bool:
    """Whether a state with this hash is in the cache of recent ones; it is from now on."""
    cell = np.int64((h >> _S31) & mask) * width
    same = True
    for w in range(width):
        same &= recent[cell + w] == words[at + w]
    if not same:
        for w in range(width):
            recent[cell + w] = words[at + w]
    return same


@njit(**inner)  # type: ignore[untyped-decorator]
def expand_batch(
    expand: int,
    buffer: Any,
    kept: Any,
    base: int,
    states: int,
    n: int,
    expanding: int,
    words: int,
    source: int,
    call: int,
) -> Any:
    """Expand `n` stored states; returns the number of successors, -1 if a rule was stopped.

    `kept` receives what the buffer was before, and a buffer that was stopped half way is that
    again. `base` is the number of the first state; `states`, `words`, `source` and `call` are
    addresses.
    """
    for cell in range(len(buffer)):
        kept[cell] = buffer[cell]
    buffer[BASE] = base
    rows = call_expand(
        np.uint64(expand),
        np.uint64(buffer.ctypes.data),
        np.uint64(states),
        n,
        expanding,
        np.uint64(words),
        np.uint64(source),
        np.uint64(call),
    )
    if buffer[STOP] != 0:
        for cell in range(len(buffer)):
            buffer[cell] = kept[cell]
        return np.int64(-1)
    return rows


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def rehash(
        first: int,
        stop: int,
        exact: bool,
        keys: Any,
        width: int,
        table: int,
        size: int,
        hashes: Any,
    ) -> None:
        """Enter the states from `first` to `stop`; other workers may enter theirs meanwhile."""
        base, entries = np.uint64(table), np.uint64(size)
        block = len(hashes)
        at = first
        while at < stop:
            n = min(block, stop - at)
            for i in range(n):
                h = hash_of(keys, (at + i) * width, width)
                hashes[i] = h
                prefetch(base + home_of(h, entries) * _EIGHT)
            for i in range(n):
                h = hashes[i]
                entry = ((h & _LOW) << _S32 | (np.uint64(at + i) + _ONE)) if exact else h
                place = home = home_of(h, entries)
                while swap_if(base + place * _EIGHT, _ZERO, entry) != _ZERO:
                    place = next_place(place, home, entries)
            at += n


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def move_fingerprints(old: Any, table: int, size: int) -> None:
        """Enter every fingerprint of an old table into an empty one."""
        base, entries = np.uint64(table), np.uint64(size)
        for i in range(len(old)):
            h = old[i]
            if h != _ZERO:
                place = home = home_of(h, entries)
                while swap_if(base + place * _EIGHT, _ZERO, h) != _ZERO:
                    place = next_place(place, home, entries)


class Table(NamedTuple):
    """The visited set as passed to the kernels: its arrays and their addresses.

    :param exact: whether states are compared, rather than only their fingerprints.
    :param width: words of a stored state.
    :param separate: whether `keys` differ from the stored states (symmetry).
    """

    exact: bool
    width: int
    states: Any
    states_at: int
    keys: Any
    keys_at: int
    separate: bool
    parents: Any
    calls: Any
    table: int
    shared: Any
    shared_at: int


class Successors(NamedTuple):
    """A worker's own arrays: the successors of a batch, and their hashes and keys for lookup."""

    words: Any
    words_at: int
    keys: Any
    source: Any
    source_at: int
    call: Any
    call_at: int
    hashes: Any
    numbers: Any
    places: Any
    recent: Any


@njit(**inner)  # type: ignore[untyped-decorator]
def unseen(out: Successors, begin: int, end: int, width: int, mask: Any) -> Any:
    """Collect the hashes and numbers of the successors in these rows that were not seen lately.

    As :func:`seen_lately`, but without a branch: about half of them were, so a processor would
    guess wrong half of the time. The next one takes the place of one that was.
    """
    words, recent, hashes, numbers = out.words, out.recent, out.hashes, out.numbers
    unknown = np.int64(0)
    if width == 2:  # as below, without the inner loops; they took 4% of such a search
        for i in range(begin, end):
            one, two = words[2 * i], words[2 * i + 1]
            h = hash_end(hash_on(hash_on(_M1, one), two))
            cell = np.int64((h >> _S31) & mask) * 2
            different = (recent[cell] ^ one) | (recent[cell + 1] ^ two)
            recent[cell], recent[cell + 1] = one, two
            hashes[unknown] = h
            numbers[unknown] = i
            unknown += np.int64(different != _ZERO)
        return unknown
    for i in range(begin, end):
        at = i * width
        h = hash_of(words, at, width)
        cell = np.int64((h >> _S31) & mask) * width
        different = _ZERO
        for w in range(width):
            different |= recent[cell + w] ^ words[at + w]
            recent[cell + w] = words[at + w]
        hashes[unknown] = h
        numbers[unknown] = i
        unknown += np.int64(different != _ZERO)
    return unknown


class Steps(NamedTuple):
    """Where a worker logs the steps that it takes; see :class:`.step_log.StepLog`.

    :param cells: how many steps and batches it holds, of how many states, and whether there were
        too many.
    :param targets: the number of the state that each step leads to.
    :param labels: the call of each step.
    :param degrees: of all workers: how many steps lead from each state.
    :param batches: the first state of each batch, and its first step.
    :param known: the number of each recent successor, for :attr:`Successors.recent`.
    :param rows: the numbers of the successors that are looked up together.
    :param places: the cell of `known` of each that was not seen lately.
    :param looked_up: the number of each that was not seen lately.
    """

    cells: Any
    targets: Any
    labels: Any
    degrees: Any
    batches: Any
    known: Any
    rows: Any
    places: Any
    looked_up: Any


STEP_COUNT, BATCH_COUNT, STATE_COUNT, OVERFLOW = 0, 1, 2, 3


@njit(**inner)  # type: ignore[untyped-decorator]
def _unseen_of_all(
    out: Successors, steps: Steps, begin: int, end: int, width: int, mask: Any
) -> Any:
    """As :func:`unseen`; also collects the numbers of those that were seen lately.

    The number of one that was not is still to be looked up. Until then its position among these
    stands for it, as a negative number, since it can be seen again before.
    """
    words, recent, hashes, numbers = out.words, out.recent, out.hashes, out.numbers
    known, rows, places = steps.known, steps.rows, steps.places
    unknown = np.int64(0)
    for i in range(begin, end):
        at = i * width
        h = hash_of(words, at, width)
        place = np.int64((h >> _S31) & mask)
        cell = place * width
        different = _ZERO
        for w in range(width):
            different |= recent[cell + w] ^ words[at + w]
            recent[cell + w] = words[at + w]
        hashes[unknown] = h
        numbers[unknown] = i
        places[unknown] = place
        number = known[place] if different == _ZERO else -unknown - 1
        known[place] = number
        rows[i - begin] = number
        unknown += np.int64(different != _ZERO)
    return unknown


@njit(**inner)  # type: ignore[untyped-decorator]
def _log_targets(steps: Steps, at: int, count: int, unknown: int) -> None:
    """Log the targets of successors that were looked up together, from step `at` on."""
    known, rows, looked_up, targets = steps.known, steps.rows, steps.looked_up, steps.targets
    for u in range(unknown):  # of several in one place, the last one took it
        known[steps.places[u]] = looked_up[u]
    for i in range(count):
        number = rows[i]
        targets[at + i] = number if number >= 0 else looked_up[-number - 1]


@njit(**inner)  # type: ignore[untyped-decorator]
def _log_batch(steps: Steps, rows: int, base_state: int, out: Successors) -> Any:
    """Log all of a batch's steps but their targets; returns the position of the first."""
    cells, labels, degrees = steps.cells, steps.labels, steps.degrees
    at, batch = cells[STEP_COUNT], cells[BATCH_COUNT]
    if at + rows > len(labels) or 2 * batch + 2 > len(steps.batches):
        cells[OVERFLOW] = 1  # nobody will read the log, so it may be overwritten
        at, batch = np.int64(0), np.int64(0)
    cells[STEP_COUNT], cells[BATCH_COUNT] = at + rows, batch + 1
    steps.batches[2 * batch], steps.batches[2 * batch + 1] = base_state, at
    for row in range(rows):
        labels[at + row] = out.call[row]
        degrees[base_state + out.source[row]] += 1
    return at


@njit(**inner)  # type: ignore[untyped-decorator]
def insert(
    worker: int,
    rows: int,
    base_state: int,
    visited: Table,
    out: Successors,
    symmetry: Any,
    steps: Steps | None = None,
) -> bool:
    """Enter a batch's successors; False when this worker's share of states is used up.

    Without `steps`, Numba compiles this without what is for them.
    """
    exact, width, separate = visited.exact, visited.width, visited.separate
    states, keys, keys_at = visited.states, visited.keys, np.uint64(visited.keys_at)
    parents, calls, shared = visited.parents, visited.calls, visited.shared
    table = np.uint64(visited.table)
    out_words, out_keys = out.words, out.keys
    hashes, numbers, places = out.hashes, out.numbers, out.places
    entries = np.uint64(shared[TABLE_SIZE])
    row_bytes = np.uint64(8 * width)
    mine = NEXT + WORKER_CELLS * worker
    free = shared[mine]
    last = shared[mine + 1]
    symmetric = symmetry[0][MODE] != _ZERO
    mask = np.uint64(len(out.recent) // width - 1)
    if steps is not None:
        logged = _log_batch(steps, rows, base_state, out)
    for begin in range(0, rows, CHUNK):
        # no need to look up a key that this worker saw a moment ago
        end = min(rows, begin + CHUNK)
        if steps is None:
            unknown = unseen(out, begin, end, width, mask)
        else:
            unknown = _unseen_of_all(out, steps, begin, end, width, mask)
        for u in range(unknown):
            # steps are never logged with symmetry; Numba leaves out only such a test, and its block
            if steps is None:  # noqa: SIM102
                if symmetric:
                    at = np.int64(numbers[u]) * width
                    canonical(out_words, at, width, out_keys, at, *symmetry)
                    hashes[u] = hash_of(out_keys, at, width)
            prefetch(table + home_of(hashes[u], entries) * _EIGHT)
        if exact:
            for u in range(unknown):
                # where the state is stored, or may be; a tag is rarely that of another state
                place = home = home_of(hashes[u], entries)
                tag = hashes[u] & _LOW
                entry = read(table + place * _EIGHT)
                while entry != _ZERO and entry >> _S32 != tag:
                    place = next_place(place, home, entries)
                    entry = read(table + place * _EIGHT)
                places[u] = place
                prefetch(keys_at + ((entry & _LOW) - _ONE) * row_bytes)
        for u in range(unknown):
            h = hashes[u]
            row = np.int64(numbers[u])
            home = home_of(h, entries)
            place = places[u] if exact else home
            tag = h & _LOW
            base = row * width
            while True:
                entry = read(table + place * _EIGHT)
                if entry == _ZERO:
                    if free >= last:
                        shared[mine] = free
                        return False
                    to = free * width
                    for w in range(width):
                        states[to + w] = out_words[base + w]
                    if separate:
                        for w in range(width):
                            keys[to + w] = out_keys[base + w]
                    parents[free] = base_state + out.source[row]
                    calls[free] = out.call[row]
                    new = (tag << _S32 | (np.uint64(free) + _ONE)) if exact else h
                    entry = swap_if(table + place * _EIGHT, _ZERO, new)
                    if entry == _ZERO:
                        if steps is not None:
                            steps.looked_up[u] = free
                        free += 1
                        break
                if exact:
                    if entry >> _S32 == tag:
                        old = np.int64((entry & _LOW) - _ONE) * width
                        same = True
                        for w in range(width):
                            same &= keys[old + w] == out_keys[base + w]
                        if same:
                            if steps is not None:
                                steps.looked_up[u] = np.int64((entry & _LOW) - _ONE)
                            break
                elif entry == h:
                    break
                place = next_place(place, home, entries)
        if steps is not None:
            _log_targets(steps, logged + begin, end - begin, unknown)
    shared[mine] = free
    return True
