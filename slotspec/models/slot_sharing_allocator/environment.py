"""What may happen to a slot sharing allocator: scheduler, pool, payloads and timers, in any order.

The scheduler allocates slots for any vertices at any time, also for vertices that have slots. It
cancels requests, deploys executions and releases slots. TaskExecutors offer slots and lose them.
The pool may fail requests, raise, or hold back slots. Checks of bulks are due in the order in
which they were scheduled; nothing says what happens between two of them.
"""

from __future__ import annotations

from slotspec.models.common.orders import ORDERS, number_of_orders
from slotspec.models.slot_sharing_allocator import operations as allocator
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    Process,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import is_waiting
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Foreign,
    PoolMode,
    SlotSharingAllocatorState,
    allocations,
    bulks,
    groups,
    orders,
    profiles,
    task_managers,
    vertices,
)
from slotspec.models.slot_sharing_allocator.versions import NewRequests
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.statemachine.declaration.conditions import exceeds, is_set
from slotspec.statemachine.declaration.model import Fairness
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE

BITS = (1, 2, 4, 8)
"""The bit of each vertex in a selection: a call names no vertex after the fourth."""
SELECTIONS = 16
"""How many subsets of these there are."""


is_scripted = ~is_set("at_once")
has_losses = is_set("losses")
has_foreigners = is_set("foreigners")


def has_order_of_slots(setting: Setting) -> bool:
    return setting.bounds["orders"] > 1 and setting.bounds["profiles"] > 1


has_payloads = is_set("payloads")


def is_over(s: SlotSharingAllocatorState) -> bool:
    """Whether the process has ended, and nothing can happen."""
    return s.process[0] == Process.DEAD


# ------------------------------------------------------------------------------- the scheduler


@slot_sharing_allocator.action(selection=SELECTIONS, walk=ORDERS, requests=orders, free=orders)
def allocate(
    s: SlotSharingAllocatorState, selection: int, walk: int, requests: int, free: int
) -> int:
    """The scheduler allocates slots for some vertices: those of the bits of `selection`.

    Hash maps go in these orders: groups, since 1.20 their requests, and free slots.
    """
    bulk = next((b for b in s.elements(bulks) if s.bulk[b] == Bulk.UNUSED), NONE)
    if is_over(s) or bulk == NONE or walk >= number_of_orders(len(s.group)):
        return DISABLED
    if (
        names_unknown(s, selection)
        or not may_order_free_slots(s, free)
        or not may_order_requests(s, selection, requests)
    ):
        return DISABLED
    s.request_order = requests
    s.free_order = free
    count = 0
    for vertex, bit in enumerate(BITS):
        if selection & bit:
            s.call[count] = vertex + 1
            count += 1
    return allocator.allocate(s, count, bulk, walk)


def may_order_requests(s: SlotSharingAllocatorState, selection: int, requests: int) -> bool:
    """Whether a call may make its requests in this order: one of its own needs two requests."""
    return requests == 0 or (
        s.new_requests == NewRequests.TOGETHER
        and requests < number_of_orders(len(s.group))
        and sum(is_new_in(s, selection, group) for group in s.elements(groups)) > 1
    )


def is_new_in(s: SlotSharingAllocatorState, selection: int, group: int) -> bool:
    """Whether a selection names a group that has no shared slot."""
    return s.group[group] == SharedSlot.ABSENT and any(
        selection & bit and vertex < len(s.request) and s.group_of[vertex] == group
        for vertex, bit in enumerate(BITS)
    )


def may_order_free_slots(s: SlotSharingAllocatorState, free: int) -> bool:
    """Whether free slots may be looked at in this order."""
    return free == 0 or (
        free < number_of_orders(len(s.slot))
        and sum(slot == PhysicalSlot.FREE for slot in s.slot) > 1
    )


