"""The reservations of a tree, and whether they fit into a physical slot.

Rules below the operations. Flink: ResourceProfile.merge, subtract and isMatching, and
MultiTaskSlot.reserveResource and releaseResource.
"""

from __future__ import annotations

from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.state import SlotSharingState
from slotspec.statemachine.declaration.rules import NONE


def reserved_of(s: SlotSharingState, multi: int, resource: int) -> int:
    """How much of a resource a multi-task slot has reserved."""
    return s.reserved[multi * s.resource_count + resource]


def reserve(s: SlotSharingState, multi: int, profile: int) -> None:
    """Add a profile to the reservations of `multi` and of each slot above it."""
    at = multi
    while at != NONE:
        s.special[at] = merged(s.special[at], s.specials[profile])
        for r in range(s.resource_count):
            s.reserved[at * s.resource_count + r] = (
                reserved_of(s, at, r) + amount(s, profile, r)
                if s.special[at] == Special.AMOUNTS
                else 0
            )
        at = s.parent[at]


def unreserve(s: SlotSharingState, multi: int, profile: int, child: int) -> bool:
    """Remove a profile, or the reservations of `child`, from `multi` and each slot above it.

    False at the first slot that has less reserved: Flink throws there, after the slots below
    have changed. The child keeps its own reservations, since Flink does not reset those of a
    released slot.
    """
    at = multi
    while at != NONE:
        special = s.specials[profile] if child == NONE else s.special[child]
        s.special[at] = merged(s.special[at], special)
        if s.special[at] == Special.AMOUNTS and not has_reserved(s, at, profile, child):
            return False
        for r in range(s.resource_count):
            s.reserved[at * s.resource_count + r] = (
                reserved_of(s, at, r) - share(s, profile, child, r)
                if s.special[at] == Special.AMOUNTS
                else 0
            )
        at = s.parent[at]
    return True


def has_reserved(s: SlotSharingState, multi: int, profile: int, child: int) -> bool:
    """Whether the slot has at least that much of each resource reserved."""
    return all(
        reserved_of(s, multi, r) >= share(s, profile, child, r) for r in range(s.resource_count)
    )


def share(s: SlotSharingState, profile: int, child: int, resource: int) -> int:
    """A child's amount of a resource: of its profile, or (a multi-task slot) of all below it."""
    return amount(s, profile, resource) if child == NONE else reserved_of(s, child, resource)


def merged(one: int, other: int) -> int:
    """The kind of a sum or a difference: ANY wins over UNKNOWN, and UNKNOWN over a vector."""
    return max(one, other)


def amount(s: SlotSharingState, profile: int, resource: int) -> int:
    """How much of a resource a profile has; NONE has nothing."""
    return 0 if profile == NONE else s.amounts[profile * s.resource_count + resource]


def has_room(s: SlotSharingState, root: int, extra: int) -> bool:
    """Whether the root's physical slot has what is reserved, plus `extra` (or NONE)."""
    return is_enough(s, s.profile[root], root, extra)


def can_hold(s: SlotSharingState, root: int, profile: int) -> bool:
    """Whether a slot of this profile would have what the root has reserved."""
    return is_enough(s, profile, root, NONE)


def is_enough(s: SlotSharingState, profile: int, root: int, extra: int) -> bool:
    """Whether a profile has all that is reserved, plus `extra` (or NONE).

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
    return all(
        amount(s, profile, r) >= reserved_of(s, root, r) + amount(s, extra, r)
        for r in range(s.resource_count)
    )


def is_oversubscribed(s: SlotSharingState, root: int) -> bool:
    """Whether more is reserved than the physical slot has (both being vectors).

    Flink: ResourceProfile.subtract.
    """
    vectors = merged(s.specials[s.profile[root]], s.special[root]) == Special.AMOUNTS
    return vectors and not has_room(s, root, NONE)
