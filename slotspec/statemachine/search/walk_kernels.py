"""The random walk's inner loop: it chooses calls, and takes them by the addresses of functions.

:mod:`slotspec.statemachine.interpreter.random_walk` chooses calls in the same way and explains
how. :mod:`slotspec.statemachine.compiler.drivers.single_steps` describes the functions. All that
the loop knows of a model is in its arguments, so it is compiled once per machine and cached.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.backend.result_buffer import BASE, FOUND, STEP
from slotspec.statemachine.compiler.drivers.single_steps import LEFT, PLACE, POSSIBLE, STRIDE
from slotspec.statemachine.interpreter.rng import (
    FOLD,
    GOLDEN,
    LOW,
    MIX_1,
    MIX_2,
    REGISTER_BITS,
    REGISTERS,
)
from slotspec.statemachine.interpreter.statistics import AT_REST, ENDED, GOES_ON, NOTED
from slotspec.statemachine.search.atomics import call_attempt, call_look, call_may_end, call_stuck
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache

RNG, THRESHOLD, PREFERRED, REGULAR, WORDS = range(5)
"""Cells: random state, rate of faults (times 2**53), number of preferred actions, number of actions
that are no faults, words of a state. The cell ``BASE`` of the result buffer is the number of
steps."""

CELLS = 5

LOOK, MAY_END, STUCK = range(3)
"""Places of the addresses of functions."""

FUNCTIONS = 3

ATTEMPT, CALLS, PRIME, ADVANCE = range(4)
"""What the walk knows of an action: the addresses of its function and of its calls, how many tries
it takes to step through them, and by how much to advance the random state before. A single call
takes no random number; to ask for that in the loop would mislead the processor half of the time."""

FAULTS = 2
"""The group of actions that are faults; 0 are the preferred actions, and 1 the others."""

NONE, MOVED = -1, -2
"""What came of an action, besides a status: none of its calls changed the state, or one did."""

_GOLDEN, _MIX_1, _MIX_2, _LOW = (np.uint64(n) for n in (GOLDEN, MIX_1, MIX_2, LOW))
_FOLD, _REGISTER_BITS, _REGISTER = (np.uint64(n) for n in (FOLD, REGISTER_BITS, REGISTERS - 1))
_S11, _S27, _S30, _S31, _S32 = (np.uint64(n) for n in (11, 27, 30, 31, 32))
_ZERO, _ONE, _RANKS = (np.uint64(n) for n in (0, 1, 64 - REGISTER_BITS))

within: dict[str, Any] = {**inner, "forceinline": True}
"""To pass all arrays from function to function would take as long as a step."""


@njit(**within)  # type: ignore[untyped-decorator]
def draw(cells: Any, advance: Any) -> Any:
    """The next random number; see :func:`.rng.mix`."""
    s = cells[RNG] + advance
    cells[RNG] = s
    s = (s ^ (s >> _S30)) * _MIX_1
    s = (s ^ (s >> _S27)) * _MIX_2
    return s ^ (s >> _S31)


@njit(**within)  # type: ignore[untyped-decorator]
def below(number: Any, count: Any) -> Any:
    """A number below `count`, made from 32 random bits."""
    return (number * count) >> _S32


@njit(**within)  # type: ignore[untyped-decorator]
def count_state(registers: Any, now: Any, words: Any) -> None:
    """Add a state to the estimate of distinct states; see :func:`.rng.hash_record`."""
    h = salt = _ZERO
    for i in range(words):
        salt += _GOLDEN
        mixed = (now[i] ^ salt) * _MIX_1
        h += mixed ^ (mixed >> _S32)
    h *= _MIX_2
    h ^= h >> _FOLD
    register, rest = h & _REGISTER, h >> _REGISTER_BITS
    # the rank is one more than the leading zeros of the rest, and only the highest rank counts
    rank = np.uint64(registers[register])
    while rank <= _RANKS and rest >> (_RANKS - rank) == _ZERO:
        rank += _ONE
    registers[register] = rank


class Walk(NamedTuple):
    """What a walk works on.

    :param functions: addresses, see :data:`LOOK`.
    :param actions: a row for each action, see :data:`ATTEMPT`.
    :param tries: see :data:`.single_steps.LEFT`.
    :param order: the numbers of the actions: the preferred ones, the others, faults.
    :param moved: for each action, how many of its calls changed the state.
    :param now: the current state as a working record; `next` is equal between calls.
    :param changed: one bit for each word of it that the last step changed.
    :param way: receives the call of each step.
    :param registers: of the estimate of distinct states.
    """

    functions: Any
    actions: Any
    tries: Any
    cells: Any
    order: Any
    moved: Any
    now: Any
    next: Any
    changed: Any
    buffer: Any
    way: Any
    registers: Any


@njit(**within)  # type: ignore[untyped-decorator]
def move(w: Walk, action: Any, call: Any) -> None:
    """Go on from the state after a call, and note the words that it changed."""
    at = np.uint64(w.buffer[BASE])
    w.moved[action] += 1
    w.way[at] = call
    w.buffer[BASE] += 1
    for cell in range(len(w.changed)):
        bits, bit = _ZERO, _ONE
        for i in range(64 * cell, min(64 * cell + 64, len(w.now))):
            if w.now[i] != w.next[i]:
                bits |= bit
                w.now[i] = w.next[i]
            bit <<= _ONE
        w.changed[cell] = bits


@njit(**within)  # type: ignore[untyped-decorator]
def take_one(w: Walk, action: Any) -> Any:
    """Take one of an action's calls, in a random order; MOVED if one changed the state."""
    prime = w.actions[action, PRIME]
    drawn = draw(w.cells, w.actions[action, ADVANCE])
    w.tries[LEFT] = prime
    w.tries[PLACE] = below(drawn >> _S32, prime)
    w.tries[STRIDE] = _ONE + below(drawn & _LOW, prime - _ONE)
    call = call_attempt(
        w.actions[action, ATTEMPT],
        w.buffer.ctypes.data,
        w.now.ctypes.data,
        w.next.ctypes.data,
        w.actions[action, CALLS],
        w.tries.ctypes.data,
    )
    if call >= 0:
        move(w, action, call)
        return MOVED
    return NOTED if w.buffer[FOUND] else NONE


