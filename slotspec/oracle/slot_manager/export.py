"""How a trace of the slot manager becomes a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.slot_manager.environment import CallFailure
from slotspec.models.slot_manager.state import Effect
from slotspec.oracle.conformance.exporting import Exporter, catalogue_profiles
from slotspec.oracle.slot_manager.adapter import (
    ANSWERS,
    SLOT_REQUEST_TIMEOUT_MS,
    TASK_MANAGER_TIMEOUT_MS,
    SlotManagerOracle,
)
from slotspec.oracle.slot_manager.schema import SCHEMA
from slotspec.oracle.traces.trace import Expected, OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Finding, TraceStep


class SlotManagerExporter(Exporter):
    """Names calls and queries in the order in which they are made, as recordings do.

    :raises UsageError: ``SET040`` also for a step in which a hash map changes its order.
    """

    schema = SCHEMA
    oracle_class = SlotManagerOracle
    renamed = ("call", "query")
    fixed: ClassVar[Mapping[str, Any]] = {"count": 1, "ms": 1}

    def __init__(self, instance: Instance, finding: Finding) -> None:
        if any(step.call.action.name == "iteration_order_changes" for step in finding.steps):
            raise UsageError(
                "SET040",
                "a recording cannot say that a map changes its order; set iteration_order=0",
            )
        self._task_managers = instance.setting["task_managers"]
        self._width = instance.setting.bounds["slots"]
        self._asked_for_workers = bool(instance.setting["workers"])
        super().__init__(instance, finding)

    def config(self, instance: Instance) -> dict[str, Any]:
        setting = instance.setting
        names = [self.schema.named("tm", n + 1) for n in range(self._task_managers)]
        return {
            "slot_request_timeout_ms": setting["slot_request_timeout"] or SLOT_REQUEST_TIMEOUT_MS,
            "task_manager_timeout_ms": setting["task_manager_timeout"] or TASK_MANAGER_TIMEOUT_MS,
            "wait_result_consumed": bool(setting["wait_result_consumed"]),
            "spread": bool(setting["spread"]),
            "slot_profile": self.profiles[0],
            "slots_per_worker": setting["slots_per_worker"],
            "max_slots": setting["max_slots"],
            "redundant_task_managers": setting["redundant_task_managers"],
            "task_managers": names,
            "auto_run": bool(setting["auto_run"]),
        }

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        return catalogue_profiles(instance)

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        if not self._asked_for_workers:
            # without workers in the scope, the recording starts by refusing them
            yield "set_resource_allocation", {"allowed": False}
            self._asked_for_workers = True
        yield from super().operations_of(step)

    def learn(self, step: TraceStep, expected: Expected) -> None:
        for kind, record, *_ in step.effects:
            if kind == Effect.REQUEST_SLOT:
                self.fresh("call", record)
            elif kind == Effect.CAN_BE_RELEASED:
                self.fresh("query", record)

    def name(self, kind: str, number: int) -> str:
        if kind == "slot":
            tm = self.name("tm", number % self._task_managers)
            return f"{tm}/{number // self._task_managers}"
        return super().name(kind, number)

    def _entry(self, slot: int, profile: int, used: tuple[int, int] | None = None) -> Any:
        """One slot of a report; `used` is the allocation in it, and its job."""
        allocation, job = used or (None, None)
        return {
            "slot": self.name("slot", slot),
            "profile": self.profiles[profile],
            "job": None if job is None else self.name("job", job),
            "allocation": None if allocation is None else self.name("allocation", allocation),
        }

    def _register(
        self, instance: int, used: dict[int, tuple[int, int]], profile: int
    ) -> Iterator[OperationCall]:
        tm = instance % self._task_managers
        own = range(tm, self._width, self._task_managers)
        report = [self._entry(slot, profile, used.get(slot)) for slot in own]
        names = {"instance": self.name("instance", instance), "tm": self.name("tm", tm)}
        yield "register_task_manager", {**names, "slots": report}

    def _report(
        self, instance: int, slot: int, used: tuple[int, int] | None = None
    ) -> Iterator[OperationCall]:
        report = [self._entry(slot, 0, used)]
        name = self.name("instance", instance)
        yield "report_slot_status", {"instance": name, "slots": report}

    # --------------------------------------------- actions that a recording expresses otherwise

    def _register_task_manager(
        self, step: TraceStep, instance: int, profile: int
    ) -> Iterator[OperationCall]:
        return self._register(instance, {}, profile)

    def _register_task_manager_in_use(
        self, step: TraceStep, instance: int, slot: int, allocation: int, job: int
    ) -> Iterator[OperationCall]:
        return self._register(instance, {slot: (allocation, job)}, 0)

    def _report_empty_slot(
        self, step: TraceStep, instance: int, slot: int
    ) -> Iterator[OperationCall]:
        return self._report(instance, slot)

    def _report_slot_in_use(
        self, step: TraceStep, instance: int, slot: int, allocation: int, job: int
    ) -> Iterator[OperationCall]:
        return self._report(instance, slot, (allocation, job))

    def _call_occupied(
        self, step: TraceStep, call: int, allocation: int, job: int
    ) -> Iterator[OperationCall]:
        arguments = {
            "call": self.name("call", call),
            "kind": "occupied",
            "allocation": self.name("allocation", allocation),
            "job": self.name("job", job),
        }
        yield "call_fails", arguments

    def _call_fails(self, step: TraceStep, call: int, failure: int) -> Iterator[OperationCall]:
        kind = CallFailure(failure).name.lower()
        yield "call_fails", {"call": self.name("call", call), "kind": kind}

    def _query_answered(self, step: TraceStep, query: int, answer: int) -> Iterator[OperationCall]:
        word = next(word for word, number in ANSWERS.items() if number == answer)
        yield "query_answered", {"query": self.name("query", query), "answer": word}


EXPORTER = SlotManagerExporter
"""The exporter that the registry finds."""
