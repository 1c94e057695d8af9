"""What is reserved in a tree, and whether it fits into a physical slot.

Rules below the operations. Flink: ResourceProfile.merge, subtract and isMatching, and
MultiTaskSlot.reserveResource and releaseResource.
"""

from __future__ import annotations

from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.statemachine.declaration.rules import NONE


def reserve(s: SlotSharingState, multi: int, profile: int) -> None:
    """Add a profile to what `multi` and each slot above it have reserved."""
    at = multi
    while at != NONE:
        s.special[at] = merged(s.special[at], s.specials[profile])
        for resource in range(s.resource_count):
            place = at * s.resource_count + resource
            if s.special[at] == Special.AMOUNTS:
                s.reserved[place] = s.reserved[place] + amount(s, profile, resource)
            else:
                s.reserved[place] = 0
        at = s.parent[at]


def unreserve(s: SlotSharingState, multi: int, profile: int, child: int) -> bool:
    """Take a profile, or all that `child` has reserved, back from `multi` and those above.

    False at the first slot that has less than that: there it ends with an exception, and
    those below have already changed. The child keeps its own: Flink does not reset what a
    released slot has reserved.
    """
    at = multi
    while at != NONE:
        given = s.specials[profile] if child == NONE else s.special[child]
        s.special[at] = merged(s.special[at], given)
        if s.special[at] == Special.AMOUNTS and not has_reserved(s, at, profile, child):
            return False
        for resource in range(s.resource_count):
            place = at * s.resource_count + resource
            if s.special[at] == Special.AMOUNTS:
                s.reserved[place] = s.reserved[place] - share(s, profile, child, resource)
            else:
                s.reserved[place] = 0
        at = s.parent[at]
    return True


def has_reserved(s: SlotSharingState, multi: int, profile: int, child: int) -> bool:
    """Whether the slot has reserved as much of each resource."""
    for resource in range(s.resource_count):
        if s.reserved[multi * s.resource_count + resource] < share(s, profile, child, resource):
            return False
    return True


def share(s: SlotSharingState, profile: int, child: int, resource: int) -> int:
    """How much a child has of a resource: a single-task slot's profile, or all that is below."""
    if child == NONE:
        return amount(s, profile, resource)
    return s.reserved[child * s.resource_count + resource]


def merged(one: int, other: int) -> int:
    """What a sum or a difference is: ANY before UNKNOWN before a vector."""
    if one == Special.ANY or other == Special.ANY:
        return Special.ANY
    if one == Special.UNKNOWN or other == Special.UNKNOWN:
        return Special.UNKNOWN
    return Special.AMOUNTS


def amount(s: SlotSharingState, profile: int, resource: int) -> int:
    """How much a profile has of a resource; NONE has nothing."""
    if profile == NONE:
        return 0
    return s.amounts[profile * s.resource_count + resource]


def has_room(s: SlotSharingState, root: int, extra: int) -> bool:
    """Whether the root's physical slot has what is reserved, and `extra` besides (or NONE)."""
    return is_enough(s, s.profile[root], root, extra)


def can_hold(s: SlotSharingState, root: int, profile: int) -> bool:
    """Whether a slot of this profile would have what the root has reserved."""
    return is_enough(s, profile, root, NONE)


def is_enough(s: SlotSharingState, profile: int, root: int, extra: int) -> bool:
    """Whether a profile has all that is reserved, and `extra` besides.

    Flink: ResourceProfile.isMatching of 1.11 and 1.12.
    """
    have = s.specials[profile]
    want = s.special[root]
    if extra != NONE:
        want = merged(want, s.specials[extra])
    if have == Special.ANY or want == Special.UNKNOWN:
        return True
    if have == Special.UNKNOWN or want == Special.ANY:
        return False
    for resource in range(s.resource_count):
        wanted = s.reserved[root * s.resource_count + resource] + amount(s, extra, resource)
        if amount(s, profile, resource) < wanted:
            return False
    return True


def is_oversubscribed(s: SlotSharingState, root: int) -> bool:
    """Whether nothing remains to tell of: two vectors, and more reserved than there is.

    Flink: ResourceProfile.subtract.
    """
    vectors = merged(s.specials[s.profile[root]], s.special[root]) == Special.AMOUNTS
    return vectors and not has_room(s, root, NONE)
