"""Mutants of the declarative slot pool: each replaces one rule by a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool import (
    balancing,
    bridge,
    matching,
    pool,
    requirements,
    timers,
)
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.requirements import answer, is_lacking
from slotspec.models.declarative_slot_pool.schedule import place_of_timer, schedule
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Error,
    Timer,
)
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE, fire
from tests.models.mutation import Rules


def last_matching(s: DeclarativePoolState, allocation: int) -> tuple[int, int]:
    """Last in, first out."""
    found = NONE
    for request in s.wanting:
        if (
            request != NONE
            and answer(s, s.slot_profile[allocation], s.request_profile[request]) == Answer.YES
        ):
            found = request
    return OK, found


def is_strictly_longer_idle(s: DeclarativePoolState, allocation: int) -> bool:
    """A slot exactly as old as the timeout survives."""
    return s.idle_for[allocation] > s.idle_timeout


def everybody_is_registered(s: DeclarativePoolState, tm: int) -> bool:
    """Offers of strangers are considered."""
    return True


def nobody_tells_payloads(s: DeclarativePoolState, allocation: int, cause: int) -> None:
    """What runs is not told to stop."""


def fail_silently(s: DeclarativePoolState, request: int, error: int, cause: int) -> None:
    """The caller is not told."""
    bridge.forget_request(s, request)


def fail_before_lowering(s: DeclarativePoolState, request_id: int, cause: int) -> int:
    """The caller is told before the requirement is lowered."""
    request = bridge.pending_with_id(s, request_id)
    if request == NONE:
        return bridge.release_request(s, request_id, cause)
    remove(s.pending, request)
    bridge.fail_request(s, request, Error.RELEASED, cause)
    return requirements.decrease_by(s, s.request_profile[request], 1)


def any_lacking(s: DeclarativePoolState, profile: int) -> tuple[int, int]:
    """A slot's own profile has no precedence."""
    for wanted in range(s.profile_count):
        if is_lacking(s, wanted) and answer(s, profile, wanted) == Answer.YES:
            return OK, wanted
    return OK, NONE


def no_adjustment(s: DeclarativePoolState, old: int, new: int) -> int:
    """What is required stays as it is."""
    return OK


def never_declare(s: DeclarativePoolState) -> int:
    """Nobody is told."""
    return OK


def constant_backoff(s: DeclarativePoolState, repeats: int, backoff: int) -> None:
    """A repetition waits as long as the one before."""
    if repeats and s.gateway != NONE:
        requirements.send(s, backoff)


def repeat_outdated(s: DeclarativePoolState, repeats: int, backoff: int) -> None:
    """An outdated declaration is sent again, too."""
    if s.gateway != NONE:
        requirements.send(s, min(2 * backoff, s.longest_backoff))


def spare_nobody(s: DeclarativePoolState, request: int) -> bool:
    """Batch requests fail with the others."""
    return False


def keep_marks(s: DeclarativePoolState) -> int:
    """A mark stays though a slot matches by now."""
    return OK


def no_load(s: DeclarativePoolState, request: int, allocation: int) -> None:
    """A TaskExecutor that gets a request is no heavier."""
    append(s.match_request, request)
    append(s.match_slot, allocation)
    balancing.remove_from_heap(s, allocation)
    remove(s.new, allocation)


def wait_for_the_first(s: DeclarativePoolState) -> None:
    """A declaration that waits goes on waiting."""
    if place_of_timer(s, Timer.DECLARATION) == NONE:
        schedule(s, Timer.DECLARATION, s.interval)


def keep_slots(s: DeclarativePoolState) -> int:
    """The close returns nothing."""
    return OK


def youngest_first(s: DeclarativePoolState, allocation: int) -> None:
    """A slot that becomes free is in front of the others."""
    for place in range(length(s.free), 0, -1):
        s.free[place] = s.free[place - 1]
    s.free[0] = allocation
    s.idle_for[allocation] = 0


def return_anything(s: DeclarativePoolState) -> int:
    """Idle slots go, required or not."""
    for place in range(length(s.free)):
        allocation = s.free[place]
        if pool.is_idle_too_long(s, allocation):
            append(s.going, allocation)
    for allocation in s.going:
        if allocation != NONE:
            pool.remove_slot(s, allocation)
            fire(s.slot, allocation, AllocatedSlot.expire)
    return pool.return_slots(s, Cause.FLINK)


