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
from slotspec.models.slot_manager.state import Effect, SlotManagerState
from slotspec.models.slot_manager.updates import queued
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_manager.settings import (
    either,
    known,
    loses_reservations,
    runs_at_once,
)
from slotspec.properties.slot_manager.views import (
    is_unchanged,
)
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.always("SlotManagerImpl.allocateSlot: whenCompleteAsync")
def settled_calls_are_queued(s: SlotManagerState) -> bool:
    """A call is in the main thread's queue, once, exactly while its outcome was not run."""
    for call in range(len(s.call)):
        places = 0
        for place in range(len(s.main_call)):
            if s.main_call[place] == call:
                places += 1
        state = s.call[call]
        settled = (
            state == SlotCall.ACKNOWLEDGED
            or state == SlotCall.OCCUPIED
            or state == SlotCall.REJECTED
            or state == SlotCall.CANCELLED
        )
        if places != settled:
            return False
    return True


@slot_manager.always("MainThreadExecutor", when=runs_at_once)
def nothing_waits_between_operations(s: SlotManagerState) -> bool:
    """A main thread that runs at once has an empty queue after each operation."""
    return queued(s) == 0


@slot_manager.always(
    "SlotManagerImpl.allocateSlot",
    deviation=known(
        "a call is settled only through the request that has it, and that may have a newer one",
        either(loses_reservations, has_queue),
    ),
)
def open_calls_have_a_slot(s: SlotManagerState) -> bool:
    """Whoever was asked for a slot, and has not answered, was asked for one that is PENDING."""
    for call in range(len(s.call)):
        if s.call[call] == SlotCall.OPEN:
            slot = s.call_slot[call]
            if s.slot[slot] != TaskManagerSlot.PENDING:
                return False
            if s.request_allocation[s.slot_request[slot]] != s.call_allocation[call]:
                return False
    return True


@slot_manager.always("SlotManagerImpl.allocateSlot", when=runs_at_once)
def pending_slots_have_a_call(s: SlotManagerState) -> bool:
    """For every PENDING slot its TaskExecutor was asked, and may still answer."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.PENDING:
            found = False
            for call in range(len(s.call)):
                if s.call[call] == SlotCall.OPEN and s.call_slot[call] == slot:
                    found = True
            if not found:
                return False
    return True


@slot_manager.step(
    "SlotManagerImpl.allocateSlot",
    on=call_acknowledged,
    when=runs_at_once,
    deviation=known(
        "a dead request and a living one of the same id forget calls of each other",
        loses_reservations,
    ),
)
def an_acknowledged_slot_is_allocated(
    before: SlotManagerState, after: SlotManagerState, result: int, call: int
) -> bool:
    """A slot that its TaskExecutor gives carries the allocation from then on."""
    slot = before.call_slot[call]
    return (
        after.slot[slot] == TaskManagerSlot.ALLOCATED
        and after.slot_allocation[slot] == before.call_allocation[call]
    )


@slot_manager.step(
    "SlotManagerImpl.allocateSlot",
    on=call_acknowledged,
    when=has_queue,
    deviation=known("a call that was withdrawn is settled; only a report repairs the view"),
)
def an_acknowledgement_is_heeded(
    before: SlotManagerState, after: SlotManagerState, result: int, call: int
) -> bool:
    """When a TaskExecutor says that it gave the slot, the manager takes note."""
    return after.call[call] == SlotCall.ACKNOWLEDGED


@slot_manager.step("SlotManagerImpl.allocateSlot", on=run_main_thread, when=has_queue)
def an_acknowledgement_confirms_its_own_allocation(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """A slot whose TaskExecutor agreed carries what that was asked for, whatever it is given to."""
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
    before: SlotManagerState, after: SlotManagerState, result: int, call: int
) -> bool:
    """A request whose slot is given by its TaskExecutor is no longer in the map."""
    slot = before.call_slot[call]
    if before.slot[slot] != TaskManagerSlot.PENDING:
        return True
    allocation = before.call_allocation[call]
    if before.request_allocation[before.slot_request[slot]] != allocation:
        return True
    return not is_still_entered(after, allocation)


@slot_manager.step("SlotManagerImpl.allocateSlot: a future completes once", on=call_fails)
def a_settled_call_ignores_a_failure(
    before: SlotManagerState, after: SlotManagerState, result: int, call: int, failure: int
) -> bool:
    """A failure that comes after the call was settled changes nothing."""
    return before.call[call] == SlotCall.OPEN or is_unchanged(before, after)


@slot_manager.step("SlotManagerImpl.handleFailedSlotRequest", on=call_fails, when=runs_at_once)
def a_failed_call_leaves_its_slot(
    before: SlotManagerState, after: SlotManagerState, result: int, call: int, failure: int
) -> bool:
    """A slot whose call failed is no longer PENDING for that call."""
    slot = before.call_slot[call]
    if after.slot[slot] != TaskManagerSlot.PENDING:
        return True
    return count_effects(after, int(Effect.REQUEST_SLOT), NONE, slot) > 0


@slot_manager.step(
    "SlotManagerImpl.allocateSlot: SlotOccupiedException",
    on=call_occupied,
    when=lambda setting: has_occupied_answers(setting) and runs_at_once(setting),
)
def an_occupied_slot_carries_what_is_said(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    call: int,
    allocation: int,
    job: int,
) -> bool:
    """A slot that is said to be occupied carries that allocation from then on."""
    return after.slot_allocation[before.call_slot[call]] == allocation


@slot_manager.step("SlotManagerImpl.handleFailedSlotRequest", on=call_fails, when=runs_at_once)
def a_failed_request_is_not_lost(
    before: SlotManagerState, after: SlotManagerState, result: int, call: int, failure: int
) -> bool:
    """A request whose call fails is still in the map, or its JobMaster is told."""
    for request in range(len(before.request)):
        if before.request[request] == ManagerRequest.REQUESTED:
            allocation = before.request_allocation[request]
            told = count_effects(after, int(Effect.ALLOCATION_FAILED), allocation, NONE) > 0
            if not told and not is_still_entered(after, allocation):
                return False
    return True


def is_still_entered(s: SlotManagerState, allocation: int) -> bool:
    """Whether a request of this allocation is in the map."""
    for place in range(len(s.entered)):
        request = s.entered[place]
        if request != NONE and s.request_allocation[request] == allocation:
            return True
    return False
