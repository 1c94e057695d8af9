"""How close a search comes to the memory's limit on random access, and where the rest goes.

python benchmarks/memory_limit.py [T S R A] [--rounds 3]

The search of the slot pool core runs with one worker. Then its parts run again over the states
that it stored: expanding; the same and leaving out successors that were seen lately; the same and
looking up the others, all of which are there by now. The limit is what it takes to read as many
random entries of the same table and rows of the same store, with nothing else to do: the
addresses come from a counter, and as many reads as pay are under way at a time.

All times are those of the processor, so that other work on the machine counts as little as it
can; it still takes memory bandwidth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples.slot_pool_core import model
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.results import NO_LIMITS, silent
from slotspec.statemachine.search.atomics import prefetch, read
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.kernels import (
    CHUNK,
    Successors,
    Table,
    expand_batch,
    home_of,
    mix,
    next_place,
    unseen,
)
from slotspec.statemachine.search.worker_pool import Worker

EXPAND, RECENT, LOOK_UP = 1, 2, 3
UNDER_WAY = (32, 64, 128, 256, 512)


@numba.njit
def parts(depth, count, batch, expand, buffer, kept, visited, out, entries):  # type: ignore[no-untyped-def]
    """Expand all states once more, as far as `depth` says; returns how many keys it looked up,
    and how many of these it did not find."""
    width, table = visited.width, np.uint64(visited.table)
    keys_at, row_bytes = np.uint64(visited.keys_at), np.uint64(8 * visited.width)
    eight, one, low = np.uint64(8), np.uint64(1), np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    mask = np.uint64(len(out.recent) // width - 1)
    looked_up = missed = 0
    for first in range(0, count, batch):
        n = min(batch, count - first)
        at = visited.states_at + first * width * 8
        rows = expand_batch(
            expand, buffer, kept, first, at, n, 1, out.words_at, out.source_at, out.call_at
        )
        if depth == EXPAND:
            continue
        for begin in range(0, rows, CHUNK):
            unknown = unseen(out, begin, min(rows, begin + CHUNK), width, mask)
            looked_up += unknown
            if depth == RECENT:
                continue
            for u in range(unknown):
                prefetch(table + home_of(out.hashes[u], entries) * eight)
            for u in range(unknown):
                h = out.hashes[u]
                place = home = home_of(h, entries)
                entry = read(table + place * eight)
                while entry != 0 and entry >> shift != h & low:
                    place = next_place(place, home, entries)
                    entry = read(table + place * eight)
                out.places[u] = place
                prefetch(keys_at + ((entry & low) - one) * row_bytes)
            for u in range(unknown):
                h = out.hashes[u]
                base = np.int64(out.numbers[u]) * width
                home, place = home_of(h, entries), out.places[u]
                while True:
                    entry = read(table + place * eight)
                    if entry == 0:
                        missed += 1
                        break
                    if entry >> shift == h & low:
                        old = np.int64((entry & low) - one) * width
                        same = True
                        for w in range(width):
                            same &= visited.keys[old + w] == out.words[base + w]
                        if same:
                            break
                    place = next_place(place, home, entries)
    return looked_up, missed


@numba.njit
def random_reads(number, chunk, table, entries, rows_at, rows, row_bytes):  # type: ignore[no-untyped-def]
    """Read random entries of a table and random rows of a store, `chunk` of each under way."""
    total = np.uint64(0)
    eight = np.uint64(8)
    for begin in range(0, number, chunk):
        for i in range(begin, begin + chunk):
            prefetch(table + home_of(mix(np.uint64(i)), entries) * eight)
        for i in range(begin, begin + chunk):
            total += read(table + home_of(mix(np.uint64(i)), entries) * eight)
            prefetch(rows_at + home_of(mix(~np.uint64(i)), rows) * row_bytes)
        for i in range(begin, begin + chunk):
            total += read(rows_at + home_of(mix(~np.uint64(i)), rows) * row_bytes)
    return total


def seconds(function: Any, *arguments: Any) -> tuple[float, Any]:
    started = process_time()
    result = function(*arguments)
    return process_time() - started, result


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("sizes", nargs="*", type=int, default=[2, 2, 3, 3], metavar="T S R A")
    words.add_argument("--rounds", type=int, default=3)
    given = words.parse_args()
    compiled = compile_instance(model.instance(dict(zip("TSRA", given.sizes, strict=True))), False)
    searches = []
    for _ in range(given.rounds):
        explorer = Explorer(compiled, NO_LIMITS, silent, 1, False)
        searches.append(seconds(explorer.run)[0])
    visited, pool = explorer.visited, explorer.pool
    assert visited.table is not None
    worker = Worker(compiled, pool.batch, 0)
    worker.buffer[compiled.result_buffer.opened :][: compiled.result_buffer.kinds] = 0
    out: Successors = worker.successors
    states, table = visited.states, visited.table
    whole = Table(
        True, visited.width, states.array, states.address, states.array, states.address, False,
        visited.parents.array, visited.calls.array, table.address, visited.shared,
        visited.shared.ctypes.data,
    )  # fmt: skip
    entries = np.uint64(visited.entries)
    took: dict[int, list[float]] = {EXPAND: [], RECENT: [], LOOK_UP: []}
    limits: dict[int, list[float]] = {chunk: [] for chunk in UNDER_WAY}
    number = CHUNK
    for turn in range(given.rounds + 1):  # the first compiles
        count = visited.count if turn else 1
        for depth, times in took.items():
            kernel = (depth, count, pool.batch, compiled.expand)
            time, (looked_up, missed) = seconds(
                parts, *kernel, worker.buffer, worker.kept, whole, out, entries
            )
            times += [time] if turn else []
            assert not missed, "a step leads out of the states that were found"
            number = looked_up or number
        for chunk, times in limits.items():
            place = (np.uint64(table.address), entries, np.uint64(states.address))
            reads = (number, chunk, *place, np.uint64(visited.count), np.uint64(8 * visited.width))
            time, _ = seconds(random_reads, *reads)
            times += [time] if turn else []
    search = median(searches)
    expanding, recent, looking = (median(times) for times in took.values())
    chunk, limit = min(((c, median(t)) for c, t in limits.items()), key=lambda one: one[1])
    steps = sum(explorer.result.taken.values())
    print(f"{visited.count:,} states, {steps:,} steps, {number:,} looked up")
    print(
        f"table {8 * visited.entries >> 20} MB, store {8 * visited.width * visited.count >> 20} MB"
    )
    print("\n| | processor seconds | of the search | ns for each look-up |\n|---|--:|--:|--:|")
    rest = search - looking
    for name, time in (
        ("the search", search),
        ("expanding", expanding),
        ("hashes, and successors seen lately", recent - expanding),
        ("looking up", looking - recent),
        ("the rest: new states, growing the table, pages", rest),
        (f"limit: as many random reads, {chunk} under way", limit),
    ):
        print(f"| {name} | {time:.2f} | {time / search:.0%} | {1e9 * time / number:.1f} |")
    print(
        f"\nlook-ups reach {limit / (looking - recent):.0%} of the limit,"
        f" the search {limit / search:.0%}"
    )


if __name__ == "__main__":
    main()
