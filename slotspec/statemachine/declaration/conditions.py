"""Conditions on the setting: which instances have an action, or break a property, and why.

A condition is a function of the setting. Conditions combine with ``&``, ``|`` and ``~``::

    has_time = is_set("timers", "idle_timeout")
    is_mixed = has_time & exceeds("profiles", 1)

A function becomes such a condition with the decorator :class:`Condition`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.declaration.records import Setting


@dataclass(frozen=True)
class Condition:
    """Holds in some settings."""

    holds: Callable[[Setting], Any]

    def __call__(self, setting: Setting) -> bool:
        return bool(self.holds(setting))

    def __and__(self, other: Callable[[Setting], bool]) -> Condition:
        return Condition(lambda setting: self(setting) and other(setting))

    def __or__(self, other: Callable[[Setting], bool]) -> Condition:
        return Condition(lambda setting: self(setting) or other(setting))

    def __invert__(self) -> Condition:
        return Condition(lambda setting: not self(setting))


@Condition
def always(setting: Setting) -> bool:
    """In every setting."""
    return True


def is_set(*names: str) -> Condition:
    """These bounds and choices are set, all of them: none is 0."""
    return Condition(lambda setting: all(setting[name] for name in names))


def exceeds(name: str, number: int) -> Condition:
    """This bound or choice is more than `number`."""
    return Condition(lambda setting: setting[name] > number)


def equals(name: str, value: object) -> Condition:
    """This bound or choice is `value`."""
    return Condition(lambda setting: setting[name] == value)


def known(
    reason: str, condition: Callable[[Setting], bool] = always
) -> Callable[[Setting], str | None]:
    """A deviation: the modelled system violates the property where `condition` holds."""
    return lambda setting: reason if condition(setting) else None


def first_of(
    *reasons: tuple[str, Callable[[Setting], bool]],
) -> Callable[[Setting], str | None]:
    """A deviation with several reasons; the first whose condition holds is given."""
    return lambda setting: next((text for text, holds in reasons if holds(setting)), None)
