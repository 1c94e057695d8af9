"""The bounds of a default run: several small scopes, each about one side of the pool."""

from __future__ import annotations

from slotspec.statemachine.model import Scope

SCOPES = (
    Scope(
        "matching",
        "Offers and requests of two profiles; ResourceManager and task manager come and go.",
        {"task_managers": 2, "requests": 2, "foreign_allocations": 1, "profiles": 2},
    ),
)
