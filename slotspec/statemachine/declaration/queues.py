"""Ordered queues in array fields: first the elements, then NONE up to the end.

These are ordinary rules: interpreted on lists, compiled on the record.
"""

from __future__ import annotations

from slotspec.statemachine.declaration.rules import NONE, Array, not_none

GAP = (
    "is left with a free place before an element; use append, remove and take_first, or assign"
    " elements so that none follows NONE"
)
"""What is wrong with a sequence of which rules have assigned elements themselves."""


def length(queue: Array) -> int:
    """How many elements the queue has."""
    n = 0
    while n < len(queue) and queue[n] != NONE:
        n += 1
    return n


def place_of(queue: Array, element: int) -> int:
    """Position of `element` in the queue, or NONE; NONE itself is in no queue."""
    for i in range(len(queue)):
        if queue[i] == NONE:
            return NONE
        if queue[i] == element:
            return i
    return NONE


def append(queue: Array, element: int) -> int:
    """Append `element`, which is not NONE; returns its position."""
    n = length(queue)
    queue[n] = not_none(element)
    return n


def remove(queue: Array, element: int) -> bool:
    """Remove `element`, keeping the order of the others; returns whether it was there."""
    at = place_of(queue, element)
    if at == NONE:
        return False
    last = len(queue) - 1
    while at < last and queue[at] != NONE:
        queue[at] = queue[at + 1]
        at += 1
    queue[last] = NONE
    return True
