"""Compares a step of the model with the step of a trace.

A part that the trace leaves open is not compared. Values are compared as JSON: ``true`` is not
``1``, and the order of keys is ignored, except in the maps that the schema declares ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.traces.trace import Expected, RecordedStep


class Conformance(Enum):
    """Whether a step or a trace agrees with the model."""

    CONFORMS = "CONFORMS"
    """Everything in the trace agrees."""
    DIVERGES = "DIVERGES"
    """Something in the trace differs."""
    UNDETERMINED = "UNDETERMINED"
    """The trace says too little to decide."""


class _Absent:
    """Stands for a field that one side does not have."""

    _only: _Absent | None = None

    def __new__(cls) -> _Absent:
        # there is only one, even after a difference came from another process
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
"""In a :class:`Difference`: this side does not have the field."""

DIFFERENCE_LIMIT = 50
"""Most differences that are listed for one step."""


@dataclass(frozen=True)
class Difference:
    """One place where a step differs, such as ``state.available.a3.since``."""

    path: str
    expected: Any
    seen: Any

    def __str__(self) -> str:
        return f"{self.path}: expected {as_text(self.expected)}, seen {as_text(self.seen)}"


@dataclass(frozen=True)
class Comparison:
    """The outcome for one step, and its differences in the order of the trace's fields."""

    outcome: Conformance
    differences: tuple[Difference, ...] = ()


_CONFORMS = Comparison(Conformance.CONFORMS)
_UNDETERMINED = Comparison(Conformance.UNDETERMINED)
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


LONGEST = 1_000
"""Characters of a value that a message shows."""


def as_text(value: object) -> str:
    """A value for messages: JSON, or ``absent``. A long one is cut."""
    if value is ABSENT:
        return "absent"
    return cut(_encode(value).decode())


