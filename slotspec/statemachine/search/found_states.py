"""The states that a compiled search has found, and what the rules say of them afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from slotspec.statemachine.compiler.backend.result_buffer import FAULT
from slotspec.statemachine.compiler.compile import Compiled
from slotspec.statemachine.compiler.drivers.predicates import predicate_name
from slotspec.statemachine.declaration.model import Property
from slotspec.statemachine.interpreter.liveness import Stopped, Unanswered, claims
from slotspec.statemachine.interpreter.time_limit import OutOfTime
from slotspec.statemachine.results import Limit
from slotspec.statemachine.search.atomics import call_predicate
from slotspec.statemachine.search.numba_cache import fast, kernel_cache
from slotspec.statemachine.search.stopping import run_apart
from slotspec.statemachine.search.visited import Visited

_FAULT = np.int64(FAULT)

with kernel_cache():

    @njit(**fast)  # type: ignore[untyped-decorator]
    def ask_states(
        predicate: int, buffer: Any, words: int, width: int, elements: Any, answers: Any
    ) -> int:
        """Evaluate one side of a property in the stored states that begin at address `words`.

        :param width: words of a stored state.
        :param answers: receives an answer, 0 or 1, for each.
        :return: -1, or the index of the first state in which it cannot be evaluated.
        """
        for i in range(len(answers)):
            value = call_predicate(
                predicate, buffer.ctypes.data, words + 8 * width * i, elements.ctypes.data
            )
            if value == _FAULT:
                return i
            answers[i] = value != 0
        return -1


class FoundStates:
    """The states of an exhaustive, exact search, numbered without gaps; under symmetry their keys.

    :param until: when time is up, as given by ``perf_counter``.
    """

    def __init__(self, compiled: Compiled, visited: Visited, until: float | None) -> None:
        self.compiled, self.visited, self.until = compiled, visited, until
        self.starts = [worker * visited.region for worker in range(visited.workers)]
        counts = [end - start for start, end in zip(self.starts, visited.ends(), strict=True)]
        self.before = np.cumsum([0, *counts], dtype=np.int64)

    def stored(self, state: int) -> int:
        """The number that a state has in the search."""
        worker = int(np.searchsorted(self.before, state, side="right")) - 1
        return int(self.starts[worker] + state - self.before[worker])

    def run(self, task: Callable[[], int], buffer: Any) -> int:
        """The result of a task that runs compiled rules with this result buffer."""
        if not self.compiled.lasting:
            return task()
        try:
            return run_apart(task, buffer, self.until)
        except OutOfTime:
            raise Stopped(Limit.SECONDS) from None

    def ask(self, declared: Property, side: int, elements: tuple[int, ...]) -> Any:
        """Whether one side of a property holds for these elements: a byte for each state."""
        compiled, visited = self.compiled, self.visited
        number = [p.name for p in claims(compiled.instance)].index(declared.name)
        predicate = compiled.functions[predicate_name(number, side)]
        mask = np.zeros(visited.count, dtype=np.uint8)
        chosen = np.array([*elements, 0], dtype=np.int64)
        buffer = compiled.new_buffer()
        bounds = self.before.tolist()
        for start, before, after in zip(self.starts, bounds[:-1], bounds[1:], strict=True):
            words, answers = visited.keys.address + 8 * visited.width * start, mask[before:after]
            task = partial(ask_states, predicate, buffer, words, visited.width, chosen, answers)
            bad = self.run(task, buffer)
            if bad >= 0:
                raise Unanswered(before + bad, compiled.fault_in(buffer))
        return mask
