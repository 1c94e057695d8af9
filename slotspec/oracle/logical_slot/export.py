"""Traces of logical slots that a check found, written as recordings: ``slotspec conform``
replays them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.logical_slot.state import Outcome, Reaction
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.oracle.logical_slot.schema import SCHEMA
from slotspec.oracle.traces.exporting import Exporter, Told, generation_told, named
from slotspec.oracle.traces.trace import FORMAT, TraceHeader
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import Finding
from slotspec.statemachine.results import TraceStep as Taken

CAUSE = "other"
PREFIXES = {"payload": "y", "physical": "h"}


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace of logical slots as objects for JSON lines: the header, then each step.

    :raises UsageError: ``SET040`` for choices that a recording could not say.
    """
    yield from LogicalSlotExporter(instance).lines(finding)


class LogicalSlotExporter(Exporter):
    """Names each slot once: a physical slot may have refused the one before."""

    def __init__(self, instance: Instance) -> None:
        generation = generation_told(instance)
        self.header = TraceHeader(
            format=FORMAT,
            implementation=SCHEMA.implementation,
            version=generation,
            config={},
            profiles={},
        )
        self.oracle = LogicalSlotOracle(generation, self.header, replace=dict(instance.replace))
        self._tells_indefinite = generation != "1.11"
        self._slots: dict[int, str] = {}
        self._made = 0

    def argument(self, parameter: str, value: int) -> Any:
        """Names as in recordings; reactions and outcomes by their words."""
        if parameter == "slot":
            return self._slots[value]
        if parameter in ("on_fail", "on_return"):
            return Reaction(value).name.lower()
        if parameter == "outcome":
            return Outcome(value).name.lower()
        return named(PREFIXES, parameter, value)

    def _place(self, slot: int, on_return: int) -> dict[str, Any]:
        self._made += 1
        self._slots[slot] = f"s{self._made}"
        place = {
            "tm": "tm1",
            "allocation": f"a{self._made}",
            "index": 0,
            "locality": "UNKNOWN",
            "on_return": self.argument("on_return", on_return),
        }
        return {**place, "indefinite": True} if self._tells_indefinite else place

    def _create_slot(self, step: Taken, slot: int, on_return: int) -> Iterator[Told]:
        place = self._place(slot, on_return)
        yield "create_slot", {"slot": self._slots[slot], **place}

    def _allocate_from_physical_slot(
        self, step: Taken, slot: int, physical: int, on_return: int
    ) -> Iterator[Told]:
        place = self._place(slot, on_return)
        below = self.argument("physical", physical)
        yield (
            "allocate_from_physical_slot",
            {"slot": self._slots[slot], "physical": below, **place},
        )

    def _release_slot(self, step: Taken, slot: int) -> Iterator[Told]:
        yield "release_slot", {"slot": self._slots[slot], "cause": CAUSE}

    def _release(self, step: Taken, slot: int) -> Iterator[Told]:
        yield "release", {"slot": self._slots[slot], "cause": CAUSE}
