"""A peer that implements some operations of a class."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from slotspec.oracle.peers.protocol import Peer
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


class PartialPeer:
    """Passes on what the peer implements, and says nothing about any other operation.

    :ivar operations: what the peer implements.
    """

    def __init__(self, peer: Peer, operations: Collection[str]) -> None:
        self.name, self.version = peer.name, peer.version
        self.generation = getattr(peer, "generation", None)
        self._peer = peer
        self.operations = frozenset(operations)

    def reset(self, header: TraceHeader) -> None:
        self._peer.reset(header)

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        if op in self.operations:
            return self._peer.step(op, arguments)
        return RecordedStep(op=op, arguments=arguments)

    def close(self) -> None:
        self._peer.close()