def names_unknown(s: SlotSharingAllocatorState, selection: int) -> bool:
    """Whether a selection has a vertex that is not there."""
    return any(selection & bit and vertex >= len(s.request) for vertex, bit in enumerate(BITS))


@slot_sharing_allocator.action(when=is_set("cancellations"), vertex=vertices)
def cancel(s: SlotSharingAllocatorState, vertex: int) -> int:
    """The scheduler cancels the request of a vertex, whatever has become of it."""
    if is_over(s):
        return DISABLED
    return allocator.cancel(s, vertex)


@slot_sharing_allocator.action(vertex=vertices)
def release_logical(s: SlotSharingAllocatorState, vertex: int) -> int:
    """The execution of a vertex returns its slot."""
    if is_over(s) or s.logical[vertex] != LogicalSlot.ALIVE:
        return DISABLED
    return allocator.release_logical(s, vertex, Cause.GIVEN)


@slot_sharing_allocator.action(when=has_payloads, vertex=vertices, quick=2)
def assign_payload(s: SlotSharingAllocatorState, vertex: int, quick: int) -> int:
    """An execution is deployed to a logical slot, perhaps to one that is released already."""
    if is_over(s) or s.logical[vertex] == LogicalSlot.ABSENT:
        return DISABLED
    return allocator.assign_payload(s, vertex, quick)


# --------------------------------------------------------------------------------- executions


@slot_sharing_allocator.action(when=has_payloads, vertex=vertices)
def finish(s: SlotSharingAllocatorState, vertex: int) -> int:
    """An execution ends by itself, before anybody releases its slot."""
    if is_over(s) or s.logical[vertex] != LogicalSlot.ALIVE or s.payload[vertex] != Payload.RUNNING:
        return DISABLED
    return allocator.terminate(s, vertex, 0)


@slot_sharing_allocator.action(when=has_payloads, fair=Fairness.WEAK, vertex=vertices)
def terminate(s: SlotSharingAllocatorState, vertex: int) -> int:
    """An execution that was told to fail terminates."""
    if is_over(s) or not is_failing(s, vertex):
        return DISABLED
    return allocator.terminate(s, vertex, 0)


@slot_sharing_allocator.action(
    when=is_set("payloads", "failing_payloads"), fault=True, vertex=vertices
)
def fail_termination(s: SlotSharingAllocatorState, vertex: int) -> int:
    """The termination future of an execution fails."""
    if is_over(s) or s.payload[vertex] != Payload.RUNNING:
        return DISABLED
    return allocator.terminate(s, vertex, 1)


