"""Runs a peer and the model side by side, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from slotspec.oracle.conformance.compare import Difference, Outcome, compare
from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.sources import situation_of
from slotspec.oracle.fuzzing.targets import target_of_header
from slotspec.oracle.peers.protocol import Operation, Peer, PeerError
from slotspec.oracle.traces.trace import Expected, TraceHeader, TraceStep
from slotspec.statemachine.errors import StepError


@dataclass(frozen=True)
class Found:
    """A sequence whose last step differs.

    :param steps: what the peer did, the last step being the one that differs.
    :param expected: what the model does in each of them.
    :param fault: what went wrong in the model itself, which then has no last expectation.
    :param failure: how the peer failed in the last step, of which nothing else is known then.
    """

    header: TraceHeader
    steps: tuple[TraceStep, ...]
    expected: tuple[Expected, ...]
    differences: tuple[Difference, ...]
    fault: str | None = None
    failure: PeerError | None = None

    @property
    def operations(self) -> list[Operation]:
        return [(step.op, step.arguments) for step in self.steps]


class Diverged(Exception):
    """The peer has left the model."""

    def __init__(self, found: Found) -> None:
        what = found.fault or found.failure or found.differences[0]
        super().__init__(f"{found.steps[-1].op}: {what}")
        self.found = found


class Lockstep:
    """One sequence, of the class that the header names.

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
        self._oracle: Any = factory_of(header)(generation, header, listener=listener)
        # where the model names what the peer makes, the peer has to speak first
        self._peer_first = hasattr(self._oracle, "hint")
        self._ordered = target_of_header(header).schema.ordered
        self.situation = situation_of(header)
        self.steps: list[TraceStep] = []
        self.expected: list[Expected] = []
        peer.reset(header)
        if coverage is not None:
            coverage.sequences += 1

    def step(self, op: str, arguments: dict[str, Any]) -> None:
        """Run one operation on both.

        :raises Diverged: where they differ.
        :raises PeerError: where the peer does not answer; it tells the sequence.
        :raises InputError: where nobody knows what the class does with such a call; nothing
            was run then.
        """
        asked = TraceStep(op=op, arguments=arguments)
        expected = None if self._peer_first else self._expected(asked)
        try:
            seen = self._peer.step(op, arguments)
        except PeerError as error:
            self.steps.append(asked)
            raise PeerError(error.code, error.message, self._operations, self.header) from error
        if self._coverage is not None:
            self._coverage.step(self.steps[-1].op if self.steps else None, op)
        if self._peer_first:
            seen = reshaped(seen, self._generation)
            expected = self._expected(seen)
        assert expected is not None
        self.steps.append(seen)
        self.expected.append(expected)
        found = compare(expected, seen, self._ordered)
        if found.outcome is Outcome.DIVERGES:
            raise Diverged(
                Found(self.header, tuple(self.steps), tuple(self.expected), found.differences)
            )
        self.situation.follow(op, arguments, expected.effects, expected.state)

    def failed(self, error: PeerError) -> Found:
        """What is known where the peer has failed in the last step."""
        return Found(self.header, tuple(self.steps), tuple(self.expected), (), failure=error)

    @property
    def _operations(self) -> list[Operation]:
        return [(step.op, step.arguments) for step in self.steps]

    def _expected(self, seen: TraceStep) -> Expected:
        try:
            if self._peer_first:
                self._oracle.hint(seen)
            expected: Expected = self._oracle.step(seen.op, **seen.arguments)
        except (StepError, LookupError, ArithmeticError) as error:
            fault = f"{type(error).__name__}: {error}"
            found = Found(self.header, (*self.steps, seen), tuple(self.expected), (), fault)
            raise Diverged(found) from error
        return expected


def reshaped(step: TraceStep, generation: str) -> TraceStep:
    """A slot pool's step in the shape of this release: 1.11 has no ``origin`` in its state."""
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
    """Run a whole sequence; where it diverges, if it does.

    :raises PeerError: as :meth:`Lockstep.step`.
    :raises InputError: so, too.
    """
    found = attempt(generation, header, peer, sequence)
    if found is not None and found.failure is not None:
        raise found.failure
    return found


def attempt(
    generation: str, header: TraceHeader, peer: Peer, sequence: Sequence[Operation]
) -> Found | None:
    """As :func:`replay`, but a step in which the peer fails is found like one that differs."""
    lockstep = Lockstep(generation, header, peer)
    try:
        for op, arguments in sequence:
            lockstep.step(op, arguments)
    except Diverged as diverged:
        return diverged.found
    except PeerError as error:
        return lockstep.failed(error)
    return None
