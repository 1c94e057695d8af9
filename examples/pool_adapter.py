"""An adapter: how to check a slot pool written in Python against the model.

The adapter has a method for each operation and collects the effects. Here it drives the pool
of ``examples/peers/pool_peer.py``; yours drives your own. Run it with::

    slotspec fuzz --target examples.pool_adapter:PoolAdapter --generation 1.12

or as a test, with slotspec's plugin for pytest::

    from slotspec.testing import SlotPoolConformance

    class TestPool(SlotPoolConformance):
        generation = "1.12"
        factory = PoolAdapter
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from examples.peers.pool_peer import OPERATIONS, Pool, Raised


class NullPointerException(Exception):
    """Traces name exceptions by their class: this is the name that they use."""


class PoolAdapter:
    """A fresh pool, with the configuration that the header of a trace gives."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._pool = Pool(header)

    def effects(self) -> list[dict[str, Any]]:
        """The effects of the pool since the last call."""
        effects, self._pool.effects, self._pool.unordered = self._pool.effects, [], []
        return effects

    def state(self) -> dict[str, Any]:
        """All that the pool remembers; leave the method out if yours cannot report it."""
        return self._pool.state()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in OPERATIONS:
            raise AttributeError(name)
        method = getattr(self._pool, name)

        def operation(**arguments: Any) -> Any:
            try:
                return method(**arguments)
            except Raised as raised:
                raise NullPointerException from raised

        return operation
