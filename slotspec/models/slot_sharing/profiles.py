"""Resource profiles as tables of integers, so that rules can add and compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from fractions import Fraction
from math import lcm

from slotspec.models.common.resource_profile import ResourceProfile, exactly
from slotspec.statemachine.declaration.records import Setting


class Special(IntEnum):
    """Whether a profile is a vector of amounts."""

    AMOUNTS = 0
    UNKNOWN = 1
    ANY = 2


CATALOGUE: Mapping[str, ResourceProfile] = {
    "small": ResourceProfile(cpu=1.0),
    "large": ResourceProfile(cpu=3.0),
    "unknown": ResourceProfile(unknown=True),
    "tall": ResourceProfile(cpu=1.0, task_heap_mb=1),
    "any": ResourceProfile(any_=True),
}
"""Profiles of a check, in the order of the bound ``profiles``."""

FIXED = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")
"""Resources that every profile has, in the order of :attr:`ResourceProfile.amounts`."""


def profiles_of(setting: Setting) -> list[ResourceProfile]:
    """The profiles of an instance: those of a recording, or the first of the catalogue."""
    chosen = setting.choices.get("named_profiles")
    if chosen is not None:
        return list(chosen.values())
    return list(CATALOGUE.values())[: setting.bounds["profiles"]]


def _amount(profile: ResourceProfile, resource: str) -> Fraction:
    if resource in FIXED:
        value = profile.amounts[FIXED.index(resource)]
    else:
        value = profile.extended.get(resource[len("extended.") :], 0)
    return exactly(value)


def used_resources(profiles: Sequence[ResourceProfile]) -> list[str]:
    """The resources that some profile has; extended ones as ``extended.NAME``."""
    extended = sorted({name for profile in profiles for name in profile.extended})
    names = [*FIXED, *(f"extended.{name}" for name in extended)]
    return [name for name in names if any(_amount(p, name) for p in profiles)] or ["cpu"]


def scales(profiles: Sequence[ResourceProfile]) -> dict[str, int]:
    """For each resource, the factor that makes its amounts whole numbers."""
    return {
        name: lcm(*(_amount(p, name).denominator for p in profiles))
        for name in used_resources(profiles)
    }


def scales_of(setting: Setting) -> dict[str, int]:
    """The factors for a recording's profiles, or for the catalogue, which has two resources."""
    chosen = setting.choices.get("named_profiles")
    return scales(list((chosen if chosen is not None else CATALOGUE).values()))


def amount_table(setting: Setting) -> list[int]:
    """Row by row: ``table[profile * resource_count + resource]``."""
    factors = scales_of(setting)
    return [
        int(_amount(profile, name) * factor)
        for profile in profiles_of(setting)
        for name, factor in factors.items()
    ]


def special_table(setting: Setting) -> list[int]:
    """For each profile, its :class:`Special`."""
    return [
        int(Special.ANY if p.any_ else Special.UNKNOWN if p.unknown else Special.AMOUNTS)
        for p in profiles_of(setting)
    ]


def largest_amount(setting: Setting) -> int:
    """The largest reservation of one resource."""
    return int(setting["most_reserved"])