@njit(**within)  # type: ignore[untyped-decorator]
def may_end(w: Walk) -> Any:
    """Whether the state is final."""
    return call_may_end(w.functions[MAY_END], w.buffer.ctypes.data, w.now.ctypes.data)


@njit(**within)  # type: ignore[untyped-decorator]
def take_step(w: Walk) -> Any:
    """Take one step: MOVED, or why there is none."""
    threshold = w.cells[THRESHOLD]
    limits = (_ZERO, w.cells[PREFERRED], w.cells[REGULAR], np.uint64(len(w.order)))
    w.tries[POSSIBLE] = 0
    group = FAULTS if draw(w.cells, _GOLDEN) >> _S11 < threshold else 0
    for turn in range(3):
        if group == FAULTS:
            if turn == 2 and may_end(w):
                return ENDED
            if threshold == _ZERO:
                w.buffer[STEP] = 0  # no fault may be taken: only find out whether one is possible
        if w.buffer[FOUND]:
            return NOTED
        low, left = limits[group], limits[group + 1] - limits[group]
        while left > _ZERO:
            drawn = low + below(draw(w.cells, _GOLDEN) >> _S32, left)
            left -= _ONE
            action = w.order[drawn]
            w.order[drawn] = w.order[low + left]
            w.order[low + left] = action
            status = take_one(w, action)
            if status != NONE:
                return status
            if w.buffer[STEP] == 0 and w.tries[POSSIBLE]:
                return AT_REST
        group = (group + 1) % 3
    if w.tries[POSSIBLE]:
        return AT_REST
    call_stuck(w.functions[STUCK], w.buffer.ctypes.data, w.now.ctypes.data)
    return NOTED if w.buffer[FOUND] else ENDED


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def walk(until: int, *arrays: Any) -> Any:
        """Continue a walk until it has `until` steps; returns the status with which it ends.

        :param until: with -1, nothing happens, except that this function is loaded.
        :param arrays: those of a :class:`Walk`; the record itself would take longer to pass.
        """
        w = Walk(*arrays)
        while until >= 0:
            count_state(w.registers, w.now, w.cells[WORDS])
            call_look(
                w.functions[LOOK], w.buffer.ctypes.data, w.now.ctypes.data, w.changed.ctypes.data
            )
            if w.buffer[FOUND]:
                return NOTED
            if w.buffer[BASE] >= until:
                return GOES_ON
            status = take_step(w)
            if status != MOVED:
                w.buffer[STEP] = 1
                return status
        return GOES_ON
