"""What can happen: without these, the other properties might hold of nothing."""

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
from slotspec.models.slot_manager.state import SlotManagerState
from slotspec.properties.slot_manager.settings import (
    finds_other_content,
    has_several_allocations,
    has_several_slots,
    has_workers,
    reconnects,
)
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.sometimes("SlotManagerImpl.allocateSlot")
def a_slot_is_given_and_not_confirmed(s: SlotManagerState) -> bool:
    """A request has a slot whose TaskExecutor has not answered."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.PENDING and is_entered(s, s.slot_request[slot]):
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.updateSlotState")
def an_allocation_is_fulfilled(s: SlotManagerState) -> bool:
    """A slot carries an allocation and the manager knows where it is."""
    for allocation in range(len(s.fulfilled)):
        slot = s.fulfilled[allocation]
        if slot != NONE and s.slot_allocation[slot] == allocation:
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.slots", when=has_several_slots)
def all_slots_are_in_use(s: SlotManagerState) -> bool:
    """Every slot is given away or carries something."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.ABSENT or s.slot[slot] == TaskManagerSlot.FREE:
            return False
    return True


@slot_manager.sometimes("SlotManagerImpl.internalRequestSlot", when=has_several_allocations)
def a_request_waits_for_a_slot_in_use(s: SlotManagerState) -> bool:
    """A request waits with nothing in view, since all that matches is in use."""
    for request in range(len(s.request)):
        if s.request[request] == ManagerRequest.WAITING:
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.allocateResource", when=has_workers)
def a_request_waits_for_a_new_worker(s: SlotManagerState) -> bool:
    """An expected slot is reserved for a request."""
    for request in range(len(s.request)):
        if s.request[request] == ManagerRequest.RESERVED:
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.isMaxSlotNumExceededAfterAdding", when=has_workers)
def the_maximum_is_reached(s: SlotManagerState) -> bool:
    """Registered and expected slots are as many as there may be."""
    return number_of_slots(s) + length(s.expected) == s.max_slots


def has_workers_of_several_slots(setting: Setting) -> bool:
    """A new worker has slots that nobody asked for."""
    return has_workers(setting) and bool(setting["slots_per_worker"] > 1)


@slot_manager.sometimes("SlotManagerImpl.allocateResource", when=has_workers_of_several_slots)
def a_worker_has_slots_to_spare(s: SlotManagerState) -> bool:
    """One slot of a new worker is reserved, another is not."""
    reserved = 0
    open_ = 0
    for pending in range(len(s.pending)):
        if s.pending[pending] == PendingTaskManagerSlot.RESERVED:
            reserved += 1
        if s.pending[pending] == PendingTaskManagerSlot.OPEN:
            open_ += 1
    return reserved > 0 and open_ > 0


def loses_reservations_late(setting: Setting) -> bool:
    """A request can die while it waits for a new worker."""
    return has_workers(setting) and has_time(setting)


@slot_manager.sometimes(
    "SlotManagerImpl.registerSlot, checkSlotRequestTimeouts", when=loses_reservations_late
)
def a_dead_request_gets_a_slot(s: SlotManagerState) -> bool:
    """The worker comes after the request has timed out, and is asked for it all the same."""
    for slot in range(len(s.slot)):
        if (
            s.slot[slot] == TaskManagerSlot.PENDING
            and s.request[s.slot_request[slot]] == ManagerRequest.TIMED_OUT
        ):
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.registerTaskManager", when=reconnects)
def a_connection_has_lost_all_its_slots(s: SlotManagerState) -> bool:
    """A registered connection has names and not one slot."""
    for instance in range(len(s.registration)):
        if is_registered(s, instance) and number_of_names(s, instance) > 0:
            found = False
            for slot in range(len(s.slot)):
                if s.slot_instance[slot] == instance:
                    found = True
            if not found:
                return True
    return False


@slot_manager.sometimes("SlotManagerImpl.registerSlotRequest", when=finds_other_content)
def an_allocation_is_found_that_nobody_asked_for(s: SlotManagerState) -> bool:
    """A slot carries an allocation, and so far no request was ever called for it."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.ALLOCATED:
            for call in range(len(s.call)):
                if s.call[call] != SlotCall.UNUSED:
                    return False
            return entered_under(s, s.slot_allocation[slot]) == NONE
    return False


@slot_manager.sometimes("SlotManagerImpl.suspend", when=has_workers)
def a_stopped_manager_still_expects_slots(s: SlotManagerState) -> bool:
    """Suspended while a worker was on its way."""
    return s.manager[0] == Manager.STOPPED and s.expected[0] != NONE


@slot_manager.sometimes("SlotManagerImpl.allocateSlot", when=has_queue)
def an_outcome_waits_for_the_main_thread(s: SlotManagerState) -> bool:
    """A call was withdrawn while its slot is still PENDING for it."""
    for call in range(len(s.call)):
        if (
            s.call[call] == SlotCall.CANCELLED
            and s.slot[s.call_slot[call]] == TaskManagerSlot.PENDING
        ):
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.handleFailedSlotRequest", when=has_queue)
def an_outcome_meets_a_newer_request(s: SlotManagerState) -> bool:
    """A failed call waits for the main thread while its id is in the map for another request."""
    for call in range(len(s.call)):
        if s.call[call] == SlotCall.REJECTED:
            request = entered_under(s, s.call_allocation[call])
            if request != NONE and s.request_call[request] != call:
                return True
    return False


@slot_manager.sometimes("TaskManagerRegistration.idleSince", when=has_time)
def a_connection_is_idle_for_long(s: SlotManagerState) -> bool:
    """A connection has been idle for the timeout."""
    for instance in range(len(s.registration)):
        if (
            s.registration[instance] == ManagedTaskManager.IDLE
            and s.idle_for[instance] >= s.task_manager_timeout
        ):
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.releaseTaskExecutorIfPossible", when=asks_before_release)
def a_question_is_overtaken_by_use(s: SlotManagerState) -> bool:
    """A TaskExecutor was asked whether it may go, and is used before it answers."""
    for query in range(len(s.query)):
        if s.query[query] == IdleQuery.STALE:
            return True
    return False


@slot_manager.sometimes("SlotManagerImpl.releaseTaskExecutorIfPossible", when=asks_before_release)
def a_question_outlives_its_registration(s: SlotManagerState) -> bool:
    """A TaskExecutor leaves before it answers, and is registered again."""
    for query in range(len(s.query)):
        if s.query[query] == IdleQuery.DETACHED and is_registered(s, s.query_instance[query]):
            return True
    return False
