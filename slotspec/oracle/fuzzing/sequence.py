"""The two sides of a random sequence: where its operations come from, and what they have led to."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from slotspec.oracle.traces.trace import OperationCall, TraceHeader


class Source(Protocol):
    """Where the operations of one sequence come from.

    :ivar header: configuration and names of the sequence.
    """

    header: TraceHeader

    def step(self, place: int, view: Any, random: Random) -> OperationCall:
        """The operation at a place of the sequence, given what happened so far."""
        ...


class SequenceView(Protocol):
    """What a sequence has led to so far: the names that the next operation may use."""

    def understands(self, state: dict[str, Any]) -> bool:
        """Whether the state of a peer has everything that this view reads."""
        ...

    def follow(
        self, op: str, arguments: dict[str, Any], effects: list[dict[str, Any]], state: Any
    ) -> None:
        """Take note of one step."""
        ...
