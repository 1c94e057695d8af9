"""The differences between the releases of SlotSharingManager, as named choices.

Recordings of 1.11.4 and 1.12.5 agree in every step; 1.13 no longer has the class. The order of
hash maps is a choice, too, because a recording has to fix it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.resource_profile import Matching


class MapOrder(IntEnum):
    """The order in which the manager iterates over the tables of roots.

    It decides which of several unresolved roots is the answer, and for which of several bad
    roots a list fails.
    """

    ARBITRARY = 0
    """The order of hash maps (all releases)."""
    OLDEST_FIRST = 1
    """In order of insertion (recordings replace the hash maps by linked ones)."""


V1_11: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "map_order": MapOrder.ARBITRARY,
}

V1_12: Mapping[str, Any] = dict(V1_11)

GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.11": V1_11, "1.12": V1_12}
"""The choices of each release, oldest first."""
