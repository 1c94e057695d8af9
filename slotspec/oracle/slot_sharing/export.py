"""How a trace of slot sharing becomes a recording.

An unresolved root is the oldest one, whichever the check took: recordings fix that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.logical_slot.state import Reaction
from slotspec.models.slot_sharing.environment import next_multi, next_payload, next_single
from slotspec.models.slot_sharing.profiles import CATALOGUE
from slotspec.oracle.conformance.exporting import EndOfRecording, Exporter, catalogue_profiles
from slotspec.oracle.slot_sharing.adapter import SlotSharingOracle
from slotspec.oracle.slot_sharing.schema import SCHEMA
from slotspec.oracle.traces.trace import OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import TraceStep

CAUSE = "other"


class SlotSharingExporter(Exporter):
    """Gives each slot and payload a new name, though the model reuses their records."""

    schema = SCHEMA
    oracle_class = SlotSharingOracle
    renamed = ("multi", "single", "payload")
    fixed: ClassVar[Mapping[str, Any]] = {"cause": CAUSE}

    def config(self, instance: Instance) -> dict[str, Any]:
        return {"owner_releases": bool(instance.setting["owner_releases"])}

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        return catalogue_profiles(instance, "named_profiles", CATALOGUE)

    def _new_slot(self, kind: str, number: int) -> str:
        """A new name. Multi-task and single-task slots share one sequence of names."""
        name = self.fresh("slot")
        self.names[kind][number] = name
        return name

    # --------------------------------------------- actions that a recording expresses otherwise

    def _create_root_slot(self, step: TraceStep) -> Iterator[OperationCall]:
        name = self._new_slot("multi", next_multi(_before(step)))
        yield (
            "create_root_slot",
            {"slot": name, "allocated_request": self.fresh("allocated_request")},
        )

    def _allocate_multi(self, step: TraceStep, parent: int, group: int) -> Iterator[OperationCall]:
        below = {"parent": self.name("multi", parent), "group": self.name("group", group)}
        yield (
            "allocate_multi",
            {**below, "slot": self._new_slot("multi", next_multi(_before(step)))},
        )

    def _allocate_single(
        self, step: TraceStep, parent: int, group: int, profile: int
    ) -> Iterator[OperationCall]:
        below = {"parent": self.name("multi", parent), "group": self.name("group", group)}
        name = self._new_slot("single", next_single(_before(step)))
        wanted = {"profile": self.profiles[profile], "slot": name, "locality": "UNCONSTRAINED"}
        yield "allocate_single", {**below, **wanted}

    def _resolve_context(
        self, step: TraceStep, root: int, tm: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        place = {
            "tm": self.name("tm", tm),
            "allocation": self.name("allocation", allocation),
            "profile": self.profiles[profile],
            "index": 0,
        }
        yield "resolve_context", {"slot": self.name("multi", root), "context": place}

    def _assign_payload(self, step: TraceStep, slot: int, on_fail: int) -> Iterator[OperationCall]:
        payload = self.fresh("payload", next_payload(_before(step)))
        words = {"payload": payload, "on_fail": Reaction(on_fail).name.lower()}
        yield "assign_payload", {"slot": self.name("single", slot), **words}

    def _get_unresolved_root(
        self, step: TraceStep, group: int, preferred: int
    ) -> Iterator[OperationCall]:
        yield "get_unresolved_root", {"group": self.name("group", group)}

    def _release_multi(self, step: TraceStep, multi: int) -> Iterator[OperationCall]:
        yield "release", {"slot": self.name("multi", multi), "cause": CAUSE}

    def _release_single(self, step: TraceStep, slot: int) -> Iterator[OperationCall]:
        yield "release", {"slot": self.name("single", slot), "cause": CAUSE}

    # ------------------------------------------------------- actions that no recording expresses

    def _forget_multi(self, step: TraceStep, multi: int) -> Iterator[OperationCall]:
        """Nothing: recordings never forget a name."""
        yield from ()

    def _forget_single(self, step: TraceStep, slot: int) -> Iterator[OperationCall]:
        """Nothing: recordings never forget a name."""
        yield from ()

    def _cancel_job(self, step: TraceStep, **given: int) -> Iterator[OperationCall]:
        """Ends the recording: cancelling a job is not an operation of the class."""
        raise EndOfRecording

    def _calls_back(self, step: TraceStep, **given: int) -> Iterator[OperationCall]:
        """Ends the recording with a release: within it the scheduler calls back."""
        kind = "multi" if "multi" in step.call.action.name else "single"
        name = self.name(kind, step.call.arguments[0])
        raise EndOfRecording(("release", {"slot": name, "cause": CAUSE}))

    _release_multi_and_ask = _release_multi_and_cancel = _calls_back
    _release_single_and_ask_again = _calls_back


def _before(step: TraceStep) -> Any:
    return SimpleNamespace(**step.before)


EXPORTER = SlotSharingExporter
"""The exporter that the registry finds."""
