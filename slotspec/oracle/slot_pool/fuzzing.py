"""How the slot pool is fuzzed: configurations, names, bounds."""

from __future__ import annotations

from typing import Any

import msgspec

from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.slot_pool.strategies import Swarm
from slotspec.oracle.slot_pool.view import PoolView
from slotspec.oracle.traces.trace import RecordedStep

ALL_SIDES = {
    "task_managers": 1,
    "requests": 2,
    "request_ids": 2,
    "foreign_allocations": 1,
    "profiles": 1,
    "batch_requests": 1,
    "payloads": 1,
    "timers": 4,
    "idle_timeout": 1,
    "batch_timeout": 1,
    "unstarted": 1,
}
"""Bounds with a little of everything."""
REUSE = {
    "task_managers": 1,
    "requests": 2,
    "request_ids": 2,
    "foreign_allocations": 2,
    "profiles": 1,
    "reused_ids": 1,
    "leaks": 2,
    "payloads": 1,
}
"""Bounds for request ids that are used again."""
MISFIT = {
    "task_managers": 1,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 2,
}
"""Bounds for slots that do not fit the request that they were asked for."""


def reshape(step: RecordedStep, generation: str) -> RecordedStep:
    """A step in the form of this generation: pending requests have an ``origin`` since 1.12."""
    pending = step.state.get("pending") if isinstance(step.state, dict) else None
    if not isinstance(pending, list) or not all(isinstance(e, dict) for e in pending):
        return step
    assert isinstance(step.state, dict)
    if generation == "1.11":
        entries: list[dict[str, Any]] = [
            {n: v for n, v in e.items() if n != "origin" or v != e.get("allocation")}
            for e in pending
        ]
    else:
        entries = [
            {**e, "origin": e["allocation"]} if "origin" not in e and "allocation" in e else e
            for e in pending
        ]
    return msgspec.structs.replace(step, state={**step.state, "pending": entries})


TARGET = FuzzTarget(
    "slot_pool",
    SCHEMA,
    receiver="pool",
    caller="job",
    callers={
        "offer_slots": "tm",
        "resource_manager_acknowledges": "rm",
        "resource_manager_fails": "rm",
    },
    tiny={
        "task_managers": 1,
        "requests": 1,
        "request_ids": 1,
        "foreign_allocations": 1,
        "profiles": 1,
    },
    covered=(ALL_SIDES, REUSE, MISFIT),
    strategy=Swarm,
    view=lambda header: PoolView(list(header.task_managers)),
    reshape=reshape,
)
