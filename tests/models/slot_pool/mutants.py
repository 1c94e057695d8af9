"""Ten mutants of the slot pool: each replaces one rule by a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_pool import futures, matching
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool import timers as time
from slotspec.models.slot_pool.queues import orphan_allocation
from slotspec.models.slot_pool.state import Cause, Effect, Error, Root, SlotPoolState
from slotspec.statemachine.declaration.queues import remove
from slotspec.statemachine.declaration.rules import NONE, Array, emit


def last_matching(s: SlotPoolState, queue: Array, profile: int) -> int:
    """Last in, first out."""
    found = NONE
    for request in queue:
        if request != NONE and matching.answer(s, profile, request) == Answer.YES:
            found = request
    return found


def no_heir(s: SlotPoolState, orphan: int, used: int) -> None:
    """Whoever waited for the slot goes on waiting for it."""
    if s.gateway != NONE:
        futures.cancel_slot_request(s, s.gateway, orphan)
    else:
        orphan_allocation(s, orphan)


def nobody_is_told(s: SlotPoolState, orphan: int, used: int) -> None:
    """Neither inherited nor cancelled."""
    orphan_allocation(s, orphan)


def is_idle_long_enough(s: SlotPoolState, allocation: int) -> bool:
    """At least as long, instead of longer."""
    return s.idle_for[allocation] >= s.idle_timeout


def waiting_first(s: SlotPoolState, profile: int) -> int:
    """Waiting requests before pending ones."""
    request = matching.first_matching(s, s.waiting, profile)
    if request == NONE:
        request = matching.first_matching(s, s.pending, profile)
    return request


def exactly(s: SlotPoolState, profile: int, request: int) -> int:
    """Only a slot of the very profile will do."""
    return Answer.YES if profile == s.request_profile[request] else Answer.NO


def is_same_task_manager(s: SlotPoolState, allocation: int, tm: int, index: int) -> bool:
    """Any slot of the task manager is taken for the one that is held."""
    return s.slot_tm[allocation] == tm


def everybody_is_registered(s: SlotPoolState, tm: int) -> bool:
    """Offers of strangers are considered too."""
    return True


def current_gateway(s: SlotPoolState, request: int) -> int:
    """Tell the present ResourceManager, not the one that was asked."""
    return s.gateway


def release_payload_then_free(s: SlotPoolState, allocation: int) -> None:
    """The payload stops before the slot is freed."""
    pool.release_payload(s, allocation)
    emit(s, Effect.FREE_SLOT, s.slot_tm[allocation], allocation)


def fail_requests_and_suspend(s: SlotPoolState) -> int:
    """Fail the requests before the pool forgets them."""
    if s.executor:
        while s.pending[0] != NONE:
            fail_at_head(s, s.pending)
        while s.waiting[0] != NONE:
            fail_at_head(s, s.waiting)
    return pool.suspend(s)


def fail_at_head(s: SlotPoolState, queue: Array) -> None:
    request = queue[0]
    remove(queue, request)
    futures.fail_request(s, request, Error.RELEASED, Root.ITSELF, Cause.ABSENT)


@dataclass(frozen=True)
class Break:
    """A wrong rule, and what notices it.

    :param recorded: generation -> (seed of a recording, number of the first step that differs).
    :param bounds: of a check that finds it, where they are not those of one of everything.
    :param found: generation -> (property that is violated, length of the shortest trace).
    """

    name: str
    replace: Mapping[Callable[..., Any], Callable[..., Any]]
    recorded: Mapping[str, tuple[int, int]]
    found: Mapping[str, tuple[str, int]]
    bounds: Mapping[str, int] = field(default_factory=dict)


ALL = ("1.11", "1.12", "1.13")
WITH_REMAP = ("1.12", "1.13")
WITH_SUSPEND = ("1.11", "1.12")
TWO = {"requests": 2, "request_ids": 2}

BREAKS = [
    Break(
        "last-in-first-out matching",
        {matching.first_matching: last_matching},
        recorded={"1.11": (19, 7), "1.12": (19, 7), "1.13": (85, 7)},
        found=dict.fromkeys(ALL, ("a_new_slot_goes_to_its_request", 5)),
        bounds={**TWO, "foreign_allocations": 1},
    ),
    Break(
        "no remap",
        {matching.maybe_remap_orphaned_allocation: no_heir},
        recorded={"1.12": (85, 7), "1.13": (85, 7)},
        found=dict.fromkeys(WITH_REMAP, ("what_a_served_request_had_asked_for_is_inherited", 6)),
        bounds=TWO,
    ),
    Break(
        ">= for > in the idle check",
        {time.is_idle_too_long: is_idle_long_enough},
        recorded={"1.11": (64, 8), "1.12": (64, 8), "1.13": (75, 6)},
        found=dict.fromkeys(ALL, ("only_slots_idle_for_longer_than_the_timeout_are_freed", 4)),
        bounds={"foreign_allocations": 1, "timers": 2, "idle_timeout": 1, "batch_timeout": 1},
    ),
    Break(
        "waiting before pending",
        {matching.find_matching_request: waiting_first},
        recorded={"1.11": (79, 17), "1.12": (27, 13), "1.13": (18, 16)},
        found=dict.fromkeys(ALL, ("a_new_slot_goes_to_its_request", 7)),
        bounds={**TWO, "foreign_allocations": 1},
    ),
    Break(
        "exact matching everywhere",
        {matching.answer: exactly},
        recorded=dict.fromkeys(ALL, (4, 5)),
        found=dict.fromkeys(ALL, ("a_new_slot_goes_to_its_request", 4)),
        bounds={"profiles": 4, "foreign_allocations": 1},
    ),
    Break(
        "repeated offer compared by task manager alone",
        {pool.is_same_slot: is_same_task_manager},
        recorded=dict.fromkeys(ALL, (28, 6)),
        found=dict.fromkeys(ALL, ("a_conflicting_offer_is_refused_and_changes_nothing", 4)),
        bounds={"slot_indices": 2, "foreign_allocations": 1},
    ),
    Break(
        "unregistered offers accepted",
        {pool.is_registered: everybody_is_registered},
        recorded={"1.11": (95, 4), "1.12": (95, 4), "1.13": (120, 5)},
        found=dict.fromkeys(ALL, ("an_offer_of_an_unregistered_task_manager_is_refused", 2)),
        bounds={"foreign_allocations": 1},
    ),
    Break(
        "cancel on the current gateway",
        {futures.gateway_to_cancel_at: current_gateway},
        recorded={"1.11": (10, 11), "1.12": (10, 11), "1.13": (25, 11)},
        found=dict.fromkeys(ALL, ("a_timed_out_request_is_cancelled_where_it_was_sent", 5)),
        bounds={"gateways": 2},
    ),
    Break(
        "payload released before free on fail",
        {pool.free_then_release_payload: release_payload_then_free},
        recorded={"1.11": (14, 23), "1.12": (14, 23), "1.13": (81, 19)},
        found=dict.fromkeys(ALL, ("a_failed_slot_is_freed_before_its_payload_stops", 7)),
        bounds={"payloads": 1},
    ),
    Break(
        "suspend fails requests",
        {pool.suspend: fail_requests_and_suspend},
        recorded={"1.11": (108, 6), "1.12": (108, 6)},
        found=dict.fromkeys(WITH_SUSPEND, ("suspend_forgets_and_frees_nothing", 3)),
    ),
]
"""The breaks that recordings and the check have to catch. 1.11 has no remap to leave out and
1.13 no suspend, and there the broken rule is never called."""
