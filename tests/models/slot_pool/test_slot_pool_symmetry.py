"""Where the slot pool's rules are proven symmetric, a reduced search finds the same."""

from __future__ import annotations

from typing import Any

import pytest

from slotspec.bugs import known_bugs
from slotspec.statemachine import Instance, Limits, Result, check
from slotspec.statemachine.search.scalarsets.proof import obstacles
from tests.models.slot_pool.mutants import BREAKS
from tests.models.small import BOUNDS, ONE, POOL, checked
from tests.variants import fast_last

SCOPES = ["one_task_manager", "remaps", "queue", "reuse", "twins"]
MOST = Limits(states=3_000_000)


def facts(result: Result) -> list[Any]:
    """Verdicts, and how long the traces are."""
    ends = [finding and len(finding.calls) for finding in (result.deadlock, result.fault)]
    return [
        result.verdict,
        result.limit,
        *ends,
        *(
            (p.property.name, p.verdict, p.reason, p.finding and len(p.finding.steps))
            for p in result.properties
        ),
    ]


def both(instance: Instance, plain: Result | None = None) -> tuple[Result, Result]:
    """The searches with and without symmetry, after a comparison of what they find."""
    reduced = check(instance, "compiled", MOST)
    plain = plain or check(instance, "compiled", MOST, symmetry=False)
    assert plain.limit is None, "choose bounds that can be searched"
    assert facts(reduced) == facts(plain)
    return reduced, plain


@pytest.mark.parametrize("generation", fast_last(POOL.generations))
@pytest.mark.parametrize("scope", SCOPES)
def test_the_text_of_the_rules_proves_these_scopes_symmetric(scope: str, generation: str) -> None:
    assert obstacles(POOL.instance(generation=generation, scope=scope)) == []


@pytest.mark.parametrize("scope", [scope for scope in POOL.scopes if scope not in SCOPES])
def test_the_others_name_a_line_that_tells_elements_apart(scope: str) -> None:
    found = obstacles(POOL.instance(generation="1.13", scope=scope), most=1)
    assert found
    assert found[0].place.startswith("slotspec/"), found


@pytest.mark.slow
@pytest.mark.parametrize("generation", list(POOL.generations))
def test_three_requests_are_checked_with_a_fraction_of_the_states(generation: str) -> None:
    instance = POOL.instance(BOUNDS["queue"], generation=generation)
    reduced, plain = both(instance, checked("queue", generation))
    assert reduced.symmetry == "exact"
    assert plain.states > 25 * reduced.states


BUGS = [
    pytest.param(bug, id=bug.issue)
    for bug in known_bugs().values()
    if bug.model == "slot_pool" and bug.scope == "queue"
]


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_a_known_bug_is_found_as_without_symmetry(bug: Any) -> None:
    reduced, plain = both(bug.instance())
    assert any(p.finding is not None for p in plain.properties)
    proven = not obstacles(bug.instance(), most=1)
    assert proven
    assert reduced.symmetry == "exact"
    assert reduced.states < plain.states


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: str(broken.name))
def test_a_rule_done_wrong_is_found_as_without_symmetry(broken: Any) -> None:
    bounds = {**ONE, **broken.bounds, "requests": 2, "request_ids": 2}
    # two profiles show the same violations as four
    bounds["profiles"] = min(bounds["profiles"], 2)
    generation = next(iter(broken.found))
    both(POOL.instance(bounds, generation=generation, replace=broken.replace))
