"""The page's view of a state: lifecycles, queues, maps, possible calls, the path so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.lifecycles import lifecycles_of, plain
from slotspec.diagrams.sequence_svg import sequence_svg
from slotspec.diagrams.sequences import of_finding
from slotspec.explorer.errors import RequestError
from slotspec.explorer.settings import Ready, Walked, bugs_of, walk
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Kind, Model
from slotspec.statemachine.declaration.records import FieldSpec, Ref, Sort
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import StepError, suggest
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.obligations import predicate_of
from slotspec.statemachine.results import TraceStep

DRAWN = 60
"""The number of steps to draw: the last ones of a path."""
DRAWN_LIFECYCLES: dict[type[Lifecycle], str] = {}
"""A cache; lifecycles do not change."""


def models(served: dict[str, Model]) -> list[dict[str, Any]]:
    """The models with their generations, scopes, bounds and lifecycles."""
    return [
        {
            "name": model.name,
            "sentence": model.description,
            "generations": list(model.generations),
            "scopes": [{"name": s.name, "sentence": s.description} for s in model.scopes.values()],
            "bounds": [
                {
                    "name": b.name,
                    "sentence": b.description,
                    "default": b.default,
                    "minimum": b.minimum,
                    "maximum": b.maximum,
                }
                for b in model.bounds.values()
            ],
            "lifecycles": [one.__name__ for one in lifecycles_of(model)],
            "bugs": [
                {
                    "name": bug.issue,
                    "sentence": bug.description,
                    "generation": bug.generation or "",
                    "scope": bug.scope,
                    "set": ",".join(f"{name}={value}" for name, value in bug.bounds.items()),
                }
                for bug in bugs_of(model)
            ],
        }
        for model in served.values()
    ]


def view(ready: Ready, path: tuple[int, ...]) -> dict[str, Any]:
    """Everything about the state at the end of `path`."""
    walked = walk(ready, path)
    instance = ready.instance
    state = walked.steps[-1].after if walked.steps else ready.interpreter.snapshot()
    changed = walked.steps[-1].changed if walked.steps else {}
    before = walked.steps[-1].before if walked.steps else state
    parts = instance.record.parts
    return {
        "title": instance.title,
        "generation": instance.generation,
        "scope": instance.scope,
        "bounds": dict(instance.setting.bounds),
        "length": len(path),
        "parts": [{"name": p.name, "title": ready.formatter.part(p.name)} for p in parts],
        "machines": list(_machines(ready, state, changed)),
        "queues": list(_queues(ready, before, state, changed)),
        "maps": list(_maps(ready, state, changed)),
        "values": list(_values(ready, state, changed)),
        "calls": [] if walked.fault else list(_calls(ready)),
        "steps": [ready.formatter.format_step(step) for step in walked.steps],
        "last": _last(ready, walked),
        "broken": [] if walked.fault else list(_broken(ready)),
        "sequence": _sequence(ready, walked),
        "properties": [
            {"name": p.name, "kind": p.kind.value, "sentence": p.description}
            for p in instance.properties.values()
        ],
    }


def _specs(ready: Ready) -> Iterator[tuple[str, FieldSpec]]:
    carried = ready.formatter.carried if isinstance(ready.formatter, MessageFormatter) else ()
    for name, spec in ready.instance.record.fields.items():
        if not spec.scratch and name not in carried:
            yield name, spec


def part_of(name: str) -> str:
    """The part that a field belongs to; empty for a field of the model itself."""
    return name.rpartition(".")[0]


def _machines(ready: Ready, state: Any, changed: Any) -> Iterator[dict[str, Any]]:
    for name, spec in _specs(ready):
        if not isinstance(spec.domain, type) or not len(state[name]):
            continue
        yield {
            "field": name,
            "part": part_of(name),
            "sentence": spec.description,
            "lifecycle": spec.domain.__name__,
            "states": [one.name for one in spec.domain.states],
            "elements": [
                {
                    "name": "" if spec.over is None else ready.formatter.element(spec.over, i),
                    "state": spec.domain.states[at].name,
                    "sentence": spec.domain.states[at].description,
                    "initial": spec.domain.states[at].initial,
                    "changed": f"{name}[{i}]" in changed,
                }
                for i, at in enumerate(state[name])
            ],
        }


def _queues(ready: Ready, before: Any, state: Any, changed: Any) -> Iterator[dict[str, Any]]:
    """Queues of references, and the channels of a model whose processes send messages."""
    if isinstance(ready.formatter, MessageFormatter):
        known = dict(ready.formatter.in_flight(before))
        for channel, items in ready.formatter.in_flight(state):
            yield {
                "field": channel,
                "part": "",
                "sentence": "Messages in arrow, oldest first.",
                "items": items,
                "changed": items != known[channel],
            }
    for name, spec in _specs(ready):
        if spec.over is not None and spec.over.ordered and isinstance(spec.domain, Ref):
            yield {
                "field": name,
                "part": part_of(name),
                "sentence": spec.description,
                "items": [ready.formatter.value(spec.domain, v) for v in state[name] if v != NONE],
                "changed": any(place.startswith(f"{name}[") for place in changed),
            }


def _maps(ready: Ready, state: Any, changed: Any) -> Iterator[dict[str, Any]]:
    """The fields over each sort as a table; a row for each element that has changed."""
    by_sort: dict[tuple[str, Sort], list[tuple[str, FieldSpec]]] = {}
    for name, spec in _specs(ready):
        if spec.over is not None and not spec.over.ordered:
            by_sort.setdefault((part_of(name), spec.over), []).append((name, spec))
    for (part, sort), fields in by_sort.items():
        rows = []
        for i in range(sort.size(ready.instance.setting.bounds)):
            if all(state[name][i] == spec.default for name, spec in fields):
                continue
            rows.append(
                {
                    "name": ready.formatter.element(sort, i),
                    "cells": [
                        {
                            "text": ready.formatter.value(spec.domain, state[name][i]),
                            "changed": f"{name}[{i}]" in changed,
                        }
                        for name, spec in fields
                    ],
                }
            )
        yield {
            "sort": sort.name,
            "part": part,
            "sentence": sort.description,
            "columns": [{"field": name, "sentence": spec.description} for name, spec in fields],
            "rows": rows,
        }


def _values(ready: Ready, state: Any, changed: Any) -> Iterator[dict[str, Any]]:
    for name, spec in _specs(ready):
        if spec.over is None and not isinstance(spec.domain, type):
            value = state[name]
            yield {
                "field": name,
                "part": part_of(name),
                "sentence": spec.description,
                "text": ready.formatter.value(spec.domain, value),
                "changed": name in changed,
            }


def _calls(ready: Ready) -> Iterator[dict[str, Any]]:
    """The calls that are possible now, and whether each has an effect or a fault."""
    interpreter, formatter = ready.interpreter, ready.formatter
    here = interpreter.key
    before = interpreter.snapshot()
    for call in ready.instance.calls:
        fault = None
        try:
            if interpreter.step(call) == DISABLED:
                continue
            same = interpreter.key == here
        except StepError as error:
            fault, same = error.message, False
        effects = tuple(tuple(int(v) for v in e) for e in interpreter.effects)
        interpreter.undo()
        step = TraceStep(call, 0, effects, before, before)
        yield {
            "index": call.index,
            "action": call.action.name,
            "text": formatter.format_step(step),
            "sentence": call.action.description,
            "nothing": same and not effects,
            "fault": fault,
        }


def _last(ready: Ready, walked: Walked) -> dict[str, Any] | None:
    if not walked.steps:
        return None
    step = walked.steps[-1]
    return {
        "call": ready.formatter.format_step(step),
        "effects": ready.formatter.effects(step),
        "changes": ready.formatter.changes(step),
        "fault": walked.fault,
    }


def _broken(ready: Ready) -> Iterator[dict[str, Any]]:
    """The `always` properties that do not hold in this state."""
    instance = ready.instance
    for declared in instance.properties.values():
        if declared.kind is not Kind.ALWAYS:
            continue
        try:
            holds = bool(predicate_of(instance, declared)(ready.interpreter.s))
        except Exception as error:
            holds, why = False, f"cannot be evaluated: {type(error).__name__}: {error}"
        else:
            known = declared.deviation(instance.setting) if declared.deviation else None
            why = f"known deviation: {known}" if known else declared.description
        if not holds:
            yield {"name": declared.name, "why": why}


def _sequence(ready: Ready, walked: Walked) -> str:
    if not walked.steps:
        return ""
    sequence = of_finding(ready.instance, walked.finding(ready.instance))
    left_out = max(0, len(sequence.steps) - DRAWN)
    if left_out:
        sequence = replace(
            sequence,
            steps=sequence.steps[left_out:],
            ending=f"The first {left_out} steps are not drawn.",
        )
    return sequence_svg(sequence, title=False, narrow=True)


def lifecycle_svg(model: Model, name: str) -> str:
    """The diagram of a lifecycle of `model`.

    :raises RequestError: 404 if the model has no lifecycle of that name.
    """
    found = next((one for one in lifecycles_of(model) if one.__name__ == name), None)
    if found is None:
        known = suggest(name, [one.__name__ for one in lifecycles_of(model)])
        raise RequestError(404, "WEB009", f"{model.name} has no lifecycle {name[:60]!r}; {known}")
    if found not in DRAWN_LIFECYCLES:
        DRAWN_LIFECYCLES[found] = str(render(plain(name, [found]), Format.svg))
    return DRAWN_LIFECYCLES[found]
