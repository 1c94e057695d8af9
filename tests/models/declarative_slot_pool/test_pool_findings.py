"""The findings about the declarative slot pool: each found by a check, and mended by rules."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool import (
    balancing,
    matching,
    operations,
    pool,
    requirements,
    timers,
)
from slotspec.models.declarative_slot_pool.bridge import put_fulfilled
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    DelayedDeclaration,
)
from slotspec.models.declarative_slot_pool.pool import Acceptance, is_held
from slotspec.models.declarative_slot_pool.requirements import (
    answer,
    change_requirements,
    delay_change,
    increase_by,
    is_empty,
    subtract,
)
from slotspec.models.declarative_slot_pool.schedule import place_of_timer, schedule
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Raised,
    Timer,
)
from slotspec.oracle.traces.export import export
from slotspec.statemachine.declaration.queues import length, remove
from slotspec.statemachine.declaration.rules import NONE
from tests.models.findings import Known, confirm
from tests.oracle.peers.test_flink import ROOT, run, skip_without

# ------------------------------------------------------------------------------- D1


def surplus(s: DeclarativePoolState, profile: int) -> int:
    """How much of a profile is required that no request and no slot in use accounts for."""
    pending = sum(r != NONE and s.request_profile[r] == profile for r in s.pending)
    in_use = sum(
        state == AllocatedSlot.RESERVED and s.matched[a] == profile
        for a, state in enumerate(s.slot)
    )
    return max(0, s.required[profile] - pending - in_use)


def lower(s: DeclarativePoolState, profile: int, count: int) -> None:
    """Lower a requirement; what is missing is taken from where an adjustment has put it."""
    missing = max(0, count - s.required[profile])
    subtract(s.required, profile, count)
    for other in range(s.profile_count):
        taken = min(missing, surplus(s, other))
        s.required[other] -= taken
        missing -= taken


def decrease_where_it_is(s: DeclarativePoolState, profile: int, count: int) -> int:
    lower(s, profile, count)
    return change_requirements(s)


def decrease_all_where_they_are(s: DeclarativePoolState) -> int:
    if is_empty(s.counted):
        return OK
    for profile, count in enumerate(s.counted):
        lower(s, profile, count)
        s.counted[profile] = 0
    return change_requirements(s)


# ------------------------------------------------------------------------- D2 and D3


def keep_the_announcement(s: DeclarativePoolState) -> None:
    """An adjustment delays a declaration that waits; it still announces what it would have."""
    if s.delayed[0] == DelayedDeclaration.WAITS:
        delay_change(s)
    else:
        requirements.delay_adjustment(s)


def at_most(s: DeclarativePoolState) -> None:
    """A declaration that waits goes on waiting: the interval is a maximum."""
    if place_of_timer(s, Timer.DECLARATION) == NONE:
        schedule(s, Timer.DECLARATION, s.interval)


# ------------------------------------------------------------------------------- D4


def forget_slot_and_its_request(s: DeclarativePoolState, allocation: int) -> None:
    """With a slot that is gone goes the entry of the request that had it."""
    pool.forget_slot(s, allocation)
    for request_id, slot in enumerate(s.fulfilled):
        if slot == allocation:
            s.fulfilled[request_id] = NONE
            s.fulfilled_tm[request_id] = NONE
            s.fulfilled_load[request_id] = 0


# ------------------------------------------------------------------------------- D5


def check_then_reserve(s: DeclarativePoolState, allocation: int, wanted: int) -> int:
    """A slot that does not match stays free."""
    if (
        s.slot[allocation] == AllocatedSlot.FREE
        and answer(s, s.slot_profile[allocation], wanted) == Answer.NO
    ):
        return int(Raised.ILLEGAL_STATE)
    return pool.reserve(s, allocation, wanted)


def reserve_then_require(
    s: DeclarativePoolState, request_id: int, allocation: int, profile: int, load: int
) -> int:
    """A slot that cannot be had is not required either."""
    if (
        s.slot[allocation] != AllocatedSlot.FREE
        or answer(s, s.slot_profile[allocation], profile) != Answer.YES
    ):
        return operations.ended(s, Raised.ILLEGAL_STATE)
    status = increase_by(s, profile, 1)
    if status == OK:
        status = pool.reserve(s, allocation, profile)
    if status == OK:
        put_fulfilled(s, request_id, allocation, load)
    return operations.ended(s, status, allocation)


def is_known_or_repeated(s: DeclarativePoolState, place: int, tm: int) -> bool:
    """The second offer of an allocation in one message is known already."""
    allocation = s.offer_allocation[place]
    return is_held(s, allocation) or any(
        s.offer_allocation[earlier] == allocation and s.accepted[earlier] == Acceptance.NEW
        for earlier in range(place)
    )


def stop_and_remove(s: DeclarativePoolState, allocation: int) -> None:
    """What runs in a slot that goes is told to stop, also if the slot was free."""
    remove(s.free, allocation)
    s.idle_for[allocation] = 0
    pool.release_payload(s, allocation, Cause.FLINK)


# -------------------------------------------------------------------- D6, D7, D8, D9, D10


def nothing_unknown(s: DeclarativePoolState, profile: int) -> tuple[int, int]:
    """A slot of profile UNKNOWN meets no requirement."""
    if profile == s.unknown:
        return OK, NONE
    return requirements.find_requirement(s, profile)


def is_that_very_slot(s: DeclarativePoolState, place: int, tm: int) -> bool:
    """A held allocation is known only from its own slot."""
    allocation = s.offer_allocation[place]
    return (
        is_held(s, allocation)
        and s.slot_tm[allocation] == tm
        and s.slot_index[allocation] == s.offer_index[place]
    )


def refuse_other_slots(s: DeclarativePoolState, tm: int, take_all: int) -> int:
    """Another slot of a held allocation is not even looked at."""
    for place, allocation in enumerate(s.offer_allocation):
        if allocation != NONE and is_held(s, allocation) and not is_that_very_slot(s, place, tm):
            s.offer_allocation[place] = NONE
    return pool.accept_offers(s, tm, take_all)


def keep_the_order(s: DeclarativePoolState) -> None:
    """Requests that did not get what they named keep their places."""


def balanced_or_simple(s: DeclarativePoolState) -> int:
    """Where not all can be balanced, each slot serves the first request that it matches."""
    status = balancing.match_balanced(s)
    if status == OK and length(s.match_request) == 0:
        return matching.match_simply(s)
    return status


def mark_once(s: DeclarativePoolState, request: int) -> bool:
    """A mark stays until a slot matches."""
    if not s.unfulfillable[request]:
        s.unfulfillable[request] = 1
        s.unfulfillable_for[request] = 0
    return s.unfulfillable_for[request] >= s.batch_timeout


LOWERED = {
    requirements.decrease_by: decrease_where_it_is,
    requirements.decrease_by_counted: decrease_all_where_they_are,
}
MODEL = "declarative_slot_pool"
STALE = "a_fulfilled_request_has_its_slot"

FINDINGS = [
    Known(
        "D1",
        MODEL,
        "2.3",
        "what_nobody_needs_is_given_back",
        "idle",
        9,
        LOWERED,
        also=frozenset({"what_is_required_is_needed"}),
    ),
    Known(
        "D2",
        MODEL,
        "2.3",
        "deferred_requests_are_finally_served",
        "deferral",
        7,
        {requirements.delay_adjustment: keep_the_announcement},
        also=frozenset({"requirements_that_change_will_be_stable"}),
    ),
    Known(
        "D3",
        MODEL,
        "2.3",
        "what_is_required_is_finally_declared",
        "delay",
        6,
        {requirements.delay: at_most},
    ),
    Known(
        "D4",
        MODEL,
        "2.3",
        "a_slot_is_that_of_one_request",
        "core",
        7,
        {pool.forget_slot: forget_slot_and_its_request},
        also=frozenset({STALE}),
    ),
    Known(
        "D5",
        MODEL,
        "2.3",
        "the_idle_check_goes_on",
        "mistakes",
        7,
        {
            pool.reserve: check_then_reserve,
            operations.allocate_available_slot: reserve_then_require,
            pool.is_known_offer: is_known_or_repeated,
            pool.remove_slot: stop_and_remove,
        },
        transitions=6_414_903,
        also=frozenset(
            {
                "what_is_acquired_is_there",
                "a_slot_that_is_gone_counts_for_nothing",
                "a_reserved_slot_is_that_of_a_request",
                "what_is_required_is_needed",
                "what_nobody_needs_is_given_back",
                "a_slot_that_leaves_is_freed",
                "a_payload_is_stopped_when_its_slot_goes",
                "a_new_resource_manager_is_told_everything",
            }
        ),
    ),
    Known(
        "D6",
        MODEL,
        "2.3",
        "the_batch_check_goes_on",
        "unknown_slots",
        5,
        {requirements.find_requirement: nothing_unknown},
        also=frozenset({"nothing_raises", "a_hopeless_batch_request_ends"}),
    ),
    Known(
        "D7",
        MODEL,
        "2.3",
        "another_slot_of_a_held_allocation_is_refused",
        "core",
        6,
        {pool.accept_offers: refuse_other_slots},
    ),
    Known(
        "D8",
        MODEL,
        "2.3",
        "requests_of_one_profile_are_served_in_order",
        "preferences",
        5,
        {matching.put_picky_last: keep_the_order},
        transitions=2_853_421,
    ),
    Known(
        "D9",
        MODEL,
        "2.3",
        "a_new_slot_serves_a_request",
        "balanced",
        5,
        {balancing.match_balanced: balanced_or_simple},
        also=frozenset({"two_new_slots_serve_requests"}),
    ),
    Known(
        "D10",
        MODEL,
        "1.13",
        "a_hopeless_batch_request_ends",
        "batch",
        3,
        {timers.mark: mark_once},
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("known", FINDINGS, ids=lambda known: known.name)
def test_a_finding_is_found_and_mended(known: Known) -> None:
    confirm(known)


OLDER = ("D1", "D4", "D7")
"""Findings of all versions."""
LIVE = {
    "1.13.6": (*OLDER, "D10"),
    "1.14.6": OLDER,
    "1.20.5": (*OLDER, "D8"),
    "2.3.0": ("D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9"),
}
SCRIPT = ROOT / "tests" / "oracle" / "peers" / "flink_check.py"


@pytest.mark.slow
@pytest.mark.parametrize("version", LIVE)
def test_the_real_class_takes_the_same_steps(version: str, tmp_path: Path) -> None:
    skip_without(version)
    folder = tmp_path / version
    folder.mkdir()
    steps = 0
    for known in FINDINGS:
        if known.name in LIVE[version]:
            one = replace(known, generation=version.rpartition(".")[0])
            header, *lines = export(one.instance(), one.trace(one.check()))
            text = "".join(json.dumps(line) + "\n" for line in (header, *lines))
            (folder / f"{known.name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
            steps += len(lines)
    told = run(str(SCRIPT), "declarative_slot_pool", version, str(tmp_path), "10")
    assert told.strip() == str(steps)
