"""Broken rules: whether recordings of the real class, or a search, notice them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Kind, Model
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.results import Limit, Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled

DATA = Path(__file__).parent.parent / "data"
Rules = Mapping[Callable[..., Any], Callable[..., Any]]


@dataclass(frozen=True)
class Mutant:
    """A rule and what somebody may have written instead.

    :param scope: the scope whose search notices it.
    :param notices: what that search reports: a property (violated, or no longer deviating),
        ``fault`` or ``deadlock``; empty if it reports nothing.
    :param recorded: whether recordings notice it.
    """

    rule: Callable[..., Any]
    replacement: Callable[..., Any]
    scope: str
    notices: str = ""
    bounds: Mapping[str, int] = field(default_factory=dict)
    recorded: bool = True

    @property
    def rules(self) -> Rules:
        return {self.rule: self.replacement}


def recordings(kind: str, version: str = "*") -> list[Path]:
    """The recordings and directed runs of a class."""
    return sorted(DATA.glob(f"*/{kind}/{version}/*.jsonl.gz"))


@cache
def read(path: Path) -> tuple[TraceHeader, tuple[RecordedStep, ...]]:
    with TraceReader(path) as reader:
        return reader.header, tuple(reader)


def notice(oracle: Callable[..., Any], path: Path, rules: Rules) -> bool:
    """Whether a recording notices the broken rules."""
    header, steps = read(path)
    broken = oracle(header.generation, header, replace=dict(rules))
    for seen in steps:
        try:
            expected = broken.step(seen.op, **seen.arguments)
        except (StepError, IndexError):
            return True
        compared = compare(expected, seen, signals=broken.schema.signals)
        if compared.outcome is Conformance.DIVERGES:
            return True
    return False


def any_notices(oracle: Callable[..., Any], kind: str, version: str, rules: Rules) -> bool:
    """Whether a recording of a version notices the broken rules."""
    return any(notice(oracle, path, rules) for path in recordings(kind, version))


def divergences(oracle: Callable[..., Any], kind: str, version: str, rules: Rules) -> int:
    """How many recordings of a version notice the broken rules."""
    return sum(notice(oracle, path, rules) for path in recordings(kind, version))


def noticed_by(
    model: Model, generation: str, scope: str, bounds: Mapping[str, int], rules: Rules
) -> set[str]:
    """What a search of the broken model reports: properties, ``fault``, ``deadlock``."""
    instance = model.instance(bounds, generation=generation, scope=scope, replace=rules)
    result = explore_compiled(instance, Limits(states=3_000_000, seconds=600))
    found = {p.property.name for p in result.properties if p.verdict is Verdict.VIOLATED}
    if result.fault:
        found.add("fault")
    if result.deadlock:
        found.add("deadlock")
    return found


def assert_noticed(model: Model, generation: str, mutant: Mutant) -> None:
    """A search of the mutant reports exactly what it should.

    It ends with the first violation where one is expected. A known deviation that is no longer
    there, or a state that is never reached, takes the whole search.
    """
    if not mutant.notices:
        found = noticed_by(model, generation, mutant.scope, mutant.bounds, mutant.rules)
        assert found == set()
        return
    instance = model.instance(
        mutant.bounds, generation=generation, scope=mutant.scope, replace=mutant.rules
    )
    limits = Limits(states=3_000_000, seconds=600)
    if mutant.notices in ("fault", "deadlock"):
        result = explore_compiled(instance, replace(limits, until=mutant.notices))
        assert getattr(result, mutant.notices) is not None
        return
    asked = instance.properties[mutant.notices]
    deviates = asked.deviation is not None and asked.deviation(instance.setting) is not None
    if asked.kind in (Kind.ALWAYS, Kind.STEP) and not deviates:
        limits = replace(limits, until=mutant.notices)
    instance.properties = {mutant.notices: asked}
    result = explore_compiled(instance, limits)
    assert result.limit in (None, Limit.FOUND)
    assert result.fault is None
    (verdict,) = (p.verdict for p in result.properties)
    assert verdict is (Verdict.HOLDS if deviates else Verdict.VIOLATED)
