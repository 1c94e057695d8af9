"""How logical slots are fuzzed: configurations, names, bounds."""

from __future__ import annotations

from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.logical_slot.schema import SCHEMA

TARGET = FuzzTarget(
    "logical_slot",
    SCHEMA,
    tiny={"slots": 1, "payloads": 1, "physical_slots": 1, "reactions": 1, "faults": 1},
    receiver="slots",
    caller="scheduler",
    maps={"slots": ("slot",), "payloads": ("payload",)},
    invented={
        "slot": ("s", 1_000),
        "payload": ("y", 1_000),
        "physical": ("h", 3),
        "tm": ("tm", 3),
        "allocation": ("a", 4),
        "locality": ("LOCAL", 1),
    },
    new=frozenset(
        {
            "create_slot.slot",
            "allocate_from_physical_slot.slot",
            "try_assign_payload.payload",
        }
    ),
)
