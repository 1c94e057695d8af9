"""One rule done wrong is noticed: by the recordings, and by the check alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from slotspec.models.slot_pool.matching import maybe_remap_orphaned_allocation
from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.traces.reading import TraceReader
from slotspec.statemachine import Instance, Limits, Result, Verdict, check
from tests.models.slot_pool.mutants import BREAKS, TWO, Break, nobody_is_told
from tests.models.small import ONE, POOL
from tests.variants import fast_first

TRACES = Path(__file__).parents[2] / "data" / "traces" / "slot_pool"
VERSIONS = {"1.11": "1.11.4", "1.12": "1.12.5", "1.13": "1.13.6"}

RECORDED = [
    pytest.param(b, g, id=f"{b.name}-{g}")
    for b in BREAKS
    for g in POOL.generations
    if g in b.recorded
]
FOUND = [
    pytest.param(b, g, id=f"{b.name}-{g}") for b in BREAKS for g in POOL.generations if g in b.found
]


def first_divergence(generation: str, seed: int, replace: Break | None) -> int | None:
    """Number of the first step of a recording that the model does otherwise."""
    path = TRACES / VERSIONS[generation] / f"seed{seed:04}.jsonl.gz"
    with TraceReader(path) as reader:
        rules = dict(replace.replace) if replace else None
        oracle = SlotPoolOracle(generation, reader.header, replace=rules)
        for number, seen in enumerate(reader, 1):
            oracle.hint(seen)
            expected = oracle.step(seen.op, **seen.arguments)
            found = compare(expected, seen, reader.schema.ordered)
            if found.outcome is Conformance.DIVERGES:
                return number
    return None


def small(of: Break, generation: str) -> Instance:
    return POOL.instance({**ONE, **of.bounds}, generation=generation, replace=of.replace)


@cache
def healthy(bounds: tuple[tuple[str, int], ...], generation: str, depth: int) -> Result:
    """The first steps without a break: once for all breaks with these bounds."""
    instance = POOL.instance({**ONE, **dict(bounds)}, generation=generation)
    return check(instance, "interpreted", Limits(depth=depth))


def violations(result: Result) -> dict[str, int]:
    """Violated properties with the lengths of their shortest traces."""
    return {
        found.property.name: len(found.finding.steps)
        for found in result.properties
        if found.verdict is Verdict.VIOLATED and found.finding
    }


def test_there_are_ten() -> None:
    assert len(BREAKS) == len({b.name for b in BREAKS}) == 10
    assert all(b.recorded and b.found for b in BREAKS)


@pytest.mark.parametrize(("broken", "generation"), RECORDED)
def test_a_recording_catches_it(broken: Break, generation: str) -> None:
    seed, step = broken.recorded[generation]
    assert first_divergence(generation, seed, broken) == step
    assert first_divergence(generation, seed, None) is None


@pytest.mark.slow
@pytest.mark.parametrize(("broken", "generation"), FOUND)
def test_the_check_alone_catches_it(broken: Break, generation: str) -> None:
    name, length = broken.found[generation]
    result = check(small(broken, generation), "interpreted", Limits(depth=length))
    assert result.verdict is Verdict.VIOLATED
    assert result.fault is None
    found = violations(result)
    assert found[name] == length == min(found.values())


@pytest.mark.slow
@pytest.mark.parametrize(("broken", "generation"), FOUND)
def test_it_is_the_break_that_is_found(broken: Break, generation: str) -> None:
    result = healthy(tuple(broken.bounds.items()), generation, broken.found[generation][1])
    assert not violations(result)
    assert result.fault is None


def test_an_orphan_that_is_neither_inherited_nor_cancelled_is_noticed() -> None:
    """No remap again, this time without the cancel that gives the other one away."""
    rules = {maybe_remap_orphaned_allocation: nobody_is_told}
    instance = POOL.instance({**ONE, **TWO}, generation="1.12", replace=rules)
    result = check(instance, "interpreted", Limits(depth=6))
    assert violations(result) == {"what_a_served_request_had_asked_for_is_inherited": 6}


@pytest.mark.parametrize(
    "name", fast_first(["exact matching everywhere", "suspend fails requests"])
)
def test_a_replaced_rule_is_in_effect_when_compiled(name: str) -> None:
    """One that is imported by name in several modules, and one that is called as pool.rule."""
    broken = next(b for b in BREAKS if b.name == name)
    limits = Limits(depth=broken.found["1.12"][1])
    instance = small(broken, "1.12")
    interpreted = check(instance, "interpreted", limits)
    compiled = check(instance, "compiled", limits)
    assert violations(compiled) == violations(interpreted) != {}
    assert (compiled.states, compiled.transitions) == (interpreted.states, interpreted.transitions)


@pytest.mark.slow
def test_where_a_rule_is_never_called_its_break_shows_nothing() -> None:
    """No remap in 1.11, no suspend in 1.13: recordings agree with the break too."""
    for name, generation in (("no remap", "1.11"), ("suspend fails requests", "1.13")):
        broken = next(b for b in BREAKS if b.name == name)
        assert generation not in broken.recorded
        result = check(small(broken, generation), "interpreted", Limits(depth=6))
        assert not violations(result)
        assert all(first_divergence(generation, seed, broken) is None for seed in range(20))
