"""Slot sharing in words: multi-task slots ``m1``, single-task slots ``s1``, groups ``g1``,
TaskExecutors ``tm1``, allocations ``a1``, payloads ``y1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.models.logical_slot.state import payloads, slots
from slotspec.models.slot_sharing.lifecycles import TaskSlotRegistration
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import CATALOGUE
from slotspec.models.slot_sharing.state import (
    Cause,
    Effect,
    Raised,
    allocations,
    groups,
    multis,
    profiles,
    reservations,
    task_managers,
)
from slotspec.statemachine.declaration.model import ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING, TraceFormatter
from slotspec.statemachine.results import TraceStep

PREFIXES: Mapping[str, str] = {
    multis.name: "m",
    slots.name: "s",
    groups.name: "g",
    task_managers.name: "tm",
    allocations.name: "a",
    payloads.name: "y",
}
"""Sorts whose elements are called so, counted from 1."""
CAUSES: Mapping[int, str] = {
    Cause.OTHER: "RuntimeException",
    Cause.FLINK: "FlinkException",
    Cause.TIMEOUT: "TimeoutException",
    Cause.ILLEGAL_STATE: "IllegalStateException",
    Cause.ABSENT: "no cause",
}
RAISES: Mapping[int, str] = {
    Raised.ILLEGAL_STATE: "IllegalStateException",
    Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
    Raised.COMPLETION: "CompletionException",
    Raised.CONCURRENT_MODIFICATION: "ConcurrentModificationException",
}
SENTENCES: Mapping[str, str] = {
    "multi_registration": "{}",
    "context": "physical slot of {}",
    "listing": "{} as a root",
    "multi_held": "{} is its parent's child",
    "special": "{} has reserved a vector (0), UNKNOWN (1), ANY (2)",
    "reserved": "reserved in {}",
    "allocation": "allocation of {}",
    "has_roots": "{} has a map of roots",
    "single_registration": "{}",
    "future": "logical slot of {}",
    "single_held": "{} is its parent's child",
    "slot": "logical slot of {}",
    "occupant": "payload field of {}",
    "payload": "{}",
}
"""How the change of an element of a field begins; others go without saying."""


class SlotSharingFormatter(TraceFormatter):
    """Words for the calls, effects and changes of slot sharing."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name."""
        if index != NONE:
            if sort is profiles:
                chosen: Mapping[str, Any] | None = self.instance.setting.choices.get(
                    "named_profiles"
                )
                return list(CATALOGUE if chosen is None else chosen)[index]
            if sort.name in PREFIXES:
                return f"{PREFIXES[sort.name]}{index + 1}"
        return super().element(sort, index)

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action; reactions as traces call them."""
        word = super().argument(domain, value)
        return word if isinstance(domain, Sort) else word.lower()

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        slot, root = self.element(slots, a), self.element(multis, a)
        match kind:
            case Effect.PAYLOAD_FAIL:
                return f"{self.element(payloads, a)} is told to fail ({CAUSES[b]})"
            case Effect.RETURN_SLOT:
                return f"{slot} returned to its owner"
            case Effect.RELEASE_DONE:
                return f"release of {slot} done"
            case Effect.LOGICAL_SLOT_FULFILLED:
                return f"{slot} becomes a logical slot in {self.element(multis, b)}"
            case Effect.LOGICAL_SLOT_FAILED:
                return f"{slot} failed ({CAUSES[b]})"
            case Effect.RELEASE_POOL_SLOT:
                return f"the slot of {root} given back to the pool ({CAUSES[b]})"
            case Effect.LISTED:
                return f"lists {root} (utilization {b}/{c})"
            case Effect.RAISES:
                return f"raises {RAISES[a]}"
        return "in any order:" if a else "in this order again:"

    def effects(self, step: TraceStep) -> list[str]:
        """What a step emitted; an order that means nothing is told only of several."""
        told: list[str] = []
        loose: list[str] | None = None
        for effect in step.effects:
            if effect[0] == Effect.ANY_ORDER:
                if loose:
                    several = len(loose) > 1
                    told.append(f"in any order: {', '.join(loose)}" if several else loose[0])
                loose = [] if effect[1] else None
                continue
            (told if loose is None else loose).append(self.effect(effect))
        return told

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed in trees, tables, logical slots and payloads."""
        told = list(self._forgotten(step))
        for where, (old, new) in step.changed.items():
            name, _, index = where.partition("[")
            spec = self.instance.record.fields[name]
            if name not in SENTENCES or spec.over is None:
                continue
            if not is_forgotten(step, spec.over, int(index[:-1])):
                place = SENTENCES[name].format(self.element(spec.over, int(index[:-1])))
                words = [self.value(spec.domain, value) for value in (old, new)]
                if name.endswith("_held") or name == "has_roots":
                    words = ["yes" if value else "no" for value in (old, new)]
                told.append(f"{place}: {words[0]} -> {words[1]}")
        return told

    def _forgotten(self, step: TraceStep) -> Iterator[str]:
        """Slots whose records are cleared: what each was, and that it is no more."""
        for sort, field in ((multis, "multi_registration"), (slots, "single_registration")):
            for index, state in enumerate(step.before[field]):
                if is_forgotten(step, sort, index):
                    word = TaskSlotRegistration.states[state].name
                    yield f"{self.element(sort, index)}: {word} -> {NOTHING}"


def is_forgotten(step: TraceStep, sort: Sort, index: int) -> bool:
    """Whether a step has cleared the record of a task slot, or one that is part of it."""
    if sort is reservations:
        width = len(step.before["reserved"]) // len(step.before["multi"])
        return is_forgotten(step, multis, index // width)
    field = {multis.name: "multi", slots.name: "single"}.get(sort.name)
    return field is not None and bool(step.before[field][index] > step.after[field][index])


slot_sharing.formatter = SlotSharingFormatter
