"""What single operations may and may not do."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_manager.environment import (
    counts,
    free_slot,
    has_reports,
    register_slot_request,
    register_task_manager,
    report_slot_in_use,
    suspend,
    unregister_slot_request,
    unregister_task_manager,
)
from slotspec.models.slot_manager.lifecycles import (
    ManagedTaskManager,
    Manager,
    ManagerRequest,
    PendingTaskManagerSlot,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    answer,
    entered_under,
    has_call,
    is_registered,
    number_of_slots,
)
from slotspec.models.slot_manager.state import Effect, Raised, Size, SlotManagerState
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_manager.settings import (
    has_several_allocations,
    has_workers,
    is_linked,
    known,
    reconnects,
    runs_at_once,
)
from slotspec.properties.slot_manager.views import (
    is_seen,
    is_unchanged,
)
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def is_stopped(s: SlotManagerState) -> bool:
    return s.manager[0] != Manager.STARTED


@slot_manager.step("SlotManagerImpl.checkInit", on=register_slot_request)
def a_stopped_manager_takes_no_request(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    allocation: int,
    job: int,
    profile: int,
) -> bool:
    """While stopped, a request ends with an exception and changes nothing."""
    if not is_stopped(before):
        return True
    raised = count_effects(after, int(Effect.RAISES), int(Raised.ILLEGAL_STATE), NONE)
    return raised == 1 and is_unchanged(before, after)


@slot_manager.step("SlotManagerImpl.checkInit", on=register_task_manager)
def a_stopped_manager_registers_nobody(
    before: SlotManagerState, after: SlotManagerState, result: int, instance: int, profile: int
) -> bool:
    """While stopped, a registration ends with an exception and changes nothing."""
    if not is_stopped(before):
        return True
    raised = count_effects(after, int(Effect.RAISES), int(Raised.ILLEGAL_STATE), NONE)
    return raised == 1 and is_unchanged(before, after)


@slot_manager.step("SlotManagerImpl.checkDuplicateRequest", on=register_slot_request)
def a_repeated_request_changes_nothing(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    allocation: int,
    job: int,
    profile: int,
) -> bool:
    """A request under an id that is waiting or fulfilled is answered false, and that is all."""
    if is_stopped(before) or not is_seen(before, allocation):
        return True
    return result == 0 and is_unchanged(before, after) and len(after.effects) == 0


@slot_manager.step("SlotManagerImpl.registerSlotRequest", on=register_slot_request)
def a_request_is_entered_or_refused(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    allocation: int,
    job: int,
    profile: int,
) -> bool:
    """A new request is in the map afterwards, unless it ended as unfulfillable."""
    if is_stopped(before) or is_seen(before, allocation):
        return True
    refused = count_effects(after, int(Effect.RAISES), int(Raised.UNFULFILLABLE), NONE) > 0
    return refused != (entered_under(after, allocation) != NONE)


@slot_manager.step("SlotManagerImpl.unregisterSlotRequest", on=unregister_slot_request)
def a_withdrawn_request_is_gone(
    before: SlotManagerState, after: SlotManagerState, result: int, allocation: int
) -> bool:
    """A request that its JobMaster gives up is not in the map, and nobody is told."""
    return (
        entered_under(after, allocation) == NONE
        and count_effects(after, int(Effect.ALLOCATION_FAILED), allocation, NONE) == 0
    )


@slot_manager.step("SlotManagerImpl.reportSlotStatus", on=report_slot_in_use, when=has_reports)
def an_unknown_connection_reports_in_vain(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    instance: int,
    slot: int,
    allocation: int,
    job: int,
) -> bool:
    """The report of a connection that is not registered changes nothing."""
    return is_registered(before, instance) or is_unchanged(before, after)


@slot_manager.step("SlotManagerImpl.updateSlotState", on=report_slot_in_use, when=has_reports)
def a_report_is_believed(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    instance: int,
    slot: int,
    allocation: int,
    job: int,
) -> bool:
    """A slot that exists carries afterwards what a registered connection says that it carries."""
    if not is_registered(before, instance) or before.slot[slot] == TaskManagerSlot.ABSENT:
        return True
    return after.slot_allocation[slot] == allocation and after.fulfilled[allocation] == slot


@slot_manager.step(
    "SlotManagerImpl.updateSlotState (FLINK-9884)", on=report_slot_in_use, when=has_reports
)
def what_displaces_a_request_is_not_waited_for(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    instance: int,
    slot: int,
    allocation: int,
    job: int,
) -> bool:
    """An allocation that is found in a PENDING slot is no longer among the requests."""
    if not is_registered(before, instance) or before.slot[slot] != TaskManagerSlot.PENDING:
        return True
    return entered_under(after, allocation) == NONE


@slot_manager.step(
    "SlotManagerImpl.updateSlotState",
    on=report_slot_in_use,
    when=has_reports,
    deviation=known(
        "updateSlotState forgets the old allocation without a word", has_several_allocations
    ),
)
def an_overwritten_allocation_is_failed(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    instance: int,
    slot: int,
    allocation: int,
    job: int,
) -> bool:
    """When a report shows another allocation in a slot, the old one's JobMaster is told."""
    old = before.slot_allocation[slot]
    if old == NONE or after.slot_allocation[slot] == old:
        return True
    return count_effects(after, int(Effect.ALLOCATION_FAILED), old, NONE) > 0


