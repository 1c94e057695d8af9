"""Who gets which slot under the balanced strategy: by the load of TaskExecutors (2.3, FLIP-370).

Flink: TasksBalancedRequestSlotMatchingStrategy, with its ResourceRequestPreMappings and its
HeapPriorityQueue, whose details decide between equal loads.
"""

from __future__ import annotations

from slotspec.models.common.orders import in_order
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.requirements import answer, profile_at
from slotspec.models.declarative_slot_pool.state import OK, DeclarativePoolState, Raised
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE

# ------------------------------------------------------------------------------------ plan


def count_profiles(s: DeclarativePoolState) -> int:
    """Count requests and slots by profile; a status. No profile may be ZERO.

    Requests for ANY are an error, and so are slots of UNKNOWN.
    """
    for profile in range(s.profile_count):
        s.want[profile] = 0
        s.have[profile] = 0
        s.heap_size[profile] = 0
    for plan in range(len(s.base)):
        s.base[plan] = 0
    for place in range(len(s.heap)):
        s.heap[place] = NONE
    for request in s.wanting:
        if request != NONE:
            wanted = s.request_profile[request]
            if wanted == s.wildcard or s.is_zero[wanted]:
                return int(Raised.ILLEGAL_STATE)
            s.want[wanted] += 1
    for allocation in s.new:
        if allocation != NONE:
            profile = s.slot_profile[allocation]
            if profile == s.unknown or s.is_zero[profile]:
                return int(Raised.ILLEGAL_STATE)
            s.have[profile] += 1
    return OK


def set_aside(s: DeclarativePoolState, wanted: int, profile: int) -> None:
    """Set slots of `profile` aside for requests for `wanted`, as many as there are of both."""
    count = min(s.want[wanted], s.have[profile])
    s.base[wanted * s.profile_count + profile] += count
    s.want[wanted] -= count
    s.have[profile] -= count


def plan_by_profile(s: DeclarativePoolState) -> bool:
    """Set slots aside by profile; whether all requests can be served. ``have`` is what is spare.

    Flink: ResourceRequestPreMappings.createFrom.
    """
    for place in range(s.profile_count):
        wanted = profile_at(s, place)
        if wanted != s.unknown:
            set_aside(s, wanted, wanted)
    for place in range(s.profile_count):
        wanted = profile_at(s, place)
        if wanted != s.unknown:
            set_aside(s, wanted, s.wildcard)
    if s.unknown >= 0:
        for place in range(s.profile_count):
            set_aside(s, s.unknown, profile_at(s, place))
    return all(count == 0 for count in s.want)


def may_use(s: DeclarativePoolState, wanted: int, profile: int) -> bool:
    """Whether the plan allows a slot of `profile` for a request for `wanted`."""
    return s.base[wanted * s.profile_count + profile] > 0 or s.have[profile] > 0


def use(s: DeclarativePoolState, wanted: int, profile: int) -> int:
    """Take a slot out of the plan; a spare one is exchanged for one set aside. A status."""
    width = s.profile_count
    if s.base[wanted * width + profile] > 0:
        s.base[wanted * width + profile] -= 1
        return OK
    s.have[profile] -= 1
    for place in range(width):
        other = profile_at(s, place)
        if s.base[wanted * width + other] > 0:
            s.base[wanted * width + other] -= 1
            s.have[other] += 1
            return OK
    return int(Raised.ILLEGAL_STATE)


# ----------------------------------------------------------------------------------- heaps


def slot_at(s: DeclarativePoolState, profile: int, index: int) -> int:
    """The slot at a place of a profile's heap, which counts from 1."""
    return s.heap[profile * len(s.slot) + index - 1]


def put_at(s: DeclarativePoolState, profile: int, index: int, allocation: int) -> None:
    """Put a slot at a place of a profile's heap."""
    s.heap[profile * len(s.slot) + index - 1] = allocation


def load_of(s: DeclarativePoolState, allocation: int) -> int:
    """The load of the TaskExecutor of a slot."""
    return s.tm_load[s.slot_tm[allocation]]


def is_lighter(s: DeclarativePoolState, allocation: int, other: int) -> bool:
    """Whether a slot's TaskExecutor has strictly less load than another's."""
    return load_of(s, allocation) < load_of(s, other)


