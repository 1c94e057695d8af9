"""Resource profiles, and when a slot of one satisfies a request for another.

Flink: ResourceProfile (isMatching up to 1.12, with exact equality from 1.13 on).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from functools import lru_cache


class Matching(IntEnum):
    """When a slot satisfies a request."""

    AT_LEAST = 0
    """Every amount of the slot is at least the requested one (1.11, 1.12)."""
    EQUAL = 1
    """The profiles are equal (1.13)."""


class Answer(IntEnum):
    """Result of comparing a slot's profile with a request's."""

    NO = 0
    YES = 1
    THROWS = 2
    """UnsupportedOperationException: an UNKNOWN slot was compared (1.13)."""


@dataclass(frozen=True)
class ResourceProfile:
    """Amounts of resources: cpu in cores, memory in MiB, extended resources by name.

    ``any_`` marks ResourceProfile.ANY (more than everything), ``unknown`` marks
    ResourceProfile.UNKNOWN (no amounts at all).
    """

    cpu: float = 0.0
    task_heap_mb: int = 0
    task_off_heap_mb: int = 0
    managed_mb: int = 0
    network_mb: int = 0
    extended: Mapping[str, float] = field(default_factory=dict)
    any_: bool = False
    unknown: bool = False

    @property
    def amounts(self) -> tuple[float, ...]:
        """The fixed resources in one order."""
        return (
            self.cpu,
            self.task_heap_mb,
            self.task_off_heap_mb,
            self.managed_mb,
            self.network_mb,
        )


@lru_cache(maxsize=256)
def exactly(amount: float) -> Fraction:
    """The shortest decimal of this float: 0.1 is a tenth, as in Flink's BigDecimal."""
    return Fraction(repr(amount))


ANY = ResourceProfile(any_=True)
UNKNOWN = ResourceProfile(unknown=True)
SMALL = ResourceProfile(cpu=1.0, task_heap_mb=256, managed_mb=64, network_mb=32)
LARGE = ResourceProfile(cpu=2.0, task_heap_mb=1024, managed_mb=256, network_mb=64)

CATALOGUE: Mapping[str, ResourceProfile] = {
    "small": SMALL,
    "large": LARGE,
    "unknown": UNKNOWN,
    "any": ANY,
}
"""Profiles of a check, in the order in which the bound ``profiles`` takes them."""


def at_least(slot: ResourceProfile, wanted: ResourceProfile) -> bool:
    """Whether `slot` has at least every amount of `wanted` (Flink 1.11 and 1.12)."""
    if slot.any_ or slot == wanted:
        return True
    if slot.unknown:
        return False
    if wanted.unknown:
        return True
    if wanted.any_:
        return False
    if any(have < need for have, need in zip(slot.amounts, wanted.amounts, strict=True)):
        return False
    return all(slot.extended.get(name, -1.0) >= need for name, need in wanted.extended.items())


def matches(slot: ResourceProfile, wanted: ResourceProfile, matching: Matching) -> Answer:
    """Whether a slot of profile `slot` serves a request for `wanted`."""
    if matching == Matching.AT_LEAST:
        return Answer.YES if at_least(slot, wanted) else Answer.NO
    if slot.unknown:
        return Answer.THROWS
    return Answer.YES if slot.any_ or slot == wanted or wanted.unknown else Answer.NO


def matching_table(profiles: Sequence[ResourceProfile], matching: Matching) -> list[int]:
    """Row by row: ``table[slot * len(profiles) + wanted]`` is an :class:`Answer`."""
    return [int(matches(slot, wanted, matching)) for slot in profiles for wanted in profiles]
