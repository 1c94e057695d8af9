"""The manager's maps agree with each other in every state, except where Flink's do not."""

from __future__ import annotations

from slotspec.models.slot_manager.environment import has_time
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, Manager, TaskManagerSlot
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    came_with,
    is_registered,
    number_of_names,
    number_of_slots,
)
from slotspec.models.slot_manager.state import (
    Check,
    SlotManagerState,
    allocations,
    instances,
    slots,
)
from slotspec.properties.slot_manager.settings import (
    has_several_allocations,
    has_several_per_task_manager,
    has_several_slots,
    has_workers,
    pairs_full_slots,
    reconnects,
    throws,
)
from slotspec.properties.slot_manager.views import is_waiting
from slotspec.statemachine.declaration.conditions import exceeds, known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE


@slot_manager.always("SlotManagerImpl.slots, taskManagerRegistrations", each={"slot": slots})
def slots_belong_to_registered_connections(s: SlotManagerState, slot: int) -> bool:
    """Every slot belongs to a registered connection that reported its name."""
    if s.slot[slot] == TaskManagerSlot.ABSENT:
        return True
    instance = s.slot_instance[slot]
    return is_registered(s, instance) and came_with(s, instance, slot)


@slot_manager.always(
    "SlotManagerImpl.internalUnregisterTaskManager",
    deviation=known(
        "slots are removed by name: an old connection removes those of its successor too, and"
        " an exception ends a registration before all its slots exist",
        reconnects | throws & has_several_per_task_manager,
    ),
)
def connections_have_their_slots(s: SlotManagerState) -> bool:
    """Every name that a connection reported is a slot of this connection or of a newer one."""
    return all(s.slot[slot] != TaskManagerSlot.ABSENT for slot in s.reported if slot != NONE)


@slot_manager.always("SlotManagerImpl.registerSlot", each={"slot": slots}, when=reconnects)
def an_old_connection_owns_no_slot_of_a_new_one(s: SlotManagerState, slot: int) -> bool:
    """A slot belongs to the newest connection that reported its name."""
    if s.slot[slot] == TaskManagerSlot.ABSENT:
        return True
    newest = NONE
    for instance in s.registrations:
        if instance != NONE and came_with(s, instance, slot):
            newest = instance
    return newest == s.slot_instance[slot]


@slot_manager.always(
    "SlotManagerImpl.freeSlots",
    deviation=known("a slot is listed, and offered again after an exception", throws),
)
def listed_slots_are_free(s: SlotManagerState) -> bool:
    """Every slot in the list of free slots is FREE."""
    return all(s.slot[slot] == TaskManagerSlot.FREE for slot in s.free if slot != NONE)


@slot_manager.always(
    "SlotManagerImpl.handleFreeSlot",
    each={"slot": slots},
    deviation=known("an exception while a request is compared loses the slot", throws),
)
def free_slots_are_listed(s: SlotManagerState, slot: int) -> bool:
    """Every FREE slot is in the list of free slots."""
    return s.slot[slot] != TaskManagerSlot.FREE or slot in s.free


@slot_manager.always("SlotManagerImpl.freeSlots", each={"slot": slots})
def free_slots_are_listed_once(s: SlotManagerState, slot: int) -> bool:
    """A slot is in the list of free slots at most once, and only if it exists."""
    exists = s.slot[slot] != TaskManagerSlot.ABSENT
    return sum(listed == slot for listed in s.free) <= exists


@slot_manager.always("TaskManagerSlot: its three states and their fields", each={"slot": slots})
def slots_have_what_their_state_says(s: SlotManagerState, slot: int) -> bool:
    """Exactly the PENDING slots have a request, and exactly the ALLOCATED ones an allocation."""
    pending = s.slot[slot] == TaskManagerSlot.PENDING
    allocated = s.slot[slot] == TaskManagerSlot.ALLOCATED
    return (s.slot_request[slot] != NONE) == pending and (
        s.slot_allocation[slot] != NONE
    ) == allocated


@slot_manager.always(
    "SlotManagerImpl.updateSlotState",
    each={"allocation": allocations},
    deviation=known(
        "the manager believes each report by itself, and never looks for the allocation elsewhere",
        has_several_slots,
    ),
)
def an_allocation_is_in_one_slot(s: SlotManagerState, allocation: int) -> bool:
    """No two slots carry the same allocation."""
    return sum(carried == allocation for carried in s.slot_allocation) <= 1


@slot_manager.always(
    "SlotManagerImpl.fulfilledSlotRequests",
    deviation=known(
        "for an allocation in two slots the map has only the last, and loses it with either",
        has_several_slots,
    ),
)
def carried_allocations_are_fulfilled(s: SlotManagerState) -> bool:
    """The allocation of every ALLOCATED slot is among the fulfilled ones."""
    return all(
        s.fulfilled[allocation] != NONE for allocation in s.slot_allocation if allocation != NONE
    )


