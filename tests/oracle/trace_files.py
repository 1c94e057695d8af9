"""Small traces for the tests: headers, steps and files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle.conformance import batch
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.conformance.report import Report, Summary

DATA = Path(__file__).parents[1] / "data"
RECORDED = DATA / "traces" / "slot_pool"

SMALL = {
    "cpu": 1.0,
    "task_heap_mb": 256,
    "task_off_heap_mb": 0,
    "managed_mb": 64,
    "network_mb": 32,
    "extended": {},
}


@cache
def _replay(path: Path, generation: str | None) -> Report:
    return conform(path, generation)


@contextmanager
def remembered() -> Iterator[None]:
    """Replay each recording once in this process, whoever asks for it."""

    def replay(path: str, generation: str | None = None) -> Report:
        return _replay(Path(path).resolve(), generation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "conform", replay)
        yield


def replayed(*places: str | Path) -> Summary:
    """The replay of recordings; nobody may change its reports.

    :param places: paths below tests/data, such as ``traces/logical``.
    """
    with remembered():
        return batch.conform_all([DATA / place for place in places])


def header(**changes: Any) -> dict[str, Any]:
    """A correct header with some changes; ... removes a field."""
    fields: dict[str, Any] = {
        "format": 1,
        "implementation": "org.apache.flink SlotPoolImpl",
        "version": "1.12.5",
        "config": {"idle_slot_timeout_ms": 50, "batch_slot_timeout_ms": 80},
        "profiles": {"any": "ANY", "unknown": "UNKNOWN", "small": SMALL},
        "causes": {"other": "RuntimeException"},
        "task_managers": {"tm1": {"host": "host1"}},
        "seed": 0,
    } | changes
    return {name: value for name, value in fields.items() if value is not ...}


def step(op: str = "start", **fields: Any) -> dict[str, Any]:
    """A step without result and effects unless fields say otherwise; ... removes a field."""
    record = {"op": op, "result": None, "effects": []} | fields
    return {name: value for name, value in record.items() if value is not ...}


def write(path: Path, *lines: Any) -> Path:
    """Write a file of these lines: bytes unchanged, anything else as JSON."""
    data = b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines
    )
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
