"""Payloads of logical slots, as the classes that release them see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from slotspec.oracle.peers.flink_values import RUNTIME, simple_name, unwrapped
from slotspec.oracle.peers.flink_world import FlinkWorld

CAUSES = {"other": "RuntimeException", "flink": "FlinkException", "timeout": "TimeoutException"}
"""The words of traces for causes -> simple class names."""

STAND_IN = "terminated"
"""The payload that Flink puts into a released slot without one."""


def outcome(future: Any, done: str = "done", pending: str = "pending") -> str:
    """The state of a CompletableFuture in words."""
    if future.isCompletedExceptionally():
        return "failed"
    return done if future.isDone() else pending


class Payloads:
    """The payloads of one sequence, by name.

    :param on_fail: what else a payload does when its slot is released; called with its name and
        the reaction that it was made with.
    """

    def __init__(self, world: FlinkWorld, on_fail: Callable[[str, str], None]) -> None:
        self._world = world
        self._on_fail = on_fail
        future = world.java("java.util.concurrent.CompletableFuture")
        self._error = world.java("java.lang.RuntimeException")
        self._ends: defaultdict[str, Any] = defaultdict(future)
        self._names: dict[Any, str] = {}

    def make(self, name: str, reaction: str) -> Any:
        """A new payload; with the reaction ``terminate`` it ends as soon as it is failed."""
        end = self._ends[name]

        def fail(cause: Any) -> None:
            said = None if cause is None else simple_name(unwrapped(cause))
            self._world.effect("payload.fail", payload=name, cause=said)
            if reaction == "terminate":
                end.complete(None)
            else:
                self._on_fail(name, reaction)

        payload = self._world.proxy(
            f"{RUNTIME}.jobmaster.LogicalSlot$Payload",
            fail=fail,
            getTerminalStateFuture=lambda: end,
        )
        self._names[payload] = name
        return payload

    def name(self, payload: Any) -> str | None:
        """The name of a payload, ``terminated`` for the stand-in, None for null."""
        if payload is None:
            return None
        return self._names.get(payload, STAND_IN)

    def terminates(self, name: str, how: str = "ok") -> bool:
        """Complete the termination future, perhaps before a slot has the payload.

        :returns: whether it was the first time.
        """
        end = self._ends[name]
        done = end.complete(None) if how == "ok" else end.completeExceptionally(self._error())
        return bool(done)

    def states(self) -> dict[str, str]:
        """``running``, ``ok`` or ``failed`` for each payload."""
        return {name: outcome(end, "ok", "running") for name, end in self._ends.items()}
