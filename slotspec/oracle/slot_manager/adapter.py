"""The reference oracle of the SlotManager: what SlotManagerImpl does, step by step.

It decodes the arguments of an operation, runs the model's own rule, and encodes what the
rule emitted, returned and changed. No rule of the protocol stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from slotspec.models.common.resource_profile import CATALOGUE
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
from slotspec.models.slot_manager.timers import next_timer
from slotspec.models.slot_manager.updates import queued
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.slot_manager.schema import SCHEMA
from slotspec.oracle.slot_pool.adapter import profiles_of
from slotspec.oracle.traces.names import Names
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE, Listener
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
CAUSES = {"ResourceManagerException": "UnfulfillableSlotRequestException"}
"""The causes of those exceptions that have one."""
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
"""Flink's defaults, with workers of one small slot."""


# declares what the model tidies up after each operation
assert slot_manager.settle is not None, slot_manager_settling.__name__


class SlotManagerOracle(ModelOracle):
    """Says what a SlotManager of one generation does with each operation.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    :param header: configuration and profiles of a recording; without one, Flink's defaults
        and the profiles ``small``, ``large``, ``unknown``, ``any``.
    :param replace: rules of the model to be replaced (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: told of every lifecycle event that the rules fire.
    """

    schema = SCHEMA
    raises_effect = Effect.RAISES
    raised = RAISED

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        config = {**DEFAULTS, **(header.config if header else {})}
        named = profiles_of(header) if header else dict(CATALOGUE)
        if config["slot_profile"] not in named:
            raise InputError(
                "TRC031",
                f"the header lists no profile {config['slot_profile']!r} for config.slot_profile;"
                " add it there",
            )
        instance = slot_manager.instance(
            {"timers": 2, "queries": 2, "workers": 1},
            generation=generation,
            choices={
                "profiles": named,
                "default_profile": list(named).index(config["slot_profile"]),
                "follow_clock": 1,
                "task_manager_timeout": config["task_manager_timeout_ms"],
                "slot_request_timeout": config["slot_request_timeout_ms"],
                **{
                    name: int(config[name])
                    for name in (
                        "wait_result_consumed",
                        "spread",
                        "slots_per_worker",
                        "max_slots",
                        "redundant_task_managers",
                        "auto_run",
                    )
                },
                **(choices or {}),
            },
            replace=replace,
        )
        super().__init__(generation, instance, listener)
        self._profiles = Names(list(named))
        self._instances = Names()
        self._slots = Names()
        self._allocations = Names()
        self._jobs = Names()
        self._calls = Names()
        self._queries = Names()
        self._task_managers: dict[int, str] = {}
        self._made = {"g": 0, "q": 0}
        self._next: dict[Sort, int] = {}

    # ------------------------------------------------------------------------------ steps

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; what it returns, emits and raises, and the state after it.

        :raises InputError: ``TRC030`` for an operation that this generation does not have,
            ``TRC031`` for a name that the header does not list, ``TRC016`` for a missing
            argument.
        """
        expected = super().step(op, **arguments)
        if expected.raises is not None:
            expected.raises_cause = CAUSES.get(expected.raises)
        return expected

    def _clear(self) -> None:
        super()._clear()
        self._sizes: dict[str, int] = {}
        # numbers that the operation's own arguments have, and nothing else perhaps
        self._mentioned: set[tuple[Sort, int]] = set()

    def _run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for all that it may use up."""
        self._make_room()
        return super()._run(operation, *arguments)

    def _make_room(self) -> None:
        """Grow what one operation may use up: calls, questions, expected slots, timers.

        What the main thread runs may each time serve a request and give away a slot.
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
            self._grow(timers, len(s.timer) + 2)

    def _spare(self, sort: Sort, spare: int, wanted: int) -> None:
        if spare < wanted:
            self._grow(sort, self.elastic.size(sort) + wanted)

    def _grow(self, sort: Sort, size: int) -> None:
        self.elastic.grow(sort, size)

    # ------------------------------------------------------------------------------ names

    def _unused(self, sort: Sort, is_free: Callable[[Any, int], bool]) -> int:
        """An element of `sort` that nothing refers to; the search goes on where it ended."""
        size, start = self.elastic.size(sort), self._next.get(sort, 0)
        for number in chain(range(start, size), range(start)):
            if is_free(self.state, number):
                self._next[sort] = number + 1
                return number
        self._grow(sort, 2 * size)
        self._next[sort] = size + 1
        return size

    def _named(
        self, names: Names, name: str, sort: Sort, is_free: Callable[[Any, int], bool]
    ) -> int:
        """The number of a name; a new name gets one that nothing refers to."""
        number = names.number(name)
        if number is None:
            number = self._unused(
                sort, lambda s, n: is_free(s, n) and (sort, n) not in self._mentioned
            )
            names.bind(name, number)
        self._mentioned.add((sort, number))
        return number

    def _allocation(self, name: str | None) -> int:
        if name is None:
            return NONE
        return self._named(self._allocations, name, allocations, is_allocation_unused)

    def _instance(self, name: str) -> int:
        return self._named(self._instances, name, instances, is_instance_unused)

    def _slot(self, name: str) -> int:
        return self._named(self._slots, name, slots, is_slot_unused)

    def _job(self, name: str | None) -> int:
        if name is None:
            return NONE
        number = self._jobs.number(name)
        if number is None:
            number = len(self._jobs)
            self._grow(jobs, number + 1)
            self._jobs.bind(name, number)
        return number

    def _profile(self, name: str) -> int:
        number = self._profiles.number(name)
        if number is None:
            raise InputError("TRC031", f"the header lists no profile {name!r}; add it there")
        return number

    def _generate(self, names: Names, letter: str, number: int) -> str:
        self._made[letter] += 1
        name = f"{letter}{self._made[letter]}"
        names.bind(name, number)
        return name

    # ------------------------------------------------------------------------- operations

    def _start(self) -> None:
        self._run(operations.start)

    def _suspend(self) -> None:
        self._run(operations.suspend)

    def _close(self) -> None:
        self._run(operations.close)

    def _set_resource_allocation(self, allowed: bool) -> None:
        self._run(operations.set_resource_allocation, int(allowed))

    def _register_slot_request(self, allocation: str, job: str, profile: str) -> bool:
        wanted, number, owner = self._profile(profile), self._allocation(allocation), self._job(job)
        request = spare_request(self.state, number)
        if request == NONE:
            request = len(self.state.request)
            self._grow(requests, 2 * request)
        return self._run(operations.register_slot_request, request, number, owner, wanted) == 1

    def _unregister_slot_request(self, allocation: str) -> bool:
        number = self._allocation(allocation)
        return self._run(operations.unregister_slot_request, number) == 1

    def _set_fail_unfulfillable_request(self, fail: bool) -> None:
        self._run(operations.set_fail_unfulfillable_request, int(fail))

    def _report(self, report: list[dict[str, Any]]) -> None:
        """Put a slot report where the rules find it."""
        s = self.state
        self._grow(report_entries, len(report))
        for place, entry in enumerate(report):
            s.report_slot[place] = self._slot(entry["slot"])
            s.report_profile[place] = self._profile(entry["profile"])
            s.report_allocation[place] = self._allocation(entry["allocation"])
            s.report_job[place] = self._job(entry["job"])

    def _register_task_manager(self, instance: str, tm: str, slots: list[dict[str, Any]]) -> bool:
        number = self._instance(instance)
        if self.state.registration[number] == ManagedTaskManager.UNREGISTERED:
            self._task_managers[number] = tm
        self._report(slots)
        return self._run(operations.register_task_manager, number) == 1

    def _report_slot_status(self, instance: str, slots: list[dict[str, Any]]) -> bool:
        self._report(slots)
        return self._run(operations.report_slot_status, self._instance(instance)) == 1

    def _unregister_task_manager(self, instance: str) -> bool:
        return self._run(operations.unregister_task_manager, self._instance(instance)) == 1

    def _unregister_task_managers_and_release_resources(self) -> None:
        self._run(operations.unregister_task_managers_and_release_resources)

    def _free_slot(self, slot: str, allocation: str) -> None:
        self._run(operations.free_slot, self._slot(slot), self._allocation(allocation))

    def _call_acknowledged(self, call: str) -> bool:
        number = self._calls.number(call)
        return number is not None and self._run(operations.call_acknowledged, number) == 1

    def _call_fails(
        self, call: str, kind: str, allocation: str | None = None, job: str | None = None
    ) -> bool:
        number = self._calls.number(call)
        if kind == "occupied":
            if allocation is None or job is None:
                raise InputError(
                    "TRC016", "call_fails: occupied, but by what? add 'allocation' and 'job'"
                )
            found, owner = self._allocation(allocation), self._job(job)
            if number is None:
                return False
            return self._run(operations.call_occupied, number, found, owner) == 1
        if number is None:
            return False
        return self._run(operations.call_fails, number, int(kind == "cancelled")) == 1

    def _query_answered(self, query: str, answer: bool | None) -> bool:
        number = self._queries.number(query)
        if number is None:
            return False
        return self._run(operations.query_answered, number, ANSWERS[answer]) == 1

    def _run_main_thread(self, count: int | None = None) -> int:
        return self._run(operations.run_main_thread, NONE if count is None else count)

    def _advance_time(self, ms: int) -> None:
        """In pieces, so that what one piece may use up has a bound."""
        s = self.state
        while True:
            place = next_timer(s)
            step = ms if place == NONE else min(ms, s.due_in[place])
            self._run(operations.advance_time, step)
            ms -= step
            if ms == 0:
                return

    def _counts(self) -> dict[str, int]:
        self._run(operations.counts)
        return self._sizes

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        """An effect, while every number still has its name; sizes are kept for the result."""
        s = self.state
        if kind == Effect.COUNTED:
            self._sizes[SIZES[Size(a)]] = b
            return None
        if kind == Effect.REQUEST_SLOT:
            return {
                "effect": "tm.request_slot",
                "call": self._generate(self._calls, "g", a),
                "slot": self._slots.name(b),
                "job": self._name(self._jobs, s.request_job[c]),
                "allocation": self._allocations.name(s.request_allocation[c]),
                "profile": self._profiles.name(s.request_profile[c]),
            }
        if kind == Effect.CAN_BE_RELEASED:
            return {
                "effect": "tm.can_be_released",
                "tm": self._task_managers[b],
                "query": self._generate(self._queries, "q", a),
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
            "job": self._name(self._jobs, b),
            "allocation": self._allocations.name(a),
            "cause": FAILURES[Failure(c)],
        }

    def _name(self, names: Names, number: int) -> str | None:
        return None if number == NONE else names.name(number)

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it; maps in the order of entry."""
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
                self._expected_name(pending): self._owner(s.pending_request[pending])
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
            "allocation": self._name(self._allocations, s.slot_allocation[slot]),
            "job": self._name(self._jobs, s.slot_job[slot]),
            "request": self._owner(s.slot_request[slot]),
        }

    def _owner(self, request: int) -> dict[str, Any] | None:
        """The request object that a slot or an expected slot has."""
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

    def _expected_name(self, pending: int) -> str:
        return f"p{self.state.pending_serial[pending]}"

    def _request(self, request: int) -> dict[str, Any]:
        s = self.state
        reserved = s.reservation[request]
        return {
            "job": self._name(self._jobs, s.request_job[request]),
            "profile": self._profiles.name(s.request_profile[request]),
            "created": s.clock - s.request_age[request],
            "call": self._name(self._calls, s.request_call[request]),
            "pending_slot": None if reserved == NONE else self._expected_name(reserved),
        }


ORACLE = SlotManagerOracle
"""What the registry finds."""
