"""The inner loops of a reduced search: stubborn sets, between expanding states and entering them.

They choose as :meth:`.partial_order.relations.Relations.choose` does, which the interpreter uses,
on the rows of a batch of expanded states: a call moves in a state if it has a row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from slotspec.statemachine.search.kernels import (
    TABLE_SIZE,
    Successors,
    Table,
    find,
    hash_of,
)
from slotspec.statemachine.search.numba_cache import inner

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_SIX, _LAST = np.uint64(6), np.uint64(63)


class Choice(NamedTuple):
    """What a worker needs to choose stubborn sets.

    :param moving: for each call, a row of bits: the calls that it needs if it moves.
    :param still: the same if it does not.
    :param first: for each call, the number of its first condition; one more for the end.
    :param places: for each condition, where its cell is stored: word, bit, and how many bits.
    :param allowed: for each condition, a row of bits: the stored values that meet it.
    :param writers: for each condition, a row of bits: the calls that may write its cell.
    :param actions: for each call, the cell of the result buffer that counts its action.
    :param starts: for each worker, the number of its first state of the next level.
    :param region: how many numbers of states each worker has.
    :param bits: rows of bits: the calls that move, and the set under construction.
    :param stack: calls of the set whose needs are yet to be added.
    :param sets: of each candidate, the calls that move, as a row of bits.
    :param sizes: how many these are; 0 for a candidate that is out.
    """

    moving: Any
    still: Any
    first: Any
    places: Any
    allowed: Any
    writers: Any
    actions: Any
    starts: Any
    region: int
    bits: Any
    stack: Any
    sets: Any
    sizes: Any


@njit(**inner)  # type: ignore[untyped-decorator]
def has(bits: Any, call: Any) -> Any:
    """Whether a row of bits has this call."""
    number = np.uint64(call)
    return (bits[np.int64(number >> _SIX)] >> (number & _LAST)) & _ONE != _ZERO


@njit(**inner)  # type: ignore[untyped-decorator]
def add(bits: Any, call: Any) -> None:
    """Add a call to a row of bits."""
    number = np.uint64(call)
    bits[np.int64(number >> _SIX)] |= _ONE << (number & _LAST)


@njit(**inner)  # type: ignore[untyped-decorator]
def needs(call: Any, words: Any, at: Any, choice: Choice) -> Any:
    """The first condition of a call that a state does not meet; -1 for none."""
    for n in range(choice.first[call], choice.first[call + 1]):
        word, bit, width = choice.places[n, 0], choice.places[n, 1], choice.places[n, 2]
        value = words[at + word] >> np.uint64(bit)
        if bit + width > 64:
            value |= words[at + word + 1] << np.uint64(64 - bit)
        value &= (_ONE << np.uint64(width)) - _ONE
        if not has(choice.allowed[n], value):
            return np.int64(n)
    return np.int64(-1)


@njit(**inner)  # type: ignore[untyped-decorator]
def close(seed: Any, states: Any, at: Any, choice: Choice) -> Any:
    """Make the set the least stubborn one with this call; False if all that move are in it."""
    moves, chosen, stack = choice.bits[0], choice.bits[1], choice.stack
    words = len(chosen)
    chosen[:] = _ZERO
    add(chosen, seed)
    stack[0] = seed
    height = 1
    while height > 0:
        height -= 1
        call = np.int64(stack[height])
        if has(moves, call):
            needed = choice.moving[call]
        else:
            condition = needs(call, states, at, choice)
            needed = choice.still[call] if condition < 0 else choice.writers[condition]
        missing = _ZERO
        for w in range(words):
            new = needed[w] & ~chosen[w]
            chosen[w] |= new
            missing |= moves[w] & ~chosen[w]
            while new != _ZERO:
                lowest = new & (~new + _ONE)
                place = np.int64(0)
                rest = lowest
                if rest >> np.uint64(32) != _ZERO:
                    place += 32
                    rest >>= np.uint64(32)
                if rest >> np.uint64(16) != _ZERO:
                    place += 16
                    rest >>= np.uint64(16)
                if rest >> np.uint64(8) != _ZERO:
                    place += 8
                    rest >>= np.uint64(8)
                if rest >> np.uint64(4) != _ZERO:
                    place += 4
                    rest >>= np.uint64(4)
                if rest >> np.uint64(2) != _ZERO:
                    place += 2
                    rest >>= np.uint64(2)
                if rest >> np.uint64(1) != _ZERO:
                    place += 1
                stack[height] = 64 * w + place
                height += 1
                new ^= lowest
        if missing == _ZERO:
            return False
    return True


@njit(**inner)  # type: ignore[untyped-decorator]
def leads_on(row: Any, visited: Table, out: Successors, choice: Choice) -> Any:
    """Whether a successor is a state of the next level: new, or found in this one."""
    width, at = visited.width, row * visited.width
    h = hash_of(out.words, at, width)
    entries = np.uint64(visited.shared[TABLE_SIZE])
    number = find(h, out.words, at, width, visited.keys, np.uint64(visited.table), entries)
    return number < 0 or number >= choice.starts[number // choice.region]


@njit(**inner)  # type: ignore[untyped-decorator]
def chosen_of(
    begin: Any, end: Any, at: Any, visited: Table, out: Successors, choice: Choice
) -> Any:
    """The candidate for the state whose successors are these rows; -1 to take all calls."""
    moves, chosen = choice.bits[0], choice.bits[1]
    words, count = len(moves), end - begin
    moves[:] = _ZERO
    for row in range(begin, end):
        add(moves, out.call[row])
    for n in range(count):
        size = np.int64(0)
        if close(np.int64(out.call[begin + n]), visited.states, at, choice):
            for w in range(words):
                choice.sets[n, w] = chosen[w] & moves[w]
            for row in range(begin, end):
                size += np.int64(has(choice.sets[n], out.call[row]))
        choice.sizes[n] = size
    while True:
        best = np.int64(-1)
        for n in range(count):
            size = choice.sizes[n]
            if size > 0 and (best < 0 or size < choice.sizes[best]):
                best = np.int64(n)
        if best < 0:
            return best
        for row in range(begin, end):
            if has(choice.sets[best], out.call[row]) and leads_on(row, visited, out, choice):
                return best
        choice.sizes[best] = 0


@njit(**inner)  # type: ignore[untyped-decorator]
def reduce_rows(
    rows: Any, first: Any, buffer: Any, visited: Table, out: Successors, choice: Choice
) -> Any:
    """Drop the successors that the search leaves for later; returns how many rows are left.

    `first` is the number of the first state of the batch.
    """
    width = visited.width
    kept = np.int64(0)
    begin = np.int64(0)
    while begin < rows:
        end = begin + 1
        while end < rows and out.source[end] == out.source[begin]:
            end += 1
        best = np.int64(-1)
        if end - begin > 1:
            at = np.int64(first + out.source[begin]) * width
            best = chosen_of(begin, end, at, visited, out, choice)
        for row in range(begin, end):
            if best >= 0 and not has(choice.sets[best], out.call[row]):
                buffer[choice.actions[out.call[row]]] -= 1
                continue
            if kept != row:
                for w in range(width):
                    out.words[kept * width + w] = out.words[row * width + w]
                out.source[kept] = out.source[row]
                out.call[kept] = out.call[row]
            kept += 1
        begin = end
    return kept
