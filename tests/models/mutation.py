"""Broken rules: whether recordings of the real class, or a search, notice them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled

DATA = Path(__file__).parent.parent / "data"
Rules = Mapping[Callable[..., Any], Callable[..., Any]]


def recordings(kind: str, version: str = "*") -> list[Path]:
    """The recordings and directed runs of a class."""
    return sorted(DATA.glob(f"*/{kind}/{version}/*.jsonl.gz"))


@cache
def read(path: Path) -> tuple[TraceHeader, tuple[RecordedStep, ...]]:
    with TraceReader(path) as reader:
        return reader.header, tuple(reader)


def divergences(oracle: Callable[..., Any], kind: str, version: str, rules: Rules) -> int:
    """How many recordings of a version notice the broken rules."""
    found = 0
    for path in recordings(kind, version):
        header, steps = read(path)
        broken = oracle(header.generation, header, replace=dict(rules))
        for seen in steps:
            try:
                expected = broken.step(seen.op, **seen.arguments)
            except (StepError, IndexError):
                found += 1
                break
            found_here = compare(expected, seen, signals=broken.schema.signals)
            if found_here.outcome is Conformance.DIVERGES:
                found += 1
                break
    return found


def noticed_by(
    model: Model, generation: str, scope: str, bounds: Mapping[str, int], rules: Rules
) -> set[str]:
    """What a search of the broken model reports: properties, ``fault``, ``deadlock``."""
    instance = model.instance(bounds, generation=generation, scope=scope, replace=rules)
    result = explore_compiled(instance, Limits(states=3_000_000, seconds=60))
    found = {p.property.name for p in result.properties if p.verdict is Verdict.VIOLATED}
    if result.fault:
        found.add("fault")
    if result.deadlock:
        found.add("deadlock")
    return found
