"""Runs a peer and the model side by side, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from slotspec.oracle.compare import Difference, Outcome, compare
from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.situation import Situation
from slotspec.oracle.peers.protocol import Operation, Peer, PeerError
from slotspec.oracle.slot_pool import SlotPoolOracle
from slotspec.oracle.traces import Expected, TraceHeader, TraceStep
from slotspec.statemachine.errors import StepError


@dataclass(frozen=True)
class Found:
    """A sequence whose last step differs.

    :param steps: what the peer did, the last step being the one that differs.
    :param expected: what the model does in each of them.
    :param fault: what went wrong in the model itself, which then has no last expectation.
    """

    header: TraceHeader
    steps: tuple[TraceStep, ...]
    expected: tuple[Expected, ...]
    differences: tuple[Difference, ...]
    fault: str | None = None

    @property
    def operations(self) -> list[Operation]:
        return [(step.op, step.arguments) for step in self.steps]


class Diverged(Exception):
    """The peer has left the model."""

    def __init__(self, found: Found) -> None:
        super().__init__(f"{found.steps[-1].op}: {found.fault or found.differences[0]}")
        self.found = found


class Lockstep:
    """One sequence.

    :param generation: of the model.
    :param peer: is reset.
    :param coverage: is counted into, if given.
    """

    def __init__(
        self, generation: str, header: TraceHeader, peer: Peer, coverage: Coverage | None = None
    ) -> None:
        self.header = header
        self._peer = peer
        self._generation = generation
        self._coverage = coverage
        listener = None if coverage is None else coverage.listener
        self._oracle = SlotPoolOracle(generation, header, listener=listener)
        self.situation = Situation(list(header.task_managers))
        self.steps: list[TraceStep] = []
        self.expected: list[Expected] = []
        peer.reset(header)
        if coverage is not None:
            coverage.sequences += 1

    def step(self, op: str, arguments: dict[str, Any]) -> None:
        """Run one operation on both.

        :raises Diverged: where they differ.
        :raises PeerError: where the peer does not answer; it tells the sequence.
        """
        try:
            seen = self._peer.step(op, arguments)
        except PeerError as error:
            before = [(step.op, step.arguments) for step in self.steps]
            sequence = [*before, (op, arguments)]
            raise PeerError(error.code, error.message, sequence, self.header) from error
        if self._coverage is not None:
            self._coverage.step(self.steps[-1].op if self.steps else None, op)
        seen = reshaped(seen, self._generation)
        self.steps.append(seen)
        expected = self._expected(seen)
        self.expected.append(expected)
        found = compare(expected, seen)
        if found.outcome is Outcome.DIVERGES:
            raise Diverged(
                Found(self.header, tuple(self.steps), tuple(self.expected), found.differences)
            )
        self.situation.follow(op, arguments, expected.effects, expected.state)

    def _expected(self, seen: TraceStep) -> Expected:
        try:
            self._oracle.hint(seen)
            return self._oracle.step(seen.op, **seen.arguments)
        except (StepError, LookupError, ArithmeticError) as error:
            fault = f"{type(error).__name__}: {error}"
            found = Found(self.header, tuple(self.steps), tuple(self.expected), (), fault)
            raise Diverged(found) from error


def reshaped(step: TraceStep, generation: str) -> TraceStep:
    """A step of another release in the shape of this one: 1.11 has no ``origin`` in its state."""
    pending = step.state.get("pending") if isinstance(step.state, dict) else None
    if not isinstance(pending, list) or not all(isinstance(e, dict) for e in pending):
        return step
    assert isinstance(step.state, dict)
    if generation == "1.11":
        entries = [
            {n: v for n, v in e.items() if n != "origin" or v != e.get("allocation")}
            for e in pending
        ]
    else:
        entries = [
            {**e, "origin": e["allocation"]} if "origin" not in e and "allocation" in e else e
            for e in pending
        ]
    return msgspec.structs.replace(step, state={**step.state, "pending": entries})


def replay(
    generation: str, header: TraceHeader, peer: Peer, sequence: Sequence[Operation]
) -> Found | None:
    """Run a whole sequence; where it diverges, if it does."""
    lockstep = Lockstep(generation, header, peer)
    try:
        for op, arguments in sequence:
            lockstep.step(op, arguments)
    except Diverged as diverged:
        return diverged.found
    return None
