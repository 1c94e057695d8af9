"""What can happen: guards against vacuous properties."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import asks_before_release, has_queue, has_time
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    entered_under,
    is_entered,
    is_registered,
    number_of_names,
    number_of_slots,
)
from slotspec.models.slot_manager.state import SlotManagerState, instances
from slotspec.properties.slot_manager.settings import (
    finds_other_content,
    has_several_allocations,
    has_several_per_worker,
    has_several_slots,
    has_workers,
    loses_reservations,
    reconnects,
)
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.sometimes("SlotManagerImpl.allocateSlot")
def a_slot_is_given_and_not_confirmed(s: SlotManagerState) -> bool:
    """A live request has a slot whose TaskExecutor has not answered."""
    return any(
        state == TaskManagerSlot.PENDING and is_entered(s, s.slot_request[slot])
        for slot, state in enumerate(s.slot)
    )


@slot_manager.sometimes("SlotManagerImpl.updateSlotState")
def an_allocation_is_fulfilled(s: SlotManagerState) -> bool:
    """A slot carries an allocation and the manager knows where it is."""
    return any(
        slot != NONE and s.slot_allocation[slot] == allocation
        for allocation, slot in enumerate(s.fulfilled)
    )


@slot_manager.sometimes("SlotManagerImpl.slots", when=has_several_slots)
def all_slots_are_in_use(s: SlotManagerState) -> bool:
    """Every slot is PENDING or ALLOCATED."""
    return all(state in (TaskManagerSlot.PENDING, TaskManagerSlot.ALLOCATED) for state in s.slot)


@slot_manager.sometimes("SlotManagerImpl.internalRequestSlot", when=has_several_allocations)
def a_request_waits_for_a_slot_in_use(s: SlotManagerState) -> bool:
    """A request waits with no slot in view, since all that match are in use."""
    return ManagerRequest.WAITING in s.request


@slot_manager.sometimes("SlotManagerImpl.allocateResource", when=has_workers)
def a_request_waits_for_a_new_worker(s: SlotManagerState) -> bool:
    """An expected slot is reserved for a request."""
    return ManagerRequest.RESERVED in s.request


@slot_manager.sometimes("SlotManagerImpl.isMaxSlotNumExceededAfterAdding", when=has_workers)
def the_maximum_is_reached(s: SlotManagerState) -> bool:
    """Registered and expected slots are as many as there may be."""
    return number_of_slots(s) + length(s.expected) == s.max_slots


@slot_manager.sometimes("SlotManagerImpl.allocateResource", when=has_several_per_worker)
def a_worker_has_slots_to_spare(s: SlotManagerState) -> bool:
    """One slot of a new worker is reserved, another is not."""
    return PendingTaskManagerSlot.RESERVED in s.pending and PendingTaskManagerSlot.OPEN in s.pending


@slot_manager.sometimes(
    "SlotManagerImpl.registerSlot, checkSlotRequestTimeouts", when=loses_reservations
)
def a_dead_request_gets_a_slot(s: SlotManagerState) -> bool:
    """The worker registers after the request timed out, and is called for it all the same."""
    return any(
        state == TaskManagerSlot.PENDING
        and s.request[s.slot_request[slot]] == ManagerRequest.TIMED_OUT
        for slot, state in enumerate(s.slot)
    )


@slot_manager.sometimes("SlotManagerImpl.registerTaskManager", when=reconnects)
def a_connection_has_lost_all_its_slots(s: SlotManagerState) -> bool:
    """A registered connection reported slots and has none left."""
    return any(
        is_registered(s, instance)
        and number_of_names(s, instance) > 0
        and instance not in s.slot_instance
        for instance in s.elements(instances)
    )


@slot_manager.sometimes("SlotManagerImpl.registerSlotRequest", when=finds_other_content)
def an_allocation_is_found_that_nobody_asked_for(s: SlotManagerState) -> bool:
    """A slot carries an allocation, and no request has been called so far."""
    return all(call == SlotCall.UNUSED for call in s.call) and any(
        allocation != NONE and entered_under(s, allocation) == NONE
        for allocation in s.slot_allocation
    )


@slot_manager.sometimes("SlotManagerImpl.suspend", when=has_workers)
def a_stopped_manager_still_expects_slots(s: SlotManagerState) -> bool:
    """The manager was suspended while a worker was on its way."""
    return s.manager[0] == Manager.STOPPED and s.expected[0] != NONE


@slot_manager.sometimes("SlotManagerImpl.allocateSlot", when=has_queue)
def an_outcome_waits_for_the_main_thread(s: SlotManagerState) -> bool:
    """A call was withdrawn while its slot is still PENDING for it."""
    return any(
        state == SlotCall.CANCELLED and s.slot[s.call_slot[call]] == TaskManagerSlot.PENDING
        for call, state in enumerate(s.call)
    )


@slot_manager.sometimes("SlotManagerImpl.handleFailedSlotRequest", when=has_queue)
def an_outcome_meets_a_newer_request(s: SlotManagerState) -> bool:
    """A failed call waits for the main thread while its id is in the map for another request."""
    for call, state in enumerate(s.call):
        if state == SlotCall.REJECTED:
            request = entered_under(s, s.call_allocation[call])
            if request != NONE and s.request_call[request] != call:
                return True
    return False


@slot_manager.sometimes("TaskManagerRegistration.idleSince", when=has_time)
def a_connection_is_idle_for_long(s: SlotManagerState) -> bool:
    """A connection has been idle for the timeout."""
    return any(
        state == ManagedTaskManager.IDLE and s.idle_for[instance] >= s.task_manager_timeout
        for instance, state in enumerate(s.registration)
    )


@slot_manager.sometimes("SlotManagerImpl.releaseTaskExecutorIfPossible", when=asks_before_release)
def a_question_is_overtaken_by_use(s: SlotManagerState) -> bool:
    """A TaskExecutor was asked whether it may go, and is used before it answers."""
    return IdleQuery.STALE in s.query


@slot_manager.sometimes("SlotManagerImpl.releaseTaskExecutorIfPossible", when=asks_before_release)
def a_question_outlives_its_registration(s: SlotManagerState) -> bool:
    """A TaskExecutor leaves before it answers, and is registered again."""
    return any(
        state == IdleQuery.DETACHED and is_registered(s, s.query_instance[query])
        for query, state in enumerate(s.query)
    )
