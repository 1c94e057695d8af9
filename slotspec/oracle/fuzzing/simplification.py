"""Simpler arguments, joined steps, other names: what shrinking tries beside leaving out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slotspec.oracle.fuzzing.random_operations import options
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.peers.protocol import Operation
from slotspec.oracle.traces.schema import Argument, Index, Millis, Timeout
from slotspec.oracle.traces.trace import TraceHeader

_SIMPLEST: dict[str, tuple[Any, ...]] = {
    "profile": ("small", "any", "large"),
    "cause": ("other",),
    "rm": ("rm1",),
    "tm": ("tm1",),
    "index": (0, 1),
    "ms": (0, 1),
    "request": ("r1", "r2"),
    "attempt": (1,),
    "job": ("j1",),
    "group": ("g1",),
    "quick": (False,),
    "locality": ("LOCAL1",),
    "allocated_request": ("r1",),
}
"""Argument -> its simplest values, the simplest first."""


def joined(about: FuzzTarget, first: Operation, second: Operation) -> Operation | None:
    """One step instead of two neighbours that let time pass, or tell lists of the same one."""
    op, given = first
    other, more = second
    if op != other:
        return None
    known = about.schema.by_name[op].arguments
    added = [a for a in known if a.type is Millis or (a.items is not None and a.many)]
    if len(added) != 1 or (added[0].items is None and len(known) > 1):
        return None
    name = added[0].name
    if any(given.get(a.name) != more.get(a.name) for a in known if a is not added[0]):
        return None
    return op, {**given, name: given[name] + more[name]}


def renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """`value` with every text in it renamed."""
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, dict):
        return {key: renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, rename) for inner in value]
    return value


def names_in(value: Any, found: set[str]) -> None:
    """Put every text of a state into `found`, keys of maps too."""
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
    about: FuzzTarget, header: TraceHeader, op: str, arguments: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Arguments that are simpler in one place, the simplest first."""
    known = {a.name: a for a in about.schema.by_name[op].arguments}
    yield from _simpler(about, known, header, arguments)


def _simpler(
    about: FuzzTarget, known: dict[str, Argument], header: TraceHeader, arguments: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, value in arguments.items():
        argument = known[name]
        if argument.optional and argument.refers is None:
            yield {n: v for n, v in arguments.items() if n != name}
        if argument.items is not None:
            parts = {a.name: a for a in argument.items}
            if argument.many:
                options_: Iterator[Any] = _simpler_items(about, parts, header, value)
            else:
                options_ = _simpler(about, parts, header, value)
            for simple in options_:
                yield {**arguments, name: simple}
            continue
        if value is None and name in about.paired:
            continue  # null with its partner, and simplest so
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
    about: FuzzTarget, known: dict[str, Argument], header: TraceHeader, items: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    for place in range(len(items)):
        yield items[:place] + items[place + 1 :]
    for place, item in enumerate(items):
        for simple in _simpler(about, known, header, item):
            yield [*items[:place], simple, *items[place + 1 :]]
