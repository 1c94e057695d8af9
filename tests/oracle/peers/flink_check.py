"""Run by test_flink in a separate process: a process has only one Java machine.

Replays recordings on the real class and compares what it does with what was recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from slotspec.models.registry import MODELS
from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import Expected

model, version, folder, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
entry = MODELS[model]
peer = entry.flink_peer()(version)
steps = 0
paths = sorted((folder / version).glob("*.jsonl.gz"))[:count]
assert paths, folder / version
for path in paths:
    with TraceReader(path) as reader:
        peer.reset(reader.header)
        for step in reader:
            recorded = Expected(step.result, step.effects or [], list(step.unordered))
            recorded.state = step.state or {}
            recorded.raises = step.raises or None
            recorded.raises_cause = step.raises_cause
            seen = peer.step(step.op, step.arguments)
            found = compare(recorded, seen, entry.schema().ordered)
            assert found.outcome is Conformance.CONFORMS, (
                f"{path}:{step.line} {step.op} {step.arguments}\n"
                + "\n".join(map(str, found.differences))
                + f"\nrecorded {step.effects} seen {seen.effects}"
            )
            steps += 1
print(steps)
