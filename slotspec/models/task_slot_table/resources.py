"""Profiles and budget of a slot table as exact integers.

Each resource is counted in a unit of its own: the largest of which all profiles and the
budget have a whole number. So sums and comparisons are exact, and small enough for a byte
where profiles are multiples of each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm

from slotspec.models.common.resource_profile import (
    ANY,
    SMALL,
    UNKNOWN,
    ResourceProfile,
    exactly,
)

FIXED = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")
"""The resources that every profile has, in the order of :attr:`ResourceProfile.amounts`."""
FIXED_COUNT = len(FIXED)


class Special(IntEnum):
    """Profiles that are no amounts."""

    NO = 0
    ANY = 1
    UNKNOWN = 2


LARGE = ResourceProfile(cpu=2.0, task_heap_mb=512, managed_mb=128, network_mb=64)
GPU = ResourceProfile(
    cpu=1.0, task_heap_mb=256, managed_mb=64, network_mb=32, extended={"gpu": 1.0}
)
CATALOGUE: Mapping[str, ResourceProfile] = {
    "small": SMALL,
    "large": LARGE,
    "gpu": GPU,
    "unknown": UNKNOWN,
    "any": ANY,
}
"""Profiles of a check, in the order in which the bound ``profiles`` takes them: the default
one, twice of it, one with an extended resource."""


@dataclass(frozen=True)
class Resources:
    """The profiles that a table can be asked for, and what it has.

    :param profiles: by name; the default one is among them.
    :param total: the budget; ANY has no end.
    :param default: name of the profile of a static slot.
    """

    profiles: Mapping[str, ResourceProfile]
    total: ResourceProfile
    default: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources: the fixed ones, then the extended ones by name."""
        every = [*self.profiles.values(), self.total]
        return (*FIXED, *sorted({name for profile in every for name in profile.extended}))

    @cached_property
    def default_number(self) -> int:
        return list(self.profiles).index(self.default)

    @cached_property
    def units(self) -> tuple[Fraction, ...]:
        """Of each resource, how much 1 stands for."""
        rows = [self._exact(profile) for profile in (*self.profiles.values(), self.total)]
        return tuple(_unit([row[i] for row in rows]) for i in range(len(self.names)))

    @cached_property
    def budget(self) -> list[int]:
        """Of each resource, how many units the total has."""
        return self.amounts(self.total)

    def amounts(self, profile: ResourceProfile) -> list[int]:
        """Of each resource, how many units."""
        exact = self._exact(profile)
        return [int(amount / unit) for amount, unit in zip(exact, self.units, strict=True)]

    def table(self) -> list[int]:
        """Row by row: ``table[profile * len(names) + resource]``."""
        return [units for profile in self.profiles.values() for units in self.amounts(profile)]

    def specials(self) -> list[int]:
        """Of each profile, whether it is a :class:`Special` one."""
        return [int(special(profile)) for profile in self.profiles.values()]

    def twins(self) -> list[int]:
        """Of each profile, the first one that equals it."""
        every = list(self.profiles.values())
        return [every.index(profile) for profile in every]

    def left(self, used: Sequence[int]) -> dict[str, Fraction]:
        """What is left of the total, in MiB and the like.

        :param used: of each resource, in the order of `names`; more are not looked at.
        """
        rows = zip(self.names, self.budget, used, self.units, strict=False)
        return {name: (total - gone) * unit for name, total, gone, unit in rows}

    def _exact(self, profile: ResourceProfile) -> list[Fraction]:
        extended = (profile.extended.get(name, 0) for name in self.names[len(FIXED) :])
        return [exactly(amount) for amount in (*profile.amounts, *extended)]


def special(profile: ResourceProfile) -> Special:
    """Whether a profile is no amounts."""
    if profile.any_:
        return Special.ANY
    return Special.UNKNOWN if profile.unknown else Special.NO


def _unit(amounts: list[Fraction]) -> Fraction:
    """The largest number of which all `amounts` are multiples; 1 where all are 0."""
    denominator = lcm(*(amount.denominator for amount in amounts))
    return Fraction(gcd(*(int(amount * denominator) for amount in amounts)) or 1, denominator)


def equal_split(static_slots: int, spare: int, profiles: int) -> Resources:
    """What a check uses: a share of the budget for each static slot, and `spare` shares more.

    Where a profile asks for an extended resource, the budget has one of it.
    """
    chosen = dict(list(CATALOGUE.items())[:profiles])
    shares = static_slots + spare
    total = ResourceProfile(
        cpu=SMALL.cpu * shares,
        task_heap_mb=SMALL.task_heap_mb * shares,
        managed_mb=SMALL.managed_mb * shares,
        network_mb=SMALL.network_mb * shares,
        extended=GPU.extended if "gpu" in chosen else {},
    )
    return Resources(chosen, total, "small")