@dataclass(frozen=True)
class Mutant:
    """A wrong rule, and what notices it.

    :param recorded: how many recordings and directed runs of 2.3.0 differ.
    :param scope: of the check.
    :param found: the properties that it violates there; empty if the check notices nothing.
    """

    name: str
    rules: Rules
    recorded: int
    scope: str
    found: frozenset[str] = frozenset()
    bounds: Mapping[str, int] = field(default_factory=dict)


MUTANTS = [
    Mutant(
        "last in, first out",
        {matching.first_matching: last_matching},
        20,
        "core",
        frozenset({"requests_of_one_profile_are_served_in_order"}),
    ),
    Mutant(
        "> for >=",
        {pool.is_idle_too_long: is_strictly_longer_idle},
        7,
        "batch",
        frozenset({"what_nobody_needs_is_given_back"}),
    ),
    Mutant(
        "strangers offer",
        {bridge.is_registered: everybody_is_registered},
        74,
        "core",
        frozenset({"fault", "the_job_ends"}),
    ),
    Mutant(
        "payloads run on",
        {pool.release_payload: nobody_tells_payloads},
        24,
        "restarts",
        frozenset(
            {
                "a_new_resource_manager_is_told_everything",
                "a_payload_is_stopped_when_its_slot_goes",
                "a_slot_that_is_gone_counts_for_nothing",
                "a_slot_that_leaves_is_freed",
                "nothing_raises",
                "payloads_run_in_reserved_slots",
                "what_is_acquired_is_there",
                "what_is_required_is_needed",
            }
        ),
    ),
    Mutant(
        "fails silently",
        {bridge.fail_request: fail_silently},
        29,
        "core",
        frozenset({"no_request_is_forgotten"}),
    ),
    Mutant(
        "fails first",
        {bridge.release_request: fail_before_lowering},
        14,
        "core",
        frozenset({"a_caller_hears_last_of_a_release"}),
    ),
    Mutant(
        "no own profile",
        {requirements.find_requirement: any_lacking},
        18,
        "pool",
        frozenset({"a_slot_counts_for_its_own_profile_first"}),
    ),
    Mutant(
        "no adjustment",
        {requirements.adjust_requirements: no_adjustment},
        23,
        "pool",
        frozenset({"another_use_moves_the_requirement"}),
    ),
    Mutant(
        "no declaration",
        {requirements.declare: never_declare},
        91,
        "core",
        frozenset(
            {
                "a_new_resource_manager_is_told_everything",
                "every_change_is_declared",
                "what_is_required_is_declared_or_about_to_be",
            }
        ),
    ),
    Mutant(
        "same backoff",
        {requirements.repeat_declaration: constant_backoff},
        4,
        "repetition",
        frozenset({"repetitions_slow_down"}),
    ),
    Mutant("outdated again", {requirements.repeat_declaration: repeat_outdated}, 8, "repetition"),
    Mutant(
        "batch fails too",
        {bridge.is_spared: spare_nobody},
        9,
        "batch",
        frozenset({"without_resources_batch_requests_wait"}),
    ),
    Mutant(
        "marks stay",
        {timers.take_marks_back: keep_marks},
        2,
        "batch",
        frozenset({"a_request_that_a_slot_matches_is_not_marked"}),
    ),
    Mutant("no load", {balancing.take_slot: no_load}, 3, "deferral"),
    Mutant("no postponing", {requirements.delay: wait_for_the_first}, 13, "delay"),
    Mutant(
        "close keeps slots",
        {bridge.give_up_all_task_managers: keep_slots},
        4,
        "core",
        frozenset({"a_closed_pool_has_nothing", "a_closed_pool_is_disconnected"}),
    ),
    Mutant(
        "youngest first",
        {pool.put_free: youngest_first},
        21,
        "batch",
        frozenset({"free_slots_are_listed_oldest_first"}),
    ),
    Mutant(
        "returns anything",
        {pool.return_idle: return_anything},
        22,
        "batch",
        frozenset({"a_slot_is_as_old_as_the_timeout", "only_excess_slots_time_out"}),
    ),
]
