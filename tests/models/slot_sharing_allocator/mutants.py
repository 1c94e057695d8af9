"""One-rule breaks of slot sharing: what notices each of them.

Each is a rule of the model with one thing changed: a condition, a statement, an order.
"""

from __future__ import annotations

from collections.abc import Mapping

from slotspec.models.slot_sharing_allocator import allocation, bulks, operations, pool, shared_slot
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.state import (
    Effect,
    Foreign,
    SlotSharingAllocatorState,
    allocations,
    groups,
    vertices,
)
from slotspec.models.slot_sharing_allocator.walks import in_bulk
from slotspec.statemachine.declaration.queues import append, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire
from tests.models.mutation import Mutant

S = SlotSharingAllocatorState


def kept_while_unused(s: S, group: int) -> int:
    return NONE


def given_back_too_early(s: S, group: int) -> int:
    if s.group[group] == SharedSlot.ABSENT or pool.is_waiting(s, group):
        return NONE
    return shared_slot.give_back(s, group)


def bulks_hear_no_failure(s: S, group: int) -> None:
    return


def bulks_hear_no_slot(s: S, bulk: int, group: int, allocation: int) -> None:
    at = in_bulk(s, bulk, group)
    s.pending[at] = 0


def times_out_at_once(s: S, bulk: int) -> None:
    remove(s.queue, bulk)
    if not bulks.is_awaiting(s, bulk):
        fire(s.bulk, bulk, Bulk.end)
        bulks.forget(s, bulk)
        return
    if bulks.is_fulfillable(s, bulk):
        s.unfulfillable[bulk] = 0
        bulks.schedule(s, bulk)
    else:
        bulks.time_out(s, bulk)
        bulks.forget(s, bulk)


def never_unmarked(s: S, bulk: int) -> None:
    marked = s.unfulfillable[bulk]
    bulks.check_bulk(s, bulk)
    if s.bulk[bulk] == Bulk.CHECKED:
        s.unfulfillable[bulk] = marked


def own_slots_count(s: S, bulk: int, allocation: int) -> bool:
    if s.slot[allocation] not in (PhysicalSlot.FREE, PhysicalSlot.TAKEN):
        return False
    if s.foreign[allocation] == Foreign.INDEFINITELY:
        return False
    return not (s.indefinitely and pool.holder_of(s, allocation) != NONE)


def occupied_slots_count(s: S, bulk: int, allocation: int) -> bool:
    if s.slot[allocation] not in (PhysicalSlot.FREE, PhysicalSlot.TAKEN):
        return False
    return not any(
        s.fulfilled[in_bulk(s, bulk, g)] and s.fulfilled_by[in_bulk(s, bulk, g)] == allocation
        for g in s.elements(groups)
    )


def one_slot_for_all(s: S, bulk: int) -> bool:
    return all(
        not s.pending[in_bulk(s, bulk, g)] or bulks.usable_slot(s, bulk, g) != NONE
        for g in s.elements(groups)
    )


def fulfilled_groups_are_spared(s: S, bulk: int) -> None:
    return


def whole_group_is_cancelled(s: S, bulk: int, group: int) -> None:
    for v in s.elements(vertices):
        if s.group_of[v] == group:
            bulks.cancel_vertex(s, v, shared_slot.Cause.NO_RESOURCE)


def completed_requests_are_cancelled(s: S, vertex: int, cause: int) -> None:
    if s.request[vertex] == LogicalRequest.PENDING:
        shared_slot.fail_logical_request(s, vertex, cause)
    elif s.request[vertex] == LogicalRequest.COMPLETED and s.logical[vertex] == LogicalSlot.ALIVE:
        shared_slot.begin_release(s, vertex, cause)
        if s.payload[vertex] != Payload.RUNNING:
            shared_slot.finish_release(s, vertex)


