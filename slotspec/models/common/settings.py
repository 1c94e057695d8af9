"""Bounds, constants and ages that the states of several models take from their setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slotspec.models.common.resource_profile import CATALOGUE, ResourceProfile
from slotspec.statemachine.declaration.records import Bound, Setting, constant

FOR_EVER = 2**62


def switch(name: str, description: str, *, on: bool = False) -> Bound:
    """A bound that is 0 or 1; by default, it is `on` or off."""
    return Bound(name, description, int(on), 0, 1)


def choice(name: str, description: str) -> Any:
    """A constant that the bound or choice of this name gives."""
    return constant(description, lambda setting: int(setting[name]))


def following_clock(description: str) -> Any:
    """The constant that says whether the run follows a recorded clock."""
    return constant(description, lambda setting: int(setting.choices.get("follow_clock", 0)))


def longest(name: str) -> Callable[[Setting], int]:
    """The age from which time no longer matters; none, when it follows a recorded clock."""
    return longest_age(lambda setting: int(setting[name]))


def longest_age(age: Callable[[Setting], int]) -> Callable[[Setting], int]:
    """The same for an age that is no bound."""
    return lambda setting: FOR_EVER if setting.choices.get("follow_clock") else age(setting)


def profiles_of(setting: Setting) -> Mapping[str, ResourceProfile]:
    """The profiles by name: those of a recording, or the first of the catalogue."""
    chosen: Mapping[str, ResourceProfile] | None = setting.choices.get("profiles")
    if chosen is not None:
        return chosen
    return dict(list(CATALOGUE.items())[: setting.bounds["profiles"]])
