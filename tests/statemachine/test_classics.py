"""Each engine finds of classic protocols what plain Python finds, whatever the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotspec import check
from tests.statemachine.classics import CLASSICS, Counts, explored

OPTIONS: dict[str, dict[str, Any]] = {
    "interpreted": {"engine": "interpreted"},
    "compiled": {"engine": "compiled"},
    "workers": {"engine": "compiled", "workers": 2},
    "fingerprints": {"engine": "compiled", "fingerprints": True},
    "compress": {"engine": "compiled", "compress": True},
    "disk": {"engine": "compiled", "disk": Path("states")},
}


@pytest.mark.parametrize("name", CLASSICS)
def test_all_find_what_plain_python_finds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classic = CLASSICS[name]
    expected = explored(classic)
    assert expected.states > 30
    for label, options in OPTIONS.items():
        found = check(classic.instance, **options)
        stuck = None if found.deadlock is None else len(found.deadlock.calls)
        counts = Counts(found.states, found.transitions, found.depth, stuck)
        assert counts == expected, label
        assert found.fault is None


@pytest.mark.parametrize("name", CLASSICS)
def test_fewer_orders_find_the_same_deadlocks(name: str) -> None:
    classic = CLASSICS[name]
    expected = explored(classic)
    one, two = (
        check(classic.instance, engine=engine, partial_order=True)
        for engine in ("interpreted", "compiled")
    )
    assert (one.states, one.transitions) == (two.states, two.transitions)
    assert one.states <= expected.states
    assert (one.deadlock is None) == (two.deadlock is None) == (expected.stuck is None)
