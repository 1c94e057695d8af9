"""The ResourceManager's SlotManager: the operations of Flink's SlotManagerImpl.

Each operation is a plain rule over :class:`SlotManagerState`. It emits the calls that it makes and
returns its answer. The caller writes a slot report to the ``report_…`` fields before the operation
that reads it, and passes the record for a new request as an argument.
"""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer as Match
from slotspec.models.common.timers import next_timer
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    ManagerRequest,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.matching import (
    allocate,
    forget_reservation,
    offer_free_slot,
    serve,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    came_with,
    entered_under,
    exceeds_maximum,
    fulfillable,
    is_known,
    is_registered,
    number_of_slots,
)
from slotspec.models.slot_manager.state import (
    ILLEGAL_STATE,
    OK,
    UNFULFILLABLE,
    UNSUPPORTED,
    Answer,
    Check,
    Effect,
    Failure,
    Raised,
    Size,
    SlotManagerState,
    report_entries,
    timers,
)
from slotspec.models.slot_manager.timers import (
    elapse,
    finish,
    forget_query,
    run_one,
    run_timer,
    schedule,
    unschedule,
)
from slotspec.models.slot_manager.updates import (
    enqueue,
    fail_unfulfillable_request,
    queued,
    remove_slot,
    set_slot,
    withdraw,
)
from slotspec.models.slot_manager.versions import PairedSlots
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def ended(s: SlotManagerState, status: int = OK, result: int = NONE) -> int:
    """End an operation: raise if it failed, and let the main thread run."""
    if status == ILLEGAL_STATE:
        emit(s, Effect.RAISES, Raised.ILLEGAL_STATE)
    elif status == UNSUPPORTED:
        emit(s, Effect.RAISES, Raised.UNSUPPORTED)
    elif status == UNFULFILLABLE:
        emit(s, Effect.RAISES, Raised.UNFULFILLABLE)
    finish(s)
    return result if status == OK else NONE


def is_stopped(s: SlotManagerState) -> bool:
    """Whether operations fail. Flink: checkInit."""
    return s.manager[0] != Manager.STARTED


# ------------------------------------------------------------------------------ lifecycle


@slot_manager.operation
def start(s: SlotManagerState) -> int:
    """Start the manager and schedule both checks, which first run at once.

    A second start schedules a second pair; only the newest can be cancelled. Flink: start.
    """
    fire(s.manager, 0, Manager.start)
    for place in s.elements(timers):
        s.cancellable[place] = 0
    schedule(s, Check.TASK_MANAGERS, 0, 1)
    schedule(s, Check.REQUESTS, 0, 1)
    return ended(s)


@slot_manager.operation
def suspend(s: SlotManagerState) -> int:
    """Withdraw all requests and unregister all TaskExecutors. Expected slots stay expected.

    Flink: suspend.
    """
    cancel_checks(s)
    for request in s.entered:
        if request != NONE:
            withdraw(s, request)
    while s.entered[0] != NONE:
        request = s.entered[0]
        remove(s.entered, request)
        fire(s.request, request, ManagerRequest.withdraw)
    while s.registrations[0] != NONE:
        leave(s, s.registrations[0], Failure.SLOT_GONE)
    fire(s.manager, 0, Manager.suspend)
    return ended(s)


@slot_manager.operation
def close(s: SlotManagerState) -> int:
    """The same as suspend. Flink: close."""
    return suspend(s)


def cancel_checks(s: SlotManagerState) -> None:
    """Cancel the checks of the newest start."""
    place = 0
    while place < len(s.timer) and s.timer[place] != Check.UNUSED:
        if s.cancellable[place]:
            unschedule(s, place)
        else:
            place += 1


@slot_manager.operation
def set_resource_allocation(s: SlotManagerState, granted: int) -> int:
    """From now on, ResourceActions grants new workers, or does not."""
    s.resources_granted = granted
    return ended(s)


# ------------------------------------------------------------------------------- requests


