"""Run by test_flink: an InstanceID may register again for another TaskExecutor.

Who is asked then is the newer one, on the real class as in the model.
"""

from __future__ import annotations

import sys
from pathlib import Path

from slotspec.models.registry import MODELS
from slotspec.oracle.fuzzing.lockstep import replay
from slotspec.oracle.traces.reading import TraceReader

version, path = sys.argv[1], Path(sys.argv[2])
with TraceReader(path) as reader:
    header = reader.header
found = MODELS["slot_manager"].flink_peer()
assert found is not None
calls = [
    ("start", {}),
    ("register_task_manager", {"instance": "i1", "tm": "tm1", "slots": []}),
    ("unregister_task_manager", {"instance": "i1"}),
    ("register_task_manager", {"instance": "i1", "tm": "tm2", "slots": []}),
    ("advance_time", {"ms": 30}),
]
print(replay(version[:4], header, found(version), calls))
