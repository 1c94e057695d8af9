"""Run by test_flink_peer in a process of its own: a process has one Java machine.

Replays recordings on the real class and compares what it does with what was recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from slotspec.oracle.conformance.compare import Outcome, compare
from slotspec.oracle.peers.flink import FlinkPeer
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import Expected

version, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
peer = FlinkPeer(version)
steps = 0
for path in sorted((folder / peer.version).glob("*.jsonl.gz"))[:count]:
    with TraceReader(path) as reader:
        peer.reset(reader.header)
        for step in reader:
            recorded = Expected(step.result, step.effects or [], list(step.unordered))
            recorded.state = step.state or {}
            recorded.raises = step.raises or None
            found = compare(recorded, peer.step(step.op, step.arguments))
            assert found.outcome is Outcome.CONFORMS, (path, step.line, found.differences)
            steps += 1
print(steps)
