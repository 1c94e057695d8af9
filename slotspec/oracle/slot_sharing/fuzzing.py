"""How slot sharing are fuzzed: configurations, names, bounds."""

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
    kinds={"parent": "slot"},
    invented={
        "slot": ("s", 1_000),
        "payload": ("y", 1_000),
        "group": ("g", 4),
        "tm": ("tm", 3),
        "allocation": ("a", 4),
        "allocated_request": ("r", 1_000),
        "locality": ("LOCAL", 1),
    },
    new=frozenset(
        {
            "create_root_slot.slot",
            "create_root_slot.allocated_request",
            "allocate_multi.slot",
            "allocate_single.slot",
            "assign_payload.payload",
        }
    ),
    config=_sharing_config,
    profiles={**KNOWN, "any": "ANY", "unknown": "UNKNOWN"},
)
