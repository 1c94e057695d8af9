"""Simpler arguments, merged steps, other names: what shrinking tries besides dropping steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slotspec.oracle.fuzzing.random_operations import options
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.traces.schema import Argument, Index, Millis, Timeout
from slotspec.oracle.traces.trace import OperationCall, TraceHeader

_SIMPLEST: dict[str, tuple[Any, ...]] = {
    "profile": ("small", "any", "large"),
    "cause": ("other",),
    "rm": ("rm1",),
    "tm": ("tm1",),
    "request": ("r1", "r2"),
    "attempt": (1,),
    "job": ("j1",),
    "group": ("g1",),
    "locality": ("LOCAL",),
    "allocated_request": ("r1",),
}
"""Argument -> its simplest values, the simplest first."""


def merged(target: FuzzTarget, first: OperationCall, second: OperationCall) -> OperationCall | None:
    """One step for two neighbours that let time pass, or that list things of the same owner."""
    op, given = first
    other, more = second
    if op != other:
        return None
    known = target.schema.by_name[op].arguments
    added = [a for a in known if a.type is Millis or (a.items is not None and a.many)]
    if len(added) != 1 or (added[0].items is None and len(known) > 1):
        return None
    name = added[0].name
    if any(given.get(a.name) != more.get(a.name) for a in known if a is not added[0]):
        return None
    return op, {**given, name: given[name] + more[name]}


def renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """`value`, with every text in it renamed."""
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, dict):
        return {key: renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, rename) for inner in value]
    return value


def names_in(value: Any, found: set[str]) -> None:
    """Add every text of a state to `found`, including keys of maps."""
    if isinstance(value, str):
        found.add(value)
    elif isinstance(value, dict):
        found.update(value)
        for inner in value.values():
            names_in(inner, found)
    elif isinstance(value, list):
        for inner in value:
            names_in(inner, found)


def simpler(
    target: FuzzTarget, header: TraceHeader, op: str, arguments: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Arguments that are simpler at one place, the simplest first."""
    known = {a.name: a for a in target.schema.by_name[op].arguments}
    yield from _simpler(target, known, header, arguments)


def _simpler(
    target: FuzzTarget, known: dict[str, Argument], header: TraceHeader, arguments: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, value in arguments.items():
        argument = known[name]
        if argument.optional and argument.refers is None:
            yield {n: v for n, v in arguments.items() if n != name}
        if argument.items is not None:
            parts = {a.name: a for a in argument.items}
            if argument.many:
                options_: Iterator[Any] = _simpler_items(target, parts, header, value)
            else:
                options_ = _simpler(target, parts, header, value)
            for simple in options_:
                yield {**arguments, name: simple}
            continue
        if value is None and name in target.paired:
            continue  # null together with its partner is the simplest
        for simple in _simplest(argument, header):
            if simple == value:
                break
            yield {**arguments, name: simple}


def _simplest(argument: Argument, header: TraceHeader) -> Sequence[Any]:
    words = options(argument.type)
    if words:
        return words
    if argument.type in (Millis, Timeout, Index):
        return (0, 1)
    found = _SIMPLEST.get(argument.name, ())
    if argument.name == "profile":
        return [name for name in found if name in header.profiles]
    return found


def _simpler_items(
    target: FuzzTarget, known: dict[str, Argument], header: TraceHeader, items: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    for place in range(len(items)):
        yield items[:place] + items[place + 1 :]
    for place, item in enumerate(items):
        for simple in _simpler(target, known, header, item):
            yield [*items[:place], simple, *items[place + 1 :]]
