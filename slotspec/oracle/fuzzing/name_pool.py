"""The names that a sequence has used so far, and which belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.oracle.fuzzing.targets import FuzzTarget

NameGroup = Mapping[str, Any]
"""Kind -> name (or number): the names in one object of the state, one message or one call."""

RECENT = 8
"""How many of the last messages are kept whole."""


class NamePool:
    """The names that the next operation may use, collected from states, effects and arguments.

    :ivar ever: kind -> every name so far, oldest first.
    :ivar calls: operation -> the arguments of its calls.
    """

    def __init__(self, target: FuzzTarget) -> None:
        self._target = target
        self._state: Any = {}
        self._gathered: tuple[dict[str, list[str]], list[NameGroup]] | None = None
        self._messages: list[NameGroup] = []
        self.ever: dict[str, dict[str, None]] = {}
        self.calls: dict[str, list[dict[str, Any]]] = {}

    def understands(self, state: dict[str, Any]) -> bool:
        """True: names can be collected from any state."""
        return True

    def follow(
        self, op: str, arguments: dict[str, Any], effects: list[dict[str, Any]], state: Any
    ) -> None:
        """Take note of one step."""
        self._state, self._gathered = state, None
        self.calls.setdefault(op, []).append(arguments)
        seen: dict[str, list[str]] = {}
        for message in (arguments, *effects):
            self._gather(message, (), {}, seen, self._messages)
        del self._messages[:-RECENT]
        for kind, names in seen.items():
            self.ever.setdefault(kind, {}).update(dict.fromkeys(names))

    def now(self, kind: str) -> list[str]:
        """Names of a kind in the current state."""
        return self._here()[0].get(kind, [])

    def together(self) -> list[NameGroup]:
        """Names that belong together, in the current state and in the last messages."""
        return [*self._here()[1], *self._messages]

    def _here(self) -> tuple[dict[str, list[str]], list[NameGroup]]:
        if self._gathered is None:
            names: dict[str, list[str]] = {}
            groups: list[NameGroup] = []
            self._gather(self._state, (), {}, names, groups)
            self._gathered = names, groups
        return self._gathered

    def _gather(
        self,
        value: Any,
        levels: tuple[str, ...],
        above: NameGroup,
        names: dict[str, list[str]],
        groups: list[NameGroup],
    ) -> None:
        """Collect the names below `value`; `levels` are the kinds of its keys."""
        if isinstance(value, list | tuple):
            for item in value:
                # the keys of a map are names, those of an object in a list are not
                below = () if isinstance(item, dict) else levels
                self._gather(item, below, above, names, groups)
        elif isinstance(value, dict):
            if levels:
                for name, inner in value.items():
                    names.setdefault(levels[0], []).append(name)
                    self._gather(inner, levels[1:], {**above, levels[0]: name}, names, groups)
                return
            own = {
                kind: v
                for k, v in value.items()
                if isinstance(v, str | int) and not self._is_word(kind := self.kind(k), v)
            }
            for kind, name in own.items():
                if isinstance(name, str):
                    names.setdefault(kind, []).append(name)
            together = {**above, **own}
            if own:
                groups.append(together)
            for key, inner in value.items():
                if isinstance(inner, dict | list):
                    self._gather(inner, self._target.maps.get(key, ()), together, names, groups)
        elif isinstance(value, str) and levels and not self._is_word(levels[0], value):
            names.setdefault(levels[0], []).append(value)
            groups.append({**above, levels[0]: value})

    def kind(self, argument: str) -> str:
        """The kind of names that an argument takes."""
        return self._target.schema.kinds.get(argument, argument)

    def _is_word(self, kind: str, value: str | int) -> bool:
        """Whether a text stands where a name could, but is none: a payload ``terminated``."""
        known = kind in self._target.schema.names
        return known and isinstance(value, str) and not any(map(str.isdigit, value))
