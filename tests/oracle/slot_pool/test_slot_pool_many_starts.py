"""A recording may start a pool thousands of times; a replay takes time in proportion."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

from slotspec.oracle.conformance.replay import conform

TRACE = Path(__file__).parents[2] / "data/traces/slot_pool/1.12.5/seed0125.jsonl.gz"


def seconds(starts: int, folder: Path) -> float:
    header = gzip.decompress(TRACE.read_bytes()).splitlines()[0].decode()
    file = folder / "starts.jsonl"
    file.write_text("\n".join([header, *[json.dumps({"op": "start"})] * starts]) + "\n")
    before = time.process_time()
    assert conform(file).matched == starts
    return time.process_time() - before


def test_starts(tmp_path: Path) -> None:
    seconds(10, tmp_path)
    few, many = (min(seconds(n, tmp_path) for _ in range(2)) for n in (1_000, 8_000))
    assert many < 24 * few
