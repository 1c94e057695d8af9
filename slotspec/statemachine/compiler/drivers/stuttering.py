"""Asks, in each state, whether a step that changes nothing would break a property of every step.

A search with partial-order reduction needs to know: it leaves out steps that change nothing of
what such a property reads, which is no loss if only changes can break it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slotspec.statemachine.compiler.backend.result_buffer import STUTTERED
from slotspec.statemachine.compiler.drivers.expand import Expansion
from slotspec.statemachine.compiler.frontend.symbols import RecordAt
from slotspec.statemachine.declaration.model import Instance, Kind, Property

BITS = 62
"""Properties beyond share the last bit of the cell."""


class StutteringExpansion(Expansion):
    """Writes ``@expand`` with one more question in each state."""

    asked: int | None = None

    def state_properties(self) -> None:
        super().state_properties()
        declared = of_every_step(self.instance)
        if declared:
            self.copy()  # only the state after a step has effects
        for number, prop in enumerate(declared):
            self.asked = min(number, BITS)
            self.ask(prop, [RecordAt("%now"), RecordAt("%next")], "-1")
            self.asked = None

    def note(self, kind: int | str, call: str) -> None:
        if self.asked is None:
            super().note(kind, call)
            return
        builder = self.builder
        known = builder.load("%buffer", STUTTERED)
        every = builder.emit(f"or i64 {known}, {1 << self.asked}")
        builder.store(every, "%buffer", STUTTERED)


def of_every_step(instance: Instance) -> list[Property]:
    """The properties of every step."""
    return [p for p in instance.properties.values() if p.kind is Kind.STEP and p.on is None]


def stuttered(instance: Instance, buffers: Iterable[Any]) -> list[str]:
    """The properties that a step breaks that changes nothing, in some state."""
    found = 0
    for buffer in buffers:
        found |= int(buffer[STUTTERED])
    return [
        prop.name
        for number, prop in enumerate(of_every_step(instance))
        if found >> min(number, BITS) & 1
    ]
