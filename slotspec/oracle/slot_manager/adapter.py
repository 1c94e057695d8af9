"""The oracle of the slot manager: what SlotManagerImpl does with each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import CATALOGUE
from slotspec.models.common.timers import next_timer
from slotspec.models.slot_manager import operations
from slotspec.models.slot_manager import recycling as slot_manager_settling
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagedTaskManager,
    Manager,
    PendingTaskManagerSlot,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import (
    is_allocation_unused,
    is_entered,
    is_instance_unused,
    is_slot_unused,
    spare_request,
)
from slotspec.models.slot_manager.state import (
    Answer,
    Check,
    Effect,
    Failure,
    Raised,
    Size,
    allocations,
    calls,
    instances,
    jobs,
    pending_slots,
    queries,
    report_entries,
    requests,
    slots,
    timers,
)
from slotspec.models.slot_manager.updates import queued
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.slot_manager.schema import SCHEMA
from slotspec.oracle.traces.profiles import profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

TASK_MANAGER_TIMEOUT_MS = 30_000
"""Flink's default of ``resourcemanager.taskmanager-timeout``."""
SLOT_REQUEST_TIMEOUT_MS = 300_000
"""Flink's default of ``slot.request.timeout``."""

RAISED: Mapping[int, str] = {
    Raised.ILLEGAL_STATE: "IllegalStateException",
    Raised.UNSUPPORTED: "UnsupportedOperationException",
    Raised.UNFULFILLABLE: "ResourceManagerException",
}
CAUSES: Mapping[str, str] = {"ResourceManagerException": "UnfulfillableSlotRequestException"}
"""Exceptions that have a cause -> the cause."""
FAILURES = {
    Failure.TASK_MANAGER_LOST: "FlinkException",
    Failure.SLOT_GONE: "SlotManagerException",
    Failure.TIMED_OUT: "TimeoutException",
    Failure.UNFULFILLABLE: "UnfulfillableSlotRequestException",
}
SIZES = {
    Size.REGISTERED: "registered",
    Size.FREE: "free",
    Size.PENDING_SLOTS: "pending_slots",
    Size.PENDING_REQUESTS: "pending_requests",
    Size.ASSIGNED_PENDING_SLOTS: "assigned_pending_slots",
    Size.REQUIRED_WORKERS: "required_workers",
}
ANSWERS = {None: Answer.NONE_YET, True: Answer.YES, False: Answer.NO}

DEFAULTS: dict[str, Any] = {
    "slot_request_timeout_ms": SLOT_REQUEST_TIMEOUT_MS,
    "task_manager_timeout_ms": TASK_MANAGER_TIMEOUT_MS,
    "wait_result_consumed": True,
    "spread": False,
    "slot_profile": "small",
    "slots_per_worker": 1,
    "max_slots": 2**31 - 1,
    "redundant_task_managers": 0,
    "auto_run": True,
}
"""Flink's defaults, with workers that have one small slot each."""
CONFIGURED = (
    "wait_result_consumed",
    "spread",
    "slots_per_worker",
    "max_slots",
    "redundant_task_managers",
    "auto_run",
)
"""Fields of the configuration that are choices of the model, under the same name."""


# importing the module declares how the model tidies up after each operation
assert slot_manager.settle is not None, slot_manager_settling.__name__


