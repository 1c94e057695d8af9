"""The differences between the releases of SlotManagerImpl, as named choices.

The evidence is the recorded behaviour of the real classes, 1.11.4, 1.12.5 and 1.13.6.
:class:`IterationOrder` does not differ between releases: it names what none of them defines.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.resource_profile import Matching


class IdleRelease(IntEnum):
    """Which of the TaskExecutors that have been idle too long are released."""

    ALL = 0
    """All of them (1.11)."""
    KEEP_REDUNDANT = 1
    """Those that redundancy does not need; missing ones are requested (1.12, FLINK-18625)."""


class PairedSlots(IntEnum):
    """Which reported slots are counted as expected ones when the maximum is checked."""

    ANY = 0
    """All of the default profile (1.11, 1.12)."""
    EMPTY = 1
    """Those without an allocation (1.13)."""


class IterationOrder(IntEnum):
    """The order in which the maps of requests, pending slots and registrations are iterated.

    They are hash maps: Flink defines no order. The order decides which request gets a freed slot,
    which expected slot is reserved or used up, and what is released, failed or withdrawn first.
    """

    OLDEST_FIRST = 0
    """In insertion order, as recorded from the real classes with linked maps."""
    ANY = 1
    """In any order: the environment may exchange neighbours between two steps."""


V1_11: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "idle_release": IdleRelease.ALL,
    "paired_slots": PairedSlots.ANY,
    "can_release_everything": 1,
}

V1_12: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "idle_release": IdleRelease.KEEP_REDUNDANT,
    "paired_slots": PairedSlots.ANY,
    "can_release_everything": 0,
}

V1_13: Mapping[str, Any] = {
    **V1_12,
    "matching": Matching.EQUAL,
    "paired_slots": PairedSlots.EMPTY,
}

GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.11": V1_11, "1.12": V1_12, "1.13": V1_13}
"""The choices of each release, oldest first."""
