"""What each operation may do and may not do."""

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
    ManagerRequest,
    PendingTaskManagerSlot,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.operations import is_stopped
from slotspec.models.slot_manager.records import (
    answer,
    entered_under,
    has_call,
    is_registered,
    number_of_slots,
)
from slotspec.models.slot_manager.state import (
    Effect,
    Raised,
    Size,
    SlotManagerState,
    allocations,
    instances,
    slots,
)
from slotspec.properties.slot_manager.settings import (
    has_several_allocations,
    has_several_per_worker,
    has_workers,
    is_linked,
    reconnects,
    runs_at_once,
)
from slotspec.properties.slot_manager.views import (
    is_seen,
    is_waiting,
    notices,
    raises,
)
from slotspec.statemachine.declaration.conditions import known
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import NONE, unchanged


@slot_manager.step("SlotManagerImpl.checkInit", on=register_slot_request)
def a_stopped_manager_takes_no_request(before: SlotManagerState, after: SlotManagerState) -> bool:
    """While stopped, a request ends with an exception and changes nothing."""
    return not is_stopped(before) or (
        raises(after, Raised.ILLEGAL_STATE) and unchanged(before, after)
    )


@slot_manager.step("SlotManagerImpl.checkInit", on=register_task_manager)
def a_stopped_manager_registers_nobody(before: SlotManagerState, after: SlotManagerState) -> bool:
    """While stopped, a registration ends with an exception and changes nothing."""
    return not is_stopped(before) or (
        raises(after, Raised.ILLEGAL_STATE) and unchanged(before, after)
    )


@slot_manager.step("SlotManagerImpl.checkDuplicateRequest", on=register_slot_request)
def a_repeated_request_changes_nothing(
    before: SlotManagerState, after: SlotManagerState, result: int, allocation: int
) -> bool:
    """A request under an id that is waiting or fulfilled returns false and does nothing."""
    if is_stopped(before) or not is_seen(before, allocation):
        return True
    return result == 0 and not after.effects and unchanged(before, after)


@slot_manager.step("SlotManagerImpl.registerSlotRequest", on=register_slot_request)
def a_request_is_entered_or_refused(
    before: SlotManagerState, after: SlotManagerState, allocation: int
) -> bool:
    """A new request is in the map afterwards, unless it ended as unfulfillable."""
    if is_stopped(before) or is_seen(before, allocation):
        return True
    return raises(after, Raised.UNFULFILLABLE) != is_waiting(after, allocation)


@slot_manager.step("SlotManagerImpl.unregisterSlotRequest", on=unregister_slot_request)
def a_withdrawn_request_is_gone(after: SlotManagerState, allocation: int) -> bool:
    """A request that its JobMaster gives up is not in the map, and nobody is told."""
    return not is_waiting(after, allocation) and notices(after, allocation) == 0


@slot_manager.step("SlotManagerImpl.reportSlotStatus", on=report_slot_in_use, when=has_reports)
def an_unknown_connection_reports_in_vain(
    before: SlotManagerState, after: SlotManagerState, instance: int
) -> bool:
    """The report of a connection that is not registered changes nothing."""
    return is_registered(before, instance) or unchanged(before, after)


@slot_manager.step("SlotManagerImpl.updateSlotState", on=report_slot_in_use, when=has_reports)
def a_report_is_believed(
    before: SlotManagerState, after: SlotManagerState, instance: int, slot: int, allocation: int
) -> bool:
    """After a report from a registered connection, an existing slot carries what it says."""
    if not is_registered(before, instance) or before.slot[slot] == TaskManagerSlot.ABSENT:
        return True
    return after.slot_allocation[slot] == allocation and after.fulfilled[allocation] == slot


@slot_manager.step(
    "SlotManagerImpl.updateSlotState (FLINK-9884)", on=report_slot_in_use, when=has_reports
)
def what_displaces_a_request_is_not_waited_for(
    before: SlotManagerState, after: SlotManagerState, instance: int, slot: int, allocation: int
) -> bool:
    """An allocation that is found in a PENDING slot is no longer among the requests."""
    return (
        not is_registered(before, instance)
        or before.slot[slot] != TaskManagerSlot.PENDING
        or not is_waiting(after, allocation)
    )


