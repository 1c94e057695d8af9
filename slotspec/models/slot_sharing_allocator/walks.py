"""In which order groups and slots are walked: arbitrary in Flink, fixed in recordings.

Java walks hash maps here: over the groups of a call, and over those of its bulk. In a check, all
walks of a call go in one order, and any order of up to three groups is tried; more groups are
refused. Recordings go by the first appearance in the call. Since 1.20 the physical requests of a
call are in a hash map of their own, whose order is a second choice; slots are a third.
"""

from __future__ import annotations

from slotspec.models.common.orders import in_order
from slotspec.models.slot_sharing_allocator.state import SlotSharingAllocatorState, groups
from slotspec.models.slot_sharing_allocator.versions import GroupOrder
from slotspec.statemachine.declaration.rules import NONE, Array


def group_at(s: SlotSharingAllocatorState, keys: Array, begin: int, step: int, walk: int) -> int:
    """The group at one step of a walk.

    :param keys: the keys of the groups, from index `begin` on; the highest one goes first.
    :param walk: the number of the order, where that is arbitrary.
    """
    if s.group_order == GroupOrder.ARBITRARY:
        return in_order(len(s.group), walk, step)
    return next(
        (
            g
            for g in s.elements(groups)
            if step
            == sum(
                keys[begin + other] > keys[begin + g]
                or (keys[begin + other] == keys[begin + g] and other < g)
                for other in s.elements(groups)
            )
        ),
        NONE,
    )


def requesting_group(s: SlotSharingAllocatorState, step: int, walk: int) -> int:
    """The group at one step of the walk over physical requests.

    Order 0 of the requests is that of the groups of the call.
    """
    count = len(s.group)
    # looked up among the places, so that the compiler knows its range
    place = next((p for p in range(count) if p == in_order(count, s.request_order, step)), 0)
    return group_at(s, s.named, 0, place, walk)


def slot_at(s: SlotSharingAllocatorState, step: int, order: int) -> int:
    """The slot at one step of a walk over all slots, where the order is arbitrary."""
    return in_order(len(s.slot), order, step) if s.any_order else step


def in_bulk(s: SlotSharingAllocatorState, bulk: int, group: int) -> int:
    """Where the fields of bulks have this group."""
    return bulk * len(s.group) + group


def vertex_in_bulk(s: SlotSharingAllocatorState, bulk: int, vertex: int) -> int:
    """Where the fields of bulks have this vertex."""
    return bulk * len(s.request) + vertex
