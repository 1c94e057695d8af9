"""Short ordered lists inside array fields: a stretch of places, then NONE up to its end."""

from __future__ import annotations

from slotspec.statemachine.declaration.rules import NONE, Array


def is_in(places: Array, start: int, width: int, element: int) -> bool:
    """Whether the list has an element."""
    return any(places[start + i] == element for i in range(width))


def push_back(places: Array, start: int, width: int, element: int) -> None:
    """Append an element, unless it is there."""
    for i in range(width):
        if places[start + i] == element:
            return
        if places[start + i] == NONE:
            places[start + i] = element
            return


def push_front(places: Array, start: int, width: int, element: int) -> None:
    """Put an element first, unless it is there."""
    if is_in(places, start, width, element):
        return
    for i in range(width - 1):
        at = start + width - 1 - i
        places[at] = places[at - 1]
    places[start] = element


def take_out(places: Array, start: int, width: int, element: int) -> None:
    """Remove an element, if it is there; the others keep their order."""
    found = False
    for i in range(width):
        if places[start + i] == element:
            found = True
        if found:
            places[start + i] = places[start + i + 1] if i + 1 < width else NONE


def clear(places: Array, start: int, width: int) -> None:
    """Remove all elements."""
    for i in range(width):
        places[start + i] = NONE