@slot_manager.operation
def register_slot_request(
    s: SlotManagerState, request: int, allocation: int, job: int, profile: int
) -> int:
    """A JobMaster asks for a slot. Returns 0 if this id is already known.

    Flink: registerSlotRequest.
    """
    if is_stopped(s):
        return ended(s, ILLEGAL_STATE)
    if is_known(s, allocation):
        return ended(s, result=0)
    fire(s.request, request, ManagerRequest.register)
    s.request_allocation[request] = allocation
    s.request_job[request] = job
    s.request_profile[request] = profile
    append(s.entered, request)
    status = serve(s, request)
    if status == UNFULFILLABLE:
        remove(s.entered, request)
        fire(s.request, request, ManagerRequest.fail)
    return ended(s, status, 1)


@slot_manager.operation
def unregister_slot_request(s: SlotManagerState, allocation: int) -> int:
    """A JobMaster gives up a request. Returns 0 if there is none. Flink: unregisterSlotRequest."""
    if is_stopped(s):
        return ended(s, ILLEGAL_STATE)
    request = entered_under(s, allocation)
    if request == NONE:
        return ended(s, result=0)
    remove(s.entered, request)
    withdraw(s, request)
    fire(s.request, request, ManagerRequest.withdraw)
    return ended(s, result=1)


@slot_manager.operation
def set_fail_unfulfillable_request(s: SlotManagerState, fail: int) -> int:
    """Choose whether unfulfillable requests fail at once; if so, waiting ones fail now.

    Flink: setFailUnfulfillableRequest.
    """
    if fail and not s.fail_unfulfillable:
        place = 0
        while place < len(s.entered) and s.entered[place] != NONE:
            request = s.entered[place]
            reserved = s.request[request] == ManagerRequest.RESERVED
            match Match.YES if reserved else fulfillable(s, s.request_profile[request]):
                case Match.THROWS:
                    return ended(s, UNSUPPORTED)
                case Match.NO:
                    fail_unfulfillable_request(s, request)
                case _:
                    place += 1
    s.fail_unfulfillable = fail
    return ended(s)


# -------------------------------------------------------------------------- task managers


def number_of_pairs(s: SlotManagerState) -> int:
    """How many reported slots can each be paired with an expected one.

    Expected slots are all alike, so this is the smaller of two numbers. Flink:
    getNumNonPendingReportedNewSlots.
    """
    pairs = sum(
        slot != NONE
        and s.is_default[s.report_profile[place]]
        and (s.paired_slots == PairedSlots.ANY or s.report_allocation[place] == NONE)
        for place, slot in enumerate(s.report_slot)
    )
    return min(pairs, length(s.expected))


def is_too_much(s: SlotManagerState) -> bool:
    """Whether the reported slots exceed the maximum. Expected ones among them do not count twice.

    Flink: isMaxSlotNumExceededAfterRegistration.
    """
    slots, pending = number_of_slots(s), length(s.expected)
    more = length(s.report_slot)  # a name that is repeated counts each time
    return exceeds_maximum(s, slots, pending, more) and exceeds_maximum(
        s, slots, pending, more - number_of_pairs(s)
    )


def forget_report(s: SlotManagerState) -> None:
    """Clear the report, which has been processed."""
    for place in s.elements(report_entries):
        s.report_slot[place] = NONE
        s.report_profile[place] = NONE
        s.report_allocation[place] = NONE
        s.report_job[place] = NONE


@slot_manager.operation
def register_task_manager(s: SlotManagerState, instance: int) -> int:
    """A connection registers with its report. Returns 0 if it is known, or one too many.

    Flink: registerTaskManager.
    """
    status, result = OK, 0
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif is_registered(s, instance):
        status = apply_report(s)
    elif is_too_much(s):
        emit(s, Effect.RELEASE_RESOURCE, instance)
    else:
        enter_registration(s, instance)
        status, result = register_slots(s, instance), 1
    forget_report(s)
    return ended(s, status, result)


def enter_registration(s: SlotManagerState, instance: int) -> None:
    """Enter an idle connection, which counts the entries of its report, repeated ones too."""
    fire(s.registration, instance, ManagedTaskManager.register)
    append(s.registrations, instance)
    place = instance * len(s.slot)
    for slot in s.report_slot:
        if slot != NONE:
            s.free_count[instance] += 1
            if not came_with(s, instance, slot):
                s.reported[place] = slot
                place += 1


def register_slots(s: SlotManagerState, instance: int) -> int:
    """Register the reported slots, in order."""
    for place, slot in enumerate(s.report_slot):
        if slot != NONE:
            status = register_slot(s, instance, place)
            if status != OK:
                return status
    return OK


