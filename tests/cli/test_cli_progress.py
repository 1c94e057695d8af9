"""The progress line on a terminal."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from examples import turnstile
from slotspec.cli.durations import remember
from slotspec.cli.progress import describe, progress_line
from slotspec.statemachine import Limit, Progress, Result, silent

AT = Progress(
    turnstile.model.instance(),
    states=120_000,
    transitions=1_000_000,
    depth=12,
    frontier=3_400,
    seconds=10.0,
    memory=41_000_000,
)


def test_the_line_shows_states_speed_depth_frontier_and_memory() -> None:
    assert describe(AT) == (
        "turnstile  120,000 states  12,000/s  depth 12  frontier 3,400  41 MB  10 s"
    )


def test_a_run_shows_the_duration_of_the_last_complete_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    instance = turnstile.model.instance({"gates": 7})
    remember([Result(instance, "compiled", seconds=41.6)])
    assert describe(replace(AT, instance=instance)).endswith("10 s (last time 42 s)")
    other = turnstile.model.instance({"gates": 8})
    remember([Result(other, "compiled", seconds=41.6, limit=Limit.STATES)])
    assert describe(replace(AT, instance=other)).endswith("10 s")


def test_there_is_no_line_without_a_terminal() -> None:
    with progress_line() as reporter:
        assert reporter is silent


def test_a_terminal_shows_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_line() as reporter:
        reporter(AT)
    captured = capsys.readouterr()
    assert "120,000 states" in captured.err
    assert captured.out == ""
