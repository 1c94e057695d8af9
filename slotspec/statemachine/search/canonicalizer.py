"""Canonical forms under symmetry: one visited key for all states that differ only by names.

There are two forms. *Fast* sorts elements by colour after a few rounds of refinement, and
breaks ties by number. States that differ only by names usually get the same form; other states
never do. *Exact* breaks ties in every way that matters (it singles out an element of the first
tied cell, refines the colours again, and so on) and takes the least result. It skips a cell
whose elements can be exchanged without changing the state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.search.atomics import call_image, call_prepare, call_refine
from slotspec.statemachine.search.numba_cache import fast, inner, kernel_cache

MODE, PREPARE, REFINE, IMAGE, RECORD, COLOURS, RENAMING, SPARE, ROUNDS = range(9)
"""Cells of the plan: 0 none, 1 fast, 2 exact; addresses of the model's functions and of the
scratch arrays; rounds of refinement."""

PLAIN, FAST, EXACT = 0, 1, 2

REFINEMENTS = 3
"""Rounds of refinement; each lets colours spread one reference further."""

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_MARK = np.uint64(0xD6E8FEB86659FD93)


@njit(**inner)  # type: ignore[untyped-decorator]
def rank(colours: Any, row: int, starts: Any, renaming: Any) -> None:
    """Number the elements of each sort by colour, ties by their old numbers."""
    for b in range(len(starts) - 1):
        for e in range(starts[b], starts[b + 1]):
            mine = colours[row, e]
            place = 0
            for j in range(starts[b], starts[b + 1]):
                other = colours[row, j]
                place += other < mine or (other == mine and j < e)
            renaming[e] = place


@njit(**inner)  # type: ignore[untyped-decorator]
def exchangeable(
    words: Any,
    at: int,
    width: int,
    plan: Any,
    renaming: Any,
    starts: Any,
    spare: Any,
    one: int,
    other: int,
) -> bool:
    """Whether exchanging the names of these two elements of a sort leaves the state unchanged."""
    for b in range(len(starts) - 1):
        for e in range(starts[b], starts[b + 1]):
            renaming[e] = e - starts[b]
    renaming[one], renaming[other] = renaming[other], renaming[one]
    call_image(plan[IMAGE], plan[RECORD], plan[RENAMING], plan[SPARE])
    for w in range(width):  # noqa: SIM110  (Numba compiles no generators)
        if spare[w] != words[at + w]:
            return False
    return True


@njit(**inner)  # type: ignore[untyped-decorator]
def keep(best: Any, renaming: Any) -> None:
    """Copy a renaming; Numba takes a second to compile the assignment of a whole array."""
    for e in range(len(best)):
        best[e] = renaming[e]


@njit(**inner)  # type: ignore[untyped-decorator]
def tied_cell(
    words: Any,
    at: int,
    width: int,
    plan: Any,
    colours: Any,
    row: int,
    starts: Any,
    renaming: Any,
    spare: Any,
    cell: Any,
) -> int:
    """Write the first tied cell whose order matters into `cell`; returns its size, or 0."""
    for b in range(len(starts) - 1):
        first, stop = starts[b], starts[b + 1]
        done = np.uint64(0)
        begun = False
        while True:
            # the next colour in order
            found = False
            least = np.uint64(0)
            for e in range(first, stop):
                c = colours[row, e]
                if (not begun or c > done) and (not found or c < least):
                    least, found = c, True
            if not found:
                break
            done, begun = least, True
            size = 0
            for e in range(first, stop):
                if colours[row, e] == least:
                    cell[size] = e
                    size += 1
            for k in range(size - 1):
                if not exchangeable(
                    words, at, width, plan, renaming, starts, spare, cell[k], cell[k + 1]
                ):
                    return size
    return 0


@njit(**inner)  # type: ignore[untyped-decorator]
def canonical(
    words: Any,
    at: int,
    width: int,
    out: Any,
    to: int,
    plan: Any,
    starts: Any,
    colours: Any,
    renaming: Any,
    spare: Any,
    cells: Any,
    sizes: Any,
    best: Any,
) -> None:
    """Write the canonical form of the stored state at `words[at]` to `out[to]`.

    `best` receives the renaming that turns the state into it.
    """
    call_prepare(
        plan[PREPARE],
        np.uint64(words.ctypes.data) + np.uint64(at) * _EIGHT,
        plan[RECORD],
        plan[COLOURS],
    )
    call_refine(plan[REFINE], plan[RECORD], plan[COLOURS], plan[ROUNDS])
    if plan[MODE] == FAST:
        rank(colours, 0, starts, renaming)
        keep(best, renaming)
        call_image(
            plan[IMAGE],
            plan[RECORD],
            plan[RENAMING],
            np.uint64(out.ctypes.data) + np.uint64(to) * _EIGHT,
        )
        return
    nodes = colours.shape[1]
    row_bytes = np.uint64(8 * nodes)
    depth = 0
    fresh = True
    have = False
    while depth >= 0:
        if fresh:
            sizes[depth] = tied_cell(
                words, at, width, plan, colours, depth, starts, renaming, spare, cells[depth]
            )
            if sizes[depth] == 0:
                rank(colours, depth, starts, renaming)
                call_image(plan[IMAGE], plan[RECORD], plan[RENAMING], plan[SPARE])
                better = not have
                if have:
                    for w in range(width):
                        if spare[w] != out[to + w]:
                            better = spare[w] < out[to + w]
                            break
                if better:
                    have = True
                    keep(best, renaming)
                    for w in range(width):
                        out[to + w] = spare[w]
                depth -= 1
                fresh = False
                continue
        if sizes[depth] == 0:
            depth -= 1
            fresh = False
            continue
        # single out one more element of this level's cell
        sizes[depth] -= 1
        chosen = cells[depth, sizes[depth]]
        for node in range(nodes):
            colours[depth + 1, node] = colours[depth, node]
        colours[depth + 1, chosen] += _MARK * np.uint64(depth + 1)
        call_refine(
            plan[REFINE],
            plan[RECORD],
            plan[COLOURS] + row_bytes * np.uint64(depth + 1),
            plan[ROUNDS],
        )
        depth += 1
        fresh = True


class Canonicalizer:
    """A worker's own memory for canonical forms, as the arguments that kernels take."""

    def __init__(self, compiled: Compiled, mode: int) -> None:
        symmetry = Symmetry(compiled.instance)
        self.width = compiled.layout.packed
        elements, nodes = max(1, symmetry.elements), symmetry.nodes
        self.starts = np.array(symmetry.starts, dtype=np.int64)
        self.colours = np.zeros((elements + 2, nodes), dtype=np.uint64)
        self.renaming = np.zeros(elements, dtype=np.uint8)
        self.spare = np.zeros(self.width, dtype=np.uint64)
        self.cells = np.zeros((elements + 2, elements), dtype=np.int64)
        self.sizes = np.zeros(elements + 2, dtype=np.int64)
        self.best = np.zeros(elements, dtype=np.uint8)
        self.record = np.zeros(compiled.layout.capacity, dtype=np.uint64)
        self.plan = np.zeros(9, dtype=np.uint64)
        self.plan[MODE], self.plan[ROUNDS] = mode, REFINEMENTS
        self.call(compiled)
        if mode != PLAIN:
            self.plan[RECORD] = self.record.ctypes.data
            self.plan[COLOURS] = self.colours.ctypes.data
            self.plan[RENAMING] = self.renaming.ctypes.data
            self.plan[SPARE] = self.spare.ctypes.data

    def call(self, compiled: Compiled) -> None:
        """Switch to the functions of the code that is in use now."""
        if self.plan[MODE] != PLAIN:
            self.plan[PREPARE] = compiled.code.address("prepare")
            self.plan[REFINE] = compiled.code.address("refine")
            self.plan[IMAGE] = compiled.code.address("image")

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (
            self.plan,
            self.starts,
            self.colours,
            self.renaming,
            self.spare,
            self.cells,
            self.sizes,
            self.best,
        )

    def of(self, words: Any) -> Any:
        """The canonical forms of stored states, one after another."""
        out = np.zeros_like(words)
        canonical_of(words, out, len(words) // self.width, self.width, *self.arguments)
        return out


with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def canonical_of(
        words: Any,
        out: Any,
        count: int,
        width: int,
        plan: Any,
        starts: Any,
        colours: Any,
        renaming: Any,
        spare: Any,
        cells: Any,
        sizes: Any,
        best: Any,
    ) -> None:
        """The canonical forms of `count` stored states."""
        for i in range(count):
            canonical(
                words,
                i * width,
                width,
                out,
                i * width,
                plan,
                starts,
                colours,
                renaming,
                spare,
                cells,
                sizes,
                best,
            )
