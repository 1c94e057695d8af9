"""What differs between the releases of the declarative slot pool, as named choices.

The evidence is the recorded behaviour of the real classes, 1.13.6, 1.14.6, 1.20.5 and 2.3.0.
:class:`IterationOrder` differs between no releases: it names what none of them defines.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class BatchMark(IntEnum):
    """When a batch request that no slot can serve is marked with the time."""

    AT_EACH_CHECK = 0
    """At each check, so that it never times out (1.13; mended by FLINK-22477)."""
    AT_THE_FIRST = 1
    """At the first check that finds it so (1.14)."""


class Adjustment(IntEnum):
    """How a slot that is reserved for another requirement changes what is required."""

    TWICE = 0
    """A decrease and an increase, each declared (1.13, 1.14, 1.20)."""
    ONCE = 1
    """One change, declared once, which does not touch stability (2.3)."""


class NewSlots(IntEnum):
    """How several new slots find requests."""

    SLOT_BY_SLOT = 0
    """Each slot is bound to its request before the next one is looked at (1.13, 1.14)."""
    ALL_AT_ONCE = 1
    """The strategy matches all of them; then they are bound (1.20)."""
    ALL_IF_ANY_PENDING = 2
    """The same, but nothing is looked at if no request is pending (2.3)."""


class BatchSpared(IntEnum):
    """Whether "not enough resources" spares batch requests."""

    AFTER_DISABLE = 0
    """Only once their timeout check is disabled (1.13, 1.14)."""
    ALWAYS = 1
    """Always (1.20)."""


class Strategy(IntEnum):
    """Which requests get which slots. Flink: RequestSlotMatchingStrategy."""

    SIMPLE = 0
    PREFERRED = 1
    """First the requests that name an allocation, for local recovery (1.20)."""
    BALANCED = 2
    """By the load of TaskExecutors (2.3, ``taskmanager.load-balance.mode: tasks``)."""
    PREFERRED_BALANCED = 3


class IterationOrder(IntEnum):
    """The order in which hash tables of slots, profiles and requests are iterated.

    Flink defines none. It decides which excess slot is returned as idle, which requirement a
    slot counts for, and who gets what under every strategy but ``simple``.
    """

    OLDEST_FIRST = 0
    """Oldest first, profiles in a fixed order: as recorded."""
    ANY = 1
    """Each step may take any order: all of up to three elements are tried."""


V1_13: Mapping[str, Any] = {
    "batch_mark": BatchMark.AT_EACH_CHECK,
    "adjustment": Adjustment.TWICE,
    "new_slots": NewSlots.SLOT_BY_SLOT,
    "batch_spared": BatchSpared.AFTER_DISABLE,
    "has_wildcard": 0,
    "unknown_allocation_is_null": 0,
    "checks_started": 1,
    "newest_strategy": Strategy.SIMPLE,
    "can_delay": 0,
}
V1_14: Mapping[str, Any] = {**V1_13, "batch_mark": BatchMark.AT_THE_FIRST}
V1_20: Mapping[str, Any] = {
    **V1_14,
    "new_slots": NewSlots.ALL_AT_ONCE,
    "batch_spared": BatchSpared.ALWAYS,
    "has_wildcard": 1,
    "unknown_allocation_is_null": 1,
    "newest_strategy": Strategy.PREFERRED,
}
V2_3: Mapping[str, Any] = {
    **V1_20,
    "adjustment": Adjustment.ONCE,
    "new_slots": NewSlots.ALL_IF_ANY_PENDING,
    "checks_started": 0,
    "newest_strategy": Strategy.PREFERRED_BALANCED,
    "can_delay": 1,
}

GENERATIONS: Mapping[str, Mapping[str, Any]] = {
    "1.13": V1_13,
    "1.14": V1_14,
    "1.20": V1_20,
    "2.3": V2_3,
}
"""The choices of each release, oldest first."""
