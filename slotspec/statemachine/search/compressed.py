"""Breadth-first search that folds states into trees: exact, at about ten bytes a state."""

from __future__ import annotations

from functools import partial
from tempfile import gettempdir
from time import perf_counter

import numpy as np

from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.results import Limit, Limits, Reporter, Result
from slotspec.statemachine.search import tree_kernels
from slotspec.statemachine.search.explorer import _Stop
from slotspec.statemachine.search.levels import LevelExplorer, Numbers
from slotspec.statemachine.search.stopping import run_apart
from slotspec.statemachine.search.tree_kernels import AT, NOTHING, ROW, ROWS, STOPPED
from slotspec.statemachine.search.tree_store import NoRoom, TreeStore

BATCH = 256
BURST = 64
"""Batches that are expanded between two looks at limits and progress."""


class CompressedExplorer(LevelExplorer):
    """One search; :meth:`run` returns its result."""

    def __init__(self, compiled: Compiled, limits: Limits, reporter: Reporter) -> None:
        super().__init__(compiled, limits, reporter, 1)
        before = perf_counter()
        self.batch = max(1, min(BATCH, (1 << 18) // max(1, len(self.instance.calls))))
        self.store = TreeStore(compiled, self.batch, limits.memory)
        self.visited = self.store  # type: ignore[assignment]
        self.numbers = Numbers(compiled)
        self.pool = self.numbers  # type: ignore[assignment]
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
            self.store.close()

    def fresh(self) -> int:
        return self.store.levels[-1] - self.store.levels[-2]

    def frontier(self) -> int:
        return self.left + self.store.found - self.store.count

    def expand(self, expanding: int) -> None:
        store = self.store
        self.left = self.fresh()
        for number, block in store.blocks(len(store.levels) - 2):
            cells = store.tree.cells
            cells[AT] = cells[ROW] = cells[ROWS] = 0
            while cells[AT] < len(block) or cells[ROW] < cells[ROWS]:
                before = int(cells[AT])
                task = partial(
                    tree_kernels.expand_roots,
                    self.compiled.expand,
                    self.numbers.buffer,
                    self.numbers.kept,
                    block,
                    number,
                    BURST,
                    self.batch,
                    expanding,
                    store.tree,
                    store.batch,
                    store.fresh,
                )
                if self.compiled.lasting:
                    needs = run_apart(task, self.numbers.buffer, self.until)
                else:
                    needs = task()
                if needs == STOPPED:
                    raise OutOfTime
                self.left -= int(cells[AT]) - before
                if needs != NOTHING:
                    try:
                        store.make_room(needs)
                    except NoRoom:
                        raise _Stop(Limit.MEMORY) from None
                self.compiled.improve()
                self.look_around()
        self.gather()

    def whole_level(self) -> None:
        self.expand(1)
        self.store.end_level()
