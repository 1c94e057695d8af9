"""How slot tables are fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import AMOUNTS, KNOWN, FuzzTarget
from slotspec.oracle.task_slot_table.schema import SCHEMA


def _table_config(random: Random) -> dict[str, Any]:
    slots = random.choice((1, 2, 3))
    shares = slots + random.choice((0, 1, 2))
    small = {
        name: amount * shares for name, amount in zip(AMOUNTS, (1.0, 256, 0, 64, 32), strict=True)
    }
    return {
        "slots": slots,
        "total": "ANY" if random.random() < 0.1 else {**small, "extended": {}},
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
    made=("k",),
    maps={
        "by_index": ("number", "allocation"),
        "slots": ("allocation",),
        "per_job": ("job", "allocation"),
        "tasks": ("execution", "task"),
        "timers": ("allocation",),
    },
    invented={
        "allocation": ("a", 6),
        "job": ("j", 3),
        "execution": ("e", 4),
        "task": ("t", 1_000),
        "ticket": ("k9", 3),
    },
    new=frozenset({"add_task.task"}),
    rare=frozenset({"close"}),
    config=_table_config,
    profiles=KNOWN,
)
