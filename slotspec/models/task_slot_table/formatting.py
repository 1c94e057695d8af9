"""The slot table in the words of its traces: allocations ``a1``, jobs ``j1``, executions
``e1``, tasks ``t1``, tickets ``k1``; dynamic slots by their negative numbers (1.11, 1.12).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.models.task_slot_table.lifecycles import ClosingFuture, SlotTimer, Task, TaskSlot
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.resources import CATALOGUE
from slotspec.models.task_slot_table.state import (
    Effect,
    Raised,
    allocations,
    executions,
    jobs,
    profiles,
    resources_of,
    slot_numbers,
    tasks,
    tickets,
)
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.statemachine.declaration.model import ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING, TraceFormatter
from slotspec.statemachine.results import TraceStep

PREFIXES: Mapping[str, str] = {
    allocations.name: "a",
    jobs.name: "j",
    executions.name: "e",
    tasks.name: "t",
    tickets.name: "k",
}
"""Sorts whose elements are called so, counted from 1. The numbers of tasks and tickets are
those of their records: one number may stand for one after the other."""
RAISES: Mapping[int, str] = {
    Raised.ILLEGAL_STATE: "IllegalStateException",
    Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
    Raised.SLOT_NOT_FOUND: "SlotNotFoundException",
    Raised.SLOT_NOT_ACTIVE: "SlotNotActiveException",
}


class TaskSlotTableFormatter(TraceFormatter):
    """Words for the calls, effects and changes of a slot table."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index == NONE:
            return NOTHING
        if sort is slot_numbers:
            return self._number(index)
        if sort is profiles:
            return list(CATALOGUE)[index]
        if sort.name in PREFIXES:
            return f"{PREFIXES[sort.name]}{index + 1}"
        return super().element(sort, index)

    def _number(self, number: int) -> str:
        static = self.instance.setting["static_slots"]
        asked = self.instance.setting["dynamic_number"] == DynamicNumber.ASKED
        return str(static - number - 1 if asked and number >= static else number)

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action; outcomes as traces call them."""
        word = super().argument(domain, value)
        return word if isinstance(domain, Sort) else word.lower()

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        if kind == Effect.FAIL_TASK:
            return f"{self.element(tasks, a)} is told to fail"
        if kind == Effect.RAISES:
            return f"raises {RAISES[a]}"
        if kind == Effect.LISTED:
            if a == NONE:
                return f"lists {self.element(slot_numbers, c)} (free)"
            return f"lists {self.element(allocations, a) if b == NONE else self.element(tasks, b)}"
        if kind == Effect.ANY_ORDER:
            return "in any order:" if a else "in this order again:"
        allocation = self.element(allocations, a)
        return {
            Effect.FREE_SLOT: f"{allocation} is to be freed",
            Effect.TIMEOUT_SLOT: f"{allocation} timed out ({self.element(tickets, b)})",
            Effect.TIMERS_SHUT_DOWN: "timers shut down",
            Effect.TABLE_CLOSED: "table closed",
            Effect.CLOSE_FAILED: "closing failed",
        }[Effect(kind)]

    def effects(self, step: TraceStep) -> list[str]:
        """What a step emitted; where the order is arbitrary, as it came."""
        marks = Effect.ANY_ORDER
        return [self.effect(effect) for effect in step.effects if effect[0] != marks]

    # ----------------------------------------------------------------------------- changes

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed: table, slots, tasks, timeouts, budget."""
        before, after = step.before, step.after
        told = []
        for name, domain in (("table", "table"), ("table_closing", "closing of the table")):
            lifecycle = self.instance.record.fields[name].domain
            old, new = before[name][0], after[name][0]
            if old != new:
                told.append(
                    f"{domain}: {self.value(lifecycle, old)} -> {self.value(lifecycle, new)}"
                )
        for number in range(len(before["slot"])):
            self._compare(told, self.element(allocations, number), self._slot, number, step)
        for number in range(len(before["task"])):
            self._compare(told, self.element(tasks, number), self._task, number, step)
        for number in range(len(before["sent"])):
            what = f"timeout {self.element(tickets, number)} under way"
            self._compare(told, what, self._sent, number, step)
        if before["used"] != after["used"]:
            told.append(f"budget left: {self._left(before, after)} -> {self._left(after, before)}")
        return told

    def _left(self, state: Mapping[str, Any], other: Mapping[str, Any]) -> str:
        """What is left of the resources of which `other` has another amount."""
        left = resources_of(self.instance.setting).left(state["used"])
        pairs = zip(left.items(), state["used"], other["used"], strict=False)
        return ", ".join(f"{value} {name}" for (name, value), a, b in pairs if a != b)

    @staticmethod
    def _compare(told: list[str], what: str, phrase: Any, number: int, step: TraceStep) -> None:
        old, new = phrase(step.before, number), phrase(step.after, number)
        if old != new:
            told.append(f"{what}: {old} -> {new}")

    def _slot(self, state: Mapping[str, Any], number: int) -> str:
        if state["slot"][number] == TaskSlot.FREE:
            return NOTHING
        said = [
            f"{self.element(slot_numbers, state['slot_number'][number])}",
            f"{self.element(profiles, state['slot_profile'][number])}",
            f"for {self.element(jobs, state['slot_job'][number])}",
        ]
        if state["timer"][number] != SlotTimer.OFF:
            fired = " fired" if state["timer"][number] == SlotTimer.FIRED else ""
            said.append(f"timeout {self.element(tickets, state['ticket'][number])}{fired}")
        if state["closing"][number] != ClosingFuture.PENDING:
            said.append(f"closing {ClosingFuture.states[state['closing'][number]].name}")
        return f"{TaskSlot.states[state['slot'][number]].name} ({', '.join(said)})"

    def _task(self, state: Mapping[str, Any], number: int) -> str:
        slot, awaited = state["task_slot"][number], state["awaited_by"][number]
        if slot == NONE and awaited == NONE and not state["closing_waits"][number]:
            return NOTHING
        said = []
        if slot != NONE:
            execution = self.element(executions, state["execution"][number])
            said.append(f"{execution} in {self.element(allocations, slot)}")
            if not state["indexed"][number]:
                said.append("not indexed")
        if awaited != NONE:
            said.append(f"awaited by {self.element(allocations, awaited)}")
        if state["closing_waits"][number]:
            said.append("awaited by the table")
        return f"{Task.states[state['task'][number]].name} ({', '.join(said)})"

    def _sent(self, state: Mapping[str, Any], number: int) -> str:
        return self.element(allocations, state["sent"][number])


task_slot_table.formatter = TaskSlotTableFormatter
