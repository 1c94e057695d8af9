"""How the slot table is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import KNOWN, FuzzTarget
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.profiles import amounts_json


def _table_config(random: Random) -> dict[str, Any]:
    slots = random.choice((1, 2, 3))
    shares = slots + random.choice((0, 1, 2))
    total = amounts_json(*(amount * shares for amount in (1.0, 256, 0, 64, 32)))
    return {
        "slots": slots,
        "total": "ANY" if random.random() < 0.1 else total,
        "default_profile": "small",
    }


TARGET = FuzzTarget(
    "task_slot_table",
    SCHEMA,
    tiny={
        "static_slots": 1,
        "dynamic_slots": 1,
        "allocations": 2,
        "jobs": 1,
        "executions": 1,
        "tasks": 0,
        "tickets": 2,
        "profiles": 1,
        "spare": 1,
    },
    receiver="table",
    caller="te",
    maps={
        "by_index": ("number", "allocation"),
        "slots": ("allocation",),
        "per_job": ("job", "allocation"),
        "tasks": ("execution", "task"),
        "timers": ("allocation",),
    },
    invented={"allocation": 6, "job": 3, "execution": 4, "ticket": 3},
    rare=frozenset({"close"}),
    config=_table_config,
    profiles=KNOWN,
)
