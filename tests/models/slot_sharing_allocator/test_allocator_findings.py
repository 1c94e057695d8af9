"""The findings about slot sharing: found by a check, and mended by one rule each."""

from __future__ import annotations

import pytest

from slotspec.statemachine.results import Verdict
from tests.models.findings import Known, broken_by, confirm, found_by_design
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
