"""How slot pools are fuzzed: configurations, names, bounds."""

from __future__ import annotations

from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.slot_pool.schema import SCHEMA

TARGET = FuzzTarget(
    "slot_pool",
    SCHEMA,
    receiver="pool",
    caller="job",
    made=("a",),
    tiny={
        "task_managers": 1,
        "requests": 1,
        "request_ids": 1,
        "foreign_allocations": 1,
        "profiles": 1,
    },
)
