"""Recordings notice each mutant of the slot manager, and a search notices nearly all."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.oracle.slot_manager.adapter import SlotManagerOracle
from tests.models.mutation import any_notices, assert_noticed
from tests.models.slot_manager.manager_mutants import MUTANTS

model = load_model("slot_manager")


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice(name: str) -> None:
    assert any_notices(SlotManagerOracle, "manager", "1.12.5", MUTANTS[name].rules)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices(name: str) -> None:
    assert_noticed(model, "1.12", MUTANTS[name])


def test_most_mutants_are_noticed_by_a_search() -> None:
    assert sum(bool(m.notices) for m in MUTANTS.values()) == len(MUTANTS) - 1