def register_slot(s: SlotManagerState, instance: int, place: int) -> int:
    """Register one reported slot; an empty one of the default profile uses up an expected one.

    Flink: registerSlot.
    """
    slot, profile = s.report_slot[place], s.report_profile[place]
    remove_slot(s, slot, Failure.SLOT_GONE)
    fire(s.slot, slot, TaskManagerSlot.register)
    s.slot_instance[slot] = instance
    s.slot_profile[slot] = profile
    if s.follow_clock:
        s.serial += 1
        s.slot_serial[slot] = s.serial
    empty = s.report_allocation[place] == NONE
    if empty and s.is_default[profile] and s.expected[0] != NONE:
        return use_up_expected(s, slot)
    return set_slot(s, slot, s.report_allocation[place], s.report_job[place])


def use_up_expected(s: SlotManagerState, slot: int) -> int:
    """The oldest expected slot has arrived. The request that reserved it gets it, even if dead."""
    pending = s.expected[0]
    remove(s.expected, pending)
    request = s.pending_request[pending]
    s.pending_request[pending] = NONE
    fire(s.pending, pending, PendingTaskManagerSlot.arrive)
    if request == NONE:
        return offer_free_slot(s, slot)
    forget_reservation(s, request)
    return allocate(s, slot, request)


@slot_manager.operation
def report_slot_status(s: SlotManagerState, instance: int) -> int:
    """A connection sends its report in a heartbeat. Returns 0 if the connection is unknown.

    Nobody checks which connection a slot belongs to. Flink: reportSlotStatus.
    """
    status, result = OK, 0
    if is_stopped(s):
        status = ILLEGAL_STATE
    elif is_registered(s, instance):
        status, result = apply_report(s), 1
    forget_report(s)
    return ended(s, status, result)


def apply_report(s: SlotManagerState) -> int:
    """Update the slots as reported, in order."""
    for place, slot in enumerate(s.report_slot):
        if slot != NONE:
            status = set_slot(s, slot, s.report_allocation[place], s.report_job[place])
            if status != OK:
                return status
    return OK


@slot_manager.operation
def unregister_task_manager(s: SlotManagerState, instance: int) -> int:
    """A connection is lost. Returns 0 if it is unknown. Flink: unregisterTaskManager."""
    if is_stopped(s):
        return ended(s, ILLEGAL_STATE)
    if not is_registered(s, instance):
        return ended(s, result=0)
    leave(s, instance, Failure.TASK_MANAGER_LOST)
    return ended(s, result=1)


def leave(s: SlotManagerState, instance: int, cause: int) -> None:
    """Remove the connection, and the slots that now have the names it reported.

    Flink: internalUnregisterTaskManager.
    """
    remove(s.registrations, instance)
    fire(s.registration, instance, ManagedTaskManager.unregister)
    s.free_count[instance] = 0
    s.idle_for[instance] = 0
    for query, asked in enumerate(s.query_instance):
        if asked == instance and s.query[query] == IdleQuery.ASKED:
            fire(s.query, query, IdleQuery.detach)
    width = len(s.slot)
    for place in range(instance * width, (instance + 1) * width):
        slot = s.reported[place]
        s.reported[place] = NONE
        if slot != NONE:
            remove_slot(s, slot, cause)


@slot_manager.operation
def unregister_task_managers_and_release_resources(s: SlotManagerState) -> int:
    """Unregister and release all TaskExecutors. Flink: the method of the same name (1.11)."""
    while s.registrations[0] != NONE:
        instance = s.registrations[0]
        leave(s, instance, Failure.TASK_MANAGER_LOST)
        emit(s, Effect.RELEASE_RESOURCE, instance)
    return ended(s)


@slot_manager.operation
def free_slot(s: SlotManagerState, slot: int, allocation: int) -> int:
    """A TaskExecutor reports that a slot no longer carries an allocation. Flink: freeSlot."""
    if is_stopped(s):
        return ended(s, ILLEGAL_STATE)
    status = OK
    if s.slot[slot] == TaskManagerSlot.ALLOCATED and s.slot_allocation[slot] == allocation:
        status = set_slot(s, slot, NONE, NONE)
    return ended(s, status)


