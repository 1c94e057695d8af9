"""What task executors answer to a slot manager: slot requests, and whether they can be released."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import Ids

FAILURES = {
    "allocation": "SlotAllocationException",
    "cancelled": "CancellationException",
    "other": "RuntimeException",
    "timeout": "TimeoutException",
}
"""How a slot request fails, in the words of traces -> the class of the exception."""


class TaskExecutorAnswers(FlinkPeer):
    """The operations of peers that answer the calls of a slot manager."""

    allocations: Ids
    jobs: Ids

    def forget_answers(self) -> None:
        """Begin a sequence, without open calls."""
        self._future = self.java("java.util.concurrent.CompletableFuture")
        self._calls: dict[str, Any] = {}
        self._queries: dict[str, Any] = {}

    def new_call(self) -> tuple[str, Any]:
        """The name of the next slot request, and the future of its answer."""
        return self._new("g", self._calls)

    def new_query(self) -> tuple[str, Any]:
        """The name of the next question for release, and the future of its answer."""
        return self._new("q", self._queries)

    def _new(self, prefix: str, futures: dict[str, Any]) -> tuple[str, Any]:
        name = f"{prefix}{len(futures) + 1}"
        futures[name] = self._future()
        return name, futures[name]

    def _call_acknowledged(self, call: str) -> bool:
        future = self._calls.get(call)
        if future is None:
            return False
        return bool(future.complete(self.java(f"{RUNTIME}.messages.Acknowledge").get()))

    def _call_fails(
        self, call: str, kind: str, allocation: str | None = None, job: str | None = None
    ) -> bool:
        future = self._calls.get(call)
        if future is None:
            return False
        if kind == "occupied":
            occupied = self.java(f"{RUNTIME}.taskexecutor.exceptions.SlotOccupiedException")
            ids = self.allocations.id(allocation or ""), self.jobs.id(job or "")
            return bool(future.completeExceptionally(occupied("given", *ids)))
        return bool(future.completeExceptionally(self.values.cause((FAILURES[kind],))))

    def _query_answered(self, query: str, answer: bool | None) -> bool:
        future = self._queries.get(query)
        if future is None:
            return False
        if answer is None:
            return bool(future.completeExceptionally(self.values.cause(("RuntimeException",))))
        return bool(future.complete(self.java("java.lang.Boolean")(answer)))
