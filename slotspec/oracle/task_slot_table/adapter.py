"""The reference oracle of the slot table: what TaskSlotTableImpl does, step by step.

It decodes the arguments of an operation, runs the model's own rule, and encodes what the
rule emitted, returned and changed. No rule of the protocol stands here. A number of the
model stands for a name only while something refers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, ClassVar, TypeVar

from slotspec.models.common.resource_profile import ANY, ResourceProfile
from slotspec.models.task_slot_table import operations
from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.operations import is_over, is_unused
from slotspec.models.task_slot_table.resources import CATALOGUE, FIXED, Resources
from slotspec.models.task_slot_table.slots import allocation_under, is_known
from slotspec.models.task_slot_table.state import (
    Effect,
    Outcome,
    Raised,
    allocations,
    executions,
    jobs,
    tasks,
    tickets,
)
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.slot_pool.adapter import profiles_of
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE, Listener, recycle
from slotspec.statemachine.errors import InputError

T = TypeVar("T")

CLOSING: Mapping[int, str] = {
    ClosingFuture.PENDING: "pending",
    ClosingFuture.DONE: "done",
    ClosingFuture.FAILED: "failed",
}
TABLE: Mapping[int, str] = {
    Table.CREATED: "CREATED",
    Table.RUNNING: "RUNNING",
    Table.CLOSING: "CLOSING",
    Table.CLOSED: "CLOSED",
    Table.DISCARDED: "CLOSED",
}
DEFAULT_SLOTS = 2
"""Without a header: so many static slots of profile ``small``, and as much again to spare."""


def resources_of(header: TraceHeader | None) -> Resources:
    """The profiles and the budget that a header tells.

    :raises InputError: ``TRC031`` where the default profile is not listed, or no amounts.
    """
    if header is None:
        shares = 2 * DEFAULT_SLOTS
        small = CATALOGUE["small"]
        total = ResourceProfile(
            small.cpu * shares,
            small.task_heap_mb * shares,
            small.task_off_heap_mb * shares,
            small.managed_mb * shares,
            small.network_mb * shares,
        )
        return Resources(CATALOGUE, total, "small")
    profiles, default = profiles_of(header), header.config["default_profile"]
    if default not in profiles:
        raise InputError(
            "TRC031", f"the header lists no profile {default!r} (default_profile); add it there"
        )
    if profiles[default].unknown:
        raise InputError(
            "TRC031", f"default_profile {default!r} is UNKNOWN; a slot has to have a known one"
        )
    given = header.config["total"]
    return Resources(profiles, ANY if given == "ANY" else ResourceProfile(**given), default)


def amount(value: Fraction, whole: bool) -> float | int:
    """A number of a trace: memory is whole, unless the header itself says otherwise."""
    return int(value) if whole and value.denominator == 1 else float(value)


def by_name(named: dict[str, T]) -> dict[str, T]:
    """The same map, ``a2`` before ``a10``."""
    return {name: named[name] for name in sorted(named, key=natural)}


class TaskSlotTableOracle(ModelOracle):
    """Says what a slot table of one generation does with each operation.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    :param header: static slots, profiles and budget of a recording; without one, two static
        slots of profile ``small`` and a budget of twice as much.
    :param replace: rules of the model to be replaced (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: told of every lifecycle event that the rules fire.
    """

    schema = SCHEMA
    raises_effect = Effect.RAISES
    any_order_effect = Effect.ANY_ORDER
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
        Raised.SLOT_NOT_FOUND: "SlotNotFoundException",
        Raised.SLOT_NOT_ACTIVE: "SlotNotActiveException",
    }

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.resources = resources_of(header)
        self.static = header.config["slots"] if header else DEFAULT_SLOTS
        sizes = {"allocations": 4, "jobs": 2, "executions": 4, "tasks": 4, "tickets": 4}
        instance = task_slot_table.instance(
            {**sizes, "resources": max(6, len(self.resources.names))},
            generation=generation,
            choices={
                "follow_clock": 1,
                "resources_given": self.resources,
                "static_slots": self.static,
                **(choices or {}),
            },
            replace=replace,
        )
        super().__init__(generation, instance, listener)
        self.counted = instance.setting["dynamic_number"] == DynamicNumber.COUNTED
        self._profiles = Names(list(self.resources.profiles))
        self._names: dict[Sort, Names] = {
            sort: Names() for sort in (allocations, jobs, executions, tasks, tickets)
        }
        self._is_free: dict[Sort, Callable[[int], bool]] = {
            allocations: lambda number: not is_known(self.state, number),
            jobs: lambda number: number not in self.state.slot_job,
            executions: lambda number: number not in self.state.execution,
            tasks: lambda number: (
                is_unused(self.state, number) and self.state.task[number] == Task.RUNNING
            ),
            tickets: lambda number: number not in self.state.ticket,
        }
        self._next = dict.fromkeys(self._names, 0)
        self._dynamic = Names()
        self._issued = 0
        self._gone: set[str] = set()
        self._budgets: dict[tuple[int, ...], dict[str, Any]] = {}

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; see :meth:`ModelOracle.step`."""
        expected = super().step(op, **arguments)
        self._forget()
        return expected

    # ------------------------------------------------------------------------------ names

    def _number(self, sort: Sort, name: str) -> int:
        """What a name stands for; one that nothing refers to gets a number for this step."""
        names = self._names[sort]
        number = names.number(name)
        if number is None:
            number = self._unused(sort)
            names.bind(name, number)
        return number

    def _unused(self, sort: Sort) -> int:
        """A number that nothing refers to; the search goes on where it ended."""
        size, start = self.elastic.size(sort), self._next[sort]
        for number in chain(range(start, size), range(start)):
            if self._is_free[sort](number) and not self._names[sort].is_bound(number):
                self._next[sort] = number + 1
                return number
        self.elastic.grow(sort, 2 * size)
        self._next[sort] = size + 1
        return size

    def _forget(self) -> None:
        """Release the numbers to which nothing refers any more."""
        for name, number in self._names[tasks].items():
            if is_over(self.state, number):
                recycle(self.state.task, number)
                self._gone.add(name)
                self._names[tasks].release(number)
        for sort in (allocations, jobs, executions, tickets):
            for _, number in self._names[sort].items():
                if self._is_free[sort](number):
                    self._names[sort].release(number)

    def _allocation(self, name: str) -> int:
        return self._number(allocations, name)

    def _job(self, name: str) -> int:
        return self._number(jobs, name)

    def _profile(self, name: str | None) -> int:
        if name is None:
            return NONE
        number = self._profiles.number(name)
        if number is None:
            raise InputError("TRC031", f"the header lists no profile {name!r}; add it there")
        return number

    def _ticketed(
        self, operation: Callable[..., int], allocation: int, *given: int, timeout: int
    ) -> int:
        """Run an operation that may register a timeout, under the next ticket."""
        ticket = self._unused(tickets)
        result = self._run(operation, *given, ticket, timeout)
        if self.state.ticket[allocation] == ticket:
            self._issued += 1
            self._names[tickets].bind(f"k{self._issued}", ticket)
        return result

    # ----------------------------------------------------------------------- slot numbers

    def _asked(self, index: int) -> int:
        """The number that a request asks for."""
        if index >= 0:
            return index if index < self.static else NONE
        if self.counted:
            return self._checked(self.static + self.state.dynamic_requests)
        return self._negative(index)

    def _meant(self, index: int) -> int:
        """The number that a query means; NONE where nothing can be under it."""
        if index < 0:
            return NONE if self.counted else self._negative(index)
        end = self.static + (self.state.dynamic_requests if self.counted else 0)
        return index if index < end else NONE

    def _negative(self, index: int) -> int:
        """Negative numbers are names of dynamic slots (1.11, 1.12)."""
        number = self._dynamic.number(str(index))
        if number is None:
            number = self._checked(self.static + len(self._dynamic))
            self._dynamic.bind(str(index), number)
        return number

    def _checked(self, number: int) -> int:
        if number >= NONE:
            raise InputError("TRC032", "there are more dynamic slots than can be told apart")
        return number

    def _index(self, number: int) -> int:
        """A slot's number as traces have it."""
        if number < self.static or self.counted:
            return number
        return int(self._dynamic.name(number))

    # ------------------------------------------------------------------------- operations

    def _start(self) -> None:
        self._run(operations.start)

    def _close(self) -> None:
        self._run(operations.close)

    def _allocate_slot(
        self, index: int, job: str, allocation: str, profile: str | None, timeout: int
    ) -> bool:
        number = self._allocation(allocation)
        given = (self._asked(index), self._job(job), number, self._profile(profile))
        return self._ticketed(operations.allocate_slot, number, *given, timeout=timeout) == 1

    def _mark_slot_active(self, allocation: str) -> bool:
        return self._run(operations.mark_slot_active, self._allocation(allocation)) == 1

    def _mark_slot_inactive(self, allocation: str, timeout: int) -> bool:
        number = self._allocation(allocation)
        return self._ticketed(operations.mark_slot_inactive, number, number, timeout=timeout) == 1

    def _try_mark_slot_active(self, job: str, allocation: str) -> bool:
        given = (self._job(job), self._allocation(allocation))
        return self._run(operations.try_mark_slot_active, *given) == 1

    def _free_slot(self, allocation: str) -> int:
        number = self._run(operations.free_slot, self._allocation(allocation))
        return -1 if number == NONE else self._index(number)

    def _add_task(self, task: str, execution: str, job: str, allocation: str, quick: bool) -> bool:
        known = self._names[tasks].number(task)
        if task in self._gone or (known is not None and not is_unused(self.state, known)):
            raise InputError(
                "TRC032", f"task {task!r} was added before; give each task a name of its own"
            )
        given = (self._number(executions, execution), self._job(job), self._allocation(allocation))
        return self._run(operations.add_task, self._number(tasks, task), *given, int(quick)) == 1

    def _remove_task(self, execution: str) -> str | None:
        task = self._run(operations.remove_task, self._number(executions, execution))
        return None if task == NONE else self._names[tasks].name(task)

    def _task_terminates(self, task: str, outcome: str) -> bool:
        if task in self._gone:
            return False
        number = self._names[tasks].number(task)
        if number is None:
            raise InputError("TRC032", f"there is no task {task!r}; add it before it terminates")
        return self._run(operations.task_terminates, number, Outcome(outcome == "fails")) == 1

    def _advance_time(self, ms: int) -> None:
        self._run(operations.advance_time, ms)

    def _notify_timeout(self, allocation: str, ticket: str) -> None:
        number, stamp = self._allocation(allocation), self._number(tickets, ticket)
        self._run(operations.notify_timeout, number, stamp)

    def _is_valid_timeout(self, allocation: str, ticket: str) -> bool:
        number, stamp = self._allocation(allocation), self._number(tickets, ticket)
        return self._run(operations.is_valid_timeout, number, stamp) == 1

    def _is_allocated(self, index: int, job: str, allocation: str) -> bool:
        given = (self._meant(index), self._job(job), self._allocation(allocation))
        return self._run(operations.is_allocated, *given) == 1

    def _is_slot_free(self, index: int) -> bool:
        return self._run(operations.is_slot_free, self._meant(index)) == 1

    def _get_current_allocation(self, index: int) -> str | None:
        return self._named(
            allocations, self._run(operations.get_current_allocation, self._meant(index))
        )

    def _get_owning_job(self, allocation: str) -> str | None:
        return self._named(jobs, self._run(operations.get_owning_job, self._allocation(allocation)))

    def _get_task(self, execution: str) -> str | None:
        return self._named(
            tasks, self._run(operations.get_task, self._number(executions, execution))
        )

    def _get_task_memory_manager(self, allocation: str) -> float | None:
        number = self._run(operations.get_task_memory_manager, self._allocation(allocation))
        if number == NONE:
            return None
        return self.resources.profiles[self._profiles.name(number)].managed_mb

    def _get_allocation_ids(self, job: str) -> list[str]:
        self._run(operations.get_allocation_ids, self._job(job))
        return self._listed_allocations()

    def _get_allocated_slots(self, job: str) -> list[dict[str, Any]]:
        self._run(operations.get_allocated_slots, self._job(job))
        return [self._offer(name) for name in self._listed_allocations()]

    def _has_allocated_slots(self, job: str) -> bool:
        return self._run(operations.has_allocated_slots, self._job(job)) == 1

    def _get_active_slots(self, job: str | None = None) -> list[str]:
        if job is None and self.generation == "1.11":
            raise InputError(
                "TRC032", "generation 1.11 lists the active slots of one job; say which"
            )
        self._run(operations.get_active_slots, NONE if job is None else self._job(job))
        return self._listed_allocations()

    def _get_tasks(self, job: str) -> list[str]:
        self._run(operations.get_tasks, self._job(job))
        listed = [self._names[tasks].name(task) for _, task, _ in self._listed()]
        return sorted(listed, key=natural)

    def _generate_slot_offer(self, allocation: str) -> dict[str, Any] | None:
        number = self._run(operations.generate_slot_offer, self._allocation(allocation))
        return None if number == NONE else self._offer(allocation)

    def _create_slot_report(self) -> list[dict[str, Any]]:
        self._run(operations.create_slot_report)
        fixed: list[dict[str, Any]] = []
        dynamic: list[dict[str, Any]] = []
        for allocation, _, number in self._listed():
            if allocation == NONE:
                empty = {"profile": self.resources.default, "job": None, "allocation": None}
                fixed.append({"index": number, **empty})
                continue
            report = {
                # a negative number is not told
                "index": number if number < self.static or self.counted else -1,
                "profile": self._profiles.name(self.state.slot_profile[allocation]),
                "job": self._names[jobs].name(self.state.slot_job[allocation]),
                "allocation": self._names[allocations].name(allocation),
            }
            (fixed if number < self.static else dynamic).append(report)
        return fixed + sorted(dynamic, key=lambda slot: natural(slot["allocation"]))

    # --------------------------------------------------------------------------- encoding

    def _named(self, sort: Sort, number: int) -> str | None:
        return None if number == NONE else self._names[sort].name(number)

    def _listed(self) -> list[tuple[int, int, int]]:
        return [effect[1:4] for effect in self.state.effects if effect[0] == Effect.LISTED]

    def _listed_allocations(self) -> list[str]:
        names = self._names[allocations]
        return sorted((names.name(number) for number, _, _ in self._listed()), key=natural)

    def _offer(self, allocation: str) -> dict[str, Any]:
        number = self._allocation(allocation)
        return {
            "allocation": allocation,
            "index": self._index(self.state.slot_number[number]),
            "profile": self._profiles.name(self.state.slot_profile[number]),
        }

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        if kind == Effect.FAIL_TASK:
            return {"effect": "task.fail_externally", "task": self._names[tasks].name(a)}
        if kind == Effect.FREE_SLOT:
            return {"effect": "actions.free_slot", "allocation": self._names[allocations].name(a)}
        if kind == Effect.TIMEOUT_SLOT:
            return {
                "effect": "actions.timeout_slot",
                "allocation": self._names[allocations].name(a),
                "ticket": self._names[tickets].name(b),
            }
        plain = {
            Effect.TIMERS_SHUT_DOWN: "timer_service.shutdown",
            Effect.TABLE_CLOSED: "table.closed",
            Effect.CLOSE_FAILED: "table.close_failed",
        }
        return {"effect": plain[Effect(kind)]} if kind in plain else None

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it; every map in the order of its names."""
        s = self.state
        slots = by_name(
            {
                self._names[allocations].name(number): number
                for number in range(len(s.slot))
                if is_known(s, number)
            }
        )
        per_job: dict[str, list[str]] = {}
        for name, number in slots.items():
            per_job.setdefault(self._names[jobs].name(s.slot_job[number]), []).append(name)
        state: dict[str, Any] = {
            "state": TABLE[s.table[0]],
            "by_index": by_name(
                {
                    str(s.slot_number[number]): name
                    for name, number in slots.items()
                    if allocation_under(s, s.slot_number[number]) == number
                }
            ),
            "slots": {name: self._slot(number) for name, number in slots.items()},
            "per_job": by_name(per_job),
            "tasks": by_name(
                {
                    self._names[executions].name(s.execution[task]): {
                        "task": self._names[tasks].name(task),
                        "allocation": self._names[allocations].name(s.task_slot[task]),
                    }
                    for task in range(len(s.task))
                    if s.indexed[task]
                }
            ),
            "budget": self._budget(),
            "timers": {
                name: self._timer(number)
                for name, number in slots.items()
                if s.timer[number] != SlotTimer.OFF
            },
            "closing": CLOSING[s.table_closing[0]],
            "clock": s.clock,
        }
        if self.counted:
            state["next_dynamic_index"] = self.static + s.dynamic_requests
        return state

    def _timer(self, number: int) -> dict[str, Any]:
        s = self.state
        return {
            "ticket": self._names[tickets].name(s.ticket[number]),
            "due": s.due[number],
            "fired": s.timer[number] == SlotTimer.FIRED,
        }

    def _slot(self, number: int) -> dict[str, Any]:
        s = self.state
        return {
            "index": self._index(s.slot_number[number]),
            "job": self._names[jobs].name(s.slot_job[number]),
            "profile": self._profiles.name(s.slot_profile[number]),
            "state": TaskSlot.states[s.slot[number]].name,
            "tasks": by_name(
                {
                    self._names[executions].name(s.execution[task]): self._names[tasks].name(task)
                    for task in range(len(s.task))
                    if s.task_slot[task] == number
                }
            ),
            "closing": CLOSING[s.closing[number]],
            "memory_shutdown": s.closing[number] == ClosingFuture.DONE,
        }

    def _budget(self) -> dict[str, Any] | str:
        if self.state.boundless:
            return "ANY"
        used = tuple(self.state.used)
        if used not in self._budgets:
            left = self.resources.left(used)
            fixed = {name: amount(left[name], name != "cpu") for name in FIXED}
            extended = {
                name: float(value) for name, value in left.items() if name not in FIXED and value
            }
            self._budgets[used] = {**fixed, "extended": extended}
        return self._budgets[used]


ORACLE = TaskSlotTableOracle
"""What the registry finds."""
