"""How a trace of the slot pool becomes a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.slot_pool.environment import Failure
from slotspec.models.slot_pool.lifecycles import SlotRequest
from slotspec.models.slot_pool.state import Effect
from slotspec.oracle.conformance.exporting import Exporter, catalogue_profiles
from slotspec.oracle.slot_pool.adapter import (
    BATCH_SLOT_TIMEOUT_MS,
    IDLE_SLOT_TIMEOUT_MS,
    SlotPoolOracle,
)
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding, TraceStep

CAUSES = {
    "other": "RuntimeException",
    "unfulfillable": "UnfulfillableSlotRequestException",
}


class SlotPoolExporter(Exporter):
    """Gives each request id and allocation a name of its own, though the model reuses records."""

    schema = SCHEMA
    oracle_class = SlotPoolOracle
    renamed = ("request", "allocation")
    fixed: ClassVar[Mapping[str, Any]] = {"cause": "other", "ms": 1}

    def __init__(self, instance: Instance, finding: Finding) -> None:
        super().__init__(instance, finding)
        self._own = instance.setting.bounds["requests"]
        self._attempts: dict[str, int] = {}
        self._requests: dict[int, dict[str, Any]] = {}

    def config(self, instance: Instance) -> dict[str, Any]:
        setting = instance.setting
        return {
            "idle_slot_timeout_ms": setting["idle_timeout"] or IDLE_SLOT_TIMEOUT_MS,
            "batch_slot_timeout_ms": setting["batch_timeout"] or BATCH_SLOT_TIMEOUT_MS,
        }

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        return catalogue_profiles(instance)

    def listed(self, instance: Instance) -> dict[str, Any]:
        tms = range(1, instance.setting.bounds["task_managers"] + 1)
        names = [self.schema.named("tm", tm) for tm in tms]
        return {"causes": CAUSES, "task_managers": {name: {"host": "host1"} for name in names}}

    def argument(self, argument: Argument, value: int) -> Any:
        if argument.name == "cause":
            return Failure(value).name.lower()
        return super().argument(argument, value)

    def name(self, kind: str, number: int) -> str:
        if kind == "allocation" and number >= self._own:  # an id that the pool did not make
            return f"x{number - self._own + 1}"
        return super().name(kind, number)

    def learn(self, step: TraceStep, expected: Expected) -> None:
        after = step.after
        for number, status in enumerate(after["request"]):
            if status != SlotRequest.UNUSED and step.before["request"][number] == 0:
                name = self.names["request"][after["request_id"][number]]
                attempt = self._attempts[name]
                caller: dict[str, Any] = {"request": name}
                self._requests[number] = caller if attempt == 1 else {**caller, "attempt": attempt}
        sent = [e["allocation"] for e in expected.effects if e["effect"] == "rm.request_slot"]
        records = [effect[2] for effect in step.effects if effect[0] == Effect.REQUEST_SLOT]
        self.names["allocation"].update(zip(records, sent, strict=True))

    def _request_id(self, number: int, before: Mapping[str, Any]) -> str:
        """The name of a request id: a new one unless it is in use."""
        if number not in before["request_id"] and number not in before["slot_request"]:
            self._attempts[self.fresh("request", number)] = 0
        return self.names["request"][number]

    # --------------------------------------------- actions that a recording expresses otherwise

    def _offer_slot(
        self, step: TraceStep, tm: int, index: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        offer = {
            "allocation": self.name("allocation", allocation),
            "index": index,
            "profile": self.profiles[profile],
        }
        yield "offer_slots", {"tm": self.name("tm", tm), "offers": [offer]}

    def _request_new_allocated_slot(
        self, step: TraceStep, request: int, request_id: int, profile: int
    ) -> Iterator[OperationCall]:
        name = self._request_id(request_id, step.before)
        self._attempts[name] += 1
        yield step.call.action.name, {"request": name, "profile": self.profiles[profile]}

    _request_new_allocated_batch_slot = _request_new_allocated_slot

    def _allocate_available_slot(
        self, step: TraceStep, request_id: int, allocation: int
    ) -> Iterator[OperationCall]:
        arguments = {
            "request": self._request_id(request_id, step.before),
            "allocation": self.name("allocation", allocation),
        }
        if self.instance.generation == "1.13":  # its callers pass a profile
            held = step.before["slot_profile"][allocation]
            arguments["profile"] = self.profiles[0 if held == NONE else held]
        yield "allocate_available_slot", arguments

    def _release_slot(self, step: TraceStep, request_id: int) -> Iterator[OperationCall]:
        name = self._request_id(request_id, step.before)
        yield "release_slot", {"request": name, "cause": self.fixed["cause"]}

    def _request_timeout(self, step: TraceStep, request: int) -> Iterator[OperationCall]:
        yield "request_timeout", self._requests[request]


EXPORTER = SlotPoolExporter
"""The exporter that the registry finds."""