@slot_manager.step("SlotManagerImpl.registerTaskManager", on=register_task_manager)
def one_too_many_is_sent_away(
    before: SlotManagerState, after: SlotManagerState, result: int, instance: int, profile: int
) -> bool:
    """A connection that is told to go leaves everything as it was."""
    if count_effects(after, int(Effect.RELEASE_RESOURCE), instance, NONE) == 0:
        return True
    return result == 0 and is_unchanged(before, after)


@slot_manager.step("SlotManagerImpl.suspend", on=suspend)
def suspending_fails_what_is_carried(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """The JobMaster of each slot's allocation is told once, for each slot."""
    for allocation in range(len(before.fulfilled)):
        carried = 0
        for slot in range(len(before.slot)):
            if before.slot_allocation[slot] == allocation:
                carried += 1
        if count_effects(after, int(Effect.ALLOCATION_FAILED), allocation, NONE) != carried:
            return False
    return True


@slot_manager.step("SlotManagerImpl.suspend", on=suspend)
def suspending_tells_no_waiting_request(
    before: SlotManagerState, after: SlotManagerState, result: int
) -> bool:
    """No JobMaster is told of a request that waited and is in no slot."""
    for place in range(length(before.entered)):
        allocation = before.request_allocation[before.entered[place]]
        carried = False
        for slot in range(len(before.slot)):
            if before.slot_allocation[slot] == allocation:
                carried = True
        told = count_effects(after, int(Effect.ALLOCATION_FAILED), allocation, NONE) > 0
        if told and not carried:
            return False
    return True


@slot_manager.step("SlotManagerImpl.removeSlot", on=unregister_task_manager)
def a_lost_slot_fails_its_allocation(
    before: SlotManagerState, after: SlotManagerState, result: int, instance: int
) -> bool:
    """When slots go with a connection, the JobMaster of each that carried something is told."""
    for slot in range(len(before.slot)):
        if (
            before.slot_allocation[slot] != NONE
            and after.slot[slot] == TaskManagerSlot.ABSENT
            and count_effects(
                after, int(Effect.ALLOCATION_FAILED), before.slot_allocation[slot], NONE
            )
            == 0
        ):
            return False
    return True


@slot_manager.step(
    "SlotManagerImpl.unregisterTaskManager",
    on=unregister_task_manager,
    deviation=known("slots are removed by name, whoever has them by now", reconnects),
)
def leaving_takes_only_own_slots(
    before: SlotManagerState, after: SlotManagerState, result: int, instance: int
) -> bool:
    """A connection that goes takes no slot along that belongs to another one."""
    for slot in range(len(before.slot)):
        if (
            before.slot[slot] != TaskManagerSlot.ABSENT
            and after.slot[slot] == TaskManagerSlot.ABSENT
            and before.slot_instance[slot] != instance
        ):
            return False
    return True


def first_match(s: SlotManagerState, slot: int) -> int:
    """The first request without a call that a slot matches, NONE where none does."""
    for place in range(length(s.entered)):
        request = s.entered[place]
        if not has_call(s, request):
            match = answer(s, s.slot_profile[slot], s.request_profile[request])
            if match == Answer.YES:
                return request
    return NONE


@slot_manager.step(
    "SlotManagerImpl.findMatchingRequest, with linked maps", on=free_slot, when=is_linked
)
def a_freed_slot_goes_to_the_oldest_request(
    before: SlotManagerState, after: SlotManagerState, result: int, slot: int, allocation: int
) -> bool:
    """A freed slot is given to the first request in order that it matches."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.REQUEST_SLOT:
            return after.effects[i][2] == slot and after.effects[i][3] == first_match(before, slot)
    return True


def has_several_per_worker(setting: Setting) -> bool:
    """Workers have more than one slot."""
    return has_workers(setting) and bool(setting["slots_per_worker"] > 1)


@slot_manager.step(
    "SlotManagerImpl.allocateResource",
    on=register_slot_request,
    when=lambda setting: has_workers(setting) and is_linked(setting),
    deviation=known("of a new worker's slots the last is reserved first", has_several_per_worker),
)
def expected_slots_are_reserved_in_order(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    allocation: int,
    job: int,
    profile: int,
) -> bool:
    """A request reserves the oldest expected slot that is reserved for nobody."""
    request = entered_under(after, allocation)
    if request == NONE or is_seen(before, allocation):
        return True
    for place in range(length(after.expected)):
        pending = after.expected[place]
        if after.reservation[request] == pending:
            return True
        if after.pending[pending] == PendingTaskManagerSlot.OPEN:
            return after.reservation[request] == NONE
    return True


@slot_manager.step(
    "SlotManagerImpl.isMaxSlotNumExceededAfterAdding", on=register_slot_request, when=has_workers
)
def a_worker_is_asked_for_up_to_the_maximum(
    before: SlotManagerState,
    after: SlotManagerState,
    result: int,
    allocation: int,
    job: int,
    profile: int,
) -> bool:
    """A new request that finds no slot asks for a worker, if one would do and is not too much."""
    if is_stopped(before) or is_seen(before, allocation):
        return True
    request = entered_under(after, allocation)
    if request != NONE and after.request[request] != ManagerRequest.WAITING:
        return True
    raised = count_effects(after, int(Effect.RAISES), NONE, NONE)
    refused = count_effects(after, int(Effect.RAISES), int(Raised.UNFULFILLABLE), NONE)
    if (
        raised != refused
        or count_effects(after, int(Effect.ALLOCATE_RESOURCE), NONE, NONE) > 0
        or answer(after, after.default_profile, profile) != Answer.YES
    ):
        return True
    slots = number_of_slots(after) + length(after.expected)
    return slots + after.slots_per_worker > after.max_slots


@slot_manager.step("SlotManagerImpl.allocateResource", when=has_workers)
def a_worker_is_asked_for_within_the_maximum(
    before: SlotManagerState, after: SlotManagerState
) -> bool:
    """A step that asks for a worker has room for it."""
    asked = count_effects(after, int(Effect.ALLOCATE_RESOURCE), NONE, NONE)
    if asked == 0:
        return True
    return (
        length(after.expected) <= after.max_slots
        and length(before.expected) + after.slots_per_worker <= after.max_slots
    )


@slot_manager.step("ResourceActions.notifyAllocationFailure", when=runs_at_once)
def only_known_allocations_fail(before: SlotManagerState, after: SlotManagerState) -> bool:
    """A JobMaster is told only of an allocation that was waiting, or in a slot."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.ALLOCATION_FAILED:
            allocation = after.effects[i][1]
            carried = False
            for slot in range(len(before.slot)):
                if before.slot_allocation[slot] == allocation:
                    carried = True
            if not carried and entered_under(before, allocation) == NONE:
                return False
    return True


@slot_manager.step("SlotManagerImpl.getNumberRequiredTaskManagers", on=counts)
def the_sizes_agree(before: SlotManagerState, after: SlotManagerState, result: int) -> bool:
    """What is counted changes nothing, and enough workers are required for what is expected."""
    workers = 0
    expected = 0
    registered = 0
    for i in range(len(after.effects)):
        if after.effects[i][1] == Size.REQUIRED_WORKERS:
            workers = after.effects[i][2]
        if after.effects[i][1] == Size.PENDING_SLOTS:
            expected = after.effects[i][2]
        if after.effects[i][1] == Size.REGISTERED:
            registered = after.effects[i][2]
    return (
        is_unchanged(before, after)
        and registered == number_of_slots(before)
        and workers * after.slots_per_worker >= expected
        and (workers - 1) * after.slots_per_worker < expected
    )


@slot_manager.step("TaskManagerRegistration.idleSince", on=free_slot)
def idle_time_begins_when_the_last_slot_is_freed(
    before: SlotManagerState, after: SlotManagerState, result: int, slot: int, allocation: int
) -> bool:
    """Freeing a slot makes its connection idle only when no slot of it is in use."""
    for instance in range(len(after.registration)):
        became = (
            before.registration[instance] == ManagedTaskManager.IN_USE
            and after.registration[instance] == ManagedTaskManager.IDLE
        )
        if became:
            for other in range(len(after.slot)):
                if (
                    after.slot_instance[other] == instance
                    and after.slot[other] == TaskManagerSlot.ALLOCATED
                ):
                    return False
    return True
