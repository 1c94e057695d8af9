"""Gives the allocation ids that a peer makes the names that sequences have for them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.traces import TraceStep


class Translation:
    """Between a peer's own ids and ``a1``, ``a2``, …, in the order of their first request.

    A peer that uses these very names is not translated at all.
    """

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self._generated = 0

    def to_peer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments with the peer's ids in them."""
        return _replaced(arguments, self._theirs) if self._theirs else arguments

    def from_peer(self, step: TraceStep, arguments: dict[str, Any]) -> TraceStep:
        """A step with our names in it."""
        if step.effects is not UNSET:
            for effect in step.effects:
                if effect.get("effect") == "rm.request_slot":
                    self._bind(str(effect.get("allocation")))
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

    def _bind(self, theirs: str) -> None:
        self._generated += 1
        ours = f"a{self._generated}"
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
