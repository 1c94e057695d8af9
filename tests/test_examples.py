"""The office of the documentation: its counts, and what each generation finally does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.office import office
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Result, Verdict
from slotspec.statemachine.search.engine import explore_compiled

ENGINES = pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])


@ENGINES
@pytest.mark.parametrize(
    ("generation", "transitions", "promise"),
    [("blind", 92, Verdict.VIOLATED), ("watchful", 108, Verdict.HOLDS)],
)
def test_only_a_watchful_office_gets_everything_done(
    explore: Callable[..., Result], generation: str, transitions: int, promise: Verdict
) -> None:
    result = explore(office.instance(generation=generation))
    assert (result.states, result.transitions, result.depth) == (44, transitions, 5)
    verdicts = {found.property.name: found.verdict for found in result.properties}
    assert verdicts == {
        "nothing_is_done_twice": Verdict.HOLDS,
        "a_job_is_lost": Verdict.HOLDS,
        "each_job_is_done": promise,
    }


def test_a_job_is_lost_with_its_worker() -> None:
    result = explore_interpreted(office.instance({"jobs": 1}, generation="blind"))
    (found,) = (found for found in result.properties if found.verdict is Verdict.VIOLATED)
    assert found.finding is not None
    assert [step.call.action.name for step in found.finding.steps] == ["give", "die"]
    assert found.finding.loop == 2
