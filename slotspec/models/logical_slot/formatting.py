"""Logical slots in the words of their traces: slots ``s1``, payloads ``y1``, physical ``h1``."""

from __future__ import annotations

from collections.abc import Mapping

from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import (
    Effect,
    Raised,
    payloads,
    physical_slots,
    slots,
)
from slotspec.statemachine.declaration.model import ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import TraceFormatter
from slotspec.statemachine.results import TraceStep

PREFIXES: Mapping[str, str] = {slots.name: "s", payloads.name: "y", physical_slots.name: "h"}
"""Sorts whose elements are called so, counted from 1."""
RAISES: Mapping[int, str] = {
    Raised.ILLEGAL_STATE: "IllegalStateException",
    Raised.PAYLOADS_OWN: "the payload's exception",
}
SENTENCES: Mapping[str, str] = {
    "slot": "{}",
    "occupant": "payload field of {}",
    "payload_of": "payload of {}",
    "released": "release future of {}",
    "waits": "{} waits for its payload",
    "payload": "{}",
    "taken": "{} is taken",
}
"""How the change of an element of a field begins; others go without saying."""


class LogicalSlotFormatter(TraceFormatter):
    """Words for the calls, effects and changes of logical slots."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE and sort.name in PREFIXES:
            return f"{PREFIXES[sort.name]}{index + 1}"
        return super().element(sort, index)

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action; reactions and outcomes as traces call them."""
        word = super().argument(domain, value)
        return word if isinstance(domain, Sort) else word.lower()

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        if kind == Effect.PAYLOAD_FAIL:
            return f"{self.element(payloads, a)} is told to fail"
        if kind == Effect.PHYSICAL_ASSIGN:
            below, slot = self.element(physical_slots, a), self.element(slots, b)
            return f"{below} {'takes' if c else 'refuses'} {slot}"
        if kind == Effect.RAISES:
            return f"raises {RAISES[a]}"
        slot = self.element(slots, a)
        if kind == Effect.RETURN_SLOT:
            return f"{slot} returned to its owner"
        return f"release of {slot} {'done' if kind == Effect.RELEASE_DONE else 'failed'}"

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed in slots, payloads and futures."""
        told = []
        for where, (old, new) in step.changed.items():
            name, _, index = where.partition("[")
            spec = self.instance.record.fields[name]
            if name in SENTENCES and spec.over is not None:
                place = SENTENCES[name].format(self.element(spec.over, int(index[:-1])))
                told.append(
                    f"{place}: {self.value(spec.domain, old)} -> {self.value(spec.domain, new)}"
                )
        return told


logical_slot.formatter = LogicalSlotFormatter
