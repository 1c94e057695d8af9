"""Breadth-first search whose states are kept on disk: exact, and larger than memory.

Level by level, the workers expand all states of the level, and then merge the successors into
the partitions of :mod:`.disk_store`. After each level the folder is a complete checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled, Found
from slotspec.statemachine.results import Limit, Limits, Reporter, Result
from slotspec.statemachine.search.checkpoint import Checkpoint
from slotspec.statemachine.search.disk_store import NoRoom
from slotspec.statemachine.search.disk_work import DiskWork
from slotspec.statemachine.search.explorer import _Stop
from slotspec.statemachine.search.levels import LevelExplorer


class DiskExplorer(LevelExplorer):
    """One search on disk; :meth:`run` returns its result."""

    def __init__(
        self,
        compiled: Compiled,
        limits: Limits,
        reporter: Reporter,
        workers: int,
        folder: Checkpoint,
    ) -> None:
        super().__init__(compiled, limits, reporter, workers)
        self.folder = folder
        self.work = DiskWork(compiled, folder.folder, limits.memory, workers, self.look_around)
        self.roomy, self.store = self.work.roomy, self.work.store
        self.visited = self.store  # type: ignore[assignment]
        self.pool = self.work  # type: ignore[assignment]
        before = perf_counter()
        state = folder.state
        if state is None:
            self.store.begin(None, None)
            self.store.enter_first(
                np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
            )
            self.commit()
        else:
            self.store.begin(state["lengths"], state["sums"])
            self.restore(state)
        self.begin(before)
        self.work.until = self.until

    # the manifest

    def commit(self) -> None:
        buffer = self.compiled.result_buffer
        store = self.store
        state = {
            "lengths": [store.starts.tolist(), store.ends.tolist()],
            "sums": store.sums.tolist(),
            "depth": self.depth,
            "seconds": self.seconds(),
            "peak": store.peak,
            "taken": self.pool.total(buffer.taken, len(self.instance.actions)).tolist(),
            "fired": self.pool.total(buffer.fired, buffer.size - buffer.fired).tolist(),
            "found": [asdict(found) for found in self.found.values()],
        }
        self.folder.commit([], state)

    def restore(self, state: dict[str, Any]) -> None:
        buffer, first = self.compiled.result_buffer, self.work.workers[0].buffer
        self.depth, self.earlier = state["depth"], float(state["seconds"])
        self.store.peak = state["peak"]
        first[buffer.taken : buffer.taken + len(state["taken"])] = state["taken"]
        first[buffer.fired : buffer.fired + len(state["fired"])] = state["fired"]
        self.found = {f["kind"]: Found(**f) for f in state["found"]}
        self.gather()

    # the search

    def run(self) -> Result:
        try:
            return super().run()
        finally:
            self.store.close()

    def expand(self, expanding: int) -> None:
        self.work.expand(expanding)
        self.gather()

    def whole_level(self) -> None:
        self.expand(1)
        try:
            self.work.merge()
        except NoRoom:
            raise _Stop(Limit.MEMORY) from None

    def fresh(self) -> int:
        return int((self.store.ends - self.store.starts).sum())

    def frontier(self) -> int:
        return self.work.left
