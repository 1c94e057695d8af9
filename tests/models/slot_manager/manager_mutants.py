"""Mutants of the slot manager: one rule each, changed by a mistake that somebody could make."""

from __future__ import annotations

from collections.abc import Mapping

from slotspec.models.common.resource_profile import Answer as Match
from slotspec.models.slot_manager import matching, operations, records, timers, updates
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.state import Answer, Effect, SlotManagerState
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.declaration.rules import NONE, emit, fire
from tests.models.mutation import Mutant


def youngest_request(s: SlotManagerState, profile: int) -> int:
    """A free slot goes to the request that came last."""
    found = NONE
    for request in s.entered:
        if (
            request != NONE
            and not records.has_call(s, request)
            and records.answer(s, profile, s.request_profile[request]) == Match.YES
        ):
            found = request
    return found


def also_those_with_a_call(s: SlotManagerState, profile: int) -> int:
    """A free slot is also offered to requests that wait for an answer."""
    return next(
        (
            request
            for request in s.entered
            if request != NONE
            and records.answer(s, profile, s.request_profile[request]) == Match.YES
        ),
        NONE,
    )


def older_than_the_timeout(s: SlotManagerState, request: int) -> bool:
    """``>`` for ``>=`` in the check of requests."""
    return s.request_age[request] > s.slot_request_timeout


def idle_for_longer(s: SlotManagerState, instance: int) -> bool:
    """``>`` for ``>=`` in the check of TaskExecutors."""
    return (
        s.registration[instance] == ManagedTaskManager.IDLE
        and s.idle_for[instance] > s.task_manager_timeout
    )


def withdrawn_on_timeout(s: SlotManagerState, request: int) -> bool:
    """A request that times out always gives its reservation back."""
    if s.request_age[request] < s.slot_request_timeout:
        return False
    matching.return_reservation(s, request)
    return True


def displaced_and_forgotten(s: SlotManagerState, request: int) -> None:
    """A request whose slot is gone is not served again."""


def cancelled_is_failed(s: SlotManagerState, call: int) -> None:
    """A cancelled call is tried again like any other that failed."""
    if s.call[call] == SlotCall.CANCELLED:
        updates.run_outcome(s, call)
        updates.handle_failed_request(s, s.call_allocation[call])
    else:
        updates.run_outcome(s, call)


def stays_fulfilled(s: SlotManagerState, allocation: int) -> None:
    """The allocation of a slot stays fulfilled."""


def not_counted(s: SlotManagerState, instance: int) -> int:
    """A slot that is occupied is still counted as free."""
    matching.mark_used(s, instance)
    return 0


def nobody_asked(s: SlotManagerState, slot: int) -> int:
    """A slot that is freed joins the free ones, whoever waits."""
    if slot not in s.free:
        append(s.free, slot)
    return 0


def still_idle(s: SlotManagerState, instance: int) -> None:
    """Assigning a slot does not end the idle time."""


def one_less(s: SlotManagerState, slots: int, pending: int, more: int) -> bool:
    """``>=`` for ``>`` against the maximum."""
    return slots + pending + more >= s.max_slots


def however_used(s: SlotManagerState, query: int) -> None:
    """A TaskExecutor that agrees is released, whatever happened since."""
    if s.query_answer[query] == Answer.YES:
        emit(s, Effect.RELEASE_RESOURCE, s.query_instance[query])
    timers.forget_query(s, query)


def only_own_slots(s: SlotManagerState, instance: int, cause: int) -> None:
    """A connection that leaves does not remove what another has registered by now."""
    width = len(s.slot)
    for behind in range(width):
        place = width - 1 - behind
        slot = s.reported[instance * width + place]
        if slot != NONE and s.slot_instance[slot] != instance:
            for j in range(place, width - 1):
                s.reported[instance * width + j] = s.reported[instance * width + j + 1]
            s.reported[instance * width + width - 1] = NONE
    operations.leave(s, instance, cause)


def no_reserve(s: SlotManagerState, late: int) -> int:
    """All TaskExecutors that are idle too long are released."""
    return late


def nothing_for_the_dead(s: SlotManagerState, slot: int) -> int:
    """An expected slot that is reserved for a dead request is offered like any other."""
    pending = s.expected[0]
    request = s.pending_request[pending]
    if request != NONE and not records.is_entered(s, request):
        matching.return_reservation(s, request)
    return operations.use_up_expected(s, slot)


