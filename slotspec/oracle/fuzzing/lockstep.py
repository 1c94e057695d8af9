"""Runs a peer and the model side by side, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import Conformance, Difference, compare
from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.sources import view_of
from slotspec.oracle.fuzzing.targets import target_of_header
from slotspec.oracle.peers.partial import PartialPeer
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.traces.trace import Expected, OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.errors import StepError

MODEL_ONLY = "(model only)"
"""Marks a step that the peer does not implement and never got."""


@dataclass(frozen=True)
class Found:
    """A sequence whose last step differs.

    :param steps: what the peer did; the last step is the one that differs.
    :param expected: what the model does in each step.
    :param fault: how the model itself failed in the last step, for which `expected` has no entry.
    :param failure: how the peer failed in the last step, which then has no results.
    :param implemented: the operations that the peer got; None for all. The model alone took others.
    """

    header: TraceHeader
    steps: tuple[RecordedStep, ...]
    expected: tuple[Expected, ...]
    differences: tuple[Difference, ...]
    fault: str | None = None
    failure: PeerError | None = None
    implemented: frozenset[str] | None = None

    def model_only(self, op: str) -> bool:
        """Whether the model alone took this operation."""
        return self.implemented is not None and op not in self.implemented

    @property
    def operations(self) -> list[OperationCall]:
        return [(step.op, step.arguments) for step in self.steps]


class Diverged(Exception):
    """The peer differs from the model."""

    def __init__(self, found: Found) -> None:
        what = found.fault or found.failure or found.differences[0]
        super().__init__(f"{found.steps[-1].op}: {what}")
        self.found = found


class Lockstep:
    """One sequence, of the class in the header.

    :param generation: generation of the model.
    :param peer: the peer, which is reset.
    :param coverage: counts what the sequence exercises.
    """

    def __init__(
        self, generation: str, header: TraceHeader, peer: Peer, coverage: Coverage | None = None
    ) -> None:
        self.header = header
        self._peer = peer
        self._generation = generation
        self._coverage = coverage
        self._implemented = peer.operations if isinstance(peer, PartialPeer) else None
        listener = None if coverage is None else coverage.listener
        self._oracle: Any = factory_of(header)(generation, header, listener=listener)
        # if the model takes over the names of ids that the peer makes, the peer steps first
        self._peer_first = hasattr(self._oracle, "hint")
        self._target = target_of_header(header)
        self.view = view_of(header)
        self.steps: list[RecordedStep] = []
        self.expected: list[Expected] = []
        peer.reset(header)
        if coverage is not None:
            coverage.sequences += 1

    def step(self, op: str, arguments: dict[str, Any]) -> None:
        """Run one operation on both.

        :raises Diverged: if they differ.
        :raises PeerError: if the peer does not answer; it contains the sequence.
        :raises InputError: for a call that no implementation could receive; it was not run.
        """
        asked = RecordedStep(op=op, arguments=arguments)
        expected = None if self._peer_first else self._expected(asked)
        try:
            seen = self._peer.step(op, arguments)
        except PeerError as error:
            self.steps.append(asked)
            raise PeerError(error.code, error.message, self._operations, self.header) from error
        if self._coverage is not None:
            self._coverage.step(self.steps[-1].op if self.steps else None, op)
        if self._peer_first:
            if self._target.reshape is not None:
                seen = self._target.reshape(seen, self._generation)
            expected = self._expected(seen)
        assert expected is not None
        if self._coverage is not None:
            told = seen.result, seen.effects, seen.state
            self._coverage.silent += all(part is UNSET for part in told)
        self.steps.append(seen)
        self.expected.append(expected)
        schema = self._target.schema
        found = compare(expected, seen, schema.ordered, schema.signals)
        if found.outcome is Conformance.DIVERGES:
            raise Diverged(self._found(self.steps, found.differences))
        self.view.follow(op, arguments, expected.effects, expected.state)

    def failed(self, error: PeerError) -> Found:
        """The sequence, after the peer failed in its last step."""
        return self._found(self.steps, failure=error)

    def _found(
        self,
        steps: Sequence[RecordedStep],
        differences: tuple[Difference, ...] = (),
        fault: str | None = None,
        failure: PeerError | None = None,
    ) -> Found:
        expected = tuple(self.expected)
        return Found(
            self.header, tuple(steps), expected, differences, fault, failure, self._implemented
        )

    @property
    def _operations(self) -> list[OperationCall]:
        return [(step.op, step.arguments) for step in self.steps]

    def _expected(self, seen: RecordedStep) -> Expected:
        try:
            if self._peer_first:
                self._oracle.hint(seen)
            expected: Expected = self._oracle.step(seen.op, **seen.arguments)
        except (StepError, LookupError, ArithmeticError) as error:
            fault = f"{type(error).__name__}: {error}"
            raise Diverged(self._found((*self.steps, seen), fault=fault)) from error
        return expected


def replay(
    generation: str, header: TraceHeader, peer: Peer, sequence: Sequence[OperationCall]
) -> Found | None:
    """Run a whole sequence; returns where it diverges, or None.

    :raises PeerError: as :meth:`Lockstep.step`.
    :raises InputError: as :meth:`Lockstep.step`.
    """
    found = attempt(generation, header, peer, sequence)
    if found is not None and found.failure is not None:
        raise found.failure
    return found


def attempt(
    generation: str, header: TraceHeader, peer: Peer, sequence: Sequence[OperationCall]
) -> Found | None:
    """Like :func:`replay`, but returns a failure of the peer instead of raising it."""
    lockstep = Lockstep(generation, header, peer)
    try:
        for op, arguments in sequence:
            lockstep.step(op, arguments)
    except Diverged as diverged:
        return diverged.found
    except PeerError as error:
        return lockstep.failed(error)
    return None
