"""The manager's maps agree with each other in every state, or Flink is known to let them not."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import has_time
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, Manager, TaskManagerSlot
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    entered_under,
    is_free_listed,
    is_registered,
    number_of_names,
    number_of_slots,
)
from slotspec.models.slot_manager.state import Check, SlotManagerState
from slotspec.properties.slot_manager.settings import (
    both,
    either,
    has_several_allocations,
    has_several_per_task_manager,
    has_several_slots,
    has_workers,
    known,
    pairs_full_slots,
    reconnects,
    throws,
)
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.always("SlotManagerImpl.slots, taskManagerRegistrations")
def slots_belong_to_registered_connections(s: SlotManagerState) -> bool:
    """Every slot belongs to a connection that is registered and came with its name."""
    width = len(s.slot)
    for slot in range(width):
        if s.slot[slot] != TaskManagerSlot.ABSENT:
            instance = s.slot_instance[slot]
            if not is_registered(s, instance):
                return False
            named = False
            for i in range(width):
                if s.reported[instance * width + i] == slot:
                    named = True
            if not named:
                return False
    return True


@slot_manager.always(
    "SlotManagerImpl.internalUnregisterTaskManager",
    deviation=known(
        "slots are removed by name: an old connection takes those of its successor along, and"
        " an exception ends a registration before all slots are there",
        either(reconnects, both(throws, has_several_per_task_manager)),
    ),
)
def connections_have_their_slots(s: SlotManagerState) -> bool:
    """Every name that a connection came with is a slot, of this or a newer connection."""
    for place in range(len(s.reported)):
        slot = s.reported[place]
        if slot != NONE and s.slot[slot] == TaskManagerSlot.ABSENT:
            return False
    return True


@slot_manager.always("SlotManagerImpl.registerSlot", when=reconnects)
def an_old_connection_owns_no_slot_of_a_new_one(s: SlotManagerState) -> bool:
    """A slot belongs to the youngest connection that came with its name."""
    width = len(s.slot)
    for slot in range(width):
        if s.slot[slot] != TaskManagerSlot.ABSENT:
            youngest = NONE
            for place in range(length(s.registrations)):
                instance = s.registrations[place]
                for i in range(width):
                    if s.reported[instance * width + i] == slot:
                        youngest = instance
            if youngest != s.slot_instance[slot]:
                return False
    return True


@slot_manager.always(
    "SlotManagerImpl.freeSlots",
    deviation=known("a slot is listed, and offered again behind an exception", throws),
)
def listed_slots_are_free(s: SlotManagerState) -> bool:
    """Every slot in the list of free slots is FREE."""
    for place in range(length(s.free)):
        if s.slot[s.free[place]] != TaskManagerSlot.FREE:
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.handleFreeSlot",
    deviation=known("an exception while a request is compared loses the slot", throws),
)
def free_slots_are_listed(s: SlotManagerState) -> bool:
    """Every FREE slot is in the list of free slots."""
    for slot in range(len(s.slot)):
        if s.slot[slot] == TaskManagerSlot.FREE and not is_free_listed(s, slot):
            return False
    return True


@slot_manager.always("SlotManagerImpl.freeSlots")
def free_slots_are_listed_once(s: SlotManagerState) -> bool:
    """No slot is twice in the list of free slots, and every one there exists."""
    for place in range(length(s.free)):
        if s.slot[s.free[place]] == TaskManagerSlot.ABSENT:
            return False
        for other in range(place):
            if s.free[place] == s.free[other]:
                return False
    return True


@slot_manager.always("TaskManagerSlot: its three states and their fields")
def slots_have_what_their_state_says(s: SlotManagerState) -> bool:
    """A PENDING slot has a request, an ALLOCATED one an allocation, and no other slot either."""
    for slot in range(len(s.slot)):
        if (s.slot_request[slot] != NONE) != (s.slot[slot] == TaskManagerSlot.PENDING):
            return False
        if (s.slot_allocation[slot] != NONE) != (s.slot[slot] == TaskManagerSlot.ALLOCATED):
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.updateSlotState",
    deviation=known(
        "each report is believed for itself; nobody looks for the allocation elsewhere",
        has_several_slots,
    ),
)
def an_allocation_is_in_one_slot(s: SlotManagerState) -> bool:
    """No two slots carry the same allocation."""
    for slot in range(len(s.slot)):
        for other in range(slot):
            same = s.slot_allocation[slot] == s.slot_allocation[other]
            if same and s.slot_allocation[slot] != NONE:
                return False
    return True


@slot_manager.always(
    "SlotManagerImpl.fulfilledSlotRequests",
    deviation=known(
        "of an allocation in two slots only the last is remembered, and goes with either",
        has_several_slots,
    ),
)
def carried_allocations_are_fulfilled(s: SlotManagerState) -> bool:
    """The allocation of every ALLOCATED slot is among the fulfilled ones."""
    for slot in range(len(s.slot)):
        if s.slot_allocation[slot] != NONE and s.fulfilled[s.slot_allocation[slot]] == NONE:
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.fulfilledSlotRequests",
    deviation=known(
        "an allocation that is overwritten in its slot stays fulfilled for ever",
        has_several_allocations,
    ),
)
def fulfilled_allocations_are_carried(s: SlotManagerState) -> bool:
    """The slot of every fulfilled allocation carries it."""
    for allocation in range(len(s.fulfilled)):
        slot = s.fulfilled[allocation]
        if slot != NONE and s.slot_allocation[slot] != allocation:
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.checkDuplicateRequest",
    deviation=known("an allocation that is found in a free slot does not end its request"),
)
def no_allocation_is_waiting_and_fulfilled(s: SlotManagerState) -> bool:
    """No allocation id is both among the requests and among the fulfilled ones."""
    for allocation in range(len(s.fulfilled)):
        if s.fulfilled[allocation] != NONE and entered_under(s, allocation) != NONE:
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.isMaxSlotNumExceededAfterRegistration",
    deviation=known(
        "a reported slot that carries something counts as an expected one, and uses up none",
        both(has_workers, pairs_full_slots),
    ),
)
def the_maximum_is_kept(s: SlotManagerState) -> bool:
    """Registered and expected slots together are never more than the maximum."""
    return number_of_slots(s) + length(s.expected) <= s.max_slots


def unused_slots(s: SlotManagerState, instance: int) -> int:
    """Slots of a connection that are not ALLOCATED."""
    count = 0
    for slot in range(len(s.slot)):
        if s.slot_instance[slot] == instance and s.slot[slot] != TaskManagerSlot.ALLOCATED:
            count += 1
    return count


@slot_manager.always(
    "TaskManagerRegistration.numberFreeSlots",
    deviation=known(
        "an old connection goes on counting slots that a newer one has, and a new one those"
        " that an exception kept from being registered",
        either(reconnects, both(throws, has_several_per_task_manager)),
    ),
)
def free_counts_are_right(s: SlotManagerState) -> bool:
    """A connection's own count is that of its slots that carry nothing."""
    for instance in range(len(s.registration)):
        if is_registered(s, instance) and s.free_count[instance] != unused_slots(s, instance):
            return False
    return True


