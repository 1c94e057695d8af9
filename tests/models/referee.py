"""A second opinion on lifecycles: one ``transitions`` machine for each object of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from slotspec.statemachine import Event, Lifecycle


class Referee:
    """Listens to what the rules fire, and lets the same happen to machines of its own.

    It reads the declared states, events and transitions, never the rules' state: an event
    that a machine does not take, or another state than the record's, is a mistake of one of
    the two.
    """

    def __init__(self, lifecycles: Mapping[str, type[Lifecycle]]) -> None:
        self.lifecycles = lifecycles
        self.machines: dict[tuple[str, int], Any] = {}
        self.heard: Counter[tuple[str, str, str]] = Counter()

    def __call__(self, field: str, index: int, event: Event | None, source: int) -> None:
        lifecycle = self.lifecycles[field]
        machine = self.machine(field, index)
        state = lifecycle.states[source]
        assert machine.state == state.name, f"{field}[{index}] comes from another state"
        if event is None:
            assert state.final or state.initial, f"{field}[{index}]: a life ends in {state.name}"
            del self.machines[field, index]
            return
        self.heard[lifecycle.__name__, state.name, event.name] += 1
        assert machine.trigger(event.name)

    def machine(self, field: str, index: int) -> Any:
        """The machine of one object; a new one is in its initial state."""
        if (field, index) not in self.machines:
            self.machines[field, index] = self.lifecycles[field].machine()
        return self.machines[field, index]

    def agrees(self, state: Any) -> bool:
        """Whether every object of `state` is where its machine is."""
        return all(
            self.machine(field, index).state == lifecycle.states[value].name
            for field, lifecycle in self.lifecycles.items()
            for index, value in enumerate(getattr(state, field))
        )
