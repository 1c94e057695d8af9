"""Counts the effects of a step, for properties that do not name them yet."""

from __future__ import annotations

from slotspec.statemachine.declaration.records import Record
from slotspec.statemachine.declaration.rules import NONE


def count_effects(s: Record, kind: int, first: int = NONE, second: int = NONE) -> int:
    """How many effects of `kind` the step emitted; `first` and `second` are its leading
    arguments, NONE for any."""
    count = 0
    for i in range(len(s.effects)):
        if (
            s.effects[i][0] == kind
            and (first == NONE or s.effects[i][1] == first)
            and (second == NONE or s.effects[i][2] == second)
        ):
            count += 1
    return count
