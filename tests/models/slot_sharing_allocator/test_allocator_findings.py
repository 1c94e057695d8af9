"""The findings about slot sharing: found by a check, and mended by one rule each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from slotspec.statemachine.results import Verdict
from tests.models.findings import Known, broken_by, confirm, found_by_design
from tests.models.mutation import DATA
from tests.models.slot_sharing_allocator import mends

MODEL, GENERATION = "slot_sharing_allocator", "2.3"
FINDINGS = [
    Known(
        "S1",
        MODEL,
        GENERATION,
        "a_timeout_fails_every_pending_request_of_its_bulk",
        "bulks",
        2,
        mends.S1,
        frozenset({"a_check_does_not_raise"}),
    ),
    Known(
        "S2",
        MODEL,
        GENERATION,
        "a_group_stays_pending_until_it_is_decided",
        "bulks",
        2,
        mends.S2,
    ),
    Known(
        "S3",
        MODEL,
        GENERATION,
        "a_timeout_spares_groups_that_were_fulfilled",
        "bulks",
        5,
        mends.S3,
    ),
    Known(
        "S4",
        MODEL,
        GENERATION,
        "a_vertex_gets_a_slot_that_it_can_use",
        "executions",
        6,
        mends.S4,
    ),
    Known(
        "S5",
        MODEL,
        GENERATION,
        "no_request_keeps_a_released_slot",
        "reactions",
        3,
        mends.S5,
        frozenset({"a_completed_request_has_a_slot_of_the_pool"}),
    ),
    Known(
        "S6",
        MODEL,
        GENERATION,
        "the_process_goes_on",
        "terminations",
        5,
        mends.S6,
    ),
    Known(
        "S7",
        MODEL,
        GENERATION,
        "a_taken_slot_has_a_shared_slot",
        "pool",
        3,
        mends.S7,
    ),
    Known(
        "S9",
        MODEL,
        GENERATION,
        "a_call_that_raises_changes_nothing",
        "pool",
        1,
        mends.S9,
        frozenset({"what_nobody_uses_is_given_back"}),
        {"modes": 1, "foreigners": 0},
    ),
    Known(
        "S10",
        MODEL,
        GENERATION,
        "a_bulk_that_could_be_served_goes_on",
        "greedy",
        4,
        mends.S10,
    ),
]
BY_DESIGN = [Known("S8", MODEL, GENERATION, "every_bulk_ends", "reactions", 3, {})]


@pytest.mark.slow
@pytest.mark.parametrize("known", FINDINGS, ids=lambda known: known.name)
def test_a_finding_is_found_and_mended(known: Known) -> None:
    confirm(known)


@pytest.mark.slow
def test_a_finding_by_design_is_found() -> None:
    for known in BY_DESIGN:
        found_by_design(known)


@pytest.mark.slow
def test_two_mends_together_answer_every_request() -> None:
    """S1 and S2 both leave requests behind that nobody checks; mending one is not enough."""
    promises = {"every_pending_request_is_checked", "every_request_is_answered"}
    for rules in (mends.S1, mends.S2):
        one = Known("", MODEL, GENERATION, "", "bulks", 0, rules).check(mended=True)
        assert promises & broken_by(one)
    both = Known("", MODEL, GENERATION, "", "bulks", 0, {**mends.S1, **mends.S2})
    result = both.check(mended=True)
    assert not promises & broken_by(result)
    assert result.verdict is Verdict.HOLDS


# ------------------------------------------------------------------------------ the real class

Step = dict[str, Any]


def waits_unchecked(step: Step) -> bool:
    """A request is pending, and there is no bulk any more."""
    logical = [one for shared in step["state"]["shared"].values() for one in shared["logical"]]
    return any(state == "pending" for _, _, state in logical) and not step["state"]["bulks"]


def has(step: Step, effect: str) -> bool:
    return any(e["effect"] == effect for e in step["effects"])


def raises_and_leaves(before: Step, step: Step) -> bool:
    return has(step, "timer.raised") and waits_unchecked(step)


def ends_with_one(before: Step, step: Step) -> bool:
    return waits_unchecked(step) and not has(step, "timer.raised")


def cancels_a_newer_request(before: Step, step: Step) -> bool:
    """A check fails a vertex of a group that its bulk counted as fulfilled."""
    failed = {e["vertex"] for e in step["effects"] if e["effect"] == "logical.failed"}
    left = {bulk["bulk"] for bulk in step["state"]["bulks"]}
    return step["op"] == "advance_time" and any(
        vertex in failed
        for bulk in before["state"]["bulks"]
        if bulk["bulk"] not in left
        for group, vertices in bulk["executions"]
        for vertex in vertices
        if group in {fulfilled for fulfilled, _ in bulk["fulfilled"]}
    )


def hands_out_a_dying_slot(before: Step, step: Step) -> bool:
    dying = {q for q, slot in before["state"]["logical"].items() if slot["state"] == "RELEASING"}
    return any(
        e.get("logical") in dying and has(step, "logical.completed") for e in step["effects"]
    )


def keeps_a_dead_request(before: Step, step: Step) -> bool:
    logical = [one for shared in step["state"]["shared"].values() for one in shared["logical"]]
    return any(
        state == "done" and request not in step["state"]["logical"] for _, request, state in logical
    )


def keeps_an_unknown_request(before: Step, step: Step) -> bool:
    known = {shared["request"] for shared in step["state"]["shared"].values()}
    return not step["state"]["pool"]["taken"].keys() <= known


def waits_beside_a_slot(before: Step, step: Step) -> bool:
    """Long after the timeout, a request waits beside a free slot, and its bulk is checked."""
    state = step["state"]
    return state["clock"] > 150 and any(
        bulk["pending"] and bulk["unfulfillable_since"] is None for bulk in state["bulks"]
    )


def raises_half_way(before: Step, step: Step) -> bool:
    return step.get("raises") == "IllegalArgumentException" and bool(step["state"]["shared"])


SHOWN: dict[str, tuple[str, Callable[[Step, Step], bool]]] = {
    "S1": ("bulk_of_several_groups_times_out", raises_and_leaves),
    "S2": ("bulk_ends_with_one_cancel", ends_with_one),
    "S3": ("bulk_remembers_lost_slots", cancels_a_newer_request),
    "S4": ("allocate_while_releasing", hands_out_a_dying_slot),
    "S5": ("reentry_slot_lost_while_completing", keeps_a_dead_request),
    "S7": ("pool_refuses_the_second", keeps_an_unknown_request),
    "S8": ("fulfillable_by_a_free_slot", waits_beside_a_slot),
    "S9": ("vertex_not_in_its_group", raises_half_way),
}
"""Finding -> the recorded scenario that shows it on the real class, and what to see there. S6 ends
the process of the real class, so no recording has it."""
EMPTY: Step = {"state": {"shared": {}, "logical": {}, "bulks": []}}


@pytest.mark.parametrize("version", ["1.12.5", "1.20.5", "2.3.0"])
@pytest.mark.parametrize("name", SHOWN)
def test_the_real_class_shows_it(name: str, version: str) -> None:
    scenario, shows = SHOWN[name]
    path = DATA / "scenarios" / MODEL / version / f"{scenario}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    steps = [line for line in lines if "op" in line]
    shown = any(shows(*pair) for pair in zip([EMPTY, *steps], steps, strict=False))
    assert shown == (name != "S7" or version != "1.12.5")
