"""A server of the lease service in lease.py, to be tested against that model.

It is the server only: clients and network are the model's. ``hasty`` has a bug: it gives the lock
away while the last tick of a lease still runs.

    slotspec fuzz --model examples/lease.py --target examples.lease_server:hasty \\
        --operations handle,tick
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Server:
    """Grants one lease at a time."""

    spare = 0
    """Ticks before the end of a lease at which the lock is free again."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        config = header["config"]
        self.term: int = config["term"]
        self.granted = {f"client{number}": 0 for number in range(config["clients"])}

    def handle(self, client: str) -> None:
        """Grant the lock."""
        self.granted[client] = self.term

    def tick(self) -> None:
        """Time passes."""
        for client, left in self.granted.items():
            self.granted[client] = left - 1 if left - 1 > self.spare else 0

    def effects(self) -> list[dict[str, Any]]:
        """The model of the service names no effects."""
        return []

    def state(self) -> dict[str, Any]:
        """What the server knows; the model knows more, which is not compared."""
        return {"granted": self.granted}


class Hasty(Server):
    """A server that ends leases too early."""

    spare = 1


server, hasty = Server, Hasty
