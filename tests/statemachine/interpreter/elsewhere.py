"""A rule in a module of its own, called through the module."""

from __future__ import annotations

from typing import Any


def step_width(s: Any) -> int:
    """How much a step adds."""
    return 1
