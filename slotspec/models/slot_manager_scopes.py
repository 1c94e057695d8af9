"""The bounds of a default run: small scopes, each about one side of the manager."""

from __future__ import annotations

from slotspec.statemachine.model import Scope

SCOPES = (
    Scope("standalone", "Two slots of one TaskExecutor, no workers to be had.", {"workers": 0}),
)
