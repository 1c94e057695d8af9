"""What differs between the releases of SlotPoolImpl, as named choices.

A rule reads a choice; no rule is written once per release. The evidence is the recorded
behaviour of the real classes, 1.11.4, 1.12.5 and 1.13.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.resource_profile import Matching


class OfferedSlot(IntEnum):
    """Who gets a slot that a TaskExecutor offers."""

    OWN_REQUEST = 0
    """The request that is pending under its allocation, whatever its profile (1.11)."""
    FIRST_MATCHING = 1
    """The first request in order that it satisfies (1.12, FLINK-17019)."""


class OrphanedAllocation(IntEnum):
    """What happens to the allocation of a request that another slot serves."""

    CANCELLED = 0
    """The pool cancels it at the ResourceManager, as it was sent (1.11)."""
    REMAPPED = 1
    """The request that waited for the serving slot inherits it; without such an heir the pool
    cancels it (1.12, FLINK-17019)."""


class RepeatedId(IntEnum):
    """Where a pending request goes when its id is already pending."""

    MOVES_TO_END = 0
    """To the end of the queue (1.11: a linked map of two keys that removes before it adds)."""
    KEEPS_PLACE = 1
    """Into the place of the older one (1.12)."""


class Removal(IntEnum):
    """Which queue entry goes when a request is served or failed."""

    ENTRY_FOUND = 0
    """The entry that was found (1.11)."""
    BY_ID = 1
    """The waiting entry of its id, or else the pending one (1.12)."""


class IgnoredFailure(IntEnum):
    """What a batch request's ignored failure does to its place in the queue."""

    MOVES_TO_END = 0
    """The pool removes it and appends it again (1.11)."""
    KEEPS_PLACE = 1
    """The pool only looks it up (1.12)."""


class CancelOrder(IntEnum):
    """In which order suspend and close cancel the pending allocations."""

    QUEUE = 0
    """In the order of the queue (1.11)."""
    ARBITRARY = 1
    """In hash order (1.12)."""


class ReleaseCause(IntEnum):
    """Which cause the caller of a released request gets."""

    DROPPED = 0
    """None: the given cause is lost (1.11)."""
    KEPT = 1
    """The given cause (1.12)."""


V1_11: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "offered_slot": OfferedSlot.OWN_REQUEST,
    "orphaned_allocation": OrphanedAllocation.CANCELLED,
    "repeated_id": RepeatedId.MOVES_TO_END,
    "removal": Removal.ENTRY_FOUND,
    "ignored_failure": IgnoredFailure.MOVES_TO_END,
    "cancel_order": CancelOrder.QUEUE,
    "release_cause": ReleaseCause.DROPPED,
    "can_suspend": 1,
    "can_disable_batch_check": 0,
}

V1_12: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "offered_slot": OfferedSlot.FIRST_MATCHING,
    "orphaned_allocation": OrphanedAllocation.REMAPPED,
    "repeated_id": RepeatedId.KEEPS_PLACE,
    "removal": Removal.BY_ID,
    "ignored_failure": IgnoredFailure.KEEPS_PLACE,
    "cancel_order": CancelOrder.ARBITRARY,
    "release_cause": ReleaseCause.KEPT,
    "can_suspend": 1,
    "can_disable_batch_check": 1,
}

V1_13: Mapping[str, Any] = {**V1_12, "matching": Matching.EQUAL, "can_suspend": 0}

GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.11": V1_11, "1.12": V1_12, "1.13": V1_13}
"""The choices of each release, oldest first."""
