"""The bounds of a default run: small scopes, each about one aspect of slot sharing."""

from __future__ import annotations

from slotspec.statemachine.declaration.model import Scope

SCOPES = (Scope("bulks", "", {"groups": 2}),)
