"""How a trace of logical slots becomes a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from slotspec.models.logical_slot.state import Reaction
from slotspec.oracle.conformance.exporting import Exporter
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.oracle.logical_slot.schema import SCHEMA
from slotspec.oracle.traces.trace import OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import TraceStep


class LogicalSlotExporter(Exporter):
    """Gives each slot a new name: a physical slot may have refused the one before."""

    schema = SCHEMA
    oracle_class = LogicalSlotOracle
    renamed = ("slot",)
    fixed: ClassVar[Mapping[str, Any]] = {"cause": "other"}

    def config(self, instance: Instance) -> dict[str, Any]:
        return {}

    # --------------------------------------------- actions that a recording expresses otherwise

    def _create_slot(self, step: TraceStep, slot: int, on_return: int) -> Iterator[OperationCall]:
        yield "create_slot", {"slot": self.fresh("slot", slot), **self._place(on_return)}

    def _allocate_from_physical_slot(
        self, step: TraceStep, slot: int, physical: int, on_return: int
    ) -> Iterator[OperationCall]:
        name, below = self.fresh("slot", slot), self.name("physical", physical)
        arguments = {"slot": name, "physical": below, **self._place(on_return)}
        yield "allocate_from_physical_slot", arguments

    def _place(self, on_return: int) -> dict[str, Any]:
        place = {
            "tm": "tm1",
            "allocation": self.schema.named("allocation", self.made["slot"]),
            "index": 0,
            "locality": "UNKNOWN",
            "on_return": Reaction(on_return).name.lower(),
        }
        # 1.11 does not say how long a slot is needed
        return place if self.instance.generation == "1.11" else {**place, "indefinite": True}


EXPORTER = LogicalSlotExporter
"""The exporter that the registry finds."""
