"""Translates between the ids that a peer makes itself and their names in sequences."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


class Translation:
    """Translates a peer's own ids to ``a1``, ``a2``, …, in the order in which effects show them.

    A peer that already uses these names needs no translation. Ids that only states show (tickets
    of a slot table, pending slots of a slot manager) are not translated.
    """

    def __init__(self, header: TraceHeader) -> None:
        self._shown = schema_of(header.implementation).shown
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self._generated: dict[str, int] = {}
        self._known: set[str] = set()

    def to_peer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments with the peer's ids."""
        return _replaced(arguments, self._theirs) if self._theirs else arguments

    def from_peer(self, step: RecordedStep, arguments: dict[str, Any]) -> RecordedStep:
        """The step with the names of sequences."""
        if step.effects is not UNSET:
            for effect in step.effects:
                for field, letter in self._shown.get(effect["effect"], ()):
                    self._bind(effect.get(field), letter)
        if not self._ours:
            return step
        return msgspec.structs.replace(
            step,
            arguments=arguments,
            **{
                part: _replaced(value, self._ours)
                for part in ("result", "effects", "state")
                if (value := getattr(step, part)) is not UNSET
            },
        )

    def _bind(self, theirs: Any, letter: str) -> None:
        # an id that comes again is the peer's mistake, and must not pass for a new one
        if not isinstance(theirs, str) or theirs in self._known:
            return
        self._known.add(theirs)
        self._generated[letter] = self._generated.get(letter, 0) + 1
        ours = f"{letter}{self._generated[letter]}"
        if theirs != ours:
            self._ours[theirs] = ours
            self._theirs[ours] = theirs


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {names.get(k, k): _replaced(v, names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(v, names) for v in value]
    return value
