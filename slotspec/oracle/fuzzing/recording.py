"""Records what a peer does with a random sequence, without judging it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random

import msgspec
from msgspec import UNSET

from slotspec.oracle.fuzzing.choosing import Swarm
from slotspec.oracle.fuzzing.run import absent_operations
from slotspec.oracle.fuzzing.situation import Situation
from slotspec.oracle.peers.protocol import Operation, Peer, PeerError
from slotspec.oracle.slot_pool import SlotPoolOracle
from slotspec.oracle.traces import TraceHeader, TraceStep
from slotspec.oracle.vocabulary import SLOT_POOL
from slotspec.statemachine.errors import SlotspecError


class Recording:
    """One sequence on one peer; iterating runs it.

    :param generation: of the model that follows, to choose meaningful arguments.
    :param seed: the same seed gives the same sequence, if the peer does the same.
    """

    def __init__(self, peer: Peer, generation: str, seed: int, steps: int) -> None:
        self._random = Random(seed)
        self._peer = peer
        self._count = steps
        self._swarm = Swarm(generation, self._random, absent_operations(peer))
        version = peer.version
        if ".".join(version.split(".")[:2]) not in SLOT_POOL.generations:
            version = f"{generation}.0"
        self.header: TraceHeader = msgspec.structs.replace(
            self._swarm.header, version=version, seed=seed
        )
        self._oracle = SlotPoolOracle(generation, self.header)

    def __iter__(self) -> Iterator[TraceStep]:
        situation = Situation(list(self.header.task_managers))
        done: list[Operation] = []
        self._peer.reset(self.header)
        for place in range(self._count):
            op, arguments = self._swarm.step(place, situation, self._random)
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
                self._oracle.hint(seen)
                expected = self._oracle.step(op, **arguments)
                state = expected.state if state is UNSET else state
            if isinstance(state, dict) and situation.state.keys() <= state.keys():
                situation.follow(op, arguments, effects, state)
