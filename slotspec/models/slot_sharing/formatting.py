"""The text of slot sharing in traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.models.common.formatting import ClassFormatter, in_any_order
from slotspec.models.logical_slot.state import LogicalSlotState, payloads, slots
from slotspec.models.slot_sharing.lifecycles import TaskSlotRegistration
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import CATALOGUE
from slotspec.models.slot_sharing.state import (
    Cause,
    Effect,
    Raised,
    multis,
    profiles,
    reservations,
)
from slotspec.statemachine.declaration.records import FLAG, Domain, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.results import TraceStep

LOGICAL_SLOTS: Mapping[str, str] = {
    "slot": "logical slot of {}",
    "occupant": "payload field of {}",
    "payload": "{}",
}
"""The fields of logical slots that traces show here, with their labels."""


class SlotSharingFormatter(ClassFormatter):
    """Renders the calls, effects and changes of slot sharing."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name."""
        if index != NONE and sort is profiles:
            chosen: Mapping[str, Any] | None = self.instance.setting.choices.get("named_profiles")
            return list(CATALOGUE if chosen is None else chosen)[index]
        return super().element(sort, index)

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        slot, root = self.element(slots, a), self.element(multis, a)
        match kind:
            case Effect.PAYLOAD_FAIL:
                return f"{self.element(payloads, a)} is told to fail ({Cause(b).exception})"
            case Effect.RETURN_SLOT:
                return f"{slot} returned to its owner"
            case Effect.RELEASE_DONE:
                return f"release of {slot} done"
            case Effect.LOGICAL_SLOT_FULFILLED:
                return f"{slot} becomes a logical slot in {self.element(multis, b)}"
            case Effect.LOGICAL_SLOT_FAILED:
                return f"{slot} failed ({Cause(b).exception})"
            case Effect.RELEASE_POOL_SLOT:
                return f"the slot of {root} given back to the pool ({Cause(b).exception})"
            case Effect.LISTED:
                return f"lists {root} (utilization {b}/{c})"
            case Effect.RAISES:
                return f"raises {Raised(a).exception}"
        return "in any order:" if a else "in this order again:"

    def effects(self, step: TraceStep) -> list[str]:
        """The effects of a step; "in any order" is only for several effects."""
        return in_any_order(step.effects, Effect.ANY_ORDER, self.effect)

    def value(self, domain: Domain, value: int) -> str:
        """A value of a field."""
        if domain is FLAG:
            return "yes" if value else "no"
        return super().value(domain, value)

    def changes(self, step: TraceStep) -> list[str]:
        """The changes of a step: in trees, tables, logical slots and payloads."""
        texts = list(self._forgotten(step))
        for where, (old, new) in step.changed.items():
            name, _, index = where.partition("[")
            spec = self.instance.record.fields[name]
            label = LOGICAL_SLOTS.get(name, "") if name in LogicalSlotState.fields else spec.label
            if label and spec.over and not is_forgotten(step, spec.over, int(index[:-1])):
                place = label.format(self.element(spec.over, int(index[:-1])))
                values = [self.value(spec.domain, value) for value in (old, new)]
                texts.append(f"{place}: {values[0]} -> {values[1]}")
        return texts

    def _forgotten(self, step: TraceStep) -> Iterator[str]:
        """For each slot whose record is cleared, the state that it was in."""
        for sort, field in ((multis, "multi_registration"), (slots, "single_registration")):
            for index, state in enumerate(step.before[field]):
                if is_forgotten(step, sort, index):
                    old = TaskSlotRegistration.states[state].name
                    yield f"{self.element(sort, index)}: {old} -> {NOTHING}"


def is_forgotten(step: TraceStep, sort: Sort, index: int) -> bool:
    """Whether a step has cleared the record of a task slot, or one that is part of it."""
    if sort is reservations:
        width = len(step.before["reserved"]) // len(step.before["multi"])
        return is_forgotten(step, multis, index // width)
    field = "multi" if sort is multis else "single" if sort is slots else None
    return field is not None and bool(step.before[field][index] > step.after[field][index])


slot_sharing.formatter = SlotSharingFormatter
