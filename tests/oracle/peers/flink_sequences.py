"""Run by test_flink: sequences that no recording has, on the real class beside the model.

Prints how they differ, and what the last step did.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from slotspec.models.registry import MODELS
from slotspec.oracle.fuzzing.lockstep import replay
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import SharingGroup, SharingVertex, TraceHeader

Calls = list[tuple[str, dict[str, Any]]]
SMALL, LARGE = (1.0, 256), (2.0, 512)

CONNECTIONS: Calls = [
    ("start", {}),
    ("register_task_manager", {"instance": "i1", "tm": "tm1", "slots": []}),
    ("unregister_task_manager", {"instance": "i1"}),
    ("register_task_manager", {"instance": "i1", "tm": "tm2", "slots": []}),
    ("advance_time", {"ms": 30}),
]
"""An InstanceID registers again for another TaskExecutor, which is asked from then on."""

GREEDY: Calls = [
    ("allocate", {"vertices": ["v4"]}),
    ("add_slot", {"allocation": "a1", "tm": "tm1", "index": 0, "profile": LARGE}),
    ("allocate", {"vertices": ["v3"]}),
    ("add_slot", {"allocation": "a2", "tm": "tm1", "index": 1, "profile": SMALL}),
    ("allocate", {"vertices": ["v1", "v2"]}),
    ("advance_time", {"ms": 50}),
]
"""Groups of a batch job hold a large and a small slot; others wait, for a large one and any."""


def four_groups(header: TraceHeader) -> TraceHeader:
    """A batch job of four groups of one vertex: v1 and v4 want a large slot, the others any."""
    wanted = (LARGE, "unknown", "unknown", LARGE)
    return replace(
        header,
        config={
            **header.config,
            "timeout_ms": 50,
            "pool_serves": "at_once",
            "slot_will_be_occupied_indefinitely": False,
        },
        groups={f"g{n}": SharingGroup("unknown") for n in range(1, 5)},
        vertices={f"v{n}": SharingVertex(f"g{n}", p) for n, p in enumerate(wanted, 1)},
    )


name, version, path = sys.argv[1], sys.argv[2], Path(sys.argv[3])
with TraceReader(path) as reader:
    header = reader.header
model, calls = "slot_manager", CONNECTIONS
if name == "greedy":
    model, calls, header = "slot_sharing_allocator", GREEDY, four_groups(header)
peer = MODELS[model].flink_peer()(version)
print(replay(".".join(version.split(".")[:2]), header, peer, calls))
peer.reset(header)
seen = [peer.step(op, arguments) for op, arguments in calls]
print(seen[-1].effects)
