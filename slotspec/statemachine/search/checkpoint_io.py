"""Saves a running search to a checkpoint, and restores it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Protocol

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.search.checkpoint import Checkpoint, damaged
from slotspec.statemachine.search.kernels import NEXT, WORKER_CELLS
from slotspec.statemachine.search.visited import NOBODY, Visited
from slotspec.statemachine.search.worker_pool import WorkerPool


class Search(Protocol):
    """The state of a search that a checkpoint keeps; see :class:`.explorer.Explorer`."""

    instance: Instance
    compiled: Compiled
    visited: Visited
    pool: WorkerPool
    level: list[tuple[int, int]]
    depth: int
    starts: list[int]
    found: dict[int, Found]
    roomy: bool

    def gather(self) -> None: ...

    def unexpanded(self) -> list[tuple[int, int]]: ...

    def frontier(self) -> int: ...


def save(search: Search, checkpoint: Checkpoint, seconds: float) -> None:
    """Save everything that `search` needs to continue. Its workers must not be running.

    :raises InputError: ``CKP004`` if the files cannot be written.
    """
    try:
        _save(search, checkpoint, seconds)
    except OSError as error:
        raise checkpoint.unwritable(error) from None


def _save(search: Search, checkpoint: Checkpoint, seconds: float) -> None:
    search.gather()
    visited, width = search.visited, search.visited.width
    kept = [entry for entry in checkpoint.files if entry["kind"] == "part"]
    files = list(kept)
    for worker, end in enumerate(visited.ends()):
        parts = [e for e in kept if e["worker"] == worker]
        begin = worker * visited.region + sum(e["end"] - e["begin"] for e in parts)
        if end > begin:
            arrays = [visited.parents.array[begin:end], visited.calls.array[begin:end]]
            if visited.exact:
                arrays.append(visited.keys.array[begin * width : end * width])
            about = {"worker": worker, "region": visited.region, "begin": begin, "end": end}
            files.append(checkpoint.write("part", arrays, **about))
    if not visited.exact or visited.separate:
        ranges = search.unexpanded()
        words = [visited.states.array[a * width : b * width] for a, b in ranges]
        files.append(checkpoint.write("frontier", words, ranges=ranges))
    if not visited.exact and visited.table is not None:
        table = visited.table.array
        files.append(checkpoint.write("prints", [table[table != 0]]))
    buffer = search.compiled.result_buffer
    state = {
        "region": visited.region,
        "depth": search.depth,
        "batch": search.pool.batch,
        "level": search.pool.rest(),
        "starts": search.starts,
        "ends": visited.ends(),
        "seconds": seconds,
        "peak": visited.peak,
        "taken": search.pool.total_finished(buffer.taken, len(search.instance.actions)).tolist(),
        "fired": search.pool.total_finished(buffer.fired, buffer.size - buffer.fired).tolist(),
        "found": [asdict(found) for found in search.found.values()],
    }
    checkpoint.commit(files, state)


def restore(search: Search, checkpoint: Checkpoint) -> float:
    """Restore `search` from the checkpoint; returns the seconds spent before it was made.

    States get other numbers if this search may use more or less memory than the one that was
    saved, since the regions of its workers have another size then.

    :raises InputError: ``CKP002`` if a file is damaged, ``CKP005`` if what was saved does not fit
        into the memory that this search may use.
    """
    state = checkpoint.state
    assert state is not None
    visited = search.visited
    _check_room(visited, checkpoint, state)
    moves = [worker * (visited.region - state["region"]) for worker in range(visited.workers)]

    def moved(first: int, stop: int) -> tuple[int, int]:
        by = moves[first // state["region"]]
        return first + by, stop + by

    prints: Any = None
    for entry in checkpoint.files:
        data = checkpoint.read(entry)
        if entry["kind"] == "part":
            _part(search, checkpoint, entry, data)
        elif entry["kind"] == "frontier":
            _frontier(search, [moved(*pair) for pair in entry["ranges"]], data)
        else:
            prints = np.frombuffer(data, dtype=np.uint64)
    for worker, end in enumerate(state["ends"]):
        visited.shared[NEXT + WORKER_CELLS * worker] = end + moves[worker]
    visited.drop_table()
    search.depth = state["depth"]
    search.level = [moved(*pair) for pair in state["level"]]
    search.starts = [start + by for start, by in zip(state["starts"], moves, strict=True)]
    found = [Found(**f) for f in state["found"]]
    search.found = {f.kind: replace(f, state=moved(f.state, 0)[0]) for f in found}
    search.pool.batch = state["batch"]
    search.pool.begin(search.level)
    visited.peak = state["peak"]
    buffer, first = search.compiled.result_buffer, search.pool.workers[0].buffer
    first[buffer.taken : buffer.taken + len(state["taken"])] = state["taken"]
    first[buffer.fired : buffer.fired + len(state["fired"])] = state["fired"]
    search.roomy = visited.make_table(search.pool.margin, search.frontier(), prints)
    search.gather()
    return float(state["seconds"])


def found_by(state: dict[str, Any]) -> list[int]:
    """How many states each worker had found."""
    return [end - worker * int(state["region"]) for worker, end in enumerate(state["ends"])]


def _check_room(visited: Visited, checkpoint: Checkpoint, state: dict[str, Any]) -> None:
    fresh = zip(state["starts"], state["ends"], strict=True)
    frontier = sum(stop - first for first, stop in [*state["level"], *fresh])
    count = sum(found_by(state))
    needed = visited.least_memory(count, frontier)
    if needed > visited.budget:
        raise InputError(
            "CKP005",
            f"checkpoint {checkpoint.folder} holds {count:,} states, which take {needed:,} bytes,"
            f" and the search may use {visited.budget:,}; allow it more memory",
        )


def _part(search: Search, checkpoint: Checkpoint, entry: dict[str, Any], data: bytes) -> None:
    visited, width = search.visited, search.visited.width
    old = entry["region"]
    longer = visited.region - old
    begin, end = (entry[name] + entry["worker"] * longer for name in ("begin", "end"))
    count = end - begin
    calls_at = 4 * count
    keys_at = calls_at + count * visited.calls.itemsize
    parents = np.frombuffer(data, dtype=np.uint32, count=count)
    calls = np.frombuffer(data[calls_at:keys_at], dtype=visited.narrow, count=count)
    known = parents[parents != NOBODY]
    if (known.size and int(known.max()) >= old * visited.workers) or (
        count > 1 and int(calls.max()) >= len(search.instance.calls)
    ):
        raise damaged(checkpoint.folder, entry["name"])
    visited.parents.array[begin:end] = np.where(
        parents == NOBODY, NOBODY, parents + parents.astype(np.int64) // old * longer
    )
    visited.calls.array[begin:end] = calls
    if visited.exact:
        keys = np.frombuffer(data[keys_at:], dtype=np.uint64, count=count * width)
        visited.keys.array[begin * width : end * width] = keys


def _frontier(search: Search, ranges: list[tuple[int, int]], data: bytes) -> None:
    visited, width = search.visited, search.visited.width
    words = np.frombuffer(data, dtype=np.uint64)
    at = 0
    for begin, end in ranges:
        size = (end - begin) * width
        visited.states.array[begin * width : end * width] = words[at : at + size]
        at += size
