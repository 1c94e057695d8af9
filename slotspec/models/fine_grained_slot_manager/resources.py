"""Profiles, workers and limits as exact integers.

Each resource has a unit: the largest of which all amounts are multiples. The kinds of memory
share one unit, since limits and utilization are about their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm

from slotspec.models.common.resource_profile import UNKNOWN, ResourceProfile, exactly

FIXED = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")
"""The resources that every profile has, in the order of :attr:`ResourceProfile.amounts`."""
MEMORY = range(1, len(FIXED))
"""The kinds of memory among them."""

SMALL = ResourceProfile(cpu=1.0, task_heap_mb=256)
LARGE = ResourceProfile(cpu=2.0, task_heap_mb=512)
CATALOGUE: Mapping[str, ResourceProfile] = {"small": SMALL, "unknown": UNKNOWN, "large": LARGE}
"""Profiles of a check, in the order in which the bound ``profiles`` takes them."""


@dataclass(frozen=True)
class Resources:
    """The profiles of slots and requirements, and the workers.

    :param profiles: by name.
    :param totals: what workers have in total, by name; the first one is not special.
    :param worker: name of the total of a worker that the manager asks for.
    :param slot: name of its default profile.
    :param limits: minimum cpu and memory, then maximum cpu and memory; None: no maximum.
    """

    profiles: Mapping[str, ResourceProfile]
    totals: Mapping[str, ResourceProfile]
    worker: str
    slot: str
    limits: tuple[float, int, float | None, int | None] = (0.0, 0, None, None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources: the fixed ones that somebody has, then the extended ones by name.

        Cpu is always there, and so is the first kind of memory.
        """
        used = [
            name
            for i, name in enumerate(FIXED)
            if i < 2 or any(profile.amounts[i] for profile in self._every)
        ]
        return (*used, *sorted({name for profile in self._every for name in profile.extended}))

    @cached_property
    def units(self) -> dict[str, Fraction]:
        """The unit of each resource."""
        least_cpu, least_memory, most_cpu, most_memory = self.limits
        cpu = _unit([*self._column("cpu"), *_given(least_cpu, most_cpu)])
        memory = [name for name in self.names if name in FIXED and name != "cpu"]
        amounts = [amount for name in memory for amount in self._column(name)]
        shared = _unit([*amounts, *_given(least_memory, most_memory)])
        extended = {name: _unit(self._column(name)) for name in self.names if name not in FIXED}
        return {"cpu": cpu, **dict.fromkeys(memory, shared), **extended}

    @cached_property
    def memory_count(self) -> int:
        """How many kinds of memory there are; they follow the cpu."""
        return sum(name in FIXED for name in self.names) - 1

    def amounts(self, profile: ResourceProfile) -> list[int]:
        """The units of each resource in a profile."""
        return [int(_amount(profile, name) / self.units[name]) for name in self.names]

    def table(self, profiles: Mapping[str, ResourceProfile]) -> list[int]:
        """Row by row: ``table[profile * len(names) + resource]``."""
        return [units for profile in profiles.values() for units in self.amounts(profile)]

    @cached_property
    def bounds(self) -> list[int]:
        """Minimum cpu and memory, maximum cpu and memory in units; -1: no maximum."""
        units = [self.units["cpu"], self.units[FIXED[1]]] * 2
        return [
            -1 if limit is None else int(exactly(limit) / unit)
            for limit, unit in zip(self.limits, units, strict=True)
        ]

    def slots_in(self) -> list[int]:
        """How often a profile fits into a total: ``table[total * len(profiles) + profile]``."""
        return [
            _times(self.amounts(total), self.amounts(profile))
            for total in self.totals.values()
            for profile in self.profiles.values()
        ]

    @property
    def _every(self) -> list[ResourceProfile]:
        return [*self.profiles.values(), *self.totals.values()]

    def _column(self, name: str) -> list[Fraction]:
        return [_amount(profile, name) for profile in self._every]


def _amount(profile: ResourceProfile, name: str) -> Fraction:
    """The exact amount of a resource in a profile."""
    fixed = name in FIXED
    return exactly(profile.amounts[FIXED.index(name)] if fixed else profile.extended.get(name, 0))


def _given(*limits: float | None) -> list[Fraction]:
    return [exactly(limit) for limit in limits if limit is not None]


def _unit(amounts: Iterable[Fraction]) -> Fraction:
    """The largest number of which all `amounts` are multiples; 1 if all are 0."""
    known = list(amounts)
    denominator = lcm(*(amount.denominator for amount in known))
    return Fraction(gcd(*(int(amount * denominator) for amount in known)) or 1, denominator)


def _times(total: Sequence[int], profile: Sequence[int]) -> int:
    """How often a profile can be subtracted from a total; 0 for a profile without amounts."""
    return min((a // b for a, b in zip(total, profile, strict=True) if b), default=0)


def times(profile: ResourceProfile, count: int) -> ResourceProfile:
    """`count` times a profile without extended resources."""
    return replace(
        profile, cpu=profile.cpu * count, **{m: getattr(profile, m) * count for m in FIXED[1:]}
    )


def equal_split(bounds: Mapping[str, int]) -> Resources:
    """The resources of a check: a worker has ``slots_per_worker`` small slots.

    With ``totals`` = 2 a TaskExecutor may also have one small slot more.
    """
    profiles = dict(list(CATALOGUE.items())[: bounds["profiles"]])
    count = bounds["slots_per_worker"]
    sizes = {"worker": times(SMALL, count), "big": times(SMALL, count + 1)}
    totals = dict(list(sizes.items())[: bounds["totals"]])
    most = bounds["max_slots"]
    return Resources(
        profiles,
        totals,
        "worker",
        "small",
        (
            SMALL.cpu * bounds["min_slots"],
            SMALL.task_heap_mb * bounds["min_slots"],
            SMALL.cpu * most if most else None,
            SMALL.task_heap_mb * most if most else None,
        ),
    )
