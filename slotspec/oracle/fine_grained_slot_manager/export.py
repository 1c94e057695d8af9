"""How a trace of the fine-grained slot manager becomes a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.fine_grained_slot_manager.state import Effect, resources_of
from slotspec.models.fine_grained_slot_manager.versions import (
    ORDER_CHANGES,
    Strategy,
    WorkerControl,
)
from slotspec.oracle.exporting import Exporter
from slotspec.oracle.fine_grained_slot_manager.adapter import (
    ANSWERS,
    FineGrainedSlotManagerOracle,
)
from slotspec.oracle.fine_grained_slot_manager.schema import SCHEMA
from slotspec.oracle.traces.trace import Expected, OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import amount
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Finding, TraceStep

NEVER_MS = 2**31 - 1
"""A timeout that no recording reaches, for a check without idle time."""


class FineGrainedExporter(Exporter):
    """Names allocations, calls and questions in the order in which they are made.

    :raises UsageError: ``SET040`` also for a step in which a hash map changes its order.
    """

    schema = SCHEMA
    oracle_class = FineGrainedSlotManagerOracle
    renamed = ("allocation", "call", "query")
    fixed: ClassVar[Mapping[str, Any]] = {"count": 1, "ms": 1}

    def __init__(self, instance: Instance, finding: Finding) -> None:
        if any(step.call.action.name in ORDER_CHANGES for step in finding.steps):
            raise UsageError(
                "SET040",
                "a recording cannot say that a map changes its order; set iteration_order=0",
            )
        found = resources_of(instance.setting)
        self._totals = {
            total: next((n for n, p in found.profiles.items() if p == profile), f"w{total}")
            for total, profile in found.totals.items()
        }
        self._task_managers = instance.setting["task_managers"]
        self._applications = bool(instance.setting["applications_needed"])
        self._reported = 0
        one_by_one = instance.setting["worker_control"] == WorkerControl.ONE_BY_ONE
        self._refuses = one_by_one and not instance.setting["allocator"]
        timed = instance.setting["task_manager_timeout"]
        self._flushes = one_by_one and not timed and not instance.setting["auto_run"]
        super().__init__(instance, finding)

    def config(self, instance: Instance) -> dict[str, Any]:
        setting = instance.setting
        found = resources_of(setting)
        least_cpu, least_memory, most_cpu, most_memory = found.limits
        config = {
            "worker": self._totals[found.worker],
            "slot": found.slot,
            "slots_per_worker": setting["slots_per_worker"],
            "mode": Strategy(amount(instance.record.constants["strategy"].value, setting)).name,
            "allocator": bool(setting["allocator"]),
            "check_delay_ms": setting["check_delay"],
            "declare_delay_ms": setting["declare_delay"],
            "task_manager_timeout_ms": setting["task_manager_timeout"] or NEVER_MS,
            "redundant_task_managers": setting["redundant_task_managers"],
            "min_cpu": least_cpu,
            "min_memory_mb": least_memory,
            "max_cpu": most_cpu,
            "max_memory_mb": most_memory,
            "auto_run": bool(setting["auto_run"]),
        }
        if not setting["idle_release"]:
            config["wait_result_consumed"] = bool(setting["wait_result_consumed"])
        if setting["worker_control"] == WorkerControl.ONE_BY_ONE:
            # 1.14 knows none of these
            config |= {"allocator": True, "declare_delay_ms": 0, "redundant_task_managers": 0}
            config |= {"min_cpu": 0.0, "min_memory_mb": 0}
        return config

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        found = resources_of(instance.setting)
        named = {self._totals[total]: profile for total, profile in found.totals.items()}
        return {**found.profiles, **named}

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        if self._refuses:
            # 1.14 always has somebody to ask for workers, who refuses in a standalone cluster
            yield "set_resource_allocation", {"allowed": False}
            self._refuses = False
        yield from super().operations_of(step)

    def learn(self, step: TraceStep, expected: Expected) -> None:
        for kind, record, *_ in step.effects:
            if kind == Effect.REQUEST_SLOT:
                self.fresh("allocation", record)
                self.fresh("call", record)
            elif kind == Effect.CAN_BE_RELEASED:
                self.fresh("query", record)

    # ------------------------------------------------------------------------------ names

    def _allocation(self, step: TraceStep, number: int) -> str:
        """The name of an allocation; a new one if a report is the first to name it."""
        known = step.before["slot"][number] != ManagedSlot.ABSENT
        if not known:
            self._reported += 1
            self.names["allocation"][number] = f"b{self._reported}"
        return self.names["allocation"][number]

    def _entry(self, step: TraceStep, allocation: int, job: int, profile: int) -> dict[str, Any]:
        return {
            "index": 0,
            "profile": self.profiles[profile],
            "job": self.name("job", job),
            "allocation": self._allocation(step, allocation),
            "tasks": 0,
        }

    def _own(self, step: TraceStep, instance: int, without: int = NONE) -> list[dict[str, Any]]:
        """The ALLOCATED slots of a TaskExecutor but one, as a report."""
        s = step.before
        return [
            self._entry(step, allocation, s["slot_job"][allocation], s["slot_profile"][allocation])
            for allocation, state in enumerate(s["slot"])
            if state == ManagedSlot.ALLOCATED
            and s["slot_known"][allocation]
            and s["slot_instance"][allocation] == instance
            and allocation != without
        ]

    def _register(
        self, instance: int, total: str, slots: list[dict[str, Any]]
    ) -> Iterator[OperationCall]:
        yield (
            "register_task_manager",
            {
                "instance": self.name("instance", instance),
                "tm": self.name("tm", instance % self._task_managers),
                "total": total,
                "default_slot": resources_of(self.instance.setting).slot,
                "slots": slots,
            },
        )

    def _report(self, instance: int, slots: list[dict[str, Any]]) -> Iterator[OperationCall]:
        yield "report_slot_status", {"instance": self.name("instance", instance), "slots": slots}

    @property
    def _worker(self) -> str:
        return self._totals[resources_of(self.instance.setting).worker]

    # --------------------------------------------- actions that a recording expresses otherwise

    def _start(self, step: TraceStep) -> Iterator[OperationCall]:
        yield "start", {}
        if self._flushes:
            # without an idle timeout the model schedules no search for idle TaskExecutors
            yield "advance_time", {"ms": 0}
            yield "run_main_thread", {"count": 1}

    def _start_again(self, step: TraceStep) -> Iterator[OperationCall]:
        yield "start", {}

    def _process_resource_requirements(
        self, step: TraceStep, job: int, profile: int, count: int
    ) -> Iterator[OperationCall]:
        s, width = step.before, self.instance.setting.bounds["profiles"]
        row = slice(job * width, (job + 1) * width)
        numbers = {p: s["required"][row][p] for p in s["required_order"][row] if p != NONE}
        numbers[profile] = count
        arguments: dict[str, Any] = {
            "job": self.name("job", job),
            "target": self.schema.named("target", job + 1),
            "requirements": [[self.profiles[p], n] for p, n in numbers.items() if n],
        }
        if self._applications:
            arguments["application"] = self.schema.named("application", job + 1)
        yield "process_resource_requirements", arguments

    def _register_expected_task_manager(
        self, step: TraceStep, instance: int
    ) -> Iterator[OperationCall]:
        return self._register(instance, self._worker, [])

    def _register_task_manager(
        self, step: TraceStep, instance: int, total: int
    ) -> Iterator[OperationCall]:
        return self._register(instance, list(self._totals.values())[total], [])

    def _register_task_manager_in_use(
        self, step: TraceStep, instance: int, allocation: int, job: int, profile: int
    ) -> Iterator[OperationCall]:
        slots = [self._entry(step, allocation, job, profile)]
        return self._register(instance, self._worker, slots)

    def _stop_unwanted_task_manager(
        self, step: TraceStep, instance: int
    ) -> Iterator[OperationCall]:
        yield "unregister_task_manager", {"instance": self.name("instance", instance)}

    def _report_without_slot(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        instance = step.before["slot_instance"][allocation]
        return self._report(instance, self._own(step, instance, allocation))

    def _report_requested_slot(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        s = step.before
        instance = s["slot_instance"][allocation]
        job, profile = s["slot_job"][allocation], s["slot_profile"][allocation]
        own = self._entry(step, allocation, job, profile)
        return self._report(instance, [*self._own(step, instance), own])

    def _report_unknown_slot(
        self, step: TraceStep, instance: int, allocation: int, job: int, profile: int
    ) -> Iterator[OperationCall]:
        own = self._entry(step, allocation, job, profile)
        return self._report(instance, [*self._own(step, instance), own])

    def _call_acknowledged(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield "call_acknowledged", {"call": self.name("call", allocation)}

    def _call_fails(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield "call_fails", {"call": self.name("call", allocation), "kind": "timeout"}

    def _call_occupied(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield "call_fails", {"call": self.name("call", allocation), "kind": "occupied"}

    def _query_answered(self, step: TraceStep, query: int, answer: int) -> Iterator[OperationCall]:
        word = next(word for word, number in ANSWERS.items() if number == answer)
        yield "query_answered", {"query": self.name("query", query), "answer": word}


EXPORTER = FineGrainedExporter
"""The exporter that the registry finds."""