@slot_manager.always("TaskManagerRegistration.numberFreeSlots")
def free_counts_have_bounds(s: SlotManagerState) -> bool:
    """A connection counts no more free slots than it came with names."""
    for instance in range(len(s.registration)):
        if s.free_count[instance] > number_of_names(s, instance):
            return False
    return True


@slot_manager.always("SlotManagerImpl.suspend")
def a_stopped_manager_is_empty(s: SlotManagerState) -> bool:
    """Stopped, the manager has no slots, no connections and no requests."""
    if s.manager[0] == Manager.STARTED:
        return True
    return number_of_slots(s) == 0 and s.registrations[0] == NONE and s.entered[0] == NONE


@slot_manager.always(
    "SlotManagerImpl.suspend",
    deviation=known(
        "an allocation that was overwritten in its slot survives even this", has_several_allocations
    ),
)
def a_stopped_manager_has_forgotten_what_was_fulfilled(s: SlotManagerState) -> bool:
    """Stopped, the manager knows of no fulfilled allocation."""
    if s.manager[0] == Manager.STARTED:
        return True
    for allocation in range(len(s.fulfilled)):
        if s.fulfilled[allocation] != NONE:
            return False
    return True


@slot_manager.always(
    "SlotManagerImpl.suspend",
    when=has_workers,
    deviation=known("expected slots survive, and count against the maximum"),
)
def a_stopped_manager_expects_nothing(s: SlotManagerState) -> bool:
    """Stopped, the manager expects no slots of new workers."""
    return s.manager[0] == Manager.STARTED or s.expected[0] == NONE


def starts_twice(setting: Setting) -> bool:
    """There is room for the timers of two starts."""
    return has_time(setting) and bool(setting["timers"] > 2)


@slot_manager.always(
    "SlotManagerImpl.start, suspend",
    when=has_time,
    deviation=known("start does not cancel the checks of an earlier start", starts_twice),
)
def a_stopped_manager_checks_nothing(s: SlotManagerState) -> bool:
    """Stopped, the manager has no check scheduled."""
    return s.manager[0] == Manager.STARTED or s.timer[0] == Check.UNUSED


@slot_manager.always(
    "TaskManagerRegistration.idleSince",
    deviation=known(
        "the count of free slots includes PENDING ones: freeing another slot makes it idle",
        has_several_per_task_manager,
    ),
)
def idle_connections_are_unused(s: SlotManagerState) -> bool:
    """No slot of an idle connection is PENDING or ALLOCATED."""
    for slot in range(len(s.slot)):
        if (
            s.slot[slot] != TaskManagerSlot.ABSENT
            and s.slot[slot] != TaskManagerSlot.FREE
            and s.registration[s.slot_instance[slot]] == ManagedTaskManager.IDLE
        ):
            return False
    return True


@slot_manager.always(
    "TaskManagerRegistration.markUsed, freeSlot",
    deviation=known("idle time does not begin anew after a call that failed or was withdrawn"),
)
def unused_connections_are_idle(s: SlotManagerState) -> bool:
    """A connection all of whose slots are FREE is idle."""
    for instance in range(len(s.registration)):
        if s.registration[instance] == ManagedTaskManager.IN_USE:
            in_use = 0
            for slot in range(len(s.slot)):
                if s.slot_instance[slot] == instance and s.slot[slot] != TaskManagerSlot.FREE:
                    in_use += 1
            if in_use == 0:
                return False
    return True
