"""How a trace of the declarative slot pool becomes a recording, of the bridge or of the pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.declarative_slot_pool.state import (
    Effect,
    effective_strategy,
    interval_of,
    listed_profiles,
)
from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.oracle.declarative_slot_pool.adapter import DeclarativeSlotPoolOracle
from slotspec.oracle.declarative_slot_pool.schema import POOL_SCHEMA, SCHEMA
from slotspec.oracle.exporting import EndOfRecording, Exporter
from slotspec.oracle.traces.trace import Expected, OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding, TraceStep

CAUSES = {
    "other": "RuntimeException",
    "timeout": "TimeoutException",
    "cancelled": "CancellationException",
}
OTHER = "other"
NEVER_MS = 1_000
"""A timeout that the model does not have: more ticks than a trace has."""


class DeclarativeSlotPoolExporter(Exporter):
    """Gives each request id and each call a name of its own, though the model reuses records."""

    oracle_class = DeclarativeSlotPoolOracle
    renamed = ("request", "call")
    fixed: ClassVar[Mapping[str, Any]] = {"cause": OTHER, "ms": 1}

    def __init__(self, instance: Instance, finding: Finding) -> None:
        self.schema = SCHEMA if instance.setting["bridge"] else POOL_SCHEMA
        super().__init__(instance, finding)
        self._attempts: dict[str, int] = {}
        self._requests: dict[int, dict[str, Any]] = {}

    def config(self, instance: Instance) -> dict[str, Any]:
        setting = instance.setting
        config: dict[str, Any] = {"idle_slot_timeout_ms": setting["idle_timeout"] or NEVER_MS}
        if setting["bridge"]:
            config["batch_slot_timeout_ms"] = setting["batch_timeout"] or NEVER_MS
            config["strategy"] = Strategy(effective_strategy(setting)).name.lower()
            config["defer"] = bool(setting["defer"] and setting["can_delay"])
        config["slot_request_max_interval_ms"] = interval_of(setting)
        return config

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        return listed_profiles(instance.setting)

    def listed(self, instance: Instance) -> dict[str, Any]:
        tms = range(1, instance.setting.bounds["task_managers"] + 1)
        return {
            "causes": CAUSES,
            "task_managers": {self.schema.named("tm", tm): {} for tm in tms},
            "driven": "bridge" if instance.setting["bridge"] else "pool",
            "profile_order": list(listed_profiles(instance.setting)),
        }

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        if step.call.action.name.endswith("_in_order"):
            # recordings walk hash tables in one order only
            raise EndOfRecording
        yield from super().operations_of(step)

    def learn(self, step: TraceStep, expected: Expected) -> None:
        made = [str(effect["call"]) for effect in expected.effects if "call" in effect]
        records = [effect[2] for effect in step.effects if effect[0] == Effect.DECLARE]
        self.names["call"].update(zip(records, made, strict=False))

    # ------------------------------------------------------------------------------- names

    def _request_id(self, number: int, before: Mapping[str, Any]) -> str:
        """The name of a request id: a new one unless it is in use."""
        if number not in before["request_id"] and before["fulfilled"][number] == NONE:
            self._attempts[self.fresh("request", number)] = 0
        return self.names["request"][number]

    def _counter(self, profile: int) -> list[list[Any]]:
        return [[self.profiles[profile], 1]]

    # --------------------------------------------- actions that a recording expresses otherwise

    def _offer(self, op: str, tm: int, *slots: tuple[int, int, int]) -> Iterator[OperationCall]:
        offers = [
            {
                "allocation": self.name("allocation", allocation),
                "index": index,
                "profile": self.profiles[profile],
            }
            for allocation, index, profile in slots
        ]
        yield op, {"tm": self.name("tm", tm), "offers": offers}

    def _offer_slot(
        self, step: TraceStep, tm: int, index: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        return self._offer("offer_slots", tm, (allocation, index, profile))

    def _offer_two_slots(
        self, step: TraceStep, tm: int, allocation: int, other: int, profile: int
    ) -> Iterator[OperationCall]:
        return self._offer("offer_slots", tm, (allocation, 0, profile), (other, 0, profile))

    def _register_slot(
        self, step: TraceStep, tm: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        return self._offer("register_slots", tm, (allocation, 0, profile))

    def _ask(
        self, step: TraceStep, op: str, request_id: int, profile: int, **more: Any
    ) -> Iterator[OperationCall]:
        name = self._request_id(request_id, step.before)
        number = next(n for n, state in enumerate(step.before["request"]) if state == 0)
        if step.result != NONE or not any(e[0] == Effect.RAISES for e in step.effects):
            self._attempts[name] += 1
            attempt = self._attempts[name]
            self._requests[number] = {"request": name} | (
                {} if attempt == 1 else {"attempt": attempt}
            )
        yield op, {"request": name, "profile": self.profiles[profile], **more}

    def _request_new_allocated_slot(
        self, step: TraceStep, request_id: int, profile: int, load: int
    ) -> Iterator[OperationCall]:
        loaded = {"load": load} if self.instance.setting["can_delay"] else {}
        return self._ask(
            step, "request_new_allocated_slot", request_id, profile, **loaded, timeout=True
        )

    def _request_preferred_slot(
        self, step: TraceStep, request_id: int, profile: int, allocation: int
    ) -> Iterator[OperationCall]:
        preferred = [self.name("allocation", allocation)]
        op = "request_new_allocated_slot"
        return self._ask(step, op, request_id, profile, preferred=preferred, timeout=True)

    def _request_new_allocated_batch_slot(
        self, step: TraceStep, request_id: int, profile: int
    ) -> Iterator[OperationCall]:
        return self._ask(step, "request_new_allocated_batch_slot", request_id, profile)

    def _allocate_available_slot(
        self, step: TraceStep, request_id: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        arguments = {
            "request": self._request_id(request_id, step.before),
            "allocation": self.name("allocation", allocation),
            "profile": self.profiles[profile],
        }
        yield "allocate_available_slot", arguments

    def _release_slot(self, step: TraceStep, request_id: int) -> Iterator[OperationCall]:
        yield (
            "release_slot",
            {"request": self._request_id(request_id, step.before), "cause": OTHER},
        )

    def _request_timeout(self, step: TraceStep, request: int) -> Iterator[OperationCall]:
        yield "request_timeout", self._requests[request]

    def _fail_allocation(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        tm = self.name("tm", step.before["slot_tm"][allocation])
        arguments = {"tm": tm, "allocation": self.name("allocation", allocation), "cause": OTHER}
        yield "fail_allocation", arguments

    def _rm_fails(self, step: TraceStep, call: int, cancelled: int) -> Iterator[OperationCall]:
        cause = "cancelled" if cancelled else OTHER
        yield "rm_fails", {"call": self.name("call", call), "cause": cause}

    def _release_allocation(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield (
            "release_slot",
            {"allocation": self.name("allocation", allocation), "cause": OTHER},
        )

    def _increase_resource_requirements_by(
        self, step: TraceStep, profile: int
    ) -> Iterator[OperationCall]:
        yield step.call.action.name, {"requirements": self._counter(profile)}

    _decrease_resource_requirements_by = _increase_resource_requirements_by
    _set_resource_requirements = _increase_resource_requirements_by

    def _set_no_resource_requirements(self, step: TraceStep) -> Iterator[OperationCall]:
        yield "set_resource_requirements", {"requirements": []}


EXPORTER = DeclarativeSlotPoolExporter
"""The exporter that the registry finds."""