@slot_manager.step(
    "SlotManagerImpl.updateSlotState",
    on=report_slot_in_use,
    when=has_reports,
    deviation=known("updateSlotState silently forgets the old allocation", has_several_allocations),
)
def an_overwritten_allocation_is_failed(
    before: SlotManagerState, after: SlotManagerState, slot: int
) -> bool:
    """When a report shows another allocation in a slot, the JobMaster of the old one is told."""
    old = before.slot_allocation[slot]
    return old == NONE or after.slot_allocation[slot] == old or notices(after, old) > 0


@slot_manager.step("SlotManagerImpl.registerTaskManager", on=register_task_manager)
def one_too_many_is_sent_away(
    before: SlotManagerState, after: SlotManagerState, result: int, instance: int
) -> bool:
    """A connection that is told to go leaves everything as it was."""
    if not any(e.kind == Effect.RELEASE_RESOURCE and e.instance == instance for e in after.effects):
        return True
    return result == 0 and unchanged(before, after)


@slot_manager.step("SlotManagerImpl.suspend", on=suspend, each={"allocation": allocations})
def suspending_fails_what_is_carried(
    before: SlotManagerState, after: SlotManagerState, allocation: int
) -> bool:
    """The JobMaster of an allocation is told once for each slot that carries it."""
    carried = sum(carried == allocation for carried in before.slot_allocation)
    return notices(after, allocation) == carried


@slot_manager.step("SlotManagerImpl.suspend", on=suspend, each={"allocation": allocations})
def suspending_tells_no_waiting_request(
    before: SlotManagerState, after: SlotManagerState, allocation: int
) -> bool:
    """No JobMaster is told of a request that waited and whose allocation is in no slot."""
    return (
        not is_waiting(before, allocation)
        or allocation in before.slot_allocation
        or notices(after, allocation) == 0
    )


@slot_manager.step("SlotManagerImpl.removeSlot", on=unregister_task_manager, each={"slot": slots})
def a_lost_slot_fails_its_allocation(
    before: SlotManagerState, after: SlotManagerState, slot: int
) -> bool:
    """When a slot goes with its connection, the JobMaster of its allocation is told."""
    allocation = before.slot_allocation[slot]
    return (
        allocation == NONE
        or after.slot[slot] != TaskManagerSlot.ABSENT
        or notices(after, allocation) > 0
    )


@slot_manager.step(
    "SlotManagerImpl.unregisterTaskManager",
    on=unregister_task_manager,
    each={"slot": slots},
    deviation=known("slots are removed by name, whichever connection has them by now", reconnects),
)
def leaving_takes_only_own_slots(
    before: SlotManagerState, after: SlotManagerState, instance: int, slot: int
) -> bool:
    """A connection that leaves takes no slot of another connection with it."""
    return (
        before.slot[slot] == TaskManagerSlot.ABSENT
        or after.slot[slot] != TaskManagerSlot.ABSENT
        or before.slot_instance[slot] == instance
    )


def first_match(s: SlotManagerState, slot: int) -> int:
    """The first request without a call that the slot matches, or NONE."""
    return next(
        (
            request
            for request in s.entered
            if request != NONE
            and not has_call(s, request)
            and answer(s, s.slot_profile[slot], s.request_profile[request]) == Answer.YES
        ),
        NONE,
    )


@slot_manager.step(
    "SlotManagerImpl.findMatchingRequest, with linked maps", on=free_slot, when=is_linked
)
def a_freed_slot_goes_to_the_oldest_request(
    before: SlotManagerState, after: SlotManagerState, slot: int
) -> bool:
    """A freed slot goes to the oldest request that it matches."""
    return all(
        e.slot == slot and e.request == first_match(before, slot)
        for e in after.effects
        if e.kind == Effect.REQUEST_SLOT
    )


