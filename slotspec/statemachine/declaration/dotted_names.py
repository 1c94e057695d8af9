"""Fields of a record and of its parts, by their dotted names (``pool.slot``)."""

from __future__ import annotations

from typing import Any


def holder_of(s: Any, name: str) -> tuple[Any, str]:
    """The record that has the field with this dotted name, and the field's own name."""
    if "." not in name:
        return s, name
    *path, own = name.split(".")
    for step in path:
        s = s[int(step)] if step.isdigit() else getattr(s, step)
    return s, own


def value_of(s: Any, name: str) -> Any:
    """The value of the field with this dotted name."""
    holder, own = holder_of(s, name)
    return getattr(holder, own)