# -------------------------------------------------------------------------------- answers


def is_unanswered(s: SlotManagerState, call: int) -> bool:
    """Whether the TaskExecutor has not answered this call."""
    return s.call[call] != SlotCall.UNUSED and s.answered[call] == 0


def note_answer(s: SlotManagerState, call: int) -> None:
    """Remember that the TaskExecutor has answered: it cannot answer again."""
    if s.follow_clock:
        s.answered[call] = 1


@slot_manager.operation
def call_acknowledged(s: SlotManagerState, call: int) -> int:
    """A TaskExecutor agrees to give the slot. Returns 0 if it has answered before.

    Flink: completion of requestSlot's future.
    """
    if not is_unanswered(s, call):
        return ended(s, result=0)
    note_answer(s, call)
    if s.call[call] == SlotCall.OPEN:
        fire(s.call, call, SlotCall.acknowledge)
        enqueue(s, call=call)
    return ended(s, result=1)


@slot_manager.operation
def call_occupied(s: SlotManagerState, call: int, allocation: int, job: int) -> int:
    """A TaskExecutor answers that the slot carries `allocation` (SlotOccupiedException)."""
    if not is_unanswered(s, call):
        return ended(s, result=0)
    note_answer(s, call)
    if s.call[call] == SlotCall.OPEN:
        fire(s.call, call, SlotCall.occupy)
        s.found_allocation[call] = allocation
        s.found_job[call] = job
        enqueue(s, call=call)
    return ended(s, result=1)


@slot_manager.operation
def call_fails(s: SlotManagerState, call: int, cancelled: int) -> int:
    """A TaskExecutor refuses or does not answer, or the call is cancelled."""
    if not is_unanswered(s, call):
        return ended(s, result=0)
    note_answer(s, call)
    if s.call[call] == SlotCall.OPEN:
        if cancelled:
            fire(s.call, call, SlotCall.cancel)
        else:
            fire(s.call, call, SlotCall.reject)
        enqueue(s, call=call)
    return ended(s, result=1)


@slot_manager.operation
def query_answered(s: SlotManagerState, query: int, answer: int) -> int:
    """A TaskExecutor answers whether it may be released (an Answer; NONE_YET: the call failed).

    Returns 0 if it has answered before.
    """
    if s.query[query] == IdleQuery.UNUSED or s.query_answer[query] != Answer.NONE_YET:
        return ended(s, result=0)
    if answer == Answer.NONE_YET:
        forget_query(s, query)
    else:
        s.query_answer[query] = answer
        enqueue(s, query=query)
    return ended(s, result=1)


# ------------------------------------------------------------------------ time and queries


@slot_manager.operation
def run_main_thread(s: SlotManagerState, count: int) -> int:
    """Run what waits for the main thread, at most `count` (NONE: all). Returns how much it ran.

    What is handed to the main thread meanwhile waits for the next time.
    """
    ran = min(count, queued(s))
    for _ in range(ran):
        run_one(s)
    return ran


@slot_manager.operation
def advance_time(s: SlotManagerState, ms: int) -> int:
    """Let `ms` pass and run each check that becomes due at its own time."""
    place = next_timer(s)
    while place != NONE and s.due_in[place] <= ms:
        ms -= s.due_in[place]
        elapse(s, s.due_in[place])
        run_timer(s, place)
        place = next_timer(s)
    elapse(s, ms)
    return ended(s)


@slot_manager.operation
def counts(s: SlotManagerState) -> int:
    """Report the sizes that metrics and the worker requirement are based on."""
    assigned = sum(state == PendingTaskManagerSlot.RESERVED for state in s.pending)
    expected = length(s.expected)
    workers = (expected + s.slots_per_worker - 1) // s.slots_per_worker
    emit(s, Effect.COUNTED, Size.REGISTERED, number_of_slots(s))
    emit(s, Effect.COUNTED, Size.FREE, length(s.free))
    emit(s, Effect.COUNTED, Size.PENDING_SLOTS, expected)
    emit(s, Effect.COUNTED, Size.PENDING_REQUESTS, length(s.entered))
    emit(s, Effect.COUNTED, Size.ASSIGNED_PENDING_SLOTS, assigned)
    emit(s, Effect.COUNTED, Size.REQUIRED_WORKERS, workers)
    return NONE
