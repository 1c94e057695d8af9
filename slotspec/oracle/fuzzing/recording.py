"""Records what a peer does with a random sequence, without comparing it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.run import absent_operations, narrowed
from slotspec.oracle.fuzzing.sources import source, view_of
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.oracle.traces.trace import Expected, OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.errors import InputError, SlotspecError

TRIES = 100
"""Operations that are tried for one step: the model rejects many calls on unknown objects."""


class Recording:
    """One sequence on one peer. Iterating runs it.

    :param generation: generation of the model, which helps to choose meaningful arguments.
    :param seed: the same seed gives the same sequence, as long as the peer does the same.
    :param model: the model of the peer's class; by default, the slot pool of that generation.
    """

    def __init__(
        self, peer: Peer, generation: str, seed: int, steps: int, *, model: str | None = None
    ) -> None:
        target = narrowed(fuzz_target(model, generation), peer)
        self._random = Random(seed)
        self._peer = peer
        self._count = steps
        self._generation, self._reshape = generation, target.reshape
        absent = absent_operations(peer, target)
        self._source = source(target, generation, self._random, steps, absent)
        version = peer.version
        if self._source.header.version == generation:
            version = generation
        elif ".".join(version.split(".")[:2]) not in target.schema.generations:
            version = f"{generation}.0"
        self.header: TraceHeader = msgspec.structs.replace(
            self._source.header, version=version, seed=seed
        )
        self._oracle: Any = factory_of(self.header)(generation, self.header)
        self._peer_first = hasattr(self._oracle, "hint")

    def __iter__(self) -> Iterator[RecordedStep]:
        """The steps; fewer than requested if no operation is possible any more."""
        view = view_of(self.header)
        done: list[OperationCall] = []
        self._peer.reset(self.header)
        for place in range(self._count):
            following = self._following(place, view)
            if following is None:
                return
            op, arguments, expected = following
            done.append((op, arguments))
            try:
                seen = self._peer.step(op, arguments)
            except PeerError as error:
                raise PeerError(error.code, error.message, done, self.header) from error
            if self._reshape is not None:
                seen = self._reshape(seen, self._generation)
            yield seen
            state = seen.state
            effects = seen.effects if isinstance(seen.effects, list) else []
            # the model only helps to choose, so it may fail where the peer leaves the protocol
            with contextlib.suppress(SlotspecError, LookupError):
                if self._peer_first:
                    self._oracle.hint(seen)
                    expected = self._oracle.step(op, **arguments)
                if state is UNSET and expected is not None:
                    state = expected.state
            if isinstance(state, dict) and view.understands(state):
                view.follow(op, arguments, effects, state)

    def _following(
        self, place: int, view: Any
    ) -> tuple[str, dict[str, Any], Expected | None] | None:
        """The next operation that the model accepts, with what the model does."""
        for _ in range(TRIES):
            try:
                op, arguments = self._source.step(place, view, self._random)
            except InputError:
                return None
            if self._peer_first:
                return op, arguments, None
            try:
                return op, arguments, self._oracle.step(op, **arguments)
            except InputError:
                continue
            except (SlotspecError, LookupError):
                return op, arguments, None
        return None
