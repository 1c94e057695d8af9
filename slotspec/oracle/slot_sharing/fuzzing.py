"""How slot sharing is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import KNOWN, FuzzTarget
from slotspec.oracle.slot_sharing.schema import SCHEMA


def _sharing_config(random: Random) -> dict[str, Any]:
    return {"owner_releases": random.random() < 0.8}


TARGET = FuzzTarget(
    "slot_sharing",
    SCHEMA,
    tiny={
        "multis": 2,
        "slots": 1,
        "groups": 1,
        "payloads": 1,
        "profiles": 1,
        "allocations": 1,
    },
    receiver="sharing",
    caller="scheduler",
    maps={
        "slots": ("slot",),
        "unresolved": ("slot",),
        "resolved": ("tm", "allocation", "slot"),
        "children": ("group", "slot"),
    },
    invented={"group": 4, "tm": 3, "allocation": 4},
    config=_sharing_config,
    profiles={**KNOWN, "any": "ANY", "unknown": "UNKNOWN"},
)
