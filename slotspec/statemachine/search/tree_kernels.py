"""The inner loops of the compressed search: fold states, look them up, expand them.

A state is a binary tree. Its leaves are the words of the state; two neighbours become one word,
the two numbers that a *dictionary* gives them, until a single word is left, the *root*; a state
of a single word is divided into two (tree compression: Laarman, van de Pol and Weber, "Parallel
recursive state compression for free", 2011). The dictionary is a bijection between words and
numbers from 1, one for all nodes of the tree. States are equal exactly if their roots are. The
visited set holds roots alone, eight bytes each, in open-addressing tables, the *segments*.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from slotspec.statemachine.search.atomics import (
    add,
    prefetch,
    read,
    read_half,
    swap_half_if,
    swap_if,
)
from slotspec.statemachine.search.kernels import (
    CHUNK,
    expand_batch,
    hash_of,
    home_of,
    mix,
    next_place,
    seen_lately,
)
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache

AT, NUMBERS, ENDING = 0, 8, 16
"""Cells of a search, each in a cache line of its own: states of the block that were taken to be
expanded, numbers that the dictionary has given, whether workers are to begin no further batch."""

SHARED_CELLS = 24

NEW, NEEDS, ROWS, ROW, SPARE = 0, 1, 2, 3, 4
"""Cells of a worker: roots of the next level in `fresh`, what needs room, of a batch that waits for
room: its rows, and how many of them are entered; and a number that it was given and has not used,
because another worker was faster."""

CELLS = 8

NOTHING, DICTIONARY, FRESH, SEGMENTS = 0, 1, 2, 3
"""What needs room; several segments may need it at the same time."""

STOPPED = -3
"""Instead of what needs room: a rule was stopped half way."""

_ZERO, _ONE, _FOUR, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(4), np.uint64(8)
_AT_AT, _NUMBERS_AT = np.uint64(8 * AT), np.uint64(8 * NUMBERS)
_S31, _S32 = np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class Tree(NamedTuple):
    """The compressed visited set, as passed to the kernels.

    :param width: words of a state.
    :param workers: how many workers enter states at the same time.
    :param values: the word of each number of the dictionary.
    :param table: an open-addressing table of numbers; 0 is empty.
    :param at: the address of each segment.
    :param sizes: the entries of each segment; a power of two many segments.
    :param counts: the roots in each segment.
    :param most: the roots that each segment may hold before it must grow.
    :param shared: see ``AT`` and the following.
    """

    width: int
    workers: int
    values: Any
    table: Any
    at: Any
    sizes: Any
    counts: Any
    most: Any
    shared: Any


class Batch(NamedTuple):
    """A worker's memory for one batch: its states, its successors, and what is to be looked up.

    :param cells: see ``NEW`` and the following.
    :param fresh: roots of the next level.
    """

    states: Any
    words: Any
    source: Any
    call: Any
    recent: Any
    folded: Any
    roots: Any
    hashes: Any
    cells: Any
    fresh: Any


@njit(**inner)  # type: ignore[untyped-decorator]
def _number_of(word: Any, tree: Tree, cells: Any) -> Any:
    """The number of a word; a new one if it has none.

    A word is written before its number, so whoever sees the number sees the word.
    """
    values, table, shared = tree.values, tree.table, tree.shared
    entries, base = np.uint64(len(table)), np.uint64(table.ctypes.data)
    place = home_of(mix(word), entries)
    while True:
        number = read_half(base + place * _FOUR)
        if number == 0:
            if cells[SPARE] == 0:
                cells[SPARE] = add(np.uint64(shared.ctypes.data) + _NUMBERS_AT, _ONE) + _ONE
            mine = np.uint32(cells[SPARE])
            values[mine] = word
            number = swap_half_if(base + place * _FOUR, np.uint32(0), mine)
            if number == 0:
                cells[SPARE] = 0
                return np.uint64(mine)
        if values[number] == word:
            return np.uint64(number)
        place += _ONE
        if place == entries:
            place = _ZERO


@njit(**inner)  # type: ignore[untyped-decorator]
def _fold(words: Any, at: int, tree: Tree, cells: Any, folded: Any) -> Any:
    """The root of a state."""
    width = tree.width
    if width == 1:
        first = _number_of(words[at] >> _S32, tree, cells)
        return first << _S32 | _number_of(words[at] & _LOW, tree, cells)
    left = width
    for w in range(left):
        folded[w] = words[at + w]
    while left > 1:
        pairs = left // 2
        for k in range(pairs):
            first = _number_of(folded[2 * k], tree, cells)
            second = _number_of(folded[2 * k + 1], tree, cells)
            folded[k] = first << _S32 | second
        if left % 2:
            folded[pairs] = folded[left - 1]
        left = pairs + left % 2
    return folded[0]


@njit(**inner)  # type: ignore[untyped-decorator]
def _unfold(root: Any, words: Any, at: int, width: int, values: Any) -> None:
    """Write the words of the state with this root."""
    if width == 1:
        words[at] = values[np.int64(root >> _S32)] << _S32 | values[np.int64(root & _LOW)]
        return
    words[at] = root
    depth = 0
    while (1 << depth) < width:
        depth += 1
    for level in range(depth - 1, -1, -1):
        # how many words this level of the tree has, and the one above it
        below = (width + (1 << level) - 1) >> level
        above = (below + 1) >> 1
        for k in range(above - 1, -1, -1):
            word = words[at + k]
            if 2 * k + 1 < below:
                words[at + 2 * k + 1] = values[np.int64(word & _LOW)]
                words[at + 2 * k] = values[np.int64(word >> _S32)]
            else:
                words[at + 2 * k] = word


@njit(**inner)  # type: ignore[untyped-decorator]
def _enter(rows: int, tree: Tree, batch: Batch) -> bool:
    """Enter a batch's successors from cell ``ROW`` on; False if something needs room first.

    Each worker may enter :data:`.kernels.CHUNK` states before it sees that there is no room.
    """
    width, cells, fresh = tree.width, batch.cells, batch.fresh
    words, roots, hashes, recent = batch.words, batch.roots, batch.hashes, batch.recent
    values, table, folded, shared = tree.values, tree.table, batch.folded, tree.shared
    meanwhile = tree.workers * CHUNK
    counted = np.uint64(tree.counts.ctypes.data)
    addresses, sizes, most = tree.at, tree.sizes, tree.most
    segments = np.uint64(len(sizes) - 1)
    mask = np.uint64(len(recent) // width - 1)
    room = min(len(values), len(table) * 3 // 4)
    for begin in range(cells[ROW], rows, CHUNK):
        cells[ROW] = begin
        if shared[NUMBERS] + 2 * meanwhile * width >= room:
            cells[NEEDS] = DICTIONARY
        elif cells[NEW] + CHUNK > len(fresh):
            cells[NEEDS] = FRESH
        if cells[NEEDS] != NOTHING:
            return False
        unknown = 0
        for i in range(begin, min(rows, begin + CHUNK)):
            h = hash_of(words, i * width, width)
            if seen_lately(recent, words, i * width, width, h, mask):
                continue
            root = _fold(words, i * width, tree, cells, folded)
            h = mix(root)
            s = np.int64(h & segments)
            prefetch(np.uint64(addresses[s]) + home_of(h, np.uint64(sizes[s])) * _EIGHT)
            roots[unknown], hashes[unknown] = root, h
            unknown += 1
        for u in range(unknown):
            root, h = roots[u], hashes[u]
            s = np.int64(h & segments)
            base, entries = np.uint64(addresses[s]), np.uint64(sizes[s])
            place = home = home_of(h, entries)
            while True:
                entry = read(base + place * _EIGHT)
                if entry == _ZERO:
                    entry = swap_if(base + place * _EIGHT, _ZERO, root)
                    if entry == _ZERO:
                        fresh[cells[NEW]] = root
                        cells[NEW] += 1
                        count = np.int64(add(counted + np.uint64(s) * _EIGHT, _ONE)) + 1
                        if count + meanwhile > most[s]:
                            cells[NEEDS] = SEGMENTS
                        break
                if entry == root:
                    break
                place = next_place(place, home, entries)
    cells[ROW] = rows
    return True


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def expand_roots(
        expand: int,
        buffer: Any,
        kept: Any,
        block: Any,
        number: int,
        most: int,
        size: int,
        expanding: int,
        tree: Tree,
        batch: Batch,
    ) -> int:
        """Expand up to `most` batches of a block of roots, and enter their successors.

        `number` is that of the first root. Returns what needs room, ``STOPPED`` if a rule was
        stopped. The cells ``AT`` and ``ROW`` say how far the search has come.
        """
        cells, shared, width, states = batch.cells, tree.shared, tree.width, batch.states
        for _ in range(most):
            if cells[ROW] == cells[ROWS]:
                if shared[ENDING] != 0:
                    break
                at: Any = np.int64(add(np.uint64(shared.ctypes.data) + _AT_AT, np.uint64(size)))
                n = min(size, len(block) - at)
                if n <= 0:
                    break
                for i in range(n):
                    _unfold(block[at + i], states, i * width, width, tree.values)
                rows = expand_batch(
                    expand,
                    buffer,
                    kept,
                    number + at,
                    batch.states.ctypes.data,
                    n,
                    expanding,
                    batch.words.ctypes.data,
                    batch.source.ctypes.data,
                    batch.call.ctypes.data,
                )
                if rows < 0:
                    return STOPPED
                cells[ROWS], cells[ROW] = rows, 0
            if not _enter(cells[ROWS], tree, batch):
                shared[ENDING] = 1
                break
        return int(cells[NEEDS])

    @njit(**fast)  # type: ignore[untyped-decorator]
    def enter_one(words: Any, tree: Tree, batch: Batch) -> None:
        """Enter one state."""
        for w in range(tree.width):
            batch.words[w] = words[w]
        # what was seen lately must not be this state already
        for w in range(len(batch.recent)):
            batch.recent[w] = ~words[w % tree.width]
        batch.cells[ROW] = 0
        _enter(1, tree, batch)
        batch.cells[ROWS] = 1

    @njit(**fast)  # type: ignore[untyped-decorator]
    def unfold(root: Any, words: Any, tree: Tree) -> None:
        """Write the words of the state with this root."""
        _unfold(root, words, 0, tree.width, tree.values)

    @njit(**fast)  # type: ignore[untyped-decorator]
    def move_roots(old: Any, table: int, size: int) -> None:
        """Enter the roots of a segment into a larger, empty one."""
        base, entries = np.uint64(table), np.uint64(size)
        for i in range(len(old)):
            root = old[i]
            if root != _ZERO:
                place = home = home_of(mix(root), entries)
                while swap_if(base + place * _EIGHT, _ZERO, root) != _ZERO:
                    place = next_place(place, home, entries)

    @njit(**fast)  # type: ignore[untyped-decorator]
    def number_again(values: Any, count: int, spares: Any, table: Any) -> None:
        """Enter the numbers of the dictionary that are not spare into a larger, empty table."""
        entries = np.uint64(len(table))
        for number in range(1, count + 1):
            used = True
            for spare in spares:
                used &= spare != number
            if not used:
                continue
            place = home_of(mix(values[number]), entries)
            while table[place] != 0:
                place += _ONE
                if place == entries:
                    place = _ZERO
            table[place] = number

    @njit(**fast)  # type: ignore[untyped-decorator]
    def step_to(
        wanted: Any,
        expand: int,
        buffer: Any,
        kept: Any,
        block: Any,
        size: int,
        tree: Tree,
        batch: Batch,
    ) -> Any:
        """The first state of a block that has a step to a state, and its call; -1 if none has."""
        width, states = tree.width, batch.states
        for at in range(0, len(block), size):
            n = min(size, len(block) - at)
            for i in range(n):
                _unfold(block[at + i], states, i * width, width, tree.values)
            rows = expand_batch(
                expand,
                buffer,
                kept,
                0,
                batch.states.ctypes.data,
                n,
                1,
                batch.words.ctypes.data,
                batch.source.ctypes.data,
                batch.call.ctypes.data,
            )
            for row in range(rows):
                same = True
                for w in range(tree.width):
                    same &= batch.words[row * tree.width + w] == wanted[w]
                if same:
                    return at + np.int64(batch.source[row]), np.int64(batch.call[row])
        return -1, -1