def sift_up(s: DeclarativePoolState, profile: int, index: int) -> None:
    """Move a slot towards the top while it is strictly lighter than its parent."""
    moving = slot_at(s, profile, index)
    while index > 1 and is_lighter(s, moving, slot_at(s, profile, index // 2)):
        put_at(s, profile, index, slot_at(s, profile, index // 2))
        index = index // 2
    put_at(s, profile, index, moving)


def lighter_child(s: DeclarativePoolState, profile: int, index: int) -> int:
    """The lighter child of a place, the first of two equal ones; it may be beyond the end."""
    first = 2 * index
    if first + 1 <= s.heap_size[profile] and is_lighter(
        s, slot_at(s, profile, first + 1), slot_at(s, profile, first)
    ):
        return first + 1
    return first


def sift_down(s: DeclarativePoolState, profile: int, index: int) -> None:
    """Move a slot towards the end while a child is strictly lighter."""
    moving = slot_at(s, profile, index)
    child = lighter_child(s, profile, index)
    while child <= s.heap_size[profile] and is_lighter(s, slot_at(s, profile, child), moving):
        put_at(s, profile, index, slot_at(s, profile, child))
        index = child
        child = lighter_child(s, profile, index)
    put_at(s, profile, index, moving)


def add_to_heap(s: DeclarativePoolState, allocation: int) -> None:
    """Add a slot to the heap of its profile."""
    profile = s.slot_profile[allocation]
    s.heap_size[profile] += 1
    put_at(s, profile, s.heap_size[profile], allocation)
    sift_up(s, profile, s.heap_size[profile])


def index_in_heap(s: DeclarativePoolState, profile: int, allocation: int) -> int:
    """The place of a slot in the heap of its profile, from 1; 0 if it is not there."""
    return next(
        (
            index
            for index in range(1, s.heap_size[profile] + 1)
            if slot_at(s, profile, index) == allocation
        ),
        0,
    )


def remove_from_heap(s: DeclarativePoolState, allocation: int) -> None:
    """Remove a slot from the heap of its profile. While the last one moves, it is there twice.

    Flink: HeapPriorityQueue.removeInternal.
    """
    profile = s.slot_profile[allocation]
    index = index_in_heap(s, profile, allocation)
    if index == 0:
        return
    last = s.heap_size[profile]
    if index != last:
        moving = slot_at(s, profile, last)
        put_at(s, profile, index, moving)
        sift_down(s, profile, index)
        if slot_at(s, profile, index) == moving:
            sift_up(s, profile, index)
    put_at(s, profile, last, NONE)
    s.heap_size[profile] -= 1


# -------------------------------------------------------------------------------- matching


def sort_by_load(s: DeclarativePoolState) -> None:
    """Sort the requests, heaviest first; equal ones keep their order."""
    for end in range(length(s.wanting)):
        place = end
        while place > 0 and s.request_load[s.wanting[place - 1]] < s.request_load[s.wanting[place]]:
            lighter = s.wanting[place - 1]
            s.wanting[place - 1] = s.wanting[place]
            s.wanting[place] = lighter
            place -= 1


def lightest_slot(s: DeclarativePoolState, wanted: int) -> int:
    """The slot for a request: of the least loaded TaskExecutor that the plan allows, or NONE."""
    found = NONE
    for place in range(s.profile_count):
        profile = profile_at(s, place)
        if (
            s.heap_size[profile] > 0
            and may_use(s, wanted, profile)
            and answer(s, profile, wanted) == Answer.YES
        ):
            top = slot_at(s, profile, 1)
            if found == NONE or is_lighter(s, top, found):
                found = top
    return found


def take_slot(s: DeclarativePoolState, request: int, allocation: int) -> None:
    """A request gets a slot: its TaskExecutor is heavier by the request's load."""
    tm = s.slot_tm[allocation]
    s.tm_load[tm] += s.request_load[request]
    count = length(s.new)
    for place in range(count):
        # the slots of a TaskExecutor are in a hash set
        other = s.new[in_order(count, s.other_order, place)]
        if s.slot_tm[other] == tm:
            remove_from_heap(s, other)
            if other != allocation:
                add_to_heap(s, other)
    append(s.match_request, request)
    append(s.match_slot, allocation)
    remove(s.new, allocation)


def match_balanced(s: DeclarativePoolState) -> int:
    """Heavy requests first, each on the TaskExecutor with the least load. All of them, or none.

    Flink: TasksBalancedRequestSlotMatchingStrategy.matchRequestsAndSlots.
    """
    status = count_profiles(s)
    if status != OK:
        return status
    requests, slots = length(s.wanting), length(s.new)
    if requests == 0 or slots < requests or not plan_by_profile(s):
        return OK
    sort_by_load(s)
    for place in range(slots):
        add_to_heap(s, s.new[place])
    for place in range(requests):
        request = s.wanting[place]
        wanted = s.request_profile[request]
        allocation = lightest_slot(s, wanted)
        if allocation != NONE:
            profile = s.slot_profile[allocation]
            take_slot(s, request, allocation)
            status = use(s, wanted, profile)
            if status != OK:
                return status
    return OK
