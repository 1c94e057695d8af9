"""Each broken rule of the slot manager is noticed, by recordings and nearly all by a search."""

from __future__ import annotations

import pytest

from slotspec.models import load_model
from slotspec.oracle.slot_manager.adapter import SlotManagerOracle
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.mutation import divergences
from tests.models.slot_manager.manager_mutants import BREAKS

model = load_model("slot_manager")


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_recordings_notice(name: str) -> None:
    broken = BREAKS[name]
    rules = {broken.rule: broken.broken}
    assert divergences(SlotManagerOracle, "manager", "1.12.5", rules) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_a_search_notices(name: str) -> None:
    broken = BREAKS[name]
    instance = model.instance(
        broken.bounds,
        generation="1.12",
        scope=broken.scope,
        replace={broken.rule: broken.broken},
    )
    result = explore_compiled(instance, Limits(states=3_000_000, seconds=60))
    found = set()
    for p in result.properties:
        known = p.property.deviation is not None and p.property.deviation(instance.setting)
        if p.verdict is Verdict.VIOLATED or (known and p.verdict is Verdict.HOLDS):
            found.add(p.property.name)
    if broken.notices:
        assert broken.notices in found
    else:
        assert found == set()
    assert result.fault is None


@pytest.mark.slow
def test_most_breaks_are_noticed_by_a_search() -> None:
    assert sum(bool(b.notices) for b in BREAKS.values()) == len(BREAKS) - 1
