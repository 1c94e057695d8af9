"""Find paths: the trace of a property, or a path to a state with given values."""

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
from slotspec.statemachine.errors import StepError, suggest
from slotspec.statemachine.formatting import for_ever
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits

PROPERTY_LIMITS = Limits(states=3_000_000, seconds=20.0)
STATES, SECONDS = 200_000, 10.0
"""The limits of a search for a state."""
MOST_CONDITIONS = 8

Holds = Callable[[Any], bool]


def property_path(ready: Ready, name: str) -> dict[str, Any]:
    """The shortest violation or witness of a property from the initial state.

    :raises RequestError: 404 if the instance has no such property.
    """
    instance = ready.instance
    if name not in instance.properties:
        known = suggest(name, instance.properties)
        raise RequestError(
            404, "WEB010", f"{instance.title} has no property {name[:60]!r}; {known}"
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
        "reason": judged.reason or _loop_text(judged.finding),
        "sentence": judged.property.description,
    }


def _loop_text(finding: Finding | None) -> str:
    """How an infinite path continues; empty for a finite one."""
    text = None if finding is None else for_ever(finding)
    return "" if finding is None or text is None else f"after step {finding.loop}: {text}"


def state_path(ready: Ready, path: tuple[int, ...], where: str) -> dict[str, Any]:
    """Extend `path` by the shortest path to a state where all conditions of `where` hold.

    :param where: ``field:VALUE`` (for some element) or ``field[i]:VALUE``, separated by commas.
    :raises RequestError: 400 for an invalid condition.
    """
    conditions = [_condition(ready, part) for part in (p.strip() for p in where.split(",")) if part]
    if not 1 <= len(conditions) <= MOST_CONDITIONS:
        raise RequestError(
            400,
            "WEB011",
            f"where: give 1 to {MOST_CONDITIONS} conditions, such as slot:ALLOCATED,pool:STARTED",
        )
    with ready.lock:  # only for the walk: the search has its own interpreter
        walk(ready, path)
        start = ready.interpreter.key
    found, states, exhaustive = _search(ready, start, conditions)
    verdict = "FOUND" if found is not None else "UNREACHABLE" if exhaustive else "UNKNOWN"
    return {
        "verdict": verdict,
        "path": None if found is None else [*path, *found],
        "states": states,
        "reason": "" if found is not None or exhaustive else "a limit stopped the search",
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
            400, "WEB011", f"where: {text[:60]!r} is not field:VALUE; the fields are {known}"
        )
    value = _value(ready, name, spec, wanted.strip())
    if not spec.array:
        return lambda s: bool(value_of(s, name) == value)
    if not bracket:
        return lambda s: value in value_of(s, name)
    size = spec.size(ready.instance.setting.bounds)
    number = index.removesuffix("]")
    if not (number.isascii() and number.isdecimal()) or len(number) > 3 or int(number) >= size:
        raise RequestError(
            400, "WEB011", f"where: {text[:60]!r}: {name} has elements 0 to {size - 1}"
        )
    return lambda s: bool(value_of(s, name)[int(number)] == value)


def _value(ready: Ready, name: str, spec: FieldSpec, text: str) -> int:
    if isinstance(spec.domain, type):
        for state in spec.domain.states:
            if state.name == text:
                return int(state)
        known = suggest(text, [state.name for state in spec.domain.states])
        raise RequestError(400, "WEB011", f"where: {name} has no state {text[:60]!r}; {known}")
    largest = ready.instance.largest(spec)
    if isinstance(spec.domain, Ref):
        if text in ("-", "NONE"):
            return NONE
        for number in range(largest + 1):
            if ready.formatter.value(spec.domain, number) == text:
                return number
    if text.isascii() and text.isdecimal() and len(text) <= 6 and int(text) <= largest:
        return int(text)
    raise RequestError(
        400, "WEB011", f"where: {name} cannot be {text[:60]!r}; it is a number from 0 to {largest}"
    )


def _search(
    ready: Ready, start: bytes, conditions: list[Holds]
) -> tuple[list[int] | None, int, bool]:
    """Search breadth first: the calls to make, the states seen, and whether these are all."""
    started = perf_counter()
    interpreter = Interpreter(ready.instance)
    s, calls = interpreter.s, ready.instance.calls

    def holds() -> bool:
        return all(condition(s) for condition in conditions)

    interpreter.load(start)
    if holds():
        return [], 1, False
    reached_by: dict[bytes, tuple[bytes, int]] = {start: (b"", -1)}
    frontier = [start]
    while frontier:
        upcoming = []
        for key in frontier:
            if len(reached_by) >= STATES or perf_counter() - started > SECONDS:
                return None, len(reached_by), False
            interpreter.load(key)
            for call in calls:
                try:
                    disabled = interpreter.step(call) == DISABLED
                except StepError:
                    disabled = True
                new = interpreter.key
                if not disabled and new not in reached_by:
                    reached_by[new] = (key, call.index)
                    if holds():
                        return _calls_to(reached_by, new), len(reached_by), False
                    upcoming.append(new)
                interpreter.undo()
        frontier = upcoming
    return None, len(reached_by), True


def _calls_to(reached_by: dict[bytes, tuple[bytes, int]], key: bytes) -> list[int]:
    path = []
    while reached_by[key][1] >= 0:
        key, index = reached_by[key]
        path.append(index)
    return path[::-1]
