"""What differs between two generations."""

from __future__ import annotations

import pytest

from slotspec.diagrams.differences import difference, sentences
from slotspec.models import load_model
from slotspec.models.slot_pool.versions import OfferedSlot
from slotspec.statemachine.errors import UsageError


def test_choices_operations_and_deviations_that_differ_are_told() -> None:
    rows = dict(difference(load_model("slot_pool"), "1.11", "1.13").rows)
    first, second = rows["offered_slot"]
    assert first.lines[0].startswith("own_request: The request that is pending")
    assert second.lines[0].startswith("first_matching: ")
    assert [cell.lines for cell in rows["suspend"]] == [("there is this operation",), ()]
    assert "no_pending_request_overtakes" in rows


def test_a_generation_does_not_differ_from_itself() -> None:
    assert difference(load_model("slot_pool"), "1.12", "1.12").rows == ()


def test_an_unknown_generation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SET004.*1\.11, 1\.12, 1\.13"):
        difference(load_model("slot_pool"), "1.11", "1.14")


def test_sentences_of_an_enumeration() -> None:
    assert sentences(OfferedSlot).keys() == {"OWN_REQUEST", "FIRST_MATCHING"}
