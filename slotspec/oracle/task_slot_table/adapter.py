"""The oracle of the slot table: what TaskSlotTableImpl does with each operation.

An element of the model has a name only while something refers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from slotspec.models.common.resource_profile import ResourceProfile
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
from slotspec.models.task_slot_table.resources import CATALOGUE, Resources
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
from slotspec.models.task_slot_table.versions import DynamicNumber, RefusedAllocation
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.compare import AnyOrder
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.profiles import AMOUNTS, profile_from_json, profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.rules import NONE, recycle
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
"""Static slots of profile ``small`` without a header; the budget is twice what they need."""


def resources_of(header: TraceHeader | None) -> Resources:
    """The profiles and the budget of a header.

    :raises InputError: ``TRC031`` where the default profile is not listed, or no amounts.
    """
    if header is None:
        shares = 2 * DEFAULT_SLOTS
        small = CATALOGUE["small"]
        total = ResourceProfile(*(amount * shares for amount in small.amounts))  # type: ignore[arg-type]
        return Resources(CATALOGUE, total, "small")
    profiles, default = profiles_of(header), header.config["default_profile"]
    if default not in profiles:
        raise InputError(
            "TRC031", f"the header lists no profile {default!r} (default_profile); add it there"
        )
    if profiles[default].unknown:
        raise InputError(
            "TRC031",
            f"default_profile {default!r} is UNKNOWN; choose a known profile for the slots",
        )
    return Resources(profiles, profile_from_json(header.config["total"]), default)


def amount(value: Fraction, whole: bool) -> float | int:
    """A number of a trace: memory is a whole number unless the header has fractions."""
    return int(value) if whole and value.denominator == 1 else float(value)


def by_name(named: dict[str, T]) -> dict[str, T]:
    """The map sorted by name, ``a2`` before ``a10``."""
    return {name: named[name] for name in sorted(named, key=natural)}


class TaskSlotTableOracle(ModelOracle):
    """What a slot table of one generation does with each operation.

    Without a header it has two static slots of profile ``small`` and twice the budget for them.

    :param generation: ``1.11``, ``1.12``, ``1.13`` or ``2.3``.
    """

    schema = SCHEMA
    model = task_slot_table
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    any_order_effect = Effect.ANY_ORDER
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
        Raised.SLOT_NOT_FOUND: "SlotNotFoundException",
        Raised.SLOT_NOT_ACTIVE: "SlotNotActiveException",
        Raised.SLOT_ALLOCATION: "SlotAllocationException",
    }

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        self.resources = resources_of(header)
        self.static = header.config["slots"] if header else DEFAULT_SLOTS
        sizes = {"allocations": 4, "jobs": 2, "executions": 4, "tasks": 4, "tickets": 4}
        return {**sizes, "resources": max(6, len(self.resources.names))}, {
            "follow_clock": 1,
            "resources_given": self.resources,
            "static_slots": self.static,
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic = self.state, self.elastic
        # since 2.3 a request is granted or raises, and reports count tasks
        self.newest = self.instance.setting["refused_allocation"] == RefusedAllocation.RAISED
        self.counted = self.instance.setting["dynamic_number"] == DynamicNumber.COUNTED
        self._profiles = ListedNames(self.resources.profiles, "profile")
        self._allocations = NameTable(elastic, allocations, lambda n: not is_known(s, n))
        self._jobs = NameTable(elastic, jobs, lambda n: n not in s.slot_job)
        self._executions = NameTable(elastic, executions, lambda n: n not in s.execution)
        # a task that was refused keeps its name: the name may not come again
        self._tasks = NameTable(
            elastic,
            tasks,
            lambda n: is_unused(s, n) and s.task[n] == Task.RUNNING and not self._tasks.is_bound(n),
        )
        self._tickets = NameTable(elastic, tickets, lambda n: n not in s.ticket)
        self._dynamic = Names()
        self._issued = 0
        self._gone: set[str] = set()
        self._budgets: dict[tuple[int, ...], dict[str, Any]] = {}
        return {
            "profile": self._profiles,
            "allocation": self._allocations,
            "job": self._jobs,
            "execution": self._executions,
            "task": self._tasks,
            "ticket": self._tickets,
        }

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; see :meth:`ModelOracle.step`."""
        expected = super().step(op, **arguments)
        self._forget()
        return expected

    # ------------------------------------------------------------------------------ names

    def _forget(self) -> None:
        """Release the elements that nothing refers to any more."""
        for name, number in self._tasks.items():
            if is_over(self.state, number):
                recycle(self.state.task, number)
                self._gone.add(name)
                self._tasks.release(number)
        for table in (self._allocations, self._jobs, self._executions, self._tickets):
            table.release_free()

    def _ticketed(
        self, operation: Callable[..., int], allocation: int, *given: int, timeout: int
    ) -> int:
        """Run an operation that may register a timeout, under the next ticket."""
        ticket = self._tickets.unused()
        result = self.run(operation, *given, ticket, timeout)
        if self.state.ticket[allocation] == ticket:
            self._issued += 1
            self._tickets.bind(self.schema.named("ticket", self._issued), ticket)
        return result

    # ----------------------------------------------------------------------- slot numbers

    def decode(self, argument: Argument, value: Any) -> int:
        return self._meant(value) if argument.name == "index" else super().decode(argument, value)

    def _asked(self, index: int) -> int:
        """The number of the slot that a request asks for."""
        if index >= 0:
            return index if index < self.static else NONE
        if self.counted:
            return self._checked(self.static + self.state.dynamic_requests)
        return self._negative(index)

    def _meant(self, index: int) -> int:
        """The number of the slot that a query means; NONE where no slot can have it."""
        if index < 0:
            return NONE if self.counted else self._negative(index)
        end = self.static + (self.state.dynamic_requests if self.counted else 0)
        return index if index < end else NONE

    def _negative(self, index: int) -> int:
        """The slot of a negative number: these name dynamic slots (1.11, 1.12)."""
        number = self._dynamic.number(str(index))
        if number is None:
            number = self._checked(self.static + len(self._dynamic))
            self._dynamic.bind(str(index), number)
        return number

    def _checked(self, number: int) -> int:
        if number >= NONE:
            raise InputError(
                "TRC032", f"the oracle supports at most {NONE:,} slots; use fewer dynamic ones"
            )
        return number

    def _index(self, number: int) -> int:
        """The number that traces have for a slot."""
        if number < self.static or self.counted:
            return number
        return int(self._dynamic.name(number))

    # ------------------------------------------------------------------------- operations

    def _allocate_slot(
        self, index: int, job: str, allocation: str, profile: str | None, timeout: int
    ) -> bool | None:
        number = self._allocations.decode(allocation)
        given = (self._asked(index), self._jobs.decode(job), number, self._profiles.decode(profile))
        granted = self._ticketed(operations.allocate_slot, number, *given, timeout=timeout) == 1
        return None if self.newest else granted

    def _mark_slot_inactive(self, allocation: str, timeout: int) -> bool:
        number = self._allocations.decode(allocation)
        return self._ticketed(operations.mark_slot_inactive, number, number, timeout=timeout) == 1

    def _free_slot(self, allocation: str) -> int:
        number = self.run(operations.free_slot, self._allocations.decode(allocation))
        return -1 if number == NONE else self._index(number)

    def _add_task(self, task: str, execution: str, job: str, allocation: str, quick: bool) -> bool:
        known = self._tasks.number(task)
        if task in self._gone or (known is not None and not is_unused(self.state, known)):
            raise InputError(
                "TRC032", f"task {task!r} was added before; give each task its own name"
            )
        given = (
            self._executions.decode(execution),
            self._jobs.decode(job),
            self._allocations.decode(allocation),
        )
        return self.run(operations.add_task, self._tasks.decode(task), *given, int(quick)) == 1

    def _task_terminates(self, task: str, outcome: str) -> bool:
        if task in self._gone:
            return False
        number = self._tasks.number(task)
        if number is None:
            raise InputError("TRC032", f"there is no task {task!r}; add it first")
        return self.run(operations.task_terminates, number, Outcome[outcome.upper()]) == 1

    def _get_task_memory_manager(self, allocation: str) -> float | None:
        number = self.run(operations.get_task_memory_manager, self._allocations.decode(allocation))
        if number == NONE:
            return None
        return self.resources.profiles[self._profiles.name(number)].managed_mb

    def _get_allocation_ids(self, job: str) -> list[str]:
        self.run(operations.get_allocation_ids, self._jobs.decode(job))
        return self._listed_allocations()

    def _get_allocated_slots(self, job: str) -> list[dict[str, Any]]:
        self.run(operations.get_allocated_slots, self._jobs.decode(job))
        return [self._offer(name) for name in self._listed_allocations()]

    def _get_active_slots(self, job: str | None = None) -> list[str]:
        if job is None and self.generation == "1.11":
            raise InputError(
                "TRC032", "generation 1.11 lists the active slots of one job only; add 'job'"
            )
        self.run(operations.get_active_slots, self._jobs.decode(job))
        return self._listed_allocations()

    def _get_tasks(self, job: str) -> list[str]:
        self.run(operations.get_tasks, self._jobs.decode(job))
        listed = [self._tasks.name(task) for _, task, _ in self._listed()]
        return sorted(listed, key=natural)

    def _generate_slot_offer(self, allocation: str) -> dict[str, Any] | None:
        number = self.run(operations.generate_slot_offer, self._allocations.decode(allocation))
        return None if number == NONE else self._offer(allocation)

    def _create_slot_report(self) -> AnyOrder:
        self.run(operations.create_slot_report)
        fixed: list[dict[str, Any]] = []
        dynamic: list[dict[str, Any]] = []
        for allocation, _, number in self._listed():
            if allocation == NONE:
                fixed.append(self._report(number, self.resources.default, None, None, 0))
                continue
            report = self._report(
                # reports never contain a negative number
                number if number < self.static or self.counted else -1,
                self._profiles.name(self.state.slot_profile[allocation]),
                self._jobs.name(self.state.slot_job[allocation]),
                self._allocations.name(allocation),
                list(self.state.task_slot).count(allocation),
            )
            (fixed if number < self.static else dynamic).append(report)
        return AnyOrder(fixed + sorted(dynamic, key=lambda slot: natural(slot["allocation"])))

    # --------------------------------------------------------------------------- encoding

    def _report(
        self, index: int, profile: str, job: str | None, allocation: str | None, tasks: int
    ) -> dict[str, Any]:
        """One entry of a slot report; only 2.3 counts the tasks."""
        entry = {"index": index, "profile": profile, "job": job, "allocation": allocation}
        return {**entry, "tasks": tasks} if self.newest else entry

    def _listed(self) -> list[tuple[int, int, int]]:
        return [effect[1:4] for effect in self.state.effects if effect[0] == Effect.LISTED]

    def _listed_allocations(self) -> list[str]:
        names = self._allocations
        return sorted((names.name(number) for number, _, _ in self._listed()), key=natural)

    def _offer(self, allocation: str) -> dict[str, Any]:
        number = self._allocations.decode(allocation)
        return {
            "allocation": allocation,
            "index": self._index(self.state.slot_number[number]),
            "profile": self._profiles.name(self.state.slot_profile[number]),
        }

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        if kind == Effect.FAIL_TASK:
            return {"effect": "task.fail_externally", "task": self._tasks.name(a)}
        if kind == Effect.FREE_SLOT:
            return {"effect": "actions.free_slot", "allocation": self._allocations.name(a)}
        if kind == Effect.TIMEOUT_SLOT:
            return {
                "effect": "actions.timeout_slot",
                "allocation": self._allocations.name(a),
                "ticket": self._tickets.name(b),
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
                self._allocations.name(number): number
                for number in range(len(s.slot))
                if is_known(s, number)
            }
        )
        per_job: dict[str, list[str]] = {}
        for name, number in slots.items():
            per_job.setdefault(self._jobs.name(s.slot_job[number]), []).append(name)
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
                    self._executions.name(s.execution[task]): {
                        "task": self._tasks.name(task),
                        "allocation": self._allocations.name(s.task_slot[task]),
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
            "ticket": self._tickets.name(s.ticket[number]),
            "due": s.due[number],
            "fired": s.timer[number] == SlotTimer.FIRED,
        }

    def _slot(self, number: int) -> dict[str, Any]:
        s = self.state
        return {
            "index": self._index(s.slot_number[number]),
            "job": self._jobs.name(s.slot_job[number]),
            "profile": self._profiles.name(s.slot_profile[number]),
            "state": TaskSlot.states[s.slot[number]].name,
            "tasks": by_name(
                {
                    self._executions.name(s.execution[task]): self._tasks.name(task)
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
            fixed = {name: amount(left[name], name != "cpu") for name in AMOUNTS}
            extended = {
                name: float(value) for name, value in left.items() if name not in AMOUNTS and value
            }
            self._budgets[used] = {**fixed, "extended": extended}
        return self._budgets[used]


ORACLE = TaskSlotTableOracle
"""The oracle that the registry finds."""
