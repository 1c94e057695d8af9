"""Orders in which hash tables are walked, by number: a check tries all of up to three elements.

Order 0 is that of the elements themselves. A check that must try all orders has to refuse bounds
that allow more than ``MOST`` elements.
"""

from __future__ import annotations

from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import DISABLED, NONE, Array

MOST = 3
"""So many elements have all their orders."""
ORDERS = 6
"""The orders of three elements: the most that a check can choose from."""


def number_of_orders(count: int) -> int:
    """How many orders there are of `count` elements."""
    return ORDERS if count >= MOST else max(count, 1)


def in_order(count: int, order: int, step: int) -> int:
    """The element at one step of the order with this number; of two elements, 1 is backwards."""
    if count != MOST:
        return count - 1 - step if order else step
    first = order // 2
    if step == 0:
        return first
    low = 1 if first == 0 else 0
    high = 1 if first == 2 else 2
    return low if (step == 1) == (order % 2 == 0) else high


def order_text(order: int) -> str:
    """An order of three elements for people; of two, all but the first are backwards."""
    ordinals = ("first", "second", "third")
    return ", ".join(ordinals[in_order(MOST, order, step)] for step in range(MOST))


def arrange(queue: Array, begin: int, order: int) -> None:
    """Bring the elements of a queue, from index `begin` on, into the order with this number."""
    count = length(queue) - begin
    if order and count == 2:
        first = queue[begin]
        queue[begin] = queue[begin + 1]
        queue[begin + 1] = first
    elif order and count == MOST:
        first = queue[begin + in_order(count, order, 0)]
        second = queue[begin + in_order(count, order, 1)]
        third = queue[begin + in_order(count, order, 2)]
        queue[begin] = first
        queue[begin + 1] = second
        queue[begin + 2] = third


def bring(queue: Array, place: int, to: int) -> None:
    """Bring an element to a place before its own; those from there on come after it."""
    element = queue[place]
    while place > to:
        queue[place] = queue[place - 1]
        place -= 1
    queue[to] = element


def exchange(queue: Array, place: int) -> int:
    """Exchange an element and its successor, as another order of a hash table has them."""
    if place + 1 >= length(queue):
        return DISABLED
    queue[place], queue[place + 1] = queue[place + 1], queue[place]
    return NONE
