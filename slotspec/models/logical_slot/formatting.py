"""Readable traces of logical slots: slots ``s1``, payloads ``y1``, physical slots ``h1``."""

from __future__ import annotations

from slotspec.models.common.formatting import ClassFormatter
from slotspec.models.logical_slot.model import logical_slot
from slotspec.models.logical_slot.state import Effect, Raised, payloads, physical_slots, slots
from slotspec.statemachine.declaration.rules import NONE


class LogicalSlotFormatter(ClassFormatter):
    """Text for the calls, effects and changes of logical slots."""

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        slot = self.element(slots, a)
        match kind:
            case Effect.PAYLOAD_FAIL:
                return f"{self.element(payloads, a)} is told to fail"
            case Effect.PHYSICAL_ASSIGN:
                verb = "takes" if c else "refuses"
                return f"{self.element(physical_slots, a)} {verb} {self.element(slots, b)}"
            case Effect.RAISES:
                return f"raises {Raised(a).exception}"
            case Effect.RETURN_SLOT:
                return f"{slot} returned to its owner"
            case Effect.RELEASE_DONE:
                return f"release of {slot} done"
        return f"release of {slot} failed"

    def shows(self, name: str) -> bool:
        """Only fields that have a label."""
        return bool(self.instance.record.fields[name].label)


logical_slot.formatter = LogicalSlotFormatter
