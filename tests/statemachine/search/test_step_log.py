"""Logged steps are those of a second pass over all states; without room, that pass finds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slotspec.statemachine import Fairness, Instance, Limit, Limits, Result
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.results import NO_LIMITS, silent
from slotspec.statemachine.search import kernels, liveness, step_log
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.graph import CompiledGraph
from tests.statemachine.interpreter.test_liveness import exclusion

PARTIES = 11
STATES = 2**PARTIES + PARTIES * 2 ** (PARTIES - 1)
"""More than the recent ones that a worker knows, so some of these are forgotten again."""


def instance(parties: int = PARTIES) -> Instance:
    return exclusion(Fairness.WEAK).instance({"parties": parties})


def graph(search: Explorer, log: step_log.StepLog | None) -> CompiledGraph:
    actions = len(search.instance.actions)
    steps = int(search.pool.total(search.compiled.result_buffer.taken, actions).sum())
    search.visited.beside = 0
    return CompiledGraph(
        search.compiled, search.visited, steps, search.pool.batch, lambda more: None, None, log
    )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_log_holds_the_steps_of_a_second_pass(workers: int) -> None:
    search = Explorer(compile_instance(instance()), NO_LIMITS, silent, workers, False)
    assert search.run().states == STATES
    assert search.steps is not None
    logged, passed = graph(search, search.steps), graph(search, None)
    count = int(passed.first[-1])
    assert count > 5 * STATES
    assert np.array_equal(logged.first, passed.first)
    assert np.array_equal(logged.targets.array[:count], passed.targets.array[:count])
    assert np.array_equal(logged.labels.array[:count], passed.labels.array[:count])


class Passes:
    """Counts how often the steps are searched in a second pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        follow = liveness.follow

        def counted(*arguments: Any) -> int:
            self.count += 1
            return int(follow(*arguments))

        monkeypatch.setattr(liveness, "follow", counted)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    return Passes(monkeypatch)


def answers(result: Result) -> list[Any]:
    assert result.limit is None
    return [(p.verdict, p.reason, p.finding) for p in result.properties]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_makes_one_pass(workers: int, passes: Passes) -> None:
    answers(explore_compiled(instance(), workers=workers))
    assert passes.count == 0


@pytest.mark.parametrize("most", [0, 3])
def test_a_log_that_is_full_is_left(
    most: int, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    halls = instance()
    expected = answers(explore_compiled(halls))
    monkeypatch.setattr(step_log, "MOST_BATCHES", most)
    assert answers(explore_compiled(halls)) == expected
    assert passes.count == 1


def test_a_log_that_lacks_a_state_is_left(passes: Passes) -> None:
    """As that of a search that does not take all its steps the usual way."""
    search = Explorer(compile_instance(instance()), NO_LIMITS, silent, 1, False)
    search.run()
    assert search.steps is not None
    search.steps.workers[0].cells[kernels.STATE_COUNT] -= 1
    assert graph(search, search.steps).first[-1] > 0
    assert passes.count == 1


def test_without_address_space_nothing_is_logged(
    passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    halls = instance()
    expected = answers(explore_compiled(halls))

    def refuse(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(step_log, "WorkerLog", refuse)
    assert answers(explore_compiled(halls)) == expected
    assert passes.count == 1


def test_steps_that_do_not_fit_do_not_end_the_search(passes: Passes) -> None:
    """Enough memory for the states, but not for the steps: only what needs these is unknown."""
    enough = explore_compiled(instance(14))
    assert enough.bytes_per_state is not None
    states = int(enough.bytes_per_state * enough.states)
    result = explore_compiled(instance(14), Limits(memory=states + 1_000_000))
    assert (result.states, result.limit) == (enough.states, Limit.MEMORY)
    assert passes.count == 1


def test_two_logs_that_cannot_be_put_together_are_left(passes: Passes) -> None:
    """Two workers' steps are in memory twice while they are put together."""
    search = Explorer(compile_instance(instance()), NO_LIMITS, silent, 2, False)
    search.run()
    assert search.steps is not None
    assert passes.count == 0
    search.visited.budget = search.visited.memory(0) + 2 * search.steps.bytes() - 1
    assert graph(search, search.steps).first[-1] > 0
    ends = enumerate(search.visited.ends())
    assert passes.count == sum(end > worker * search.visited.region for worker, end in ends)
