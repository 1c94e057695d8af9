"""Small models of independent processes, for the tests of partial-order reduction."""

from __future__ import annotations

from slotspec.statemachine import (
    DISABLED,
    Array,
    Effects,
    Model,
    Record,
    Sort,
    effect,
    emit,
    number,
    per,
    scalar,
)

COUNTERS = Sort("counters", "Counters.", default=4)
TOP = 3


class CountersState(Record):
    """Counters."""

    value: Array = per(COUNTERS, number(TOP), "What each has counted.")


counters = Model("counters", "Counters that know nothing of each other.", CountersState)


@counters.action(counter=COUNTERS)
def count(s: CountersState, counter: int) -> int:
    """It counts."""
    if s.value[counter] == TOP:
        return DISABLED
    s.value[counter] += 1
    return 0


@counters.final_states
def all_done(s: CountersState) -> bool:
    """All have counted."""
    return all(value == TOP for value in s.value)


@counters.sometimes("a test", each={"counter": COUNTERS})
def counts(s: CountersState, counter: int) -> bool:
    """Each comes to the end."""
    return s.value[counter] == TOP


PHILOSOPHERS = Sort("philosophers", "Philosophers around a table.", default=4)
THINKS, HAS_LEFT, EATS = 0, 1, 2


class Table(Record):
    """A table; each philosopher has a room too, in which to walk around before dinner."""

    steps: Array = per(PHILOSOPHERS, number(2), "Steps taken before dinner.")
    forks: Array = per(PHILOSOPHERS, number(2), "How many forks each holds.")
    taken: Array = per(PHILOSOPHERS, number(1), "Whether the fork to the left is taken.")


dining = Model("dining", "Dining philosophers.", Table)


@dining.action(who=PHILOSOPHERS)
def walk(s: Table, who: int) -> int:
    """A step before dinner."""
    if s.steps[who] == 2:
        return DISABLED
    s.steps[who] += 1
    return 0


@dining.action(who=PHILOSOPHERS)
def take_left(s: Table, who: int) -> int:
    """The fork to the left."""
    if s.steps[who] != 2 or s.forks[who] != THINKS or s.taken[who]:
        return DISABLED
    s.forks[who] = HAS_LEFT
    s.taken[who] = 1
    return 0


@dining.action(who=PHILOSOPHERS)
def take_right(s: Table, who: int) -> int:
    """The fork to the right."""
    right = (who + 1) % len(s.taken)
    if s.forks[who] != HAS_LEFT or s.taken[right]:
        return DISABLED
    s.forks[who] = EATS
    s.taken[right] = 1
    return 0


@dining.action(who=PHILOSOPHERS)
def put_back(s: Table, who: int) -> int:
    """Both forks."""
    if s.forks[who] != EATS:
        return DISABLED
    s.forks[who] = THINKS
    s.taken[who] = 0
    s.taken[(who + 1) % len(s.taken)] = 0
    return 0


class Pair(Record):
    """Two processes: one in a circle, one that goes on."""

    circle: int = scalar(number(1), "Where the one in a circle is.")
    place: int = scalar(number(3), "Where the other is.")


circles = Model("circles", "A process that could be put off for ever.", Pair)


@circles.action()
def turn(s: Pair) -> int:
    """Once around the circle in two steps."""
    s.circle = 1 - s.circle
    return 0


@circles.action()
def go_on(s: Pair) -> int:
    """A step; the fourth one is a fault."""
    s.place += 1
    return 0


@circles.always("a test")
def is_early(s: Pair) -> bool:
    """It never goes twice."""
    return s.place < 2


class Noise(Effects):
    """What can be heard."""

    RING = effect()


steps = Model("steps", "Two processes of one step each.", Pair, effects=Noise)


@steps.action()
def first(s: Pair) -> int:
    """The one rings and ends."""
    if s.circle:
        return DISABLED
    s.circle = 1
    emit(s, Noise.RING)
    return 0


@steps.action()
def second(s: Pair) -> int:
    """The other ends."""
    if s.place:
        return DISABLED
    s.place = 1
    return 0


@steps.final_states
def ended(s: Pair) -> bool:
    """Both have ended."""
    return s.circle == 1 and s.place == 1
