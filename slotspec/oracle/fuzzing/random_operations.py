"""Random operations from the schema, with meaningful and hostile arguments.

Most arguments name something that exists, and the arguments of one operation name things that
belong together. The others are repeated, obsolete, unrelated or invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any, Literal, get_args, get_origin

from slotspec.oracle.fuzzing.name_pool import NameGroup, NamePool
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.traces.schema import Argument, Count, Index, Millis, SlotNumber
from slotspec.oracle.traces.trace import OperationCall, TraceHeader

_DELAYS = (0, 1, 7, 10, 30, 50)
_LONGEST = 2**31 - 1
_MANY = (0, 1, 1, 2, 2, 3, 4)
"""How many vertices a call names."""
INVENTED = 8
"""Names of a kind that no object has, unless the target says otherwise."""
NOTHING: NameGroup = {}


class RandomOperations:
    """Draws operations for one sequence.

    :param hostile: how often an argument is hostile, from 0 to 1.
    """

    def __init__(
        self,
        target: FuzzTarget,
        header: TraceHeader,
        operations: Sequence[str],
        hostile: float,
        random: Random,
    ) -> None:
        self._target = target
        self._header = header
        self._hostile = hostile
        self._profiles = list(header.profiles)
        timeouts = [v for name, v in header.config.items() if name.endswith("_ms")]
        near = (t + off for t in timeouts for off in (-1, 0, 1))
        self._delays = [*_DELAYS, *(min(max(0, t), _LONGEST) for t in near)]
        self._operations = [o for o in target.schema.operations if o.name in operations]
        self._weights = [_weight(o.name, target, random) for o in self._operations]
        if not any(self._weights):
            self._weights = [1.0] * len(self._operations)

    def operation(self, at: NamePool, random: Random) -> OperationCall:
        """A possible next operation; the class may still reject it."""
        op = random.choices(self._operations, self._weights)[0]
        before = at.calls.get(op.name)
        if before and random.random() < 0.3 * self._hostile:
            return op.name, dict(random.choice(before[-4:]))
        return op.name, self._arguments(op.name, op.arguments, at, random)

    def _arguments(
        self, op: str, arguments: Sequence[Argument], at: NamePool, random: Random
    ) -> dict[str, Any]:
        whole = self._group(arguments, at, random)
        found: dict[str, Any] = {}
        for argument in arguments:
            # what is optional and ignored, a recording tells of the class afterwards
            if argument.optional and (argument.ignored or random.random() < 0.5):
                continue
            found[argument.name] = self._argument(op, argument, whole, at, random)
        if any(found.get(name, "") is None for name in self._target.paired):
            found.update(dict.fromkeys(found.keys() & set(self._target.paired)))
        return found

    def _group(self, arguments: Sequence[Argument], at: NamePool, random: Random) -> NameGroup:
        """Names that belong together, for the arguments of one operation."""
        if random.random() < self._hostile:
            return NOTHING
        wanted = {at.kind(a.name) for a in arguments}
        groups = [(len(wanted & group.keys()), group) for group in at.together()]
        groups = [(count**2, group) for count, group in groups if count]
        if not groups:
            return NOTHING
        return random.choices([g for _, g in groups], [w for w, _ in groups])[0]

    def _argument(
        self, op: str, argument: Argument, whole: NameGroup, at: NamePool, random: Random
    ) -> Any:
        if argument.items is not None:
            if not argument.many:
                return self._arguments(op, argument.items, at, random)
            count = random.choices((1, 2, 3, 0), (6, 3, 1, 1))[0]
            return [self._arguments(op, argument.items, at, random) for _ in range(count)]
        if argument.name in self._target.values:
            return random.choice(self._target.values[argument.name])
        kind = at.kind(argument.name)
        if argument.refers == "causes":
            return self._may_be_none(argument, random.choice(list(self._header.causes)), random)
        if argument.refers == "vertices":
            return self._listed(argument, random)
        if get_origin(argument.type) is list:
            return self._list(argument, kind, at, random)
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
        if argument.new and random.random() >= 0.1:
            return self._new(kind, at)
        if kind in whole and isinstance(whole[kind], str):
            return whole[kind]
        return self._may_be_none(argument, self._name(kind, at, random), random)

    def _listed(self, argument: Argument, random: Random) -> str | list[str]:
        """A vertex that the header lists, or some of them; any other name is refused."""
        names = list(self._header.vertices)
        if get_origin(argument.type) is list:
            return random.choices(names, k=random.choice(_MANY))
        return random.choice(names)

    def _list(self, argument: Argument, kind: str, at: NamePool, random: Random) -> list[Any]:
        """Some names, or a counter: some profiles, each with a number."""
        count = random.choices((1, 2, 0), (3, 2, 1))[0]
        if get_origin(get_args(argument.type)[0]) is tuple:
            wanted = random.sample(self._profiles, min(count, len(self._profiles)))
            return [[profile, random.choice((1, 1, 2, 3))] for profile in wanted]
        return list(dict.fromkeys(self._name(kind, at, random) for _ in range(count)))

    def _number(self, argument: Argument, whole: NameGroup, random: Random) -> int:
        known = whole.get(argument.name)
        if isinstance(known, int) and random.random() >= self._hostile:
            return known
        if argument.type is SlotNumber:
            return random.choice((-1, -1, -2, 0, 0, 1, 1, 2, 3))
        return random.choice((1, 1, 2, 3) if argument.type is Count else (0, 1, 1, 2))

    def _may_be_none(self, argument: Argument, name: str, random: Random) -> str | None:
        allowed = type(None) in get_args(argument.type)
        return None if allowed and random.random() < 0.4 else name

    def _name(self, kind: str, at: NamePool, random: Random) -> str:
        """The name of something that exists, that existed, or that nobody knows."""
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
        """Names that no object has; of generated kinds, numbers that come much later."""
        given = self._target.invented.get(kind, INVENTED)
        if isinstance(given, tuple):
            return list(given)
        declared = self._target.schema.names[kind]
        prefix = f"{declared.prefix}9" if declared.generated else declared.prefix
        return [f"{prefix}{n}" for n in range(1, given + 1)]

    def _new(self, kind: str, at: NamePool) -> str:
        """A name that nothing ever had; its number is far above those that a walk uses."""
        used, schema = at.ever.get(kind, {}), self._target.schema
        return next(name for n in count(101) if (name := schema.named(kind, n)) not in used)


def _weight(op: str, target: FuzzTarget, random: Random) -> float:
    if op in target.rare:
        return random.choice((0.0, 0.1, 0.3))
    if op.startswith(QUERIES):
        return random.choice((0.0, 0.1, 0.3))
    return random.choice((0.0, 0.5, 1.0, 3.0))


QUERIES = ("get_", "is_", "has_", "list_", "contains_", "describe", "create_slot_report")
"""Prefixes of operations that only read the state."""


def options(kind: Any) -> tuple[Any, ...]:
    """All values of a type that has few, such as words and flags, including null if allowed."""
    if kind is bool:
        return (False, True)
    if get_origin(kind) is Literal:
        return get_args(kind)
    parts = get_args(kind)
    words = [value for part in parts if part is not type(None) for value in options(part)]
    return (*words, None) if words and type(None) in parts else tuple(words)