def waits_for_nobody(s: S, vertex: int, cause: int) -> int:
    if s.logical[vertex] == LogicalSlot.RELEASED:
        return 1
    if s.logical[vertex] != LogicalSlot.ALIVE:
        return 0
    shared_slot.begin_release(s, vertex, cause)
    shared_slot.finish_release(s, vertex)
    return 1


def payload_is_not_failed(s: S, vertex: int, cause: int) -> None:
    fire(s.logical, vertex, LogicalSlot.release)
    if s.payload[vertex] == Payload.EMPTY:
        fire(s.payload, vertex, Payload.stand_in)


def lost_in_part(s: S, group: int, cause: int) -> int:
    for v in s.elements(vertices):
        if s.group_of[v] == group and s.request[v] == LogicalRequest.COMPLETED:
            shared_slot.end_logical_slot(s, v, cause)
            shared_slot.remove_request(s, v)
            break
    if not shared_slot.is_used(s, group):
        shared_slot.give_back(s, group)
    return NONE


def last_come_first_served(s: S, allocation: int) -> int:
    found = NONE
    for g in s.waiting:
        if g != NONE and pool.will_do(s, allocation, g):
            found = g
    return found


def matching_is_not_looked_at(s: S, allocation: int) -> int:
    return s.waiting[0]


def freed_slots_stay_free(s: S, allocation: int) -> None:
    return


def other_payloads_stay(s: S, allocation: int, cause: int) -> None:
    return


def free_slots_are_not_seen(s: S, group: int) -> int:
    return NONE


def any_free_slot_will_do(s: S, group: int) -> int:
    return next((a for a in s.elements(allocations) if s.slot[a] == PhysicalSlot.FREE), NONE)


def old_requests_are_not_answered(s: S, vertex: int) -> None:
    if s.request[vertex] == LogicalRequest.PENDING:
        return
    if s.request[vertex] == LogicalRequest.COMPLETED:
        return
    allocation.ask_anew(s, vertex)


def bulks_are_not_checked(s: S, bulk: int) -> None:
    return


def fulfilled_groups_are_not_noted(s: S, bulk: int, count: int, walk: int) -> None:
    allocation.make_bulk(s, bulk, count, walk)
    for g in s.elements(groups):
        at = in_bulk(s, bulk, g)
        s.fulfilled[at] = 0
        s.fulfilled_by[at] = NONE


def checked_late(s: S, bulk: int) -> None:
    append(s.queue, bulk)
    if s.follow_clock:
        s.due[bulk] = s.clock + s.timeout + 1


def strangers_are_members(s: S, count: int, walk: int) -> int:
    for at in range(count):
        if s.named[s.group_of[s.call[at] - 1]]:
            allocation.ask(s, s.call[at] - 1)
    return NONE


def nothing_is_lost_with_its_host(s: S, tm: int, cause: int) -> int:
    for a in s.elements(allocations):
        if s.slot[a] == PhysicalSlot.FREE and s.slot_tm[a] == tm:
            emit(s, Effect.LOST, a)
            shared_slot.lose_slot(s, a, cause)
    return NONE


