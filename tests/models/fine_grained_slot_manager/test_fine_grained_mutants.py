"""Recordings, searches, or both notice each mutant of the fine-grained slot manager."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.oracle.fine_grained_slot_manager.adapter import FineGrainedSlotManagerOracle
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.fine_grained_slot_manager.mutants import MUTANTS
from tests.models.mutation import divergences

model = load_model("fine_grained_slot_manager")


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice(name: str) -> None:
    mutant = MUTANTS[name]
    rules = {mutant.rule: mutant.replacement}
    found = divergences(FineGrainedSlotManagerOracle, "fine_grained_manager", "2.3.0", rules)
    assert (found > 0) == mutant.recorded


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices(name: str) -> None:
    mutant = MUTANTS[name]
    instance = model.instance(
        mutant.bounds,
        generation="2.3",
        scope=mutant.scope,
        replace={mutant.rule: mutant.replacement},
    )
    result = explore_compiled(instance, Limits(states=3_000_000, seconds=120))
    found = set()
    for p in result.properties:
        known = p.property.deviation is not None and p.property.deviation(instance.setting)
        if p.verdict is Verdict.VIOLATED or (known and p.verdict is Verdict.HOLDS):
            found.add(p.property.name)
    if result.fault:
        found.add("fault")
    if result.deadlock:
        found.add("deadlock")
    if mutant.notices:
        assert mutant.notices in found
    else:
        assert found == set()


def test_every_mutant_is_noticed() -> None:
    assert all(m.recorded or m.notices for m in MUTANTS.values())
    assert sum(m.recorded and bool(m.notices) for m in MUTANTS.values()) >= 18
