"""Bounded sets and sequences as fields, with the rules that work on them.

::

    waiting: Array = subset(CLIENTS, "Who waits.")
    line: Array = sequence(CLIENTS, "Who waits, in order.", at_most=3)

``s.waiting[c]`` says whether ``c`` is in the set. The rules are interpreted on lists and compiled
on the record, as any other.
"""

from __future__ import annotations

from slotspec.statemachine.declaration.arguments import refuse
from slotspec.statemachine.declaration.parts import SizedSort
from slotspec.statemachine.declaration.queues import append, length, place_of, remove
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Sort,
    check_sort,
    per,
    ref,
)
from slotspec.statemachine.declaration.rules import NONE, Array

__all__ = [
    "add",
    "append",
    "discard",
    "length",
    "place_of",
    "remove",
    "sequence",
    "size",
    "subset",
    "take_first",
]


def subset(sort: Sort, description: str, *, label: str = "") -> Array:
    """A set of elements of `sort`; first it is empty.

    :raises DeclarationError: ``MDL019`` if it is no sort.
    """
    check_sort("subset(sort, …)", sort)
    return _container(per(sort, FLAG, description, label=label), "subset")


def sequence(sort: Sort, description: str, *, at_most: int | Bound, label: str = "") -> Array:
    """A sequence of elements of `sort`, which may repeat; first it is empty.

    :param at_most: its greatest length, a number or a bound; one element more is a fault.
    :raises DeclarationError: ``MDL019`` if an argument is of the wrong kind.
    """
    check_sort("sequence(sort, …)", sort)
    if isinstance(at_most, Bound):
        places = Sort(
            at_most.name,
            at_most.description,
            at_most.default,
            at_most.minimum,
            at_most.maximum,
            ordered=True,
        )
    elif isinstance(at_most, int) and at_most > 0:
        name = f"{at_most}_places"
        places = SizedSort(name, "Places in a sequence.", ordered=True, fixed=at_most)
    else:
        refuse("at_most= of sequence(…)", at_most, "give a number from 1, or a bound")
    return _container(per(places, ref(sort), description, label=label), "sequence")


def _container(spec: Array, kind: str) -> Array:
    object.__setattr__(spec, "container", kind)
    return spec


def add(members: Array, element: int) -> bool:
    """Put `element` into the set; returns whether it is new there."""
    new = members[element] == 0
    members[element] = 1
    return new


def discard(members: Array, element: int) -> bool:
    """Take `element` out of the set; returns whether it was there."""
    there = members[element] == 1
    members[element] = 0
    return there


def size(members: Array) -> int:
    """How many elements the set has."""
    return sum(members)


def take_first(queue: Array) -> int:
    """Remove the first element of the sequence and return it; NONE if it is empty."""
    first = queue[0]
    if first != NONE:
        remove(queue, first)
    return first
