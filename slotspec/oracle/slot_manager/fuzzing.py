"""How slot managers are fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fuzzing.targets import KNOWN, FuzzTarget
from slotspec.oracle.slot_manager.schema import SCHEMA


def _manager_config(random: Random) -> dict[str, Any]:
    return {
        "slot_request_timeout_ms": random.choice((50, 80, 100)),
        "task_manager_timeout_ms": random.choice((30, 50, 100)),
        "wait_result_consumed": random.random() < 0.5,
        "spread": random.random() < 0.3,
        "slot_profile": random.choice(("small", "small", "large")),
        "slots_per_worker": random.choice((1, 1, 2)),
        "max_slots": random.choice((1, 2, 4, 100)),
        "redundant_task_managers": random.choice((0, 0, 0, 1)),
        "task_managers": ["tm1", "tm2", "tm3"],
        "auto_run": random.random() < 0.7,
    }


TARGET = FuzzTarget(
    "slot_manager",
    SCHEMA,
    tiny={
        "task_managers": 1,
        "instances": 1,
        "slots": 1,
        "report_entries": 1,
        "allocations": 2,
        "requests": 4,
        "calls": 3,
        "workers": 0,
        "occupied_answers": 0,
        "cancelled_answers": 0,
        "reports": 0,
    },
    receiver="manager",
    caller="rm",
    made=("g", "q", "p"),
    maps={
        "slots": ("slot",),
        "free_slots": ("slot",),
        "registrations": ("instance",),
        "requests": ("allocation",),
        "fulfilled": ("allocation", "slot"),
    },
    invented={
        "allocation": ("a", 8),
        "job": ("j", 3),
        "instance": ("i", 6),
        "tm": ("tm", 3),
        "slot": ("tm1/ tm2/ tm3/", 2),
        "call": ("g9", 3),
        "query": ("q9", 3),
    },
    rare=frozenset(
        {
            "start",
            "suspend",
            "close",
            "counts",
            "set_resource_allocation",
            "set_fail_unfulfillable_request",
            "unregister_task_managers_and_release_resources",
        }
    ),
    paired=("job", "allocation"),
    config=_manager_config,
    profiles=KNOWN,
    # a recording cannot say that a map changes its order
    walked={"iteration_order": 0},
)
