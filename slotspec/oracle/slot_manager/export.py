"""Traces of slot managers that a check found, written as recordings: ``slotspec conform``
replays them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.common.resource_profile import CATALOGUE
from slotspec.models.slot_manager.environment import CallFailure
from slotspec.models.slot_manager.state import Answer, Effect
from slotspec.oracle.slot_manager.adapter import (
    SLOT_REQUEST_TIMEOUT_MS,
    TASK_MANAGER_TIMEOUT_MS,
    SlotManagerOracle,
)
from slotspec.oracle.slot_manager.schema import SCHEMA
from slotspec.oracle.slot_pool.export import profile_json
from slotspec.oracle.traces.exporting import Exporter, Told, generation_told, named
from slotspec.oracle.traces.trace import FORMAT, TraceHeader
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.results import Finding
from slotspec.statemachine.results import TraceStep as Taken

PREFIXES = {"allocation": "a", "job": "j", "instance": "i"}
ANSWERS = {Answer.NONE_YET: None, Answer.YES: True, Answer.NO: False}


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace of the slot manager as objects for JSON lines: the header, then each step.

    One tick of the model is a millisecond.

    :raises UsageError: ``SET040`` for choices that a recording could not say: those of no
        generation, and a step in which a hash map changes its order.
    """
    if any(step.call.action.name == "iteration_order_changes" for step in finding.steps):
        raise UsageError(
            "SET040",
            "a recording cannot say that a map changes its order; set iteration_order=0",
        )
    yield from SlotManagerExporter(instance).lines(finding)


class SlotManagerExporter(Exporter):
    """Names calls and questions in the order in which they were made, as recordings do."""

    def __init__(self, instance: Instance) -> None:
        setting, generation = instance.setting, generation_told(instance)
        profiles = setting.choices.get("profiles")
        if profiles is None:
            profiles = dict(list(CATALOGUE.items())[: setting.bounds["profiles"]])
        self._profiles = list(profiles)
        self._task_managers = setting["task_managers"]
        self._width = setting.bounds["slots"]
        self.header = TraceHeader(
            format=FORMAT,
            implementation=SCHEMA.implementation,
            version=generation,
            config={
                "slot_request_timeout_ms": setting["slot_request_timeout"]
                or SLOT_REQUEST_TIMEOUT_MS,
                "task_manager_timeout_ms": setting["task_manager_timeout"]
                or TASK_MANAGER_TIMEOUT_MS,
                "wait_result_consumed": bool(setting["wait_result_consumed"]),
                "spread": bool(setting["spread"]),
                "slot_profile": self._profiles[0],
                "slots_per_worker": setting["slots_per_worker"],
                "max_slots": setting["max_slots"],
                "redundant_task_managers": setting["redundant_task_managers"],
                "task_managers": [f"tm{n + 1}" for n in range(self._task_managers)],
                "auto_run": bool(setting["auto_run"]),
            },
            profiles={name: profile_json(profile) for name, profile in profiles.items()},
        )
        self.oracle = SlotManagerOracle(generation, self.header, replace=dict(instance.replace))
        self._granted = None if setting["workers"] else False
        self._calls: dict[int, str] = {}
        self._queries: dict[int, str] = {}
        self._made = {"g": 0, "q": 0}

    def told(self, step: Taken) -> Iterator[Told]:
        """The operations of a step; before the first, whether workers are to be had."""
        if self._granted is not None:
            yield "set_resource_allocation", {"allowed": self._granted}
            self._granted = None
        yield from super().told(step)
        for kind, record, *_ in step.effects:
            if kind == Effect.REQUEST_SLOT:
                self._calls[record] = self._next("g")
            elif kind == Effect.CAN_BE_RELEASED:
                self._queries[record] = self._next("q")

    def _next(self, letter: str) -> str:
        self._made[letter] += 1
        return f"{letter}{self._made[letter]}"

    def argument(self, parameter: str, value: int) -> Any:
        """Names as in recordings."""
        if parameter == "slot":
            return f"tm{value % self._task_managers + 1}/{value // self._task_managers}"
        if parameter == "profile":
            return self._profiles[value]
        if parameter == "call":
            return self._calls[value]
        if parameter == "fail":
            return value == 1
        return named(PREFIXES, parameter, value)

    def _entry(self, slot: int, profile: int, used: tuple[int, int] | None = None) -> Any:
        """One slot of a report; `used` is the allocation in it, and its job."""
        allocation, job = used or (None, None)
        return {
            "slot": self.argument("slot", slot),
            "profile": self._profiles[profile],
            "job": None if job is None else self.argument("job", job),
            "allocation": None if allocation is None else self.argument("allocation", allocation),
        }

    # ------------------------------------------ operations that a recording words differently

    def _set_resource_allocation(self, step: Taken, granted: int) -> Iterator[Told]:
        yield "set_resource_allocation", {"allowed": granted == 1}

    def _register_task_manager(self, step: Taken, instance: int, profile: int) -> Iterator[Told]:
        yield from self._registered(instance, {}, profile)

    def _register_task_manager_in_use(
        self, step: Taken, instance: int, slot: int, allocation: int, job: int
    ) -> Iterator[Told]:
        yield from self._registered(instance, {slot: (allocation, job)}, 0)

    def _registered(
        self, instance: int, used: dict[int, tuple[int, int]], profile: int
    ) -> Iterator[Told]:
        tm = instance % self._task_managers
        own = range(tm, self._width, self._task_managers)
        report = [self._entry(slot, profile, used.get(slot)) for slot in own]
        name = self.argument("instance", instance)
        yield "register_task_manager", {"instance": name, "tm": f"tm{tm + 1}", "slots": report}

    def _report_empty_slot(self, step: Taken, instance: int, slot: int) -> Iterator[Told]:
        report = [self._entry(slot, 0)]
        name = self.argument("instance", instance)
        yield "report_slot_status", {"instance": name, "slots": report}

    def _report_slot_in_use(
        self, step: Taken, instance: int, slot: int, allocation: int, job: int
    ) -> Iterator[Told]:
        report = [self._entry(slot, 0, (allocation, job))]
        name = self.argument("instance", instance)
        yield "report_slot_status", {"instance": name, "slots": report}

    def _call_occupied(self, step: Taken, call: int, allocation: int, job: int) -> Iterator[Told]:
        found = {
            "allocation": self.argument("allocation", allocation),
            "job": self.argument("job", job),
        }
        yield "call_fails", {"call": self._calls[call], "kind": "occupied", **found}

    def _call_fails(self, step: Taken, call: int, failure: int) -> Iterator[Told]:
        kind = CallFailure(failure).name.lower()
        yield "call_fails", {"call": self._calls[call], "kind": kind}

    def _query_answered(self, step: Taken, query: int, answer: int) -> Iterator[Told]:
        told = {"query": self._queries[query], "answer": ANSWERS[Answer(answer)]}
        yield "query_answered", told

    def _run_main_thread(self, step: Taken) -> Iterator[Told]:
        yield "run_main_thread", {"count": 1}

    def _advance_time(self, step: Taken) -> Iterator[Told]:
        yield "advance_time", {"ms": 1}
