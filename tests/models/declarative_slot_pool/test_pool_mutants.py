"""Each mutant of the declarative slot pool is noticed: by recordings, and by most checks."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.oracle.declarative_slot_pool.adapter import DeclarativeSlotPoolOracle
from tests.models.declarative_slot_pool.pool_mutants import MUTANTS, Mutant
from tests.models.mutation import divergences, noticed_by

POOL = load_model("declarative_slot_pool")
VERSION = "2.3.0"

each = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@pytest.mark.slow
@each
def test_recordings_notice(mutant: Mutant) -> None:
    found = divergences(DeclarativeSlotPoolOracle, "declarative_pool", VERSION, mutant.rules)
    assert found == mutant.recorded > 0


@pytest.mark.slow
def test_recordings_agree_without_a_mutant() -> None:
    assert divergences(DeclarativeSlotPoolOracle, "declarative_pool", VERSION, {}) == 0


@pytest.mark.slow
@each
def test_a_check_notices(mutant: Mutant) -> None:
    assert noticed_by(POOL, "2.3", mutant.scope, mutant.bounds, mutant.rules) == mutant.found


def test_how_many_a_check_notices() -> None:
    unnoticed = {mutant.name for mutant in MUTANTS if not mutant.found}
    assert unnoticed == {
        "outdated again",  # outdated answers are dropped: a check would see no difference
        "no load",  # shows with three slots on two TaskExecutors
        "no postponing",  # it is what mends D3
    }
    assert len(MUTANTS) == 18
