"""Log and recording of the same run tell the same story; what a log cannot tell stays open."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotspec.logs.line_kinds import Level
from tests.logs.agreement import compare
from tests.logs.shapes import CLUSTERS, DATA, RUNS

UNDETERMINED = {
    "1.11.4-seed0023": (4, 6),
    "1.12.5-proc006": (0, 3),
    "1.12.5-seed0002": (0, 2),
    "1.12.5-seed0013": (0, 2),
    "1.13.6-seed0013": (0, 2),
    "2.3.0-proc002": (0, 3),
    "2.3.0-seed0011": (0, 5),
}
"""Facts that stay open at DEBUG and at INFO. 1.11 does not log where a task is deployed; at INFO
no version logs that a slot is freed."""


def recording_of(run: str) -> Path:
    """The recording of a run."""
    own = DATA / "recordings" / f"{run}.jsonl.gz"
    return own if own.exists() else CLUSTERS / f"{run}.jsonl.gz"


@pytest.mark.parametrize("run", [path.name for path in RUNS])
def test_log_and_recording_tell_the_same_story(run: str) -> None:
    found = [compare(DATA / run, recording_of(run), level) for level in (Level.DEBUG, Level.INFO)]
    assert [one.wrong for one in found] == [[], []]
    assert min(one.counts["agree"] for one in found) > 5
    assert tuple(one.counts["undetermined"] for one in found) == UNDETERMINED[run]


def test_a_log_of_another_run_contradicts_the_recording() -> None:
    found = compare(DATA / "1.12.5-seed0002", recording_of("1.12.5-proc006"), Level.DEBUG)
    assert found.wrong
