"""The loop of a worker: it takes batches of states, expands them, and enters their successors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.search.atomics import read, swap_if
from slotspec.statemachine.search.kernels import (
    BATCHES,
    CURSOR,
    HALF,
    NEXT,
    NO_ROOM,
    ROOM,
    STATE_COUNT,
    STOPPED,
    UNFINISHED,
    UNFINISHED_END,
    WORKER_CELLS,
    Steps,
    Successors,
    Table,
    expand_batch,
    insert,
)
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache
from slotspec.statemachine.search.stubborn_kernels import Choice, reduce_rows

MOST_BATCHES = 64
"""How many batches in a row a worker takes at most."""


@njit(**inner)  # type: ignore[untyped-decorator]
def goes_on(workers: int, visited: Table) -> Any:
    """Whether the workers have room for more states, and nobody asked them to stop."""
    shared = visited.shared
    total = 0
    for k in range(workers):
        total += shared[NEXT + WORKER_CELLS * k] - shared[NEXT + WORKER_CELLS * k + 2]
    return total < shared[ROOM] and shared[STOPPED] == 0


@njit(**inner)  # type: ignore[untyped-decorator]
def take_batches(workers: int, visited: Table) -> Any:
    """Take some batches of this burst; returns the first of them, and their end.

    Neighbouring states have successors in common, which a worker's cache of recent ones tells it.
    So each takes many batches in a row, and fewer towards the end, so that all end together.
    """
    cursor = np.uint64(visited.shared_at + 8 * CURSOR)
    while True:
        first = np.int64(read(cursor))
        left = visited.shared[BATCHES] - first
        end = first + min(left, max(1, min(MOST_BATCHES, left // (2 * workers))))
        if left <= 0 or swap_if(cursor, np.uint64(first), np.uint64(end)) == np.uint64(first):
            return first, max(first, end)


@njit(**inner)  # type: ignore[untyped-decorator]
def leave(worker: int, number: int, end: int, half: bool, visited: Table) -> None:
    """Write down which of the batches that it took a worker has not finished."""
    mine = NEXT + WORKER_CELLS * worker
    visited.shared[mine + UNFINISHED] = number
    visited.shared[mine + UNFINISHED_END] = end
    visited.shared[mine + HALF] = half


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def work(
        worker: int,
        workers: int,
        expanding: int,
        expand: int,
        buffer: Any,
        kept: Any,
        batch: int,
        ranges: Any,
        visited: Table,
        out: Successors,
        symmetry: Any,
        steps: Steps | None,
        choice: Choice | None,
    ) -> None:
        """Expand batches of the level until `BATCHES` are taken.

        `ranges` has a row (first state, end, number of the first batch) for each contiguous part
        of the level; `symmetry` holds the kernel arguments of
        :class:`.canonicalizer.Canonicalizer`. `kept` receives what the buffer was before the last
        batch; if that was stopped half way, the buffer is that again. With `steps`, all steps are
        logged, for which the search has to be exact and without symmetry. With `choice`, only the
        calls of stubborn sets are taken. Numba compiles each combination without the rest.
        """
        part = 0
        number = end = np.int64(0)
        half = False
        while goes_on(workers, visited):
            if number == end:
                number, end = take_batches(workers, visited)
                if number == end:
                    break
            while part + 1 < len(ranges) and ranges[part + 1, 2] <= number:
                part += 1
            first = ranges[part, 0] + (number - ranges[part, 2]) * batch
            n = min(batch, ranges[part, 1] - first)
            rows = expand_batch(
                expand,
                buffer,
                kept,
                first,
                visited.states_at + first * visited.width * 8,
                n,
                expanding,
                out.words_at,
                out.source_at,
                out.call_at,
            )
            if rows < 0:
                break
            if choice is not None:
                rows = reduce_rows(rows, first, buffer, visited, out, choice)
            if steps is not None:
                steps.cells[STATE_COUNT] += n * expanding
            half = not insert(worker, rows, first, visited, out, symmetry, steps)
            if half:
                visited.shared[STOPPED] = NO_ROOM
                break
            number += 1
        leave(worker, number, end, half, visited)