@slot_manager.always(
    "SlotManagerImpl.fulfilledSlotRequests",
    each={"allocation": allocations},
    deviation=known(
        "an allocation that is overwritten in its slot stays fulfilled forever",
        has_several_allocations,
    ),
)
def fulfilled_allocations_are_carried(s: SlotManagerState, allocation: int) -> bool:
    """The slot of every fulfilled allocation carries it."""
    slot = s.fulfilled[allocation]
    return slot == NONE or s.slot_allocation[slot] == allocation


@slot_manager.always(
    "SlotManagerImpl.checkDuplicateRequest",
    each={"allocation": allocations},
    deviation=known("an allocation that is found in a free slot does not end its request"),
)
def no_allocation_is_waiting_and_fulfilled(s: SlotManagerState, allocation: int) -> bool:
    """No allocation id is both among the requests and among the fulfilled ones."""
    return s.fulfilled[allocation] == NONE or not is_waiting(s, allocation)


@slot_manager.always(
    "SlotManagerImpl.isMaxSlotNumExceededAfterRegistration",
    deviation=known(
        "a reported slot with an allocation counts as an expected one, but uses none up",
        has_workers & pairs_full_slots,
    ),
)
def the_maximum_is_kept(s: SlotManagerState) -> bool:
    """Registered and expected slots together never exceed the maximum."""
    return number_of_slots(s) + length(s.expected) <= s.max_slots


@slot_manager.always(
    "TaskManagerRegistration.numberFreeSlots",
    each={"instance": instances},
    deviation=known(
        "an old connection still counts slots that a newer one has, and a new one counts slots"
        " that an exception kept from being registered",
        reconnects | throws & has_several_per_task_manager,
    ),
)
def free_counts_are_right(s: SlotManagerState, instance: int) -> bool:
    """A connection's own count is the number of its slots that carry nothing."""
    return not is_registered(s, instance) or s.free_count[instance] == sum(
        s.slot_instance[slot] == instance and state != TaskManagerSlot.ALLOCATED
        for slot, state in enumerate(s.slot)
    )


@slot_manager.always("TaskManagerRegistration.numberFreeSlots", each={"instance": instances})
def free_counts_have_bounds(s: SlotManagerState, instance: int) -> bool:
    """A connection counts no more free slots than the names it reported."""
    return s.free_count[instance] <= number_of_names(s, instance)


@slot_manager.always("SlotManagerImpl.suspend")
def a_stopped_manager_is_empty(s: SlotManagerState) -> bool:
    """A stopped manager has no slots, no connections and no requests."""
    return s.manager[0] == Manager.STARTED or (
        number_of_slots(s) == 0 and s.registrations[0] == NONE and s.entered[0] == NONE
    )


@slot_manager.always(
    "SlotManagerImpl.suspend",
    deviation=known(
        "an allocation that was overwritten in its slot survives even this", has_several_allocations
    ),
)
def a_stopped_manager_has_forgotten_what_was_fulfilled(s: SlotManagerState) -> bool:
    """A stopped manager has no fulfilled allocations."""
    return s.manager[0] == Manager.STARTED or all(slot == NONE for slot in s.fulfilled)


@slot_manager.always(
    "SlotManagerImpl.suspend",
    when=has_workers,
    deviation=known("expected slots survive, and count against the maximum"),
)
def a_stopped_manager_expects_nothing(s: SlotManagerState) -> bool:
    """A stopped manager expects no slots of new workers."""
    return s.manager[0] == Manager.STARTED or s.expected[0] == NONE


starts_twice = has_time & exceeds("timers", 2)
"""There is room for the timers of two starts."""


@slot_manager.always(
    "SlotManagerImpl.start, suspend",
    when=has_time,
    deviation=known("start does not cancel the checks of an earlier start", starts_twice),
)
def a_stopped_manager_checks_nothing(s: SlotManagerState) -> bool:
    """A stopped manager has no check scheduled."""
    return s.manager[0] == Manager.STARTED or s.timer[0] == Check.UNUSED


@slot_manager.always(
    "TaskManagerRegistration.idleSince",
    each={"slot": slots},
    deviation=known(
        "the count of free slots includes PENDING ones: freeing another slot makes it idle",
        has_several_per_task_manager,
    ),
)
def idle_connections_are_unused(s: SlotManagerState, slot: int) -> bool:
    """No slot of an idle connection is PENDING or ALLOCATED."""
    return (
        s.slot[slot] in (TaskManagerSlot.ABSENT, TaskManagerSlot.FREE)
        or s.registration[s.slot_instance[slot]] != ManagedTaskManager.IDLE
    )


@slot_manager.always(
    "TaskManagerRegistration.markUsed, freeSlot",
    each={"instance": instances},
    deviation=known("idle time does not restart after a call that failed or was withdrawn"),
)
def unused_connections_are_idle(s: SlotManagerState, instance: int) -> bool:
    """A connection whose slots are all FREE is idle."""
    return s.registration[instance] != ManagedTaskManager.IN_USE or any(
        s.slot_instance[slot] == instance and state != TaskManagerSlot.FREE
        for slot, state in enumerate(s.slot)
    )
