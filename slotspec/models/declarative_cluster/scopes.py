"""The bounds of the declarative cluster's default runs, and of its simulation."""

from __future__ import annotations

from slotspec.statemachine.declaration.model import Scope

ONE_SLOT = {"task_managers": 1, "slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}

SCOPES = (Scope("life", "One slot and a job that needs it; nothing goes wrong.", {**ONE_SLOT}),)
