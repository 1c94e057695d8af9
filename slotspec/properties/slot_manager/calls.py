"""Calls to TaskExecutors, their outcomes, and the main thread that runs them."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import (
    call_acknowledged,
    call_fails,
    call_occupied,
    has_occupied_answers,
    has_queue,
    run_main_thread,
)
from slotspec.models.slot_manager.lifecycles import ManagerRequest, SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.state import Effect, SlotManagerState, calls, slots
from slotspec.models.slot_manager.updates import queued
from slotspec.properties.slot_manager.settings import loses_reservations, runs_at_once
from slotspec.properties.slot_manager.views import is_waiting, notices
from slotspec.statemachine.declaration.conditions import known
from slotspec.statemachine.declaration.rules import NONE, unchanged


@slot_manager.always("SlotManagerImpl.allocateSlot: whenCompleteAsync", each={"call": calls})
def settled_calls_are_queued(s: SlotManagerState, call: int) -> bool:
    """A settled call is in the queue of the main thread, once, until its outcome runs."""
    settled = s.call[call] in (
        SlotCall.ACKNOWLEDGED,
        SlotCall.OCCUPIED,
        SlotCall.REJECTED,
        SlotCall.CANCELLED,
    )
    return sum(waiting == call for waiting in s.main_call) == settled


@slot_manager.always("MainThreadExecutor", when=runs_at_once)
def nothing_waits_between_operations(s: SlotManagerState) -> bool:
    """A main thread that runs everything at once has an empty queue after each operation."""
    return queued(s) == 0


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    each={"call": calls},
    deviation=known(
        "a call is settled only through the request that has it, and that may have a newer one",
        loses_reservations | has_queue,
    ),
)
def open_calls_have_a_slot(s: SlotManagerState, call: int) -> bool:
    """While a call is open, its slot is PENDING for the allocation of the call."""
    if s.call[call] != SlotCall.OPEN:
        return True
    slot = s.call_slot[call]
    return (
        s.slot[slot] == TaskManagerSlot.PENDING
        and s.request_allocation[s.slot_request[slot]] == s.call_allocation[call]
    )


@slot_manager.always("SlotManagerImpl.allocateSlot", each={"slot": slots}, when=runs_at_once)
def pending_slots_have_a_call(s: SlotManagerState, slot: int) -> bool:
    """For every PENDING slot there is an open call, which its TaskExecutor may still answer."""
    return s.slot[slot] != TaskManagerSlot.PENDING or any(
        state == SlotCall.OPEN and s.call_slot[call] == slot for call, state in enumerate(s.call)
    )


@slot_manager.step(
    "SlotManagerImpl.allocateSlot",
    on=call_acknowledged,
    when=runs_at_once,
    deviation=known(
        "a dead request and a live one of the same id lose track of each other's calls",
        loses_reservations,
    ),
)
def an_acknowledged_slot_is_allocated(
    before: SlotManagerState, after: SlotManagerState, call: int
) -> bool:
    """When a TaskExecutor acknowledges a call, the slot carries the allocation from then on."""
    slot = before.call_slot[call]
    return (
        after.slot[slot] == TaskManagerSlot.ALLOCATED
        and after.slot_allocation[slot] == before.call_allocation[call]
    )


@slot_manager.step(
    "SlotManagerImpl.allocateSlot",
    on=call_acknowledged,
    when=has_queue,
    deviation=known("a withdrawn call is settled already; only a report repairs the view"),
)
def an_acknowledgement_is_heeded(after: SlotManagerState, call: int) -> bool:
    """When a TaskExecutor acknowledges a call, the manager takes note."""
    return after.call[call] == SlotCall.ACKNOWLEDGED


@slot_manager.step("SlotManagerImpl.allocateSlot", on=run_main_thread, when=has_queue)
def an_acknowledgement_confirms_its_own_allocation(
    before: SlotManagerState, after: SlotManagerState
) -> bool:
    """An acknowledged slot carries the allocation of the call, whatever request has the slot."""
    call = before.main_call[0]
    if call == NONE or before.call[call] != SlotCall.ACKNOWLEDGED:
        return True
    slot = before.call_slot[call]
    return (
        after.slot[slot] != TaskManagerSlot.ALLOCATED
        or after.slot_allocation[slot] == before.call_allocation[call]
    )


@slot_manager.step("SlotManagerImpl.updateSlotState", on=call_acknowledged, when=runs_at_once)
def an_acknowledged_request_is_over(
    before: SlotManagerState, after: SlotManagerState, call: int
) -> bool:
    """A request whose call is acknowledged is no longer in the map."""
    slot, allocation = before.call_slot[call], before.call_allocation[call]
    return (
        before.slot[slot] != TaskManagerSlot.PENDING
        or before.request_allocation[before.slot_request[slot]] != allocation
        or not is_waiting(after, allocation)
    )


@slot_manager.step("SlotManagerImpl.allocateSlot: a future completes once", on=call_fails)
def a_settled_call_ignores_a_failure(
    before: SlotManagerState, after: SlotManagerState, call: int
) -> bool:
    """A failure that comes after the call was settled changes nothing."""
    return before.call[call] == SlotCall.OPEN or unchanged(before, after)


@slot_manager.step("SlotManagerImpl.handleFailedSlotRequest", on=call_fails, when=runs_at_once)
def a_failed_call_leaves_its_slot(
    before: SlotManagerState, after: SlotManagerState, call: int
) -> bool:
    """A slot whose call failed is no longer PENDING for that call."""
    slot = before.call_slot[call]
    return after.slot[slot] != TaskManagerSlot.PENDING or any(
        e.kind == Effect.REQUEST_SLOT and e.slot == slot for e in after.effects
    )


@slot_manager.step(
    "SlotManagerImpl.allocateSlot: SlotOccupiedException",
    on=call_occupied,
    when=has_occupied_answers & runs_at_once,
)
def an_occupied_slot_carries_what_is_said(
    before: SlotManagerState, after: SlotManagerState, call: int, allocation: int
) -> bool:
    """If a TaskExecutor finds an allocation in the slot, the slot carries it from then on."""
    return after.slot_allocation[before.call_slot[call]] == allocation


@slot_manager.step("SlotManagerImpl.handleFailedSlotRequest", on=call_fails, when=runs_at_once)
def a_failed_request_is_not_lost(before: SlotManagerState, after: SlotManagerState) -> bool:
    """A request whose call fails is still in the map, or its JobMaster is told."""
    return all(
        is_waiting(after, allocation) or notices(after, allocation) > 0
        for request, allocation in enumerate(before.request_allocation)
        if before.request[request] == ManagerRequest.REQUESTED
    )