def cut(text: str) -> str:
    """A text for messages, with its length if only its beginning is shown."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


class AnyOrder(list[Any]):
    """A result whose elements a hash table lists: their order does not count."""


def compare(
    expected: Expected,
    seen: RecordedStep,
    ordered: frozenset[str] = frozenset({"allocated"}),
    signals: frozenset[str] = frozenset(),
) -> Comparison:
    """Compare one step.

    :param ordered: paths of maps inside the state whose order counts.
    :param signals: effects whose place among the others does not count.
    :returns: UNDETERMINED if the step consists of its operation alone.
    """
    if seen.silent:
        return _UNDETERMINED
    encode = _encode if ordered else _encode_sorted
    if surely_equal(expected, seen, encode):
        return _CONFORMS
    found = tuple(islice(_differences(expected, seen, ordered, signals), DIFFERENCE_LIMIT))
    return Comparison(Conformance.DIVERGES, found) if found else _CONFORMS


def surely_equal(
    expected: Expected, seen: RecordedStep, encode: Callable[[Any], bytes] = _encode
) -> bool:
    """Whether both encode to the same bytes: the usual case, decided several times faster.

    The state of the trace may still be text, a :class:`msgspec.Raw`.
    """
    theirs: list[Any] = [seen.raises or None, seen.raises_cause]
    mine: list[Any] = [expected.raises, expected.raises_cause]
    if seen.result is not UNSET:
        theirs.append(seen.result)
        mine.append(expected.result)
    if seen.effects is not UNSET:
        theirs.append(seen.effects)
        mine.append(expected.effects)
    if seen.state is not UNSET:
        theirs.append(seen.state)
        mine.append(expected.state)
    return encode(theirs) == encode(mine)


def _differences(
    expected: Expected, seen: RecordedStep, ordered: frozenset[str], signals: frozenset[str]
) -> Iterator[Difference]:
    yield from _raised(expected, seen)
    if seen.result is not UNSET:
        mine, theirs = expected.result, seen.result
        if isinstance(mine, AnyOrder) and isinstance(theirs, list):
            mine, theirs = sorted(mine, key=_encode_sorted), sorted(theirs, key=_encode_sorted)
        yield from walk("result", mine, theirs)
    if seen.effects is not UNSET:
        yield from _effects(expected, seen.effects, seen.unordered, signals)
    if seen.state is not UNSET:
        places = frozenset(f"state.{path}" for path in ordered)
        yield from walk("state", expected.state, seen.state, places)


def _raised(expected: Expected, seen: RecordedStep) -> Iterator[Difference]:
    """If a result or effects are given, an absent `raises` means that nothing was raised."""
    if seen.raises is UNSET and seen.result is UNSET and seen.effects is UNSET:
        return
    raised = None if seen.raises is UNSET else seen.raises
    if raised != expected.raises:
        yield Difference("raises", expected.raises or ABSENT, raised or ABSENT)
    elif seen.raises_cause != expected.raises_cause:
        yield Difference(
            "raises_cause", expected.raises_cause or ABSENT, seen.raises_cause or ABSENT
        )


def _effects(
    expected: Expected,
    seen: list[dict[str, Any]],
    seen_unordered: Sequence[tuple[int, int]],
    signals: frozenset[str],
) -> Iterator[Difference]:
    mine = expected.effects
    if signals:
        mine, seen = _signals_last(mine, signals), _signals_last(seen, signals)
    if len(mine) == len(seen):
        # if the lengths differ, positions do not correspond
        mine, seen = _aligned(mine, seen, _joined([*expected.unordered, *seen_unordered]))
    for i in range(max(len(mine), len(seen))):
        left = mine[i] if i < len(mine) else ABSENT
        right = seen[i] if i < len(seen) else ABSENT
        if left is ABSENT or right is ABSENT or _other_kind(left, right):
            yield Difference(f"effects[{i}]", left, right)
        else:
            yield from walk(f"effects[{i}]", left, right)


def _signals_last(effects: list[dict[str, Any]], signals: frozenset[str]) -> list[dict[str, Any]]:
    """The effects whose place counts, then the others in an order of their own."""
    late = [effect for effect in effects if effect.get("effect") in signals]
    return [e for e in effects if e.get("effect") not in signals] + sorted(late, key=_encode_sorted)


def _other_kind(left: Any, right: Any) -> bool:
    """Two effects of different kind differ as a whole: their fields do not correspond."""
    return bool(left.get("effect") != right.get("effect"))


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The half-open ranges of both sides, with overlapping ones merged."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _aligned(
    mine: list[dict[str, Any]], seen: list[dict[str, Any]], ranges: list[tuple[int, int]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Both sides, reordered within each range so that equal effects are at equal positions."""
    mine, seen = list(mine), list(seen)
    for first, last in ranges:
        rest = seen[first:last]
        pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
        alone: list[dict[str, Any]] = []
        for effect in mine[first:last]:
            place = next((i for i, other in enumerate(rest) if _same(effect, other)), None)
            if place is None:
                alone.append(effect)
            else:
                pairs.append((effect, rest.pop(place)))
        pairs += zip(alone, rest, strict=True)
        mine[first:last] = [a for a, _ in pairs]
        seen[first:last] = [b for _, b in pairs]
    return mine, seen


def _same(left: object, right: object) -> bool:
    return next(walk("", left, right), None) is None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list | tuple) else "other"


def walk(
    path: str, expected: Any, seen: Any, ordered: frozenset[str] = frozenset()
) -> Iterator[Difference]:
    """Every place where two JSON values differ.

    :param ordered: full paths of the maps whose order of keys counts; ``*`` stands for any key.
    """
    kind = _kind(expected)
    if kind != _kind(seen):
        yield Difference(path, expected, seen)
    elif kind == "object":
        for key in dict.fromkeys([*expected, *seen]):
            left, right = expected.get(key, ABSENT), seen.get(key, ABSENT)
            if left is ABSENT or right is ABSENT:
                yield Difference(f"{path}.{key}", left, right)
            else:
                yield from walk(f"{path}.{key}", left, right, ordered)
        if (
            list(expected) != list(seen)
            and set(expected) == set(seen)
            and any(fnmatchcase(path, pattern) for pattern in ordered)
        ):
            yield Difference(f"{path} (order)", list(expected), list(seen))
    elif kind == "array":
        for i in range(max(len(expected), len(seen))):
            left = expected[i] if i < len(expected) else ABSENT
            right = seen[i] if i < len(seen) else ABSENT
            if left is ABSENT or right is ABSENT:
                yield Difference(f"{path}[{i}]", left, right)
            else:
                yield from walk(f"{path}[{i}]", left, right, ordered)
    elif expected != seen:
        yield Difference(path, expected, seen)
