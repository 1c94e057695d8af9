"""Gives the ids that a peer makes itself the names that sequences have for them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.slot_manager.schema import SCHEMA as SLOT_MANAGER
from slotspec.oracle.slot_pool.schema import SCHEMA as SLOT_POOL
from slotspec.oracle.traces.trace import TraceHeader, TraceStep

SHOWN: dict[str, dict[str, tuple[str, str]]] = {
    SLOT_POOL.implementation: {"rm.request_slot": ("allocation", "a")},
    SLOT_MANAGER.implementation: {
        "tm.request_slot": ("call", "g"),
        "tm.can_be_released": ("query", "q"),
    },
}
"""Class -> effect -> its field that shows an id of the peer's own making, and the first letter
of our names for such ids."""


class Translation:
    """Between a peer's own ids and ``a1``, ``a2``, …, in the order in which effects show them.

    A peer that uses these very names is not translated at all. Ids that show in states alone
    (tickets of a slot table, expected slots of a slot manager) are not translated.
    """

    def __init__(self, header: TraceHeader) -> None:
        self._shown = SHOWN.get(header.implementation, {})
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self._generated: dict[str, int] = {}

    def to_peer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments with the peer's ids in them."""
        return _replaced(arguments, self._theirs) if self._theirs else arguments

    def from_peer(self, step: TraceStep, arguments: dict[str, Any]) -> TraceStep:
        """A step with our names in it."""
        if step.effects is not UNSET:
            for effect in step.effects:
                shown = self._shown.get(effect["effect"])
                if shown is not None:
                    self._bind(str(effect.get(shown[0])), shown[1])
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

    def _bind(self, theirs: str, letter: str) -> None:
        self._generated[letter] = self._generated.get(letter, 0) + 1
        ours = f"{letter}{self._generated[letter]}"
        if theirs != ours and theirs not in self._ours:
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
