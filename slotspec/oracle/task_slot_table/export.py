"""How a trace of the slot table becomes a recording.

The model lets any timer fire at any time; a recording has a clock. The clock of the recording
advances by one millisecond before each timer that fires, and each timeout has the length that
makes it fire there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.task_slot_table.state import resources_of
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.oracle.conformance.exporting import Exporter
from slotspec.oracle.task_slot_table.adapter import TaskSlotTableOracle
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.profiles import profile_json
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, OperationCall
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding, TraceStep

NEVER_MS = 1_000_000
"""A timeout that does not fire within the trace."""
REGISTERING = ("allocate_slot", "mark_slot_inactive")


def timeouts_of(finding: Finding) -> dict[int, int]:
    """Number of a step that registers a timeout which fires later -> the timeout, in ms."""
    found: dict[int, int] = {}
    begun: dict[int, tuple[int, int]] = {}
    clock = 0
    for number, step in enumerate(finding.steps):
        given = dict(zip(step.call.action.parameters, step.call.arguments, strict=True))
        name = step.call.action.name
        if name == "fire_timeout":
            clock += 1
            at, since = begun[given["allocation"]]
            found[at] = clock - since
        elif name in REGISTERING:
            allocation = given["allocation"]
            ticket = step.after["ticket"][allocation]
            if ticket not in (NONE, step.before["ticket"][allocation]):
                begun[allocation] = (number, clock)
    return found


class TaskSlotTableExporter(Exporter):
    """Names each task and each ticket only once, though the model reuses their records."""

    schema = SCHEMA
    oracle_class = TaskSlotTableOracle
    renamed = ("task", "ticket")

    def __init__(self, instance: Instance, finding: Finding) -> None:
        super().__init__(instance, finding)
        self._static = instance.setting["static_slots"]
        self._counted = instance.setting["dynamic_number"] == DynamicNumber.COUNTED
        self._timeouts = timeouts_of(finding)
        self._at = -1

    def config(self, instance: Instance) -> dict[str, Any]:
        resources = resources_of(instance.setting)
        return {
            "slots": instance.setting["static_slots"],
            "total": profile_json(resources.total),
            "default_profile": resources.default,
        }

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        return resources_of(instance.setting).profiles

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        self._at += 1
        yield from super().operations_of(step)

    def argument(self, argument: Argument, value: int) -> Any:
        return self._index(value) if argument.name == "index" else super().argument(argument, value)

    def _index(self, number: int) -> int:
        return number if self._counted or number < self._static else self._static - number - 1

    def _timeout(self) -> int:
        return self._timeouts.get(self._at, NEVER_MS)

    def learn(self, step: TraceStep, expected: Expected) -> None:
        timers = expected.state["timers"]
        for allocation, ticket in enumerate(step.after["ticket"]):
            timer = timers.get(self.name("allocation", allocation))
            if ticket != NONE and timer is not None:
                self.names["ticket"][ticket] = timer["ticket"]

    # --------------------------------------------- actions that a recording expresses otherwise

    def _allocate_slot(
        self, step: TraceStep, number: int, job: int, allocation: int, profile: int
    ) -> Iterator[OperationCall]:
        dynamic = self._counted and number >= self._static
        arguments = {
            "index": -1 if dynamic else self._index(number),
            "job": self.name("job", job),
            "allocation": self.name("allocation", allocation),
            "profile": self.profiles[profile],
            "timeout": self._timeout(),
        }
        yield "allocate_slot", arguments

    def _mark_slot_inactive(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        name = self.name("allocation", allocation)
        yield "mark_slot_inactive", {"allocation": name, "timeout": self._timeout()}

    def _add_task(
        self, step: TraceStep, execution: int, job: int, allocation: int, quick: int
    ) -> Iterator[OperationCall]:
        task = self.fresh("task")
        for record, slot in enumerate(step.before["task_slot"]):
            if slot == NONE and step.after["task_slot"][record] == allocation:
                self.names["task"][record] = task
        arguments = {
            "task": task,
            "execution": self.name("execution", execution),
            "job": self.name("job", job),
            "allocation": self.name("allocation", allocation),
            "quick": quick == 1,
        }
        yield "add_task", arguments

    def _fire_timeout(self, step: TraceStep, allocation: int) -> Iterator[OperationCall]:
        yield "advance_time", {"ms": 1}

    def _timeout_arrives(self, step: TraceStep, ticket: int) -> Iterator[OperationCall]:
        name = self.name("allocation", step.before["sent"][ticket])
        arguments = {"allocation": name, "ticket": self.name("ticket", ticket)}
        yield "is_valid_timeout", arguments
        if step.result == 1:
            yield "free_slot", {"allocation": name}


EXPORTER = TaskSlotTableExporter
"""The exporter that the registry finds."""
