"""Operations from the vocabulary alone: any of them, with meaningful and hostile arguments.

Most arguments name what is there, and those of one operation name what belongs together. The
others are repeated, of something that is gone, of something else, or invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Literal, get_args, get_origin

from slotspec.oracle.fuzzing.name_pool import Names, NamesInUse
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.peers.protocol import Operation
from slotspec.oracle.traces.schema import Argument, Count, Index, Millis, SlotNumber
from slotspec.oracle.traces.trace import TraceHeader

_DELAYS = (0, 1, 7, 10, 30, 50)
NOTHING: Names = {}


class Inventor:
    """Makes operations for one sequence.

    :param hostile: how often an argument is not what it would be in peace, 0 to 1.
    """

    def __init__(
        self,
        about: FuzzTarget,
        header: TraceHeader,
        operations: Sequence[str],
        hostile: float,
        random: Random,
    ) -> None:
        self._about = about
        self._header = header
        self._hostile = hostile
        self._profiles = list(header.profiles)
        timeouts = [v for name, v in header.config.items() if name.endswith("_ms")]
        self._delays = [*_DELAYS, *(max(0, t + off) for t in timeouts for off in (-1, 0, 1))]
        self._operations = [o for o in about.schema.operations if o.name in operations]
        self._weights = [_weight(o.name, about, random) for o in self._operations]
        if not any(self._weights):
            self._weights = [1.0] * len(self._operations)

    def operation(self, at: NamesInUse, random: Random) -> Operation:
        """An operation that may come next; the class may still refuse it."""
        op = random.choices(self._operations, self._weights)[0]
        before = at.calls.get(op.name)
        if before and random.random() < 0.3 * self._hostile:
            return op.name, dict(random.choice(before[-4:]))
        return op.name, self._arguments(op.name, op.arguments, at, random)

    def _arguments(
        self, op: str, arguments: Sequence[Argument], at: NamesInUse, random: Random
    ) -> dict[str, Any]:
        whole = self._group(arguments, at, random)
        found: dict[str, Any] = {}
        for argument in arguments:
            if argument.optional and random.random() < 0.5:
                continue
            found[argument.name] = self._argument(op, argument, whole, at, random)
        if any(found.get(name, "") is None for name in self._about.paired):
            found.update(dict.fromkeys(found.keys() & set(self._about.paired)))
        return found

    def _group(self, arguments: Sequence[Argument], at: NamesInUse, random: Random) -> Names:
        """Something of which the arguments may speak together."""
        if random.random() < self._hostile:
            return NOTHING
        wanted = {at.kind(a.name) for a in arguments}
        groups = [(len(wanted & group.keys()), group) for group in at.together()]
        groups = [(count**2, group) for count, group in groups if count]
        if not groups:
            return NOTHING
        return random.choices([g for _, g in groups], [w for w, _ in groups])[0]

    def _argument(
        self, op: str, argument: Argument, whole: Names, at: NamesInUse, random: Random
    ) -> Any:
        if argument.items is not None:
            if not argument.many:
                return self._arguments(op, argument.items, at, random)
            count = random.choices((1, 2, 3, 0), (6, 3, 1, 1))[0]
            return [self._arguments(op, argument.items, at, random) for _ in range(count)]
        kind = at.kind(argument.name)
        words = options(argument.type)
        if words:
            return random.choice(words)
        if argument.type is Millis:
            return random.choice(self._delays)
        if argument.type in (Index, Count, SlotNumber):
            return self._number(argument, whole, random)
        if argument.refers == "profiles" or argument.name == "profile":
            known = whole.get("profile")
            keep = known in self._profiles and random.random() >= self._hostile
            return (
                known
                if keep
                else self._may_be_none(argument, random.choice(self._profiles), random)
            )
        if f"{op}.{argument.name}" in self._about.new and random.random() >= 0.1:
            return self._new(kind, at)
        if kind in whole and isinstance(whole[kind], str):
            return whole[kind]
        return self._may_be_none(argument, self._name(kind, at, random), random)

    def _number(self, argument: Argument, whole: Names, random: Random) -> int:
        known = whole.get(argument.name)
        if isinstance(known, int) and random.random() >= self._hostile:
            return known
        if argument.type is SlotNumber:
            return random.choice((-1, -1, -2, 0, 0, 1, 1, 2, 3))
        return random.choice((1, 1, 2, 3) if argument.type is Count else (0, 1, 1, 2))

    def _may_be_none(self, argument: Argument, name: str, random: Random) -> str | None:
        allowed = type(None) in get_args(argument.type)
        return None if allowed and random.random() < 0.4 else name

    def _name(self, kind: str, at: NamesInUse, random: Random) -> str:
        """Of something that is there, that was, or that nobody has heard of."""
        groups: list[tuple[float, list[str]]] = [
            (6, at.now(kind)),
            (2, list(at.ever.get(kind, ()))[-4:]),
            (1, list(at.ever.get(kind, ()))),
            (2, self._invented(kind)),
        ]
        there = [(weight, names) for weight, names in groups if names]
        if not there:
            return f"{kind}1"
        names = random.choices([n for _, n in there], [w for w, _ in there])[0]
        return random.choice(names)

    def _invented(self, kind: str) -> list[str]:
        letters, count = self._about.invented.get(kind, (kind, 2))
        start = 0 if letters.endswith("/") else 1
        return [
            f"{begin}{n}" for begin in letters.split() for n in range(start, start + min(count, 8))
        ]

    def _new(self, kind: str, at: NamesInUse) -> str:
        """A name that nothing ever had; far from those that a walk gives in a row."""
        letters, _ = self._about.invented[kind]
        used = at.ever.get(kind, {})
        return next(name for n in range(101, 10**6) if (name := f"{letters}{n}") not in used)


def _weight(op: str, about: FuzzTarget, random: Random) -> float:
    if op in about.rare:
        return random.choice((0.0, 0.1, 0.3))
    if op.startswith(QUERIES):
        return random.choice((0.0, 0.1, 0.3))
    return random.choice((0.0, 0.5, 1.0, 3.0))


QUERIES = ("get_", "is_", "has_", "list_", "contains_", "describe", "create_slot_report")
"""How operations begin that look and change nothing."""


def options(kind: Any) -> tuple[Any, ...]:
    """All values of a type that has few: words, flags; null among them where it is allowed."""
    if kind is bool:
        return (False, True)
    if get_origin(kind) is Literal:
        return get_args(kind)
    parts = get_args(kind)
    words = [value for part in parts if part is not type(None) for value in options(part)]
    return (*words, None) if words and type(None) in parts else tuple(words)
