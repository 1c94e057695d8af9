"""Breadth-first search that folds states into trees: exact, at about ten bytes a state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from tempfile import gettempdir
from time import perf_counter
from typing import Any

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.results import Limit, Limits, Reporter, Result
from slotspec.statemachine.search import tree_kernels
from slotspec.statemachine.search.explorer import _Stop
from slotspec.statemachine.search.levels import LevelExplorer, Numbers
from slotspec.statemachine.search.stopping import attend
from slotspec.statemachine.search.tree_kernels import AT, ENDING, NOTHING, ROW, ROWS, STOPPED
from slotspec.statemachine.search.tree_store import NoRoom, TreeStore

BATCH = 256
BURST = 64
"""Batches that each worker expands between two looks at limits and progress."""


class CompressedExplorer(LevelExplorer):
    """One search; :meth:`run` returns its result."""

    def __init__(
        self, compiled: Compiled, limits: Limits, reporter: Reporter, workers: int = 1
    ) -> None:
        super().__init__(compiled, limits, reporter, workers)
        before = perf_counter()
        self.batch = max(1, min(BATCH, (1 << 18) // max(1, len(self.instance.calls))))
        self.store = TreeStore(compiled, self.batch, limits.memory, workers)
        self.visited = self.store  # type: ignore[assignment]
        self.numbers = Numbers(compiled, workers)
        self.pool = self.numbers  # type: ignore[assignment]
        # without threads, nothing could end rules that may take long
        self.threads = ThreadPoolExecutor(workers) if workers > 1 or compiled.lasting else None
        self.left = 0
        self.store.enter_first(
            np.array(compiled.layout.pack(compiled.layout.initial()), dtype=np.uint64)
        )
        self.roomy = self.store.memory(0) <= self.store.budget
        self.begin(before)

    def run(self) -> Result:
        try:
            return super().run()
        except OSError as error:
            raise InputError(
                "CKP005", f"{gettempdir()}, where the search keeps a file, fails: {error}"
            ) from None
        finally:
            if self.threads is not None:
                self.threads.shutdown()
            self.store.close()

    def fresh(self) -> int:
        return self.store.levels[-1] - self.store.levels[-2]

    def frontier(self) -> int:
        return self.left + self.store.found - self.store.count

    def expand(self, expanding: int) -> None:
        store = self.store
        self.left = self.fresh()
        for number, block in store.blocks(len(store.levels) - 2):
            cells = [batch.cells for batch in store.batches]
            store.tree.shared[[AT, ENDING]] = 0
            for own in cells:
                own[[ROWS, ROW]] = 0
            done = 0
            while done < len(block) or any(own[ROW] < own[ROWS] for own in cells):
                needs = self.burst(number, block, expanding)
                if STOPPED in needs:
                    raise OutOfTime
                before, done = done, min(len(block), int(store.tree.shared[AT]))
                self.left -= done - before
                if needs - {NOTHING}:
                    try:
                        store.make_room(needs)
                    except NoRoom:
                        raise _Stop(Limit.MEMORY) from None
                self.compiled.improve()
                self.look_around()
        self.gather()

    def burst(self, number: int, block: Any, expanding: int) -> set[int]:
        """Have the workers expand a part of a block; returns what needs room.

        :param number: that of the first root.
        :raises OutOfTime: time is up.
        """
        store, workers = self.store, self.numbers.workers
        # a worker that has less than two batches to do is not worth waking
        left = len(block) - int(store.tree.shared[AT])
        busy = max(1, left // (2 * self.batch))
        chosen = [
            worker
            for worker, batch in enumerate(store.batches)
            if worker < busy or batch.cells[ROW] < batch.cells[ROWS]
        ]

        def work(worker: int) -> int:
            needs: int = tree_kernels.expand_roots(
                self.compiled.expand,
                workers[worker].buffer,
                workers[worker].kept,
                block,
                number,
                BURST,
                self.batch,
                expanding,
                store.tree,
                store.batches[worker],
            )
            return needs

        if self.threads is None:
            return {work(0)}
        running = [self.threads.submit(work, worker) for worker in chosen]
        attend(running, [worker.buffer for worker in workers], self.until, self.ask_to_end)
        return {future.result() for future in running}

    def ask_to_end(self) -> None:
        """Make the workers begin no further batch."""
        self.store.tree.shared[ENDING] = 1

    def whole_level(self) -> None:
        self.expand(1)
        self.store.end_level()