def overwritten_is_freed(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """An allocation that is overwritten is no longer fulfilled."""
    updates.leave_fulfilled(s, s.slot_allocation[slot])
    updates.overwrite_allocation(s, slot, allocation, job)


def first_of_a_worker(s: SlotManagerState, wanted: int) -> int:
    """Of a new worker's slots the first is reserved."""
    last = matching.new_worker(s, wanted)
    if last == NONE or last < 0:
        return last
    return matching.open_pending_slot(s)


def known_by_request_alone(s: SlotManagerState, allocation: int) -> bool:
    """Only waiting requests make an id known, not fulfilled ones."""
    return records.entered_under(s, allocation) != NONE


def whatever_it_is_given_to(s: SlotManagerState, slot: int, allocation: int) -> int:
    """A failed call frees its slot, whatever request has it by now."""
    if s.slot[slot] != TaskManagerSlot.PENDING:
        return 0
    fire(s.slot, slot, TaskManagerSlot.clear)
    s.slot_request[slot] = NONE
    return matching.offer_free_slot(s, slot)


def idle_at_once(s: SlotManagerState, instance: int) -> int:
    """Any freed slot makes its connection idle."""
    if s.registration[instance] == ManagedTaskManager.IN_USE:
        fire(s.registration, instance, ManagedTaskManager.become_idle)
    s.free_count[instance] += 1
    return 0


def queries_live_on(s: SlotManagerState, instance: int) -> None:
    """Use does not overtake a query."""
    if s.registration[instance] == ManagedTaskManager.IDLE:
        fire(s.registration, instance, ManagedTaskManager.use)
        s.idle_for[instance] = 0


def still_waiting(s: SlotManagerState, allocation: int) -> int:
    """A request whose allocation is found stays in the map."""
    return NONE


def open_when_withdrawn(s: SlotManagerState, request: int) -> None:
    """Withdrawing leaves the call open."""
    matching.return_reservation(s, request)


MUTANTS: Mapping[str, Mutant] = {
    "youngest request first": Mutant(
        matching.find_matching_request,
        youngest_request,
        "reports",
        "a_freed_slot_goes_to_the_oldest_request",
    ),
    "also those with a call": Mutant(
        matching.find_matching_request,
        also_those_with_a_call,
        "reports",
        "a_request_is_given_one_slot",
    ),
    "> in the request check": Mutant(
        timers.is_request_too_old, older_than_the_timeout, "time", "a_dead_request_gets_a_slot"
    ),
    "> in the idle check": Mutant(
        timers.is_idle_too_long, idle_for_longer, "asking", "a_question_is_overtaken_by_use"
    ),
    "timeouts return reservations": Mutant(
        timers.is_request_too_old,
        withdrawn_on_timeout,
        "time",
        "reservations_are_for_living_requests",
    ),
    "displaced and forgotten": Mutant(
        updates.reject_call, displaced_and_forgotten, "reports", "open_calls_have_a_slot"
    ),
    "a cancellation is a failure": Mutant(
        updates.run_outcome, cancelled_is_failed, "reports", "a_called_request_will_hear"
    ),
    "stays fulfilled": Mutant(
        updates.leave_fulfilled,
        stays_fulfilled,
        "redundancy",
        "fulfilled_allocations_are_carried",
    ),
    "occupied and counted free": Mutant(
        updates.occupy_slot, not_counted, "reports", "free_counts_are_right"
    ),
    "a freed slot is offered to nobody": Mutant(
        matching.offer_free_slot, nobody_asked, "reports", "no_request_waits_beside_a_slot"
    ),
    "given away and idle": Mutant(
        matching.mark_used, still_idle, "reports", "idle_connections_are_unused"
    ),
    ">= against the maximum": Mutant(
        records.exceeds_maximum, one_less, "asking", "the_maximum_is_reached"
    ),
    "released however used": Mutant(
        timers.run_answer, however_used, "asking", "who_was_used_meanwhile_stays"
    ),
    "only own slots leave": Mutant(
        operations.leave, only_own_slots, "connections", "leaving_takes_only_own_slots"
    ),
    "no reserve": Mutant(timers.number_to_release, no_reserve, "redundancy", "the_reserve_is_kept"),
    "dead requests get nothing": Mutant(
        operations.use_up_expected,
        nothing_for_the_dead,
        "time",
        "slots_are_given_to_living_requests",
    ),
    "overwritten and gone": Mutant(
        updates.overwrite_allocation,
        overwritten_is_freed,
        "queue",
        "fulfilled_allocations_are_carried",
    ),
    "the worker's first slot": Mutant(
        matching.new_worker,
        first_of_a_worker,
        "workers",
        "expected_slots_are_reserved_in_order",
    ),
    "fulfilled ids are new": Mutant(
        records.is_known, known_by_request_alone, "reports", "a_repeated_request_changes_nothing"
    ),
    "whatever it is given to": Mutant(
        updates.remove_request_from_slot, whatever_it_is_given_to, "queue", ""
    ),
    "any freed slot makes idle": Mutant(
        updates.release_slot,
        idle_at_once,
        "connections",
        "idle_time_begins_when_the_last_slot_is_freed",
        {"instances": 1},
    ),
    "use does not overtake a question": Mutant(
        matching.mark_used, queries_live_on, "asking", "a_question_is_overtaken_by_use"
    ),
    "found and still waiting": Mutant(
        updates.fulfil_entered, still_waiting, "reports", "an_acknowledged_request_is_over"
    ),
    "withdrawn calls stay open": Mutant(
        updates.withdraw, open_when_withdrawn, "reports", "open_calls_have_a_slot"
    ),
}
