"""Traces of the slot table that a check found, written as recordings: ``slotspec conform``
replays them.

The model lets any timer fire at any time. A recording has a clock: it stands still but for
one millisecond before each timer that fires, and each timeout is as long as it then has to
be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.common.resource_profile import ResourceProfile
from slotspec.models.task_slot_table.resources import FIXED
from slotspec.models.task_slot_table.state import Outcome, resources_of
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.oracle.task_slot_table.adapter import TaskSlotTableOracle
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.exporting import Exporter, Told, generation_told, named
from slotspec.oracle.traces.trace import FORMAT, TraceHeader
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding
from slotspec.statemachine.results import TraceStep as Taken

NEVER_MS = 1_000_000
"""A timeout that does not fire within the trace."""
PREFIXES = {"job": "j", "allocation": "a", "execution": "e"}
REGISTERING = ("allocate_slot", "mark_slot_inactive")


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace of the slot table as objects for JSON lines: the header, then each step.

    :raises UsageError: ``SET040`` for choices that a recording could not say.
    """
    yield from TaskSlotTableExporter(instance, finding).lines(finding)


def profile_json(profile: ResourceProfile) -> dict[str, Any] | str:
    """A profile as headers have it."""
    if profile.any_ or profile.unknown:
        return "ANY" if profile.any_ else "UNKNOWN"
    amounts: dict[str, Any] = dict(zip(FIXED, profile.amounts, strict=True))
    return {**amounts, "extended": dict(profile.extended)}


def timeouts_of(finding: Finding) -> dict[int, int]:
    """For each step that registers a timeout which fires later: how long it is."""
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
    """Names each task and each ticket once, where the model uses a record again."""

    def __init__(self, instance: Instance, finding: Finding) -> None:
        generation = generation_told(instance)
        resources = resources_of(instance.setting)
        self.static = instance.setting["static_slots"]
        self.counted = instance.setting["dynamic_number"] == DynamicNumber.COUNTED
        self.profiles = list(resources.profiles)
        self.header = TraceHeader(
            format=FORMAT,
            implementation=SCHEMA.implementation,
            version=generation,
            config={
                "slots": self.static,
                "total": profile_json(resources.total),
                "default_profile": resources.default,
            },
            profiles={name: profile_json(p) for name, p in resources.profiles.items()},
        )
        self.oracle = TaskSlotTableOracle(generation, self.header, replace=dict(instance.replace))
        self._timeouts = timeouts_of(finding)
        self._at = -1
        self._tickets: dict[int, str] = {}
        self._tasks: dict[int, str] = {}
        self._added = 0

    def argument(self, parameter: str, value: int) -> Any:
        """Names and numbers as in recordings."""
        if parameter == "profile":
            return self.profiles[value]
        if parameter == "outcome":
            return Outcome(value).name.lower()
        if parameter == "task":
            return self._tasks[value]
        return named(PREFIXES, parameter, value)

    def _index(self, number: int) -> int:
        return number if self.counted or number < self.static else self.static - number - 1

    def _timeout(self) -> int:
        return self._timeouts.get(self._at, NEVER_MS)

    def told(self, step: Taken) -> Iterator[Told]:
        """The operations of a step; once they are done, the names of new tickets are known."""
        self._at += 1
        yield from super().told(step)
        timers = self.oracle.snapshot()["timers"]
        for allocation, ticket in enumerate(step.after["ticket"]):
            timer = timers.get(self.argument("allocation", allocation))
            if ticket != NONE and timer is not None:
                self._tickets[ticket] = timer["ticket"]

    def _allocate_slot(
        self, step: Taken, number: int, job: int, allocation: int, profile: int
    ) -> Iterator[Told]:
        dynamic = self.counted and number >= self.static
        yield (
            "allocate_slot",
            {
                "index": -1 if dynamic else self._index(number),
                "job": self.argument("job", job),
                "allocation": self.argument("allocation", allocation),
                "profile": self.profiles[profile],
                "timeout": self._timeout(),
            },
        )

    def _mark_slot_inactive(self, step: Taken, allocation: int) -> Iterator[Told]:
        given = {"allocation": self.argument("allocation", allocation)}
        yield "mark_slot_inactive", {**given, "timeout": self._timeout()}

    def _add_task(
        self, step: Taken, execution: int, job: int, allocation: int, quick: int
    ) -> Iterator[Told]:
        self._added += 1
        task = f"t{self._added}"
        for record, slot in enumerate(step.before["task_slot"]):
            if slot == NONE and step.after["task_slot"][record] == allocation:
                self._tasks[record] = task
        yield (
            "add_task",
            {
                "task": task,
                "execution": self.argument("execution", execution),
                "job": self.argument("job", job),
                "allocation": self.argument("allocation", allocation),
                "quick": quick == 1,
            },
        )

    def _fire_timeout(self, step: Taken, allocation: int) -> Iterator[Told]:
        yield "advance_time", {"ms": 1}

    def _timeout_arrives(self, step: Taken, ticket: int) -> Iterator[Told]:
        name = self.argument("allocation", step.before["sent"][ticket])
        yield "is_valid_timeout", {"allocation": name, "ticket": self._tickets[ticket]}
        if step.result == 1:
            yield "free_slot", {"allocation": name}

    def _is_allocated(self, step: Taken, number: int, job: int, allocation: int) -> Iterator[Told]:
        yield (
            "is_allocated",
            {
                "index": self._index(number),
                "job": self.argument("job", job),
                "allocation": self.argument("allocation", allocation),
            },
        )