MUTANTS: Mapping[str, Mutant] = {
    "kept while unused": Mutant(
        shared_slot.give_back_if_unused,
        kept_while_unused,
        "bulks",
        "what_nobody_uses_is_given_back",
    ),
    "given back too early": Mutant(
        shared_slot.give_back_if_unused,
        given_back_too_early,
        "bulks",
        "a_completed_request_has_a_slot_of_the_pool",
    ),
    "bulks hear no failure": Mutant(
        shared_slot.fail_bulks,
        bulks_hear_no_failure,
        "bulks",
        "a_pending_group_waits_for_its_slot",
    ),
    "bulks hear no slot": Mutant(
        shared_slot.mark_fulfilled,
        bulks_hear_no_slot,
        "batch",
        "a_new_bulk_knows_what_it_has",
    ),
    "times out at once": Mutant(
        bulks.check_bulk,
        times_out_at_once,
        "batch",
        "only_a_bulk_that_was_unfulfillable_times_out",
    ),
    "never unmarked": Mutant(
        bulks.check_bulk,
        never_unmarked,
        "batch",
        "a_bulk_that_could_have_its_last_slot_goes_on",
    ),
    "own slots count": Mutant(
        bulks.is_usable,
        own_slots_count,
        "batch",
        "a_bulk_waits_only_for_slots_that_it_could_have",
    ),
    "occupied slots count": Mutant(
        bulks.is_usable,
        occupied_slots_count,
        "bulks",
        "a_bulk_waits_only_for_slots_that_it_could_have",
    ),
    "one slot for all": Mutant(
        bulks.is_fulfillable,
        one_slot_for_all,
        "reactions",
        "a_bulk_waits_only_for_slots_that_it_could_have",
    ),
    # this mends S3, so no promise is broken
    "fulfilled groups are spared": Mutant(
        bulks.cancel_fulfilled,
        fulfilled_groups_are_spared,
        "bulks",
        "",
    ),
    "the whole group is cancelled": Mutant(
        bulks.cancel_group,
        whole_group_is_cancelled,
        "bulks",
        "a_check_fails_only_vertices_of_its_bulk",
    ),
    "completed requests are cancelled": Mutant(
        bulks.cancel_vertex,
        completed_requests_are_cancelled,
        "bulks",
        "cancelling_ends_exactly_one_pending_request",
    ),
    "waits for nobody": Mutant(
        operations.release_logical,
        waits_for_nobody,
        "executions",
        "a_release_waits_for_its_execution",
    ),
    "the payload is not failed": Mutant(
        shared_slot.begin_release,
        payload_is_not_failed,
        "executions",
        "a_lost_slot_ends_all_that_is_in_it",
    ),
    "lost in part": Mutant(
        shared_slot.lose_shared_slot,
        lost_in_part,
        "bulks",
        "a_completed_request_has_a_slot_of_the_pool",
    ),
    "last come, first served": Mutant(
        pool.first_waiting_for,
        last_come_first_served,
        "bulks",
        "who_waited_longest_is_served",
    ),
    "matching is not looked at": Mutant(
        pool.first_waiting_for,
        matching_is_not_looked_at,
        "batch",
        "a_group_has_a_slot_that_matches",
    ),
    "freed slots stay free": Mutant(
        shared_slot.give_away,
        freed_slots_stay_free,
        "bulks",
        "no_request_waits_beside_a_free_slot",
    ),
    "other payloads stay": Mutant(
        pool.release_foreign,
        other_payloads_stay,
        "pool",
        "a_request_waits_only_for_its_physical_slot",
    ),
    "free slots are not seen": Mutant(
        pool.free_slot_for,
        free_slots_are_not_seen,
        "one_group",
        "no_request_waits_beside_a_free_slot",
    ),
    "any free slot will do": Mutant(
        pool.free_slot_for,
        any_free_slot_will_do,
        "batch",
        "a_group_has_a_slot_that_matches",
    ),
    "an old request is not answered": Mutant(
        allocation.ask,
        old_requests_are_not_answered,
        "bulks",
        "every_vertex_of_a_call_gets_an_answer",
    ),
    "a bulk is not checked": Mutant(
        bulks.schedule,
        bulks_are_not_checked,
        "bulks",
        "every_bulk_has_one_check",
    ),
    "fulfilled groups are not noted": Mutant(
        allocation.make_bulk,
        fulfilled_groups_are_not_noted,
        "batch",
        "a_new_bulk_knows_what_it_has",
    ),
    # a check has no clock
    "checked late": Mutant(bulks.schedule, checked_late, "bulks", ""),
    "strangers are members": Mutant(
        allocation.ask_all,
        strangers_are_members,
        "pool",
        "only_members_have_requests",
    ),
    "nothing is lost with its host": Mutant(
        operations.fail_task_manager,
        nothing_is_lost_with_its_host,
        "bulks",
        "a_lost_task_executor_has_no_slots",
    ),
}
