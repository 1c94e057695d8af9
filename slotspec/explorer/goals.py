"""Paths to what one wants to see: a property's trace, a state where something holds."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from slotspec.explorer.errors import RequestError
from slotspec.explorer.settings import Ready, walk
from slotspec.statemachine.check import check
from slotspec.statemachine.declaration.dotted_names import value_of
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import FieldSpec, Ref
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.formatting import for_ever
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits

PROPERTY_LIMITS = Limits(states=3_000_000, seconds=20.0)
STATES, SECONDS = 200_000, 10.0
"""When a search for a state gives up."""
MOST_CONDITIONS = 8

Holds = Callable[[Any], bool]


def property_path(ready: Ready, name: str) -> dict[str, Any]:
    """The shortest violation or witness of a property, from the initial state.

    :raises RequestError: 404 if the instance has no such property.
    """
    instance = ready.instance
    if name not in instance.properties:
        known = ", ".join(instance.properties)
        raise RequestError(
            404, "WEB010", f"{instance.title} has no property {name[:60]!r}; it has {known}"
        )
    if name not in ready.found:
        ready.found[name] = _check(instance, name)
    found: dict[str, Any] = ready.found[name]
    return found


def _check(instance: Instance, name: str) -> dict[str, Any]:
    alone = Instance(instance.model, instance.setting, instance.scope, instance.replace)
    alone.properties = {name: instance.properties[name]}
    result = check(alone, limits=PROPERTY_LIMITS)
    judged = result.properties[0]
    path = None if judged.finding is None else [call.index for call in judged.finding.calls]
    return {
        "verdict": judged.verdict.value,
        "path": path,
        "states": result.states,
        "reason": judged.reason or _going_on(judged.finding),
        "sentence": judged.property.description,
    }


def _going_on(finding: Finding | None) -> str:
    """How a path that never ends goes on."""
    said = None if finding is None else for_ever(finding)
    return "" if finding is None or said is None else f"after step {finding.loop}: {said}"


def state_path(ready: Ready, path: tuple[int, ...], where: str) -> dict[str, Any]:
    """The shortest way on from the end of `path` to a state where all of `where` holds.

    :param where: ``field:VALUE`` (of some element) and ``field[i]:VALUE``, between commas.
    :raises RequestError: 400 for a condition that cannot be read.
    """
    conditions = [_condition(ready, part) for part in (p.strip() for p in where.split(",")) if part]
    if not 1 <= len(conditions) <= MOST_CONDITIONS:
        raise RequestError(
            400,
            "WEB011",
            f"where: give 1 to {MOST_CONDITIONS} conditions, as slot:ALLOCATED,request:WAITING",
        )
    with ready.lock:  # for the walk alone: the search has an interpreter of its own
        walk(ready, path)
        start = ready.interpreter.key
    found, states, exhaustive = _search(ready, start, conditions)
    verdict = "FOUND" if found is not None else "UNREACHABLE" if exhaustive else "UNKNOWN"
    return {
        "verdict": verdict,
        "path": None if found is None else [*path, *found],
        "states": states,
        "reason": "" if found is not None or exhaustive else "a limit ended the search",
        "sentence": where,
    }


def _condition(ready: Ready, text: str) -> Holds:
    place, colon, wanted = text.partition(":")
    name, bracket, index = place.strip().partition("[")
    fields = ready.instance.record.fields
    spec = fields.get(name)
    if not colon or spec is None or spec.scratch:
        known = ", ".join(n for n, s in fields.items() if not s.scratch)
        raise RequestError(
            400, "WEB011", f"where: {text[:60]!r} is no field:VALUE; fields are {known}"
        )
    value = _value(ready, name, spec, wanted.strip())
    if not spec.array:
        return lambda s: bool(value_of(s, name) == value)
    if not bracket:
        return lambda s: value in value_of(s, name)
    size = spec.size(ready.instance.setting.bounds)
    number = index.removesuffix("]")
    if not number.isdecimal() or len(number) > 3 or int(number) >= size:
        raise RequestError(
            400, "WEB011", f"where: {text[:60]!r}: {name} has elements 0 to {size - 1}"
        )
    return lambda s: bool(value_of(s, name)[int(number)] == value)


def _value(ready: Ready, name: str, spec: FieldSpec, text: str) -> int:
    if isinstance(spec.domain, type):
        for state in spec.domain.states:
            if state.name == text:
                return int(state)
        known = ", ".join(state.name for state in spec.domain.states)
        raise RequestError(400, "WEB011", f"where: {name} has no state {text[:60]!r}; {known}")
    largest = ready.instance.largest(spec)
    if isinstance(spec.domain, Ref):
        if text in ("-", "NONE"):
            return NONE
        for number in range(largest + 1):
            if ready.formatter.value(spec.domain, number) == text:
                return number
    if text.isdecimal() and len(text) <= 6 and int(text) <= largest:
        return int(text)
    raise RequestError(
        400, "WEB011", f"where: {name} is never {text[:60]!r}; it goes from 0 to {largest}"
    )


def _search(
    ready: Ready, start: bytes, conditions: list[Holds]
) -> tuple[list[int] | None, int, bool]:
    """Level by level: calls to take, states seen, and whether all of them were."""
    started = perf_counter()
    interpreter = Interpreter(ready.instance)
    s, calls = interpreter.s, ready.instance.calls

    def holds() -> bool:
        return all(condition(s) for condition in conditions)

    interpreter.load(start)
    if holds():
        return [], 1, False
    how: dict[bytes, tuple[bytes, int]] = {start: (b"", -1)}
    frontier = [start]
    while frontier:
        upcoming = []
        for key in frontier:
            if len(how) >= STATES or perf_counter() - started > SECONDS:
                return None, len(how), False
            interpreter.load(key)
            for call in calls:
                try:
                    refused = interpreter.step(call) == DISABLED
                except StepError:
                    refused = True
                new = interpreter.key
                if not refused and new not in how:
                    how[new] = (key, call.index)
                    if holds():
                        return _back(how, new), len(how), False
                    upcoming.append(new)
                interpreter.undo()
        frontier = upcoming
    return None, len(how), True


def _back(how: dict[bytes, tuple[bytes, int]], key: bytes) -> list[int]:
    path = []
    while how[key][1] >= 0:
        key, index = how[key][0], how[key][1]
        path.append(index)
    return path[::-1]
