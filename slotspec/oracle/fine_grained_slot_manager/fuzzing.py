"""How the fine-grained slot manager is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fine_grained_slot_manager.schema import SCHEMA
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.traces.profiles import amounts_json

PROFILES = {
    "small": amounts_json(1.0, 256, 0, 64, 32),
    "large": amounts_json(2.0, 512, 0, 128, 64),
    "w": amounts_json(4.0, 1024, 0, 256, 128),
    "unknown": "UNKNOWN",
}
"""A ``large`` slot is two small ones, a worker ``w`` four."""
WORKERS = {"small": 1, "large": 2, "w": 4}
"""Workers, and how many small slots each has."""


def _config(random: Random) -> dict[str, Any]:
    worker = random.choice(("small", "large", "large", "w"))
    most = random.choice((None, None, 2, 4, 8))
    return {
        "worker": worker,
        "slot": "small",
        "slots_per_worker": WORKERS[worker],
        "mode": "NONE",
        "allocator": True,
        "check_delay_ms": random.choice((0, 0, 20, 50)),
        "declare_delay_ms": 0,
        "task_manager_timeout_ms": random.choice((40, 100, 250)),
        "redundant_task_managers": 0,
        "min_cpu": 0.0,
        "min_memory_mb": 0,
        "max_cpu": None if most is None else float(most),
        "max_memory_mb": None,
        "auto_run": random.random() < 0.8,
        "wait_result_consumed": random.random() < 0.7,
    }


TARGET = FuzzTarget(
    "fine_grained_slot_manager",
    SCHEMA,
    tiny={
        "jobs": 1,
        "allocations": 2,
        "allocator": 0,
        "pending_workers": 2,
        "timers": 1,
        "failing_answers": 0,
        "losses": 0,
    },
    receiver="manager",
    caller="rm",
    maps={
        "jobs": ("job",),
        "targets": ("job",),
        "task_managers": ("instance",),
        "slots": ("allocation",),
        "pending_task_managers": ("pending",),
    },
    invented={
        "job": 3,
        "instance": 6,
        "tm": 3,
        "call": 3,
        "query": 3,
        "target": 2,
        "application": 2,
        "allocation": ("b1", "b2", "b3", "b4"),
    },
    rare=frozenset(
        {
            "start",
            "suspend",
            "close",
            "counts",
            "set_resource_allocation",
            "set_fail_unfulfillable_request",
            "set_blocked",
        }
    ),
    paired=("job", "allocation"),
    config=_config,
    profiles=PROFILES,
    # no recording can express that a map changes its order
    walked={"iteration_order": 0},
)