@slot_manager.step(
    "SlotManagerImpl.allocateResource",
    on=register_slot_request,
    when=has_workers & is_linked,
    deviation=known("of a new worker's slots the last is reserved first", has_several_per_worker),
)
def expected_slots_are_reserved_in_order(
    before: SlotManagerState, after: SlotManagerState, allocation: int
) -> bool:
    """A request reserves the oldest expected slot that is not reserved."""
    request = entered_under(after, allocation)
    if request == NONE or is_seen(before, allocation):
        return True
    own = after.reservation[request]
    for pending in after.expected:
        if pending in (own, NONE):
            return True
        if after.pending[pending] == PendingTaskManagerSlot.OPEN:
            return own == NONE
    return True


@slot_manager.step(
    "SlotManagerImpl.isMaxSlotNumExceededAfterAdding", on=register_slot_request, when=has_workers
)
def a_worker_is_asked_for_up_to_the_maximum(
    before: SlotManagerState, after: SlotManagerState, allocation: int, profile: int
) -> bool:
    """A new request that finds no slot asks for a worker, if its slots match and are allowed."""
    if is_stopped(before) or is_seen(before, allocation):
        return True
    request = entered_under(after, allocation)
    if (
        (request != NONE and after.request[request] != ManagerRequest.WAITING)
        or answer(after, after.default_profile, profile) != Answer.YES
        or any(
            e.kind == Effect.ALLOCATE_RESOURCE
            or (e.kind == Effect.RAISES and e.raised != Raised.UNFULFILLABLE)
            for e in after.effects
        )
    ):
        return True
    known_slots = number_of_slots(after) + length(after.expected)
    return known_slots + after.slots_per_worker > after.max_slots


@slot_manager.step("SlotManagerImpl.allocateResource", when=has_workers)
def a_worker_is_asked_for_within_the_maximum(
    before: SlotManagerState, after: SlotManagerState
) -> bool:
    """A step that asks for a worker has room for it."""
    return all(e.kind != Effect.ALLOCATE_RESOURCE for e in after.effects) or (
        length(after.expected) <= after.max_slots
        and length(before.expected) + after.slots_per_worker <= after.max_slots
    )


@slot_manager.step("ResourceActions.notifyAllocationFailure", when=runs_at_once)
def only_known_allocations_fail(before: SlotManagerState, after: SlotManagerState) -> bool:
    """A JobMaster is told only of an allocation that was waiting, or in a slot."""
    return all(
        e.allocation in before.slot_allocation or is_waiting(before, e.allocation)
        for e in after.effects
        if e.kind == Effect.ALLOCATION_FAILED
    )


def counted(after: SlotManagerState, size: int) -> int:
    """What the query answered for this size."""
    return next((e.number for e in after.effects if e.kind == Effect.COUNTED and e.size == size), 0)


@slot_manager.step("SlotManagerImpl.getNumberRequiredTaskManagers", on=counts)
def the_sizes_agree(before: SlotManagerState, after: SlotManagerState) -> bool:
    """Counting changes nothing; just enough workers are required for the expected slots."""
    room = counted(after, Size.REQUIRED_WORKERS) * after.slots_per_worker
    return (
        counted(after, Size.REGISTERED) == number_of_slots(before)
        and 0 <= room - counted(after, Size.PENDING_SLOTS) < after.slots_per_worker
        and unchanged(before, after)
    )


@slot_manager.step("TaskManagerRegistration.idleSince", on=free_slot, each={"instance": instances})
def idle_time_begins_when_the_last_slot_is_freed(
    before: SlotManagerState, after: SlotManagerState, instance: int
) -> bool:
    """Freeing a slot makes its connection idle only if no slot of it is still ALLOCATED."""
    becomes_idle = (
        before.registration[instance] == ManagedTaskManager.IN_USE
        and after.registration[instance] == ManagedTaskManager.IDLE
    )
    return not becomes_idle or not any(
        after.slot_instance[other] == instance and state == TaskManagerSlot.ALLOCATED
        for other, state in enumerate(after.slot)
    )
