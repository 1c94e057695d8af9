"""The bounds of a default run of the cluster."""

from __future__ import annotations

from slotspec.statemachine.model import Scope

SCOPES = (
    Scope(
        "calm",
        "One TaskExecutor of two slots, a job of two, and no faults.",
        {"task_managers": 1, "slots_per_task_manager": 2, "parallelism": 2, "allocations": 3},
    ),
)
