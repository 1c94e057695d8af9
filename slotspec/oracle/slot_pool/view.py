"""The view of a slot pool's sequence: what the next operation may refer to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

REQUESTS = frozenset({"request_new_allocated_slot", "request_new_allocated_batch_slot"})


class PoolView:
    """The names in use, from the model's state and from past steps.

    :param task_managers: task managers in the header.
    """

    def __init__(self, task_managers: Sequence[str]) -> None:
        self.task_managers = list(task_managers)
        self.generated: list[str] = []
        self.attempts: Counter[str] = Counter()
        self.state: dict[str, Any] = {
            "allocated": {},
            "available": {},
            "pending": [],
            "waiting": [],
            "task_managers": [],
        }

    def understands(self, state: dict[str, Any]) -> bool:
        """Whether a peer's state has every field that this view reads."""
        return self.state.keys() <= state.keys()

    def follow(
        self, op: str, arguments: dict[str, Any], effects: list[dict[str, Any]], state: Any
    ) -> None:
        """Take note of one step."""
        if op in REQUESTS:
            self.attempts[arguments["request"]] += 1
        self.generated += [
            effect["allocation"] for effect in effects if effect["effect"] == "rm.request_slot"
        ]
        self.state = state

    @property
    def pending(self) -> list[dict[str, Any]]:
        """Requests that are pending under an allocation."""
        return self.state["pending"]  # type: ignore[no-any-return]

    @property
    def held(self) -> dict[str, dict[str, Any]]:
        """All slots of the pool by allocation."""
        return {**self.state["allocated"], **self.state["available"]}

    def queued_requests(self) -> list[str]:
        """Ids of requests that wait for a slot."""
        return [entry["request"] for entry in [*self.pending, *self.state["waiting"]]]

    def serving_requests(self) -> list[str]:
        """Ids of requests that have a slot."""
        return [slot["request"] for slot in self.state["allocated"].values()]
