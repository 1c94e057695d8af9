"""What would mend the findings about slot sharing: rules in place of those of the model."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator import allocation, bulks, shared_slot
from slotspec.models.slot_sharing_allocator.lifecycles import (
    LogicalRequest,
    LogicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.pool import take_back
from slotspec.models.slot_sharing_allocator.state import (
    Effect,
    Raised,
    SlotSharingAllocatorState,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.state import bulks as all_bulks
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.properties.slot_sharing_allocator.timeouts import could_be_served
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def walk_over_a_copy(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """S1: the timeout walks over a copy of the pending groups."""
    return False


def fail_only_that_group(s: SlotSharingAllocatorState, bulk: int, group: int) -> None:
    """S2: a bulk goes on waiting for its other groups."""
    s.pending[in_bulk(s, bulk, group)] = 0


def give_back_and_forget(s: SlotSharingAllocatorState, group: int) -> int:
    """S3: no bulk counts a group as fulfilled after its shared slot was given back."""
    for bulk in s.elements(all_bulks):
        at = in_bulk(s, bulk, group)
        s.fulfilled[at] = 0
        s.fulfilled_by[at] = NONE
    return shared_slot.give_back(s, group)


def ask_instead_of_the_dying(s: SlotSharingAllocatorState, vertex: int) -> None:
    """S4: a logical slot that is being released makes way for a new one of the same vertex."""
    if s.logical[vertex] == LogicalSlot.RELEASING:
        fire(s.logical, vertex, LogicalSlot.finish)
        emit(s, Effect.RELEASED, vertex, s.logical_number[vertex], 0)
        shared_slot.remove_request(s, vertex)
    allocation.ask(s, vertex)


def lose_with_all_requests(s: SlotSharingAllocatorState, group: int, cause: int) -> int:
    """S5: a request that has no logical slot yet fails when the physical slot is lost."""
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] == LogicalRequest.COMPLETED:
            shared_slot.end_logical_slot(s, v, cause)
            shared_slot.remove_request(s, v)
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] == LogicalRequest.PENDING:
            shared_slot.fail_logical_request(s, v, cause)
    if s.group[group] != SharedSlot.ABSENT:
        shared_slot.give_back(s, group)
    return NONE


def finish_even_so(s: SlotSharingAllocatorState, vertex: int) -> int:
    """S6: the slot is returned, and its release future fails, as it was in 1.12."""
    number = s.logical_number[vertex]
    failed = s.payload[vertex] == shared_slot.Payload.FAILED
    fire(s.logical, vertex, LogicalSlot.finish)
    shared_slot.remove_request(s, vertex)
    shared_slot.give_away(s, shared_slot.give_back_if_unused(s, s.group_of[vertex]))
    emit(s, Effect.RELEASED, vertex, number, failed)
    return NONE


def request_together_or_not_at_all(s: SlotSharingAllocatorState, walk: int) -> int:
    """S7: what a call has taken is free again if the pool then raises."""
    raised = allocation.request_together(s, walk)
    if raised != NONE:
        for g in s.elements(groups):
            if s.chosen[g]:
                take_back(s, s.chosen[g] - 1)
    return raised


def check_the_call_first(s: SlotSharingAllocatorState, count: int) -> int:
    """S9: a vertex that its group does not contain is refused before anything is done."""
    raised = allocation.read_call(s, count)
    if raised == NONE and not all(s.member[s.call[at] - 1] for at in range(count)):
        return Raised.ILLEGAL_ARGUMENT
    return raised


def is_fulfillable_somehow(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """S10: a bulk is fulfillable if slots can be given out so that each group has one."""
    s.check_order = 0
    return could_be_served(s, bulk)


S1 = {bulks.has_changed: walk_over_a_copy}
S2 = {shared_slot.fail_in_bulk: fail_only_that_group}
S3 = {shared_slot.give_back: give_back_and_forget}
S4 = {allocation.ask: ask_instead_of_the_dying}
S5 = {shared_slot.lose_shared_slot: lose_with_all_requests}
S6 = {shared_slot.finish_release: finish_even_so}
S7 = {allocation.request_together: request_together_or_not_at_all}
S9 = {allocation.read_call: check_the_call_first}
S10 = {bulks.is_fulfillable: is_fulfillable_somehow}
