"""Each limit ends a search with UNKNOWN and keeps what was found before."""

from __future__ import annotations

import os
import signal

import pytest

from examples import two_phase_commit
from slotspec.statemachine import (
    Limit,
    Limits,
    Progress,
    Result,
    Verdict,
    explore_interpreted,
)
from tests.statemachine.tiny import Room, counter, room, says


def commit(limits: Limits, managers: int = 3) -> Result:
    return explore_interpreted(two_phase_commit.model.instance({"managers": managers}), limits)


def test_states() -> None:
    result = commit(Limits(states=100))
    assert result.limit is Limit.STATES
    assert result.states == 100
    assert result.verdict is Verdict.UNKNOWN


def test_a_limit_of_exactly_all_states_is_exhaustive() -> None:
    assert commit(Limits(states=288)).verdict is Verdict.HOLDS
    assert commit(Limits(states=287)).verdict is Verdict.UNKNOWN


def test_depth() -> None:
    result = commit(Limits(depth=3))
    assert result.limit is Limit.DEPTH
    assert result.depth == 3
    assert result.verdict is Verdict.UNKNOWN


def test_depth_beyond_the_last_level_is_exhaustive() -> None:
    assert commit(Limits(depth=11)).verdict is Verdict.HOLDS
    # the deepest states were not expanded, so it is unknown that they lead nowhere
    assert commit(Limits(depth=10)).verdict is Verdict.UNKNOWN


def test_depth_zero_checks_only_the_initial_state() -> None:
    result = commit(Limits(depth=0))
    assert (result.states, result.transitions, result.depth) == (1, 0, 0)


def test_seconds() -> None:
    result = commit(Limits(seconds=0.05), managers=8)
    assert result.limit is Limit.SECONDS
    assert result.verdict is Verdict.UNKNOWN
    assert result.states > 1
    assert result.seconds < 2


def test_memory() -> None:
    result = commit(Limits(memory=100_000), managers=6)
    assert result.limit is Limit.MEMORY
    assert result.verdict is Verdict.UNKNOWN
    assert result.bytes_per_state is not None
    assert 100_000 < result.states * result.bytes_per_state < 250_000


def test_ctrl_c_keeps_what_is_known() -> None:
    instance = two_phase_commit.model.instance({"managers": 8})

    def interrupt(at: Progress) -> None:
        if not at.final:
            os.kill(os.getpid(), signal.SIGINT)

    result = explore_interpreted(instance, reporter=interrupt)
    assert result.limit is Limit.INTERRUPTED
    assert result.verdict is Verdict.UNKNOWN
    assert result.states > 1
    assert sum(result.taken.values()) == result.transitions


@pytest.mark.parametrize(
    ("kind", "at", "verdict"),
    [
        ("always", 1, Verdict.VIOLATED),
        ("always", 3, Verdict.UNKNOWN),
        ("sometimes", 1, Verdict.HOLDS),
        ("sometimes", 3, Verdict.UNKNOWN),
    ],
)
def test_findings_before_the_limit_remain_valid(kind: str, at: int, verdict: Verdict) -> None:
    model = room()
    counter(model)

    def reached(s: Room) -> bool:
        return (s.count == at) == (kind == "sometimes")

    says(model, kind, reached)
    result = explore_interpreted(model.instance(), Limits(states=3))
    assert result.properties[0].verdict is verdict
    assert result.verdict is (Verdict.UNKNOWN if verdict is Verdict.HOLDS else verdict)


def test_progress_is_reported_at_the_end() -> None:
    reports: list[Progress] = []
    result = explore_interpreted(two_phase_commit.model.instance(), reporter=reports.append)
    assert reports[-1].final
    assert (reports[-1].states, reports[-1].transitions, reports[-1].depth) == (
        result.states,
        result.transitions,
        result.depth,
    )