class SlotManagerOracle(ModelOracle):
    """What a SlotManager of one generation does with each operation.

    Without a header it has Flink's defaults and the profiles ``small``, ``large``, ``unknown``
    and ``any``.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    """

    schema = SCHEMA
    model = slot_manager
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised = RAISED
    raised_causes = CAUSES

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        config = {**DEFAULTS, **(header.config if header else {})}
        profiles = profiles_of(header) if header else dict(CATALOGUE)
        if config["slot_profile"] not in profiles:
            raise InputError(
                "TRC031",
                f"the header lists no profile {config['slot_profile']!r} for config.slot_profile;"
                " add it there",
            )
        return {"timers": 2, "queries": 2, "workers": 1}, {
            "profiles": profiles,
            "default_profile": list(profiles).index(config["slot_profile"]),
            "follow_clock": 1,
            "task_manager_timeout": config["task_manager_timeout_ms"],
            "slot_request_timeout": config["slot_request_timeout_ms"],
            **{name: int(config[name]) for name in CONFIGURED},
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic = self.state, self.elastic
        self._profiles = ListedNames(self.instance.setting.choices["profiles"], "profile")
        self._instances = NameTable(elastic, instances, lambda n: is_instance_unused(s, n))
        self._slots = NameTable(elastic, slots, lambda n: is_slot_unused(s, n))
        self._allocations = NameTable(elastic, allocations, lambda n: is_allocation_unused(s, n))
        self._jobs = NameTable(elastic, jobs)
        self._calls = NameTable(elastic, calls)
        self._queries = NameTable(elastic, queries)
        self._task_managers: dict[int, str] = {}
        self._made = {"call": 0, "query": 0}
        return {
            "profile": self._profiles,
            "instance": self._instances,
            "slot": self._slots,
            "allocation": self._allocations,
            "job": self._jobs,
            "call": self._calls,
            "query": self._queries,
        }

    # ------------------------------------------------------------------------------ steps

    def _clear(self) -> None:
        super()._clear()
        self._sizes: dict[str, int] = {}

    def run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for everything that it may use up."""
        self._make_room()
        return super().run(operation, *arguments)

    def _make_room(self) -> None:
        """Grow what one operation may use up: calls, queries, pending slots, timers.

        Each action on the main thread may serve a request and give away a slot.
        """
        s = self.state
        more = queued(s) + len(s.slot) + len(s.request) + len(s.report_slot) + len(s.timer)
        spare = s.call.count(SlotCall.UNUSED) + s.call.count(SlotCall.SPENT)
        self._spare(calls, spare, 2 * more)
        unused = s.query.count(IdleQuery.UNUSED)
        self._spare(queries, unused, len(s.registration) * (len(s.timer) + queued(s)))
        absent = s.pending.count(PendingTaskManagerSlot.ABSENT)
        workers = more + s.redundant_task_managers * (len(s.timer) + queued(s))
        self._spare(pending_slots, absent, s.slots_per_worker * workers)
        if list(s.timer[-2:]) != [Check.UNUSED] * 2:
            self.elastic.grow(timers, len(s.timer) + 2)

    def _spare(self, sort: Sort, spare: int, wanted: int) -> None:
        if spare < wanted:
            self.elastic.grow(sort, self.elastic.size(sort) + wanted)

    def decode(self, argument: Argument, value: Any) -> int:
        return ANSWERS[value] if argument.name == "answer" else super().decode(argument, value)

    def _generate(self, kind: str, names: NameTable, number: int) -> str:
        """Name a call or a query that the manager made."""
        self._made[kind] += 1
        name = self.schema.named(kind, self._made[kind])
        names.bind(name, number)
        return name

    # ------------------------------------------------------------------------- operations

    def _register_slot_request(self, allocation: str, job: str, profile: str) -> bool:
        wanted = self._profiles.decode(profile)
        number, owner = self._allocations.decode(allocation), self._jobs.decode(job)
        request = spare_request(self.state, number)
        if request == NONE:
            request = len(self.state.request)
            self.elastic.grow(requests, 2 * request)
        return self.run(operations.register_slot_request, request, number, owner, wanted) == 1

    def _report(self, report: list[dict[str, Any]]) -> None:
        """Put a slot report where the rules look for it."""
        s = self.state
        self.elastic.grow(report_entries, len(report))
        for place, entry in enumerate(report):
            s.report_slot[place] = self._slots.decode(entry["slot"])
            s.report_profile[place] = self._profiles.decode(entry["profile"])
            s.report_allocation[place] = self._allocations.decode(entry["allocation"])
            s.report_job[place] = self._jobs.decode(entry["job"])

    def _register_task_manager(self, instance: str, tm: str, slots: list[dict[str, Any]]) -> bool:
        number = self._instances.decode(instance)
        if self.state.registration[number] == ManagedTaskManager.UNREGISTERED:
            self._task_managers[number] = tm
        self._report(slots)
        return self.run(operations.register_task_manager, number) == 1

    def _report_slot_status(self, instance: str, slots: list[dict[str, Any]]) -> bool:
        self._report(slots)
        return self.run(operations.report_slot_status, self._instances.decode(instance)) == 1

    def _call_fails(
        self, call: str, kind: str, allocation: str | None = None, job: str | None = None
    ) -> bool:
        number = self._calls.number(call)
        if kind == "occupied" and (allocation is None or job is None):
            raise InputError(
                "TRC016",
                "call_fails: an occupied slot has an allocation and a job; add 'allocation' and"
                " 'job'",
            )
        if number is None:
            return False
        if kind == "occupied":
            found, owner = self._allocations.decode(allocation), self._jobs.decode(job)
            return self.run(operations.call_occupied, number, found, owner) == 1
        return self.run(operations.call_fails, number, int(kind == "cancelled")) == 1

    def _advance_time(self, ms: int) -> None:
        """Advance from timer to timer, so that one advance uses up a bounded number of records."""
        s = self.state
        while True:
            place = next_timer(s)
            step = ms if place == NONE else min(ms, s.due_in[place])
            self.run(operations.advance_time, step)
            ms -= step
            if ms == 0:
                return

    def _counts(self) -> dict[str, int]:
        self.run(operations.counts)
        return self._sizes

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        """An effect of the trace; sizes become the result of the operation instead."""
        s = self.state
        if kind == Effect.COUNTED:
            self._sizes[SIZES[Size(a)]] = b
            return None
        if kind == Effect.REQUEST_SLOT:
            return {
                "effect": "tm.request_slot",
                "call": self._generate("call", self._calls, a),
                "slot": self._slots.name(b),
                "job": self._jobs.encode(s.request_job[c]),
                "allocation": self._allocations.name(s.request_allocation[c]),
                "profile": self._profiles.name(s.request_profile[c]),
            }
        if kind == Effect.CAN_BE_RELEASED:
            return {
                "effect": "tm.can_be_released",
                "tm": self._task_managers[b],
                "query": self._generate("query", self._queries, a),
            }
        if kind == Effect.ALLOCATE_RESOURCE:
            return {"effect": "resource.allocate", "granted": a == 1}
        if kind == Effect.RELEASE_RESOURCE:
            return {
                "effect": "resource.release",
                "instance": self._instances.name(a),
                "cause": "FlinkException",
            }
        return {
            "effect": "allocation.failed",
            "job": self._jobs.encode(b),
            "allocation": self._allocations.name(a),
            "cause": FAILURES[Failure(c)],
        }

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it; maps in the order of insertion."""
        s = self.state
        present = [n for n in range(len(s.slot)) if s.slot[n] != TaskManagerSlot.ABSENT]
        present.sort(key=lambda n: s.slot_serial[n])
        carried = [a for a in range(len(s.fulfilled)) if s.fulfilled[a] != NONE]
        carried.sort(key=lambda a: s.fulfilled_serial[a])
        return {
            "started": s.manager[0] == Manager.STARTED,
            "slots": {self._slots.name(slot): self._slot_state(slot) for slot in present},
            "free_slots": [self._slots.name(slot) for slot in s.free if slot != NONE],
            "registrations": {
                self._instances.name(instance): self._registration(instance)
                for instance in s.registrations
                if instance != NONE
            },
            "requests": {
                self._allocations.name(s.request_allocation[request]): self._request(request)
                for request in s.entered
                if request != NONE
            },
            "pending_slots": {
                self._pending_name(pending): self._owner(s.pending_request[pending])
                for pending in s.expected
                if pending != NONE
            },
            "fulfilled": {
                self._allocations.name(a): self._slots.name(s.fulfilled[a]) for a in carried
            },
            "fail_unfulfillable": s.fail_unfulfillable == 1,
            "checks": [
                s.clock + due
                for check, due in zip(s.timer, s.due_in, strict=True)
                if check != Check.UNUSED
            ],
            "queued": queued(s),
            "clock": s.clock,
        }

    def _slot_state(self, slot: int) -> dict[str, Any]:
        s = self.state
        return {
            "instance": self._instances.name(s.slot_instance[slot]),
            "profile": self._profiles.name(s.slot_profile[slot]),
            "state": TaskManagerSlot.states[s.slot[slot]].name,
            "allocation": self._allocations.encode(s.slot_allocation[slot]),
            "job": self._jobs.encode(s.slot_job[slot]),
            "request": self._owner(s.slot_request[slot]),
        }

    def _owner(self, request: int) -> dict[str, Any] | None:
        """The request of a slot or of a pending slot."""
        if request == NONE:
            return None
        allocation = self._allocations.name(self.state.request_allocation[request])
        return {"allocation": allocation, "registered": is_entered(self.state, request)}

    def _registration(self, instance: int) -> dict[str, Any]:
        s = self.state
        width = len(s.slot)
        names = s.reported[instance * width : (instance + 1) * width]
        idle = s.registration[instance] == ManagedTaskManager.IDLE
        return {
            "slots": [self._slots.name(slot) for slot in names if slot != NONE],
            "free": s.free_count[instance],
            "idle_since": s.clock - s.idle_for[instance] if idle else None,
        }

    def _pending_name(self, pending: int) -> str:
        return self.schema.named("pending_slot", self.state.pending_serial[pending])

    def _request(self, request: int) -> dict[str, Any]:
        s = self.state
        reserved = s.reservation[request]
        return {
            "job": self._jobs.encode(s.request_job[request]),
            "profile": self._profiles.name(s.request_profile[request]),
            "created": s.clock - s.request_age[request],
            "call": self._calls.encode(s.request_call[request]),
            "pending_slot": None if reserved == NONE else self._pending_name(reserved),
        }


ORACLE = SlotManagerOracle
"""The oracle that the registry finds."""
