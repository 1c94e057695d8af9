"""Every way to search a model gives the same result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from examples import slot_pool_core, turnstile, two_phase_commit
from slotspec.models import load_model
from slotspec.statemachine import (
    Instance,
    Kind,
    Limits,
    PropertyResult,
    Result,
    Verdict,
    explore_interpreted,
)
from slotspec.statemachine.search.engine import explore_compiled
from tests.variants import fast_only

slot_pool = load_model("slot_pool")

INSTANCES: dict[str, tuple[Callable[[], Instance], Limits]] = {
    "core 2 1 2 1": (
        lambda: slot_pool_core.model.instance({"T": 2, "S": 1, "R": 2, "A": 1}),
        Limits(),
    ),
    "core 1 2 2 2": (
        lambda: slot_pool_core.model.instance({"T": 1, "S": 2, "R": 2, "A": 2}),
        Limits(),
    ),
    "turnstile": (lambda: turnstile.model.instance(), Limits()),
    "two phase commit": (lambda: two_phase_commit.model.instance({"managers": 3}), Limits()),
    "slot pool 1.11": (lambda: slot_pool.instance(generation="1.11"), Limits(depth=5)),
    "slot pool 1.12": (lambda: slot_pool.instance(generation="1.12"), Limits(depth=5)),
    "slot pool 1.13": (lambda: slot_pool.instance(generation="1.13"), Limits(depth=5)),
}
WAYS: dict[str, dict[str, Any]] = {
    "one worker": {},
    "two workers": {"workers": 2},
    "fingerprints": {"fingerprints": True},
    "fingerprints, two workers": {"fingerprints": True, "workers": 2},
}
OLDER = ("slot pool 1.11", "slot pool 1.12")
SYMMETRIC = [name for name in INSTANCES if name.startswith(("core", "slot"))]


@cache
def interpreted(name: str) -> Result:
    make, limits = INSTANCES[name]
    return explore_interpreted(make(), limits)


def answers(result: Result) -> list[tuple[str, Verdict, int | None]]:
    return [
        (p.property.name, p.verdict, len(p.finding.steps) if p.finding else None)
        for p in result.properties
    ]


def lives(found: PropertyResult) -> bool:
    return found.property.kind is Kind.LEADS_TO


def ends(result: Result) -> tuple[object, ...]:
    return (
        result.deadlock and len(result.deadlock.steps),
        result.fault and result.fault.fault,
        result.limit,
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", fast_only(INSTANCES, *(n for n in INSTANCES if n not in OLDER)))
def test_compiled_as_interpreted(name: str, way: str) -> None:
    make, limits = INSTANCES[name]
    instance, expected = make(), interpreted(name)
    if "fingerprints" in WAYS[way]:
        # fingerprints are refused with leads_to properties
        expected = replace(expected, properties=[p for p in expected.properties if not lives(p)])
        instance.properties = {p.property.name: p.property for p in expected.properties}
    result = explore_compiled(instance, limits, **WAYS[way])
    for part in ("states", "transitions", "depth", "taken", "fired", "dead", "verdict"):
        assert getattr(result, part) == getattr(expected, part), part
    assert answers(result) == answers(expected)
    assert ends(result) == ends(expected)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["exact", "fast"])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetry_changes_no_verdict(name: str, form: str) -> None:
    make, limits = INSTANCES[name]
    result, expected = explore_compiled(make(), limits, symmetry=form), interpreted(name)
    assert answers(result) == answers(expected)
    assert ends(result) == ends(expected)
    assert result.verdict == expected.verdict
    assert result.states < expected.states


def test_a_trace_of_the_compiled_search_is_a_run_of_the_model() -> None:
    result = explore_compiled(slot_pool_core.model.instance({"R": 3}), workers=2)
    for prop in result.properties:
        if prop.finding is not None:
            for one, two in zip(prop.finding.steps, prop.finding.steps[1:], strict=False):
                assert one.after == two.before
