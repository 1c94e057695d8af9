"""The differences between the releases of SlotSharingExecutionSlotAllocator, as named choices.

The evidence is the recorded behaviour of the real classes, 1.12.5, 1.20.5 and 2.3.0. The order of
hash maps is a choice, too, because a recording has to fix it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.resource_profile import Matching


class NewRequests(IntEnum):
    """How the physical requests of one call are made."""

    ONE_BY_ONE = 0
    """Group after group; each shared slot exists at once (1.12)."""
    TOGETHER = 1
    """All free slots, then all new requests, then all shared slots (since 1.20)."""


class RepeatedVertex(IntEnum):
    """What happens if a call names the same vertex twice."""

    ALLOWED = 0
    """Both entries get the same logical slot (1.12)."""
    REFUSED = 1
    """IllegalStateException (since 1.20, where a call names execution attempts)."""


class GroupProfile(IntEnum):
    """The profile of a group's physical slot."""

    SUM = 0
    """The sum of its vertices (1.12)."""
    OWN = 1
    """Its own one; the sum if that is UNKNOWN (since 1.20)."""


class FailedTermination(IntEnum):
    """What happens if a payload's termination future fails and its slot is released."""

    RETURNED = 0
    """The slot is returned, and its release future fails (1.12)."""
    FATAL = 1
    """The process ends (since 1.20)."""


class GroupOrder(IntEnum):
    """The order in which the groups of a call and of its bulk are walked.

    It is also that of their physical requests, which since 1.20 are in a map of their own.
    """

    ARBITRARY = 0
    """That of hash maps (all releases): any, each call anew."""
    LAST_NAMED_FIRST = 1
    """In reverse order of first appearance in the call (recordings, with constant hashes)."""


class SlotOrder(IntEnum):
    """The order in which slots are looked at: by a check, or for a free one."""

    ARBITRARY = 0
    """That of hash sets (all releases): any, each time anew."""
    FREE_THEN_OLDEST = 1
    """Free slots, those free for longest first; then the others as they came (recordings)."""


V1_12: Mapping[str, Any] = {
    "matching": Matching.AT_LEAST,
    "new_requests": NewRequests.ONE_BY_ONE,
    "repeated_vertex": RepeatedVertex.ALLOWED,
    "group_profile": GroupProfile.SUM,
    "failed_termination": FailedTermination.RETURNED,
    "group_order": GroupOrder.ARBITRARY,
    "slot_order": SlotOrder.ARBITRARY,
}
V1_20: Mapping[str, Any] = {
    "matching": Matching.EQUAL,
    "new_requests": NewRequests.TOGETHER,
    "repeated_vertex": RepeatedVertex.REFUSED,
    "group_profile": GroupProfile.OWN,
    "failed_termination": FailedTermination.FATAL,
    "group_order": GroupOrder.ARBITRARY,
    "slot_order": SlotOrder.ARBITRARY,
}
V2_3: Mapping[str, Any] = {**V1_20}
GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.12": V1_12, "1.20": V1_20, "2.3": V2_3}
"""The choices of each release, oldest first; 1.20 and 2.3 only tell the pool different things."""