def is_failing(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Whether the execution of a vertex was told to fail, and still runs."""
    return s.logical[vertex] == LogicalSlot.RELEASING and s.payload[vertex] == Payload.RUNNING


# ------------------------------------------------------------------------------------ the pool


@slot_sharing_allocator.action(allocation=allocations, tm=task_managers, profile=profiles)
def add_slot(s: SlotSharingAllocatorState, allocation: int, tm: int, profile: int) -> int:
    """A TaskExecutor offers a slot, perhaps under an allocation that was lost before."""
    if is_over(s) or s.slot[allocation] != PhysicalSlot.ABSENT or allocation in s.slot_of:
        return DISABLED
    return allocator.add_slot(s, allocation, tm, profile)


@slot_sharing_allocator.action(when=is_scripted, group=groups, allocation=allocations)
def fulfil(s: SlotSharingAllocatorState, group: int, allocation: int) -> int:
    """The pool gives a free slot to a request, whether or not it matches."""
    if is_over(s) or not may_fulfil(s, group, allocation):
        return DISABLED
    return allocator.fulfil(s, group, allocation)


def may_fulfil(s: SlotSharingAllocatorState, group: int, allocation: int) -> bool:
    """Whether the pool can give the slot to the request of the group."""
    return is_waiting(s, group) and s.slot[allocation] == PhysicalSlot.FREE


@slot_sharing_allocator.action(
    when=is_set("reactions"), fault=True, group=groups, allocation=allocations
)
def fulfil_and_lose(s: SlotSharingAllocatorState, group: int, allocation: int) -> int:
    """A slot fulfils a request; whoever gets the first logical slot makes the pool lose it."""
    if (
        is_over(s)
        or not may_fulfil(s, group, allocation)
        or s.foreign[allocation] != Foreign.NOBODY
    ):
        return DISABLED
    s.losing[allocation] = 1
    allocator.fulfil(s, group, allocation)
    s.losing[allocation] = 0
    return 1


@slot_sharing_allocator.action(when=is_set("failures"), fault=True, group=groups)
def fail_request(s: SlotSharingAllocatorState, group: int) -> int:
    """The pool fails a request."""
    if is_over(s) or not is_waiting(s, group):
        return DISABLED
    return allocator.fail_request(s, group, Cause.GIVEN)


@slot_sharing_allocator.action(when=has_losses, fault=True, allocation=allocations)
def fail_slot(s: SlotSharingAllocatorState, allocation: int) -> int:
    """A slot is lost."""
    if is_over(s) or s.slot[allocation] == PhysicalSlot.ABSENT:
        return DISABLED
    return allocator.fail_slot(s, allocation, Cause.GIVEN)


@slot_sharing_allocator.action(when=has_losses, fault=True, tm=task_managers)
def fail_task_manager(s: SlotSharingAllocatorState, tm: int) -> int:
    """A TaskExecutor is lost, with all its slots."""
    if is_over(s) or tm not in s.slot_tm:
        return DISABLED
    return allocator.fail_task_manager(s, tm, Cause.GIVEN)


@slot_sharing_allocator.action(when=exceeds("modes", 1), fault=True, mode=PoolMode)
def pool_mode(s: SlotSharingAllocatorState, mode: int) -> int:
    """The pool begins to fail or refuse requests, or stops to."""
    if is_over(s) or mode >= s.modes or mode == s.mode:
        return DISABLED
    return allocator.pool_mode(s, mode)


@slot_sharing_allocator.action(when=has_foreigners, allocation=allocations, indefinitely=2)
def foreign_payload(s: SlotSharingAllocatorState, allocation: int, indefinitely: int) -> int:
    """Somebody else puts a payload into a slot."""
    if is_over(s) or s.slot[allocation] == PhysicalSlot.ABSENT:
        return DISABLED
    return allocator.foreign_payload(s, allocation, indefinitely)


# --------------------------------------------------------------------------------------- timers


@slot_sharing_allocator.action(fair=Fairness.WEAK)
def run_check(s: SlotSharingAllocatorState) -> int:
    """The check that was scheduled first is due."""
    if is_over(s) or s.queue[0] == NONE:
        return DISABLED
    return allocator.run_check(s)


@slot_sharing_allocator.action(when=has_order_of_slots, order=orders)
def order_of_slots_changes(s: SlotSharingAllocatorState, order: int) -> int:
    """The next check will look at slots in another order.

    It matters if several groups wait, and slots have several profiles. The allocator does nothing:
    hash sets are free in their order. See SlotOrder.
    """
    if (
        is_over(s)
        or s.queue[0] == NONE
        or order >= number_of_orders(len(s.slot))
        or sum(s.pending[in_bulk(s, s.queue[0], group)] for group in s.elements(groups)) < 2
        or not has_several_profiles(s)
    ):
        return DISABLED
    s.check_order = order
    return NONE


def has_several_profiles(s: SlotSharingAllocatorState) -> bool:
    """Whether slots of several profiles are there."""
    return any(
        NONE not in (s.slot_profile[a], s.slot_profile[b])
        and s.slot_profile[a] != s.slot_profile[b]
        for a in s.elements(allocations)
        for b in range(a)
    )


@slot_sharing_allocator.final_states
def is_final(s: SlotSharingAllocatorState) -> bool:
    """Nothing happens after the end of the process."""
    return is_over(s)
