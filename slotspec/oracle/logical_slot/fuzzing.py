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
    invented={"physical": 3, "tm": 3, "allocation": 4},
)
