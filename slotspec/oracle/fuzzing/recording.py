"""Records what a peer does with a random sequence, without judging it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.fuzzing.run import absent_operations
from slotspec.oracle.fuzzing.sources import situation_of, source
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peers.protocol import Operation, Peer, PeerError
from slotspec.oracle.traces.trace import Expected, TraceHeader, TraceStep
from slotspec.statemachine.errors import InputError, SlotspecError

TRIES = 100
"""So many operations are tried for one step; most calls of objects that are not there are
refused by whoever knows what the class does."""


class Recording:
    """One sequence on one peer; iterating runs it.

    :param generation: of the model that follows, to choose meaningful arguments.
    :param seed: the same seed gives the same sequence, if the peer does the same.
    :param model: the class that the peer is one of.
    """

    def __init__(
        self, peer: Peer, generation: str, seed: int, steps: int, *, model: str = "slot_pool"
    ) -> None:
        about = fuzz_target(model)
        self._random = Random(seed)
        self._peer = peer
        self._count = steps
        absent = absent_operations(peer, about)
        self._source = source(about, generation, self._random, steps, absent)
        version = peer.version
        if ".".join(version.split(".")[:2]) not in about.schema.generations:
            version = f"{generation}.0"
        self.header: TraceHeader = msgspec.structs.replace(
            self._source.header, version=version, seed=seed
        )
        self._oracle: Any = factory_of(self.header)(generation, self.header)
        self._peer_first = hasattr(self._oracle, "hint")

    def __iter__(self) -> Iterator[TraceStep]:
        """The steps; fewer than asked for where nothing more can be asked."""
        situation = situation_of(self.header)
        done: list[Operation] = []
        self._peer.reset(self.header)
        for place in range(self._count):
            following = self._following(place, situation)
            if following is None:
                return
            op, arguments, expected = following
            done.append((op, arguments))
            try:
                seen = self._peer.step(op, arguments)
            except PeerError as error:
                raise PeerError(error.code, error.message, done, self.header) from error
            yield seen
            state = seen.state
            effects = seen.effects if isinstance(seen.effects, list) else []
            # a peer that leaves the protocol may leave the model behind, which only chooses
            with contextlib.suppress(SlotspecError, LookupError):
                if self._peer_first:
                    self._oracle.hint(seen)
                    expected = self._oracle.step(op, **arguments)
                if state is UNSET and expected is not None:
                    state = expected.state
            if isinstance(state, dict) and situation.understands(state):
                situation.follow(op, arguments, effects, state)

    def _following(
        self, place: int, situation: Any
    ) -> tuple[str, dict[str, Any], Expected | None] | None:
        """The next operation that somebody knows the meaning of, with what the model says."""
        for _ in range(TRIES):
            op, arguments = self._source.step(place, situation, self._random)
            if self._peer_first:
                return op, arguments, None
            try:
                return op, arguments, self._oracle.step(op, **arguments)
            except InputError:
                continue
            except (SlotspecError, LookupError):
                return op, arguments, None
        return None
