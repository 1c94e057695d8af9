"""Rules that depend on chance, time or earlier calls are refused, also where only Python runs."""

from __future__ import annotations

import datetime
import os
import random
import time
from collections.abc import Callable
from itertools import count
from random import randrange

import numpy as np
import pytest

from slotspec.statemachine import Model, Record, RuleError, constant, number, scalar
from slotspec.statemachine.check import check

CALLS = 0
SEEN: list[int] = []
TABLE = [1, 2, 3, 0]
NUMBERS = count()


class Button:
    """Counts how often it is pressed."""

    pressed = 0

    def press(self) -> int:
        self.pressed += 1
        return self.pressed


BUTTON = Button()


class Clock(Record):
    """A number, under a name that is also a module's."""

    time: int = scalar(number(3), "The time.")


def chance(s: Clock) -> int:
    """Throw dice."""
    s.time = random.randrange(3)
    return 0


def imported(s: Clock) -> int:
    """Throw dice."""
    s.time = randrange(3)
    return 0


def clock(s: Clock) -> int:
    """Look at the clock."""
    s.time = int(time.time()) % 3
    return 0


def day(s: Clock) -> int:
    """Look at the calendar."""
    s.time = datetime.datetime.now().day % 3
    return 0


def address(s: Clock) -> int:
    """Look where it lies."""
    s.time = id(s) % 3
    return 0


def helper() -> int:
    return sum(randrange(2) for _ in range(2))


def below(s: Clock) -> int:
    """Ask somebody who throws dice."""
    s.time = helper()
    return 0


def counted(s: Clock) -> int:
    """Count calls."""
    global CALLS
    CALLS += 1
    s.time = CALLS % 3
    return 0


def system(s: Clock) -> int:
    """Ask the system."""
    s.time = os.urandom(1)[0] % 3
    return 0


def environment(s: Clock) -> int:
    """Look around."""
    s.time = len(os.environ) % 3
    return 0


def array(s: Clock) -> int:
    """Throw dice."""
    s.time = int(np.random.rand() * 3)
    return 0


def remembered(s: Clock) -> int:
    """Count calls in a list."""
    SEEN.append(1)
    s.time = len(SEEN) % 3
    return 0


def looked_up(s: Clock) -> int:
    """Read a table."""
    s.time = TABLE[s.time]
    return 0


def stored(s: Clock) -> int:
    """Count calls in an element."""
    TABLE[0] += 1
    s.time = TABLE[0] % 3
    return 0


def renamed(s: Clock) -> int:
    """Count calls in a list that has another name here."""
    seen = SEEN
    seen.append(1)
    s.time = len(seen) % 3
    return 0


def by_default(seen: list[int] = []) -> int:  # noqa: B006
    seen.append(1)
    return len(seen)


def defaulted(s: Clock) -> int:
    """Count calls in a default."""
    s.time = by_default() % 3
    return 0


def attribute(s: Clock) -> int:
    """Count calls in an attribute."""
    Clock.calls = 1 + getattr(Clock, "calls", 0)  # type: ignore[attr-defined]
    s.time = Clock.calls % 3  # type: ignore[attr-defined]
    return 0


def drawn(s: Clock) -> int:
    """Take the next number."""
    s.time = next(NUMBERS) % 3
    return 0


def pressed(s: Clock) -> int:
    """Press a button."""
    s.time = BUTTON.press() % 3
    return 0


def evaluated(s: Clock) -> int:
    """Do anything."""
    s.time = eval("randrange(3)")
    return 0


def in_closure() -> Callable[[Clock], int]:
    seen: list[int] = []

    def enclosed(s: Clock) -> int:
        """Count calls in a list around it."""
        seen.append(1)
        s.time = len(seen) % 3
        return 0

    return enclosed


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        *((rule, "RUL019") for rule in (stored, renamed, defaulted, attribute, drawn)),
        (in_closure(), "RUL019"),
        *((rule, "RUL005") for rule in (pressed, evaluated)),
    ],
)
def test_nothing_is_kept_outside_of_the_state(rule: Callable[[Clock], int], code: str) -> None:
    with pytest.raises(RuleError, match=rf"{code}: .*test_determinism\.py:\d+: in \w+: "):
        check(model_of(rule).instance(), "interpreted")


def test_no_rule_changes_a_table_of_constants() -> None:
    class Tabled(Record):
        """A number, and a table."""

        time: int = scalar(number(3), "The time.")
        table: list[int] = constant("Numbers.", lambda setting: [0, 1, 2])

    def change(s: Tabled) -> int:
        """Count calls in the table, under another name."""
        table = s.table
        table[0] += 1
        s.time = table[0] % 3
        return 0

    model = Model("tabled", "A table.", Tabled)
    model.action()(change)
    with pytest.raises(RuleError, match=r"RUL100: .*item assignment in change, test_determinism"):
        check(model.instance(), "interpreted")
    with pytest.raises(RuleError, match=r"RUL008: .*in change: table"):
        check(model.instance(), "compiled")


def model_of(rule: Callable[[Clock], int]) -> Model:
    model = Model("clock", "A clock.", Clock)
    model.action()(rule)
    return model


@pytest.mark.parametrize(
    "rule",
    [
        *(chance, imported, clock, day, address, below, counted),
        *(system, environment, array, remembered),
    ],
)
def test_refused(rule: Callable[[Clock], int]) -> None:
    with pytest.raises(RuleError, match=r"RUL019: test_determinism\.py:\d+: \w+ (uses|changes) "):
        check(model_of(rule).instance())


def test_a_table_may_be_read() -> None:
    assert check(model_of(looked_up).instance()).states == 4


def test_an_attribute_may_have_any_name() -> None:
    def tick(s: Clock) -> int:
        """Tick."""
        s.time = (s.time + 1) % 4
        return 0

    assert check(model_of(tick).instance()).states == 4


def test_properties_too() -> None:
    def stay(s: Clock) -> int:
        """Do nothing."""
        return 0

    own = model_of(stay)

    @own.always("here")
    def lucky(s: Clock) -> bool:
        """Be lucky."""
        return random.random() < 2

    with pytest.raises(RuleError, match=r"RUL019.*lucky uses random"):
        own.instance()
