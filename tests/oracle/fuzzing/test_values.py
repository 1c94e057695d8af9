"""The fuzzer sends only what the recordings of the real classes show that a class can be sent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models.registry import MODELS
from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.sources import source, view_of
from slotspec.oracle.fuzzing.targets import fuzz_target, fuzzable
from slotspec.oracle.traces.reading import TraceReader
from slotspec.statemachine.errors import InputError, SlotspecError

TRACES = Path(__file__).parents[2] / "data"
SEQUENCES, STEPS = 12, 40
Values = dict[tuple[str, str], set[str]]


def plain(value: Any) -> Iterator[str]:
    """What matters of a value: kinds of names, enumerated words, types of numbers."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (f"{name}={one}" for one in plain(inner))
    elif isinstance(value, list):
        for one in value:
            yield from plain(one)
    elif isinstance(value, str):
        yield re.sub(r"\d+", "#", value)
    elif isinstance(value, bool) or value is None:
        yield str(value)
    else:
        yield type(value).__name__


@cache
def recordings() -> dict[str, list[Path]]:
    """The recordings of each implementation."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(TRACES.rglob("*.jsonl*")):
        try:
            with TraceReader(path) as reader:
                found[reader.header.implementation].append(path)
        except InputError:
            continue
    return found


def recorded_values(model: str) -> Values:
    found: Values = defaultdict(set)
    paths = [p for name in MODELS[model].implementations for p in recordings().get(name, ())]
    for path in paths:
        try:
            with TraceReader(path) as reader:
                for step in reader:
                    for name, value in step.arguments.items():
                        found[step.op, name].update(plain(value))
        except InputError:
            continue
    return found


def sent_values(model: str) -> Values:
    found: Values = defaultdict(set)
    target = fuzz_target(model)
    for number in range(SEQUENCES):
        generation = target.schema.generations[number % len(target.schema.generations)]
        random = Random(number)
        operations = source(target, generation, random, STEPS)
        header = operations.header
        oracle: Any = factory_of(header)(generation, header)
        view = view_of(header)
        for place in range(STEPS):
            op, arguments = operations.step(place, view, Random(1000 * number + place))
            for name, value in arguments.items():
                found[op, name].update(plain(value))
            try:
                expected = oracle.step(op, **arguments)
            except SlotspecError:
                continue
            view.follow(op, arguments, expected.effects, expected.state)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("model", fuzzable())
def test_where_a_name_belongs_a_name_is_sent(model: str) -> None:
    known = recorded_values(model)
    sent = sent_values(model)
    assert len(sent) >= 20
    for place, values in sent.items():
        for field in {value.rpartition("=")[0] for value in values}:
            begin = f"{field}=" if field else ""
            shown = {v for v in known.get(place, ()) if v.rpartition("=")[0] == field}
            if shown and all("#" in v or v.endswith("None") for v in shown):
                odd = {v for v in values if v.startswith(begin) and "#" not in v}
                assert odd <= {f"{begin}None"}, (place, odd)
    assert any("#" in value for values in known.values() for value in values)
