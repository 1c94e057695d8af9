"""Recordings, searches, or both notice each mutant of the fine-grained slot manager."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.oracle.fine_grained_slot_manager.adapter import FineGrainedSlotManagerOracle
from tests.models.fine_grained_slot_manager.mutants import MUTANTS
from tests.models.mutation import any_notices, assert_noticed

model = load_model("fine_grained_slot_manager")


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice(name: str) -> None:
    mutant = MUTANTS[name]
    oracle, kind = FineGrainedSlotManagerOracle, "fine_grained_manager"
    assert any_notices(oracle, kind, "2.3.0", mutant.rules) == mutant.recorded


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices(name: str) -> None:
    assert_noticed(model, "2.3", MUTANTS[name])


def test_every_mutant_is_noticed() -> None:
    assert all(m.recorded or m.notices for m in MUTANTS.values())
    assert sum(m.recorded and bool(m.notices) for m in MUTANTS.values()) >= 18
