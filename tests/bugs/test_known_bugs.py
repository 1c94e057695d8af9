"""Every known bug violates its property with its length, and the healthy model does not."""

from __future__ import annotations

from functools import cache

import pytest

from slotspec.bugs import Bug, known_bugs
from slotspec.cli.bugs import found_by
from slotspec.models import load_model
from slotspec.statemachine import Instance, Limits, Result, Verdict
from slotspec.statemachine.results import Limit
from slotspec.statemachine.search.engine import explore_compiled
from tests.bugs.page import PAGE, generator
from tests.models.searches import searched

BUGS = list(known_bugs().values())
each_bug = pytest.mark.parametrize("bug", BUGS, ids=[bug.issue for bug in BUGS])

MOST = Limits(states=3_000_000, seconds=600)
"""More than any of these runs needs: one that gets there is too large for a test."""


Settings = tuple[str, str | None, str, tuple[tuple[str, int], ...]]


def settings_of(bug: Bug) -> Settings:
    return bug.model, bug.generation, bug.scope, tuple(sorted(bug.bounds.items()))


def only(instance: Instance, asked: set[str]) -> Instance:
    """`instance` with these of its properties: the others cost more to compile than to check."""
    instance.properties = {name: p for name, p in instance.properties.items() if name in asked}
    return instance


@cache
def healthy(settings: Settings) -> Result:
    """The check of the model without a bug: once for all bugs with these settings, and only of
    the properties that they violate."""
    model, generation, scope, bounds = settings
    instance = load_model(model).instance(dict(bounds), generation=generation, scope=scope)
    asked = {bug.property for bug in BUGS if settings_of(bug) == settings}
    return searched(only(instance, asked))


@pytest.mark.slow
@each_bug
def test_it_is_found_with_its_shortest_trace(bug: Bug) -> None:
    until = Limits(MOST.states, seconds=MOST.seconds, until=bug.property)
    result = explore_compiled(only(bug.instance(), {bug.property}), until)
    finding = found_by(bug, result)
    assert finding is not None, f"{bug.property} is not broken: {result.verdict}"
    assert len(finding.steps) == bug.length
    # a liveness violation needs every state
    assert result.limit in (None, Limit.FOUND)
    assert result.limit is None or result.depth <= bug.length + 1
    measured = generator().read(PAGE).get(bug.issue)
    assert measured is not None, "run python docs/known_bugs.py new"
    assert measured.states == f"{result.states:,}", "run python docs/known_bugs.py new"


@pytest.mark.slow
@each_bug
def test_the_healthy_model_does_not_have_it(bug: Bug) -> None:
    result = healthy(settings_of(bug))
    assert result.limit is None, "not exhaustive"
    assert result.verdict is Verdict.HOLDS
    assert result.fault is None
    assert result.deadlock is None
    if bug.property not in ("fault", "deadlock"):
        verdicts = {p.property.name: p.verdict for p in result.properties}
        assert verdicts[bug.property] is Verdict.HOLDS


@pytest.mark.slow
@each_bug
def test_the_healthy_model_rejects_its_trace_as_the_page_says(bug: Bug) -> None:
    measured = generator().read(PAGE).get(bug.issue)
    assert measured is not None, "run python docs/known_bugs.py new"
    assert generator().replayed(bug) == measured.conform


@each_bug
def test_it_replaces_a_rule_and_describes_the_bug(bug: Bug) -> None:
    assert bug.replace or bug.choices
    assert all(wrong is not right for right, wrong in bug.replace.items())
    assert bug.description.endswith(".")
    assert bug.likeness == "" or bug.likeness.endswith(".")
    # the default generation changes with the next release
    assert (bug.generation is None) == (not load_model(bug.model).generations)
    assert bug.instance().title.endswith(bug.issue)
    assert bug.healthy().defect == ""


def test_issues_are_unique_and_in_order() -> None:
    numbers = [int(issue.removeprefix("FLINK-")) for issue in known_bugs()]
    assert numbers == sorted(set(numbers))


def test_a_search_for_a_bug_ends_with_its_level() -> None:
    bug = known_bugs()["FLINK-8934"]
    result = explore_compiled(bug.instance(), Limits(until=bug.property))
    assert result.limit is Limit.FOUND
    assert result.depth == bug.length
    everything = explore_compiled(bug.instance(), MOST)
    assert everything.states > 10 * result.states
    whole = found_by(bug, everything)
    assert whole is not None
    assert len(whole.steps) == bug.length
