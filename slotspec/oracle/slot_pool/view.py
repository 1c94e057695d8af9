"""What a sequence has led to so far, as far as it matters for what may come next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

REQUESTS = frozenset({"request_new_allocated_slot", "request_new_allocated_batch_slot"})


class Situation:
    """The names that are in use, from the model's state and what has been seen.

    :param task_managers: names of the header.
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
        """Whether a peer's state has all that is looked at here."""
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
        """Requests that are queued under an allocation."""
        return self.state["pending"]  # type: ignore[no-any-return]

    @property
    def held(self) -> dict[str, dict[str, Any]]:
        """Slots of the pool by allocation, in use or not."""
        return {**self.state["allocated"], **self.state["available"]}

    def queued_requests(self) -> list[str]:
        """Ids that wait for a slot."""
        return [entry["request"] for entry in [*self.pending, *self.state["waiting"]]]

    def serving_requests(self) -> list[str]:
        """Ids that have a slot."""
        return [slot["request"] for slot in self.state["allocated"].values()]
