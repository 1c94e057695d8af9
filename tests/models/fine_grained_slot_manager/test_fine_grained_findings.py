"""The findings about the fine-grained slot manager: found by a check, and mended by one rule."""

from __future__ import annotations

import pytest

from tests.models.findings import Known, confirm
from tests.models.fine_grained_slot_manager import mends

MODEL, GENERATION = "fine_grained_slot_manager", "2.3"
FINDINGS = [
    Known(
        "M1",
        MODEL,
        GENERATION,
        "a_check_under_way_is_made",
        "redundancy",
        3,
        mends.M1,
        frozenset(
            {
                "delayed_work_succeeds",
                "missing_slots_that_fit_are_requested",
                "what_is_declared_is_served_or_refused",
            }
        ),
    ),
    Known(
        "M2",
        MODEL,
        GENERATION,
        "missing_slots_that_fit_are_requested",
        "requests",
        7,
        mends.M2,
        frozenset({"what_is_declared_is_served_or_refused"}),
    ),
    Known(
        "M3",
        MODEL,
        GENERATION,
        "declaring_requirements_succeeds",
        "profiles",
        6,
        mends.M3,
        frozenset({"no_slot_is_in_excess_that_is_missing"}),
    ),
    Known(
        "M4",
        MODEL,
        GENERATION,
        "no_task_manager_with_slots_is_given_away",
        "workers",
        6,
        mends.M4,
        frozenset({"unwanted_task_managers_have_no_slots"}),
    ),
    Known(
        "M5",
        MODEL,
        GENERATION,
        "a_declaration_under_way_is_made",
        "restarts",
        4,
        mends.M5,
        frozenset({"delayed_work_succeeds"}),
    ),
    Known(
        "M6",
        MODEL,
        GENERATION,
        "the_process_survives",
        "reports",
        5,
        mends.M6,
        transitions=4_118_935,
    ),
    Known(
        "M7",
        MODEL,
        GENERATION,
        "registering_succeeds",
        "restarts",
        6,
        mends.M7,
        frozenset(
            {
                "the_index_has_exactly_the_expected_workers",
                "an_expected_worker_is_accepted",
                "nobody_expects_workers_without_need",
                "slots_are_requested_for_jobs_that_require_them",
            }
        ),
    ),
    Known(
        "M8",
        MODEL,
        GENERATION,
        "pending_slots_are_waited_for",
        "reports",
        4,
        mends.M8,
        bounds={"reports": 1},
    ),
    Known(
        "M9",
        MODEL,
        GENERATION,
        "a_check_under_way_is_made",
        "redundancy",
        3,
        mends.M1,
        frozenset(
            {
                "delayed_work_succeeds",
                "missing_slots_that_fit_are_requested",
                "what_is_declared_is_served_or_refused",
            }
        ),
        bounds={"allocator": 0, "max_slots": 0},
    ),
    Known(
        "M10",
        MODEL,
        GENERATION,
        "blocked_task_managers_get_no_slots",
        "refusals",
        4,
        mends.M10,
        bounds={"redundant_task_managers": 0, "iteration_order": 0},
    ),
    Known(
        "M11",
        MODEL,
        GENERATION,
        "missing_slots_that_fit_are_requested",
        "refusals",
        5,
        mends.M11,
        bounds={
            "redundant_task_managers": 0,
            "min_slots": 1,
            "blocking": 0,
            "iteration_order": 0,
        },
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("known", FINDINGS, ids=lambda known: known.name)
def test_a_finding_is_found_and_mended(known: Known) -> None:
    confirm(known)
