"""Ties the names of a recording to the numbers of the model, each when it first appears.

The model uses a number again when nobody knows it any more, so what a number means is part of the
state of the search.
"""

from __future__ import annotations

from typing import NamedTuple

Table = tuple[str | None, ...]
"""For each number of the model, the recorded name that it stands for."""


class Names(NamedTuple):
    """What the model's numbers stand for."""

    allocations: Table
    executions: Table
    instances: Table


def bound(table: Table, number: int, name: str) -> Table | None:
    """The table in which `number` stands for `name`; None if it cannot."""
    if table[number] == name:
        return table
    if table[number] is not None or name in table:
        return None
    return (*table[:number], name, *table[number + 1 :])


def released(table: Table, *numbers: int) -> Table:
    """The table in which these numbers stand for nothing: the model has begun to use them anew."""
    if not numbers:
        return table
    return tuple(None if i in numbers else name for i, name in enumerate(table))
