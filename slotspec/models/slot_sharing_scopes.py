"""The bounds of a default run."""

from __future__ import annotations

from slotspec.statemachine.model import Scope

SCOPES = (
    Scope(
        "roots",
        "Two roots with two single-task slots.",
        {"multis": 2, "slots": 2, "payloads": 1, "physical_slots": 0, "groups": 2},
    ),
)
