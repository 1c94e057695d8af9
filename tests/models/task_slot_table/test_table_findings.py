"""The finding about the slot table: found by a check, and mended by one rule."""

from __future__ import annotations

import pytest

from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.slots import allocation_under, amount_of, is_dynamic, is_known
from slotspec.models.task_slot_table.state import Effect, TaskSlotTableState, resources
from slotspec.statemachine.declaration.rules import NONE, emit
from tests.models.findings import Known, confirm


def report_of_what_is_there(s: TaskSlotTableState) -> int:
    """A free static number is reported only while the budget left has a share for it."""
    free = 0
    for number in range(s.static_count):
        if allocation_under(s, number) != NONE:
            emit(s, Effect.LISTED, allocation_under(s, number), number=number)
        elif s.boundless or all(
            s.used[r] + (free + 1) * amount_of(s, s.default_profile, r) <= s.total[r]
            for r in s.elements(resources)
        ):
            free += 1
            emit(s, Effect.LISTED, NONE, number=number)
    for allocation, number in enumerate(s.slot_number):
        if is_known(s, allocation) and is_dynamic(s, number):
            emit(s, Effect.LISTED, allocation, number=number)
    return NONE


FINDINGS = [
    Known(
        "T1",
        "task_slot_table",
        "2.3",
        "what_a_slot_report_tells_fits_into_the_budget",
        "slots",
        3,
        {table.create_slot_report: report_of_what_is_there},
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("known", FINDINGS, ids=lambda known: known.name)
def test_a_finding_is_found_and_mended(known: Known) -> None:
    confirm(known)
