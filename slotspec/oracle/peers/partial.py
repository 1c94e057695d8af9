"""A peer that implements a part of what sequences may ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from slotspec.oracle.peers.protocol import Peer
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader


class PartialPeer:
    """Passes on what the peer implements, and says nothing about any other operation.

    :ivar operations: what the peer implements; None for all.
    :ivar classes: the ``implementation`` of each class that it implements; None for all of the
        model.
    :ivar config: entries of the header's ``config`` that it needs.
    """

    def __init__(
        self,
        peer: Peer,
        operations: Collection[str] | None,
        classes: frozenset[str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.version = peer.name, peer.version
        self.generation = getattr(peer, "generation", None)
        self._peer = peer
        self.operations = None if operations is None else frozenset(operations)
        self.classes = classes
        self.config = dict(config or {})

    def reset(self, header: TraceHeader) -> None:
        self._peer.reset(header)

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        if self.operations is None or op in self.operations:
            return self._peer.step(op, arguments)
        return RecordedStep(op=op, arguments=arguments)

    def close(self) -> None:
        self._peer.close()
