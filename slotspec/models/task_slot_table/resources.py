"""Profiles and budget of a slot table as exact integers.

Each resource has a unit of its own: the largest of which all profiles and the budget are
multiples. Sums and comparisons are therefore exact, and fit into a byte if profiles are
multiples of each other.
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
    """Profiles that are not amounts."""

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
"""Profiles of a check, in the order of the bound ``profiles``: the default one, twice the
default one, one with an extended resource."""


@dataclass(frozen=True)
class Resources:
    """The profiles of requests, and the budget of a table.

    :param profiles: by name; the default one is among them.
    :param total: the budget; ANY has no limit.
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
        """The unit of each resource."""
        rows = [self._exact(profile) for profile in (*self.profiles.values(), self.total)]
        return tuple(_unit([row[i] for row in rows]) for i in range(len(self.names)))

    @cached_property
    def budget(self) -> list[int]:
        """The units of each resource in the total."""
        return self.amounts(self.total)

    def amounts(self, profile: ResourceProfile) -> list[int]:
        """The units of each resource in a profile."""
        exact = self._exact(profile)
        return [int(amount / unit) for amount, unit in zip(exact, self.units, strict=True)]

    def table(self) -> list[int]:
        """Row by row: ``table[profile * len(names) + resource]``."""
        return [units for profile in self.profiles.values() for units in self.amounts(profile)]

    def specials(self) -> list[int]:
        """For each profile, its :class:`Special`."""
        return [int(special(profile)) for profile in self.profiles.values()]

    def twins(self) -> list[int]:
        """For each profile, the first one that equals it."""
        every = list(self.profiles.values())
        return [every.index(profile) for profile in every]

    def left(self, used: Sequence[int]) -> dict[str, Fraction]:
        """What is left of the total, in MiB and the like.

        :param used: the units of each resource, in the order of `names`; the rest is ignored.
        """
        rows = zip(self.names, self.budget, used, self.units, strict=False)
        return {name: (total - gone) * unit for name, total, gone, unit in rows}

    def _exact(self, profile: ResourceProfile) -> list[Fraction]:
        extended = (profile.extended.get(name, 0) for name in self.names[len(FIXED) :])
        return [exactly(amount) for amount in (*profile.amounts, *extended)]


def special(profile: ResourceProfile) -> Special:
    """Whether a profile is ANY or UNKNOWN."""
    if profile.any_:
        return Special.ANY
    return Special.UNKNOWN if profile.unknown else Special.NO


def _unit(amounts: list[Fraction]) -> Fraction:
    """The largest number of which all `amounts` are multiples; 1 if all are 0."""
    denominator = lcm(*(amount.denominator for amount in amounts))
    return Fraction(gcd(*(int(amount * denominator) for amount in amounts)) or 1, denominator)


def equal_split(static_slots: int, spare: int, profiles: int) -> Resources:
    """The resources of a check: a share of the budget for each static slot, and `spare` more.

    If a profile needs an extended resource, the budget has one unit of it.
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
