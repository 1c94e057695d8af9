"""Shortened traces still violate, and no call can be left out of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slotspec.models import load_model
from slotspec.statemachine import Call, Instance, Kind, replay
from slotspec.statemachine.interpreter.shrinking import shrink
from slotspec.statemachine.interpreter.statistics import Violation
from slotspec.statemachine.obligations import predicate_of
from slotspec.statemachine.simulate import simulate
from tests.models.slot_pool.mutants import BREAKS, Break
from tests.statemachine.interpreter.simulated import walks
from tests.statemachine.tiny import Room, says


def breaks(instance: Instance, name: str, calls: Sequence[Call]) -> bool:
    """Whether the last of these calls violates a step property of `instance`."""
    declared = instance.properties[name]
    assert declared.kind is Kind.STEP
    steps = replay(instance, calls)
    if not steps or any(step.result == -1 for step in steps):
        return False
    if declared.on not in (None, steps[-1].call.action.name):
        return False
    last = steps[-1]
    before, after = instance.fresh(), instance.fresh()
    for record, values in ((before, last.before), (after, last.after)):
        for field, value in values.items():
            if isinstance(value, list):
                list.__setitem__(getattr(record, field), slice(None), value)
            else:
                setattr(record, field, value)
    after.effects[:] = map(after.emitted, last.effects)
    return not predicate_of(instance, declared)(before, after, last.result, *last.call.arguments)


SLOW = {"waiting before pending", "no remap"}
"""Found only by long runs, which take long to shorten."""


@pytest.mark.parametrize(
    "broken",
    [pytest.param(b, marks=pytest.mark.slow if b.name in SLOW else (), id=b.name) for b in BREAKS],
)
def test_the_trace_of_a_broken_rule_is_minimal(broken: Break) -> None:
    pool = load_model("slot_pool")
    generation, (name, length) = list(broken.found.items())[-1]
    instance = pool.instance(
        {**SMALL, **broken.bounds}, generation=generation, replace=broken.replace
    )
    instance.properties = {name: instance.properties[name]}
    result = simulate(instance, "interpreted", runs=2_000, steps=100)
    assert result.finding is not None
    calls = result.finding.calls
    assert breaks(instance, name, calls)
    assert result.minimal
    assert len(calls) <= length + 3
    for leave in range(len(calls)):
        fewer = calls[:leave] + calls[leave + 1 :]
        assert not breaks(instance, name, fewer)


SMALL = {
    "task_managers": 1,
    "slot_indices": 1,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 1,
    "gateways": 1,
}


def calls_of(instance: Instance, texts: Sequence[str]) -> tuple[int, ...]:
    by_text = {str(call): call.index for call in instance.calls}
    return tuple(by_text[text] for text in texts)


def seen_both(s: Room) -> bool:
    """Not both lamps were looked at, or the count is low."""
    return s.seen[0] + s.seen[1] < 2 or s.count < 2


def test_shrinking_removes_loops_and_detours_and_uses_first_elements() -> None:
    model = walks()
    says(model, "always", seen_both)
    instance = model.instance()
    way = [
        "up()",
        "down()",
        "look(lamp=1)",
        "up()",
        "look(lamp=1)",
        "nothing()",
        "look(lamp=1)",
        "jump(lamp=1)",
        "down()",
        "look(lamp=0)",
    ]
    violation = Violation("property", "seen_both", 0, calls_of(instance, way))
    shrunk = shrink(instance, violation)
    assert shrunk.minimal
    assert [str(call) for call in shrunk.calls] in (
        ["jump(lamp=0)", "look(lamp=0)", "look(lamp=1)"],
        ["look(lamp=0)", "jump(lamp=0)", "look(lamp=1)"],
        ["look(lamp=0)", "look(lamp=1)", "jump(lamp=0)"],
    )


def test_the_time_limit_returns_the_best_so_far() -> None:
    model = walks()
    says(model, "always", seen_both)
    instance = model.instance()
    way = ["look(lamp=0)", "up()", "down()", "up()", "look(lamp=1)", "up()"]
    violation = Violation("property", "seen_both", 0, calls_of(instance, way))
    shrunk = shrink(instance, violation, seconds=-1)
    assert not shrunk.minimal
    assert [str(call) for call in shrunk.calls] == way
