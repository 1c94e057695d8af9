"""The names that a sequence has used so far, and which of them belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.oracle.fuzzing.targets import FuzzTarget

Names = Mapping[str, Any]
"""Kind -> name (or number): what one object of the class, one message, one call said."""

RECENT = 8
"""So many of the last messages are remembered whole."""


class NamesInUse:
    """What may be named by the next operation, gathered from states, effects and arguments.

    :ivar ever: kind -> every name that came up, oldest first.
    :ivar calls: operation -> the arguments of its calls.
    """

    def __init__(self, about: FuzzTarget) -> None:
        self._about = about
        self._state: Any = {}
        self._gathered: tuple[dict[str, list[str]], list[Names]] | None = None
        self._messages: list[Names] = []
        self.ever: dict[str, dict[str, None]] = {}
        self.calls: dict[str, list[dict[str, Any]]] = {}

    def understands(self, state: dict[str, Any]) -> bool:
        """Whether names can be found in a peer's state: in any."""
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
        """Names of a kind in the present state."""
        return self._here()[0].get(kind, [])

    def together(self) -> list[Names]:
        """What belongs together: in the present state, and in the last messages."""
        return [*self._here()[1], *self._messages]

    def _here(self) -> tuple[dict[str, list[str]], list[Names]]:
        if self._gathered is None:
            names: dict[str, list[str]] = {}
            groups: list[Names] = []
            self._gather(self._state, (), {}, names, groups)
            self._gathered = names, groups
        return self._gathered

    def _gather(
        self,
        value: Any,
        levels: tuple[str, ...],
        above: Names,
        names: dict[str, list[str]],
        groups: list[Names],
    ) -> None:
        """Names below `value`, whose keys are names of the kind `levels` says."""
        if isinstance(value, list | tuple):
            for item in value:
                self._gather(item, levels, above, names, groups)
        elif isinstance(value, dict):
            if levels:
                for name, inner in value.items():
                    names.setdefault(levels[0], []).append(name)
                    self._gather(inner, levels[1:], {**above, levels[0]: name}, names, groups)
                return
            own = {self.kind(k): v for k, v in value.items() if isinstance(v, str | int)}
            for kind, name in own.items():
                if isinstance(name, str):
                    names.setdefault(kind, []).append(name)
            together = {**above, **own}
            if own:
                groups.append(together)
            for key, inner in value.items():
                if isinstance(inner, dict | list):
                    self._gather(inner, self._about.maps.get(key, ()), together, names, groups)
        elif isinstance(value, str) and levels:
            names.setdefault(levels[0], []).append(value)
            groups.append({**above, levels[0]: value})

    def kind(self, argument: str) -> str:
        """The kind of name that an argument takes."""
        return self._about.kinds.get(argument, argument)
