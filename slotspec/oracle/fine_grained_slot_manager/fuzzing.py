"""How the fine-grained slot manager is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.fine_grained_slot_manager.schema import SCHEMA
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.traces.profiles import amounts_json

PROFILES = {
    "tiny": amounts_json(0.5, 128, 0, 32, 16),
    "small": amounts_json(1.0, 256, 0, 64, 32),
    "large": amounts_json(2.0, 512, 0, 128, 64),
    "ssd": amounts_json(1.0, 256, 0, 64, 32, extended={"ssd": 1.0}),
    "other": amounts_json(1.0, 384, 0, 96, 48),
    "w": amounts_json(4.0, 1024, 0, 256, 128),
    "wssd": amounts_json(2.0, 512, 0, 128, 64, extended={"ssd": 2.0}),
    "unknown": "UNKNOWN",
}
"""A ``large`` slot is two small ones, a worker ``w`` four; ``other`` fits no worker evenly."""
WORKERS = {"small": ("small", 1), "large": ("small", 2), "w": ("small", 4), "wssd": ("ssd", 2)}
"""Workers, each with its default slot and how many of them it has."""
SMALL_MB = 352
"""The memory of a small slot."""
MODES = ("NONE", "SLOTS", "MIN_RESOURCES", "TASKS")


def _config(random: Random) -> dict[str, Any]:
    worker = random.choice(("small", "large", "large", "w", "wssd"))
    slot, slots = WORKERS[worker]
    # Flink refuses a maximum that workers of the minimum, or those in reserve, exceed
    limit = random.choice(("none", "least", "most"))
    least = random.choice((1, 2, 4)) if limit == "least" else 0
    most = random.choice((4, 8)) if limit == "most" else None
    return {
        "worker": worker,
        "slot": slot,
        "slots_per_worker": slots,
        "mode": random.choice(MODES),
        "allocator": random.random() < 0.8,
        "check_delay_ms": random.choice((0, 0, 20, 50)),
        "declare_delay_ms": random.choice((0, 0, 20, 50)),
        "task_manager_timeout_ms": random.choice((40, 100, 250)),
        "redundant_task_managers": random.choice((0, 0, 0, 1, 1 if most else 2)),
        "min_cpu": float(least),
        "min_memory_mb": random.choice((0, least * SMALL_MB)),
        "max_cpu": None if most is None else float(most),
        "max_memory_mb": None if most is None else random.choice((None, most * SMALL_MB)),
        "auto_run": random.random() < 0.8,
        "wait_result_consumed": random.random() < 0.7,
    }


def _adapted(config: dict[str, Any], generation: str) -> dict[str, Any]:
    """What a generation does not have is off, as in its recordings."""
    if generation == "1.14":
        off = {"allocator": True, "declare_delay_ms": 0, "redundant_task_managers": 0}
        return {**config, **off, "mode": "NONE", "min_cpu": 0.0, "min_memory_mb": 0}
    if generation == "1.20":
        spread = config["mode"] in ("SLOTS", "MIN_RESOURCES")
        return {**config, "mode": "SLOTS" if spread else "NONE"}
    return config


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
    adapt=_adapted,
    profiles=PROFILES,
    # no recording can express that a map changes its order
    walked={"iteration_order": 0},
)
