"""Limits of the compiled search are exact where possible and never give a wrong verdict."""

from __future__ import annotations

import os
import signal

import pytest

from examples import slot_pool_core
from slotspec.statemachine import (
    Instance,
    Limit,
    Limits,
    Progress,
    UsageError,
    Verdict,
    explore_interpreted,
)
from slotspec.statemachine.search import worker_pool as crew
from slotspec.statemachine.search.engine import explore_compiled


def core(requests: int = 2) -> Instance:
    return slot_pool_core.model.instance({"T": 2, "S": 1, "R": requests, "A": 2})


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("states", [1, 2, 1_000, 6_219])
def test_states(states: int, workers: int) -> None:
    result = explore_compiled(core(), Limits(states=states), workers=workers)
    assert result.states == states
    assert result.limit is Limit.STATES
    assert result.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("states", [1, 10, 300, 6_219])
def test_a_limit_on_states_keeps_states_and_depth_and_may_count_more_steps(states: int) -> None:
    compiled = explore_compiled(core(), Limits(states=states))
    interpreted = explore_interpreted(core(), Limits(states=states))
    assert (compiled.states, compiled.depth) == (interpreted.states, interpreted.depth)
    # docs/limits.md: the compiled search finishes the batch that it has in hand
    assert interpreted.transitions < compiled.transitions
    batch = 256 * len(core().calls)
    assert compiled.transitions - interpreted.transitions <= batch


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("states", [147_916, 147_917, 200_000])
def test_a_limit_that_is_not_reached_changes_nothing(states: int, workers: int) -> None:
    # several workers come close to the limit and must not drop the states they hold
    result = explore_compiled(core(4), Limits(states=states), workers=workers)
    assert (result.states, result.transitions) == (147_916, 1_573_852)
    assert result.limit is None
    assert result.verdict is Verdict.HOLDS


def test_states_that_were_not_expanded_are_still_checked() -> None:
    # the witness is found at distance 5, and no state at that distance is expanded
    result = explore_compiled(core(), Limits(depth=5))
    witness = next(p for p in result.properties if p.property.name == "an_offer_is_orphaned")
    assert witness.verdict is Verdict.HOLDS
    assert witness.finding is not None
    assert len(witness.finding.steps) == 5


def test_a_search_ends_before_memory_is_used_up() -> None:
    limit = 8_000_000
    result = explore_compiled(core(5), Limits(memory=limit))
    assert result.limit is Limit.MEMORY
    assert result.verdict is Verdict.UNKNOWN
    assert result.bytes_per_state is not None
    assert result.states > 50_000
    assert result.states * result.bytes_per_state <= limit


def test_too_little_memory_to_begin_with() -> None:
    result = explore_compiled(core(), Limits(memory=1_000))
    assert (result.limit, result.verdict) == (Limit.MEMORY, Verdict.UNKNOWN)
    assert result.states == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "BURST_SECONDS", 0.001)
    whole = crew.WorkerPool.burst
    bursts = 0

    def interrupted(self: crew.WorkerPool, expanding: bool = True, solo: bool = False) -> None:
        nonlocal bursts
        bursts += 1
        if bursts == 20:
            os.kill(os.getpid(), signal.SIGINT)
        whole(self, expanding, solo)

    monkeypatch.setattr(crew.WorkerPool, "burst", interrupted)
    result = explore_compiled(core(4), workers=workers)
    assert result.limit is Limit.INTERRUPTED
    assert result.verdict is Verdict.UNKNOWN
    assert 1 < result.states < 147_916
    assert result.transitions == sum(result.taken.values())


def test_progress_ends_with_the_final_numbers() -> None:
    seen: list[Progress] = []
    result = explore_compiled(core(), reporter=seen.append)
    assert seen[-1].final
    assert (seen[-1].states, seen[-1].transitions) == (result.states, result.transitions)
    assert seen[-1].memory > 0


def test_invalid_numbers_of_workers_are_refused() -> None:
    for workers in (0, -1, 1_000):
        with pytest.raises(UsageError, match="SET030"):
            explore_compiled(core(), workers=workers)


def test_resume_needs_a_folder() -> None:
    with pytest.raises(UsageError, match="SET031"):
        explore_compiled(core(), resume=True)
