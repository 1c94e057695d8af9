"""How the declarative slot pool is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from random import Random
from typing import Any

from slotspec.oracle.declarative_slot_pool.schema import POOL_SCHEMA, SCHEMA
from slotspec.oracle.fuzzing.targets import PROFILES, FuzzTarget


def _bridge_config(random: Random) -> dict[str, Any]:
    return {
        "idle_slot_timeout_ms": random.choice((20, 50, 100)),
        "batch_slot_timeout_ms": random.choice((30, 50, 80, 120)),
        "strategy": random.choice(("simple", "preferred", "balanced", "preferred_balanced")),
        "slot_request_max_interval_ms": random.choice((0, 0, 10, 20, 50)),
        "defer": random.random() < 0.4,
    }


def _adapted(config: dict[str, Any], generation: str) -> dict[str, Any]:
    """1.20 has no balanced strategy; before it there is only the simple one."""
    strategy = config["strategy"]
    if generation == "1.20":
        strategy = {"balanced": "simple", "preferred_balanced": "preferred"}.get(strategy, strategy)
    elif generation != "2.3":
        strategy = "simple"
    return {**config, "strategy": strategy}


TARGET = FuzzTarget(
    "declarative_slot_pool",
    SCHEMA,
    receiver="pool",
    caller="job",
    callers={"offer_slots": "tm", "rm_acknowledges": "rm", "rm_fails": "rm"},
    maps={
        "task_managers": ("tm",),
        "fulfilled": ("request",),
        "slots": ("allocation",),
        "matched": ("allocation",),
        "free": ("allocation",),
        "by_tm": ("tm",),
    },
    invented={"tm": 3, "rm": 3, "call": 3},
    rare=frozenset(
        {
            "start",
            "close",
            "disconnect_resource_manager",
            "disable_batch_slot_request_timeout_check",
            "not_enough_resources",
        }
    ),
    config=_bridge_config,
    adapt=_adapted,
    profiles={name: PROFILES[name] for name in ("any", "unknown", "small", "large")},
    tiny={"requests": 1, "request_ids": 1, "allocations": 1},
    # the only one of the pool alone
    weights={"pool": 6},
    # recordings walk hash tables in one order only
    walked={"iteration_order": 0},
    lacking={
        POOL_SCHEMA.implementation: frozenset(
            {"bridge_state", "registration", "connection", "request", "call"}
        )
    },
)
