"""States of a trace are read only where they are not written as the expected ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from slotspec.oracle.conformance.compare import Outcome
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.traces.reading import TraceReader
from tests.oracle.traces.trace_files import header, step, write

STATE: dict[str, Any] = {
    "started": True,
    "connected": False,
    "task_managers": [],
    "allocated": {},
    "available": {},
    "pending": [],
    "waiting": [],
    "batch_timeout_check": True,
    "clock": 0,
}

BAD = [
    (b'{"op":"close","state":[]}\n', "TRC018"),
    (b'{"op":"close","state":{"clock":"\xff"}}\n', "TRC006"),
    (b'{"op":"close","state":{"clock":1e999}}\n', "TRC007"),
    (b'{"op":"close","state":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}\n", "TRC007"),
]


def line(state: dict[str, Any], **how: Any) -> bytes:
    return json.dumps(step(state=state), **how).encode() + b"\n"


@pytest.mark.parametrize(
    "told",
    [
        line(STATE, separators=(",", ":")),
        line(STATE),
        line(dict(reversed(STATE.items())), separators=(",", ":")),
    ],
    ids=["to the letter", "with spaces", "in another order"],
)
def test_a_state_counts_however_it_is_written(tmp_path: Path, told: bytes) -> None:
    report = conform(write(tmp_path / "trace.jsonl", header(), told))
    assert (report.outcome, report.matched) == (Outcome.CONFORMS, 1)


@pytest.mark.parametrize("field", STATE)
def test_a_state_that_differs_diverges(tmp_path: Path, field: str) -> None:
    other = line(STATE | {field: 7}, separators=(",", ":"))
    report = conform(write(tmp_path / "trace.jsonl", header(), other))
    assert report.divergence is not None
    assert [d.path for d in report.divergence.differences] == [f"state.{field}"]
    assert report.divergence.seen.state == STATE | {field: 7}


@pytest.mark.parametrize(("bad", "code"), BAD, ids=["list", "no UTF-8", "number", "deep"])
def test_a_bad_state_is_named(tmp_path: Path, bad: bytes, code: str) -> None:
    report = conform(write(tmp_path / "trace.jsonl", header(), line(STATE), bad))
    assert report.error is not None
    assert report.error.code == code
    assert ":3: " in report.error.message


@pytest.mark.parametrize(("bad", "code"), BAD, ids=["list", "no UTF-8", "number", "deep"])
def test_a_bad_state_after_a_divergence_is_named(tmp_path: Path, bad: bytes, code: str) -> None:
    report = conform(write(tmp_path / "trace.jsonl", header(), step(result=1), bad))
    assert report.divergence is not None
    assert report.error is not None
    assert report.error.code == code


def test_unread_steps_are_the_same_once_they_are_read(tmp_path: Path) -> None:
    trace = write(tmp_path / "trace.jsonl", header(), line(STATE), step("close"))
    with TraceReader(trace) as unread, TraceReader(trace) as reader:
        for before, after in zip(unread.unread(), reader, strict=True):
            assert after.op == "close" or isinstance(before.state, Raw)
            assert unread.read(before) == after
