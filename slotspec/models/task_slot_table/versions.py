"""The differences between the releases of TaskSlotTableImpl, as named choices."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class DynamicNumber(IntEnum):
    """The number of a dynamic slot, which is one requested with a negative number."""

    ASKED = 0
    """The negative one, which is not in the table of numbers (1.11, 1.12)."""
    COUNTED = 1
    """The next of a counter, which every dynamic request increases, even if refused (1.13)."""


class StaticProfile(IntEnum):
    """The profile of a static slot."""

    DEFAULT = 0
    """The default one, whatever the request says (1.11, 1.12)."""
    GIVEN = 1
    """The one of the request (since 1.13)."""


class UnknownProfile(IntEnum):
    """The meaning of a request with profile UNKNOWN."""

    INVALID = 0
    """IllegalArgumentException, if the profile of the request matters (1.11, 1.12)."""
    DEFAULT = 1
    """The default profile (since 1.13)."""


class RepeatedAllocation(IntEnum):
    """The answer to a request whose allocation already has a slot."""

    REFUSED = 0
    """No, even if the same request is repeated (1.11, 1.12)."""
    ACKNOWLEDGED = 1
    """Yes, if job, profile and number are the same (since 1.13)."""


class UnnumberedSlot(IntEnum):
    """Whether is_allocated with a negative number finds an allocation."""

    BY_ALLOCATION = 0
    """Yes if the table has it, for whatever job (1.11, 1.12)."""
    NEVER = 1
    """No (since 1.13)."""


class RefusedAllocation(IntEnum):
    """How a request that is not granted ends, if nothing is wrong with its arguments."""

    ANSWERED = 0
    """The answer is no (1.11 to 1.13)."""
    RAISED = 1
    """SlotAllocationException (2.3)."""


V1_11: Mapping[str, Any] = {
    "dynamic_number": DynamicNumber.ASKED,
    "static_profile": StaticProfile.DEFAULT,
    "unknown_profile": UnknownProfile.INVALID,
    "repeated_allocation": RepeatedAllocation.REFUSED,
    "unnumbered_slot": UnnumberedSlot.BY_ALLOCATION,
    "refused_allocation": RefusedAllocation.ANSWERED,
}
V1_12: Mapping[str, Any] = {**V1_11}
V1_13: Mapping[str, Any] = {
    "dynamic_number": DynamicNumber.COUNTED,
    "static_profile": StaticProfile.GIVEN,
    "unknown_profile": UnknownProfile.DEFAULT,
    "repeated_allocation": RepeatedAllocation.ACKNOWLEDGED,
    "unnumbered_slot": UnnumberedSlot.NEVER,
    "refused_allocation": RefusedAllocation.ANSWERED,
}
V2_3: Mapping[str, Any] = {**V1_13, "refused_allocation": RefusedAllocation.RAISED}
GENERATIONS: Mapping[str, Mapping[str, Any]] = {
    "1.11": V1_11,
    "1.12": V1_12,
    "1.13": V1_13,
    "2.3": V2_3,
}
"""The choices of each release, oldest first; 1.11 and 1.12 differ in a query's arguments only."""
