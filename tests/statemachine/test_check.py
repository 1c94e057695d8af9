"""An engine honours every option, or refuses it with an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from examples import turnstile, two_phase_commit
from slotspec.statemachine import Limit, Limits, UsageError, check
from slotspec.statemachine.workers import MOST_WORKERS, count_workers


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"engine": "quick"}, "SET020", "quick"),
        ({"workers": 0}, "SET021", "0"),
        ({"engine": "interpreted", "workers": 2}, "SET022", "more than one worker"),
        ({"engine": "interpreted", "fingerprints": True}, "SET022", "fingerprints"),
        ({"engine": "interpreted", "symmetry": True}, "SET022", "symmetry"),
        ({"engine": "interpreted", "checkpoint": Path("x")}, "SET022", "checkpoint"),
        ({"resume": True}, "SET023", "checkpoint"),
        ({"limits": Limits(states=0)}, "SET024", "states 0"),
        ({"limits": Limits(depth=-1)}, "SET024", "depth -1"),
        ({"limits": Limits(seconds=0)}, "SET024", "seconds 0"),
        ({"limits": Limits(seconds=float("nan"))}, "SET024", "seconds nan"),
        ({"limits": Limits(memory=0)}, "SET024", "memory 0"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(
    options: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        check(turnstile.model.instance(), **options)
    assert caught.value.code == code


def test_auto_interprets_small_instances() -> None:
    assert check(turnstile.model.instance()).engine == "interpreted"


def test_auto_honours_a_small_limit_on_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[check.__module__], "compiler_there", lambda: True)
    result = check(two_phase_commit.model.instance(), limits=Limits(states=7))
    assert (result.states, result.limit, result.engine) == (7, Limit.STATES, "interpreted")


def test_auto_interprets_rules_that_cannot_be_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules[check.__module__]
    monkeypatch.setattr(module, "compiler_there", lambda: False)
    monkeypatch.setattr(module, "SMALL", 10)
    result = check(two_phase_commit.model.instance())
    assert (result.states, result.engine) == (288, "interpreted")
    with pytest.raises(UsageError, match="Numba"):
        check(two_phase_commit.model.instance(), engine="compiled")


def test_auto_respects_the_maximum_number_of_workers(monkeypatch: Any) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4 * MOST_WORKERS)
    assert count_workers("auto") == MOST_WORKERS
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert count_workers("auto") == 1
