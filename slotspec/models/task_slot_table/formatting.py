"""The text of slot tables in traces.

Dynamic slots have their negative numbers in 1.11 and 1.12.
"""

from __future__ import annotations

from collections.abc import Sequence

from slotspec.models.common.formatting import DescribingFormatter, State, Texts
from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
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
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.results import TraceStep


class TaskSlotTableFormatter(DescribingFormatter):
    """Renders the calls, effects and changes of a slot table."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index == NONE:
            return NOTHING
        if sort is slot_numbers:
            return self._number(index)
        if sort is profiles:
            return list(CATALOGUE)[index]
        return super().element(sort, index)

    def _number(self, number: int) -> str:
        static = self.instance.setting["static_slots"]
        asked = self.instance.setting["dynamic_number"] == DynamicNumber.ASKED
        return str(static - number - 1 if asked and number >= static else number)

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        if kind == Effect.FAIL_TASK:
            return f"{self.element(tasks, a)} is told to fail"
        if kind == Effect.RAISES:
            return f"raises {Raised(a).exception}"
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
        """The effects of a step, in the order in which they came."""
        return [self.effect(effect) for effect in step.effects if effect[0] != Effect.ANY_ORDER]

    # ----------------------------------------------------------------------------- changes

    def described(self, s: State) -> Sequence[Texts]:
        """The table, its slots, tasks and timeouts."""
        return (
            {
                "table": Table.states[s["table"][0]].name,
                "closing of the table": ClosingFuture.states[s["table_closing"][0]].name,
            },
            {self.element(allocations, i): self._slot(s, i) for i in range(len(s["slot"]))},
            {self.element(tasks, i): self._task(s, i) for i in range(len(s["task"]))},
            {
                f"timeout {self.element(tickets, ticket)} under way": self.element(
                    allocations, sent
                )
                for ticket, sent in enumerate(s["sent"])
            },
        )

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed of these, and of the budget."""
        texts, before, after = super().changes(step), step.before, step.after
        if before["used"] != after["used"]:
            texts.append(f"budget left: {self._left(before, after)} -> {self._left(after, before)}")
        return texts

    def _left(self, state: State, other: State) -> str:
        """What is left of the resources of which `other` has another amount."""
        left = resources_of(self.instance.setting).left(state["used"])
        pairs = zip(left.items(), state["used"], other["used"], strict=False)
        return ", ".join(f"{value} {name}" for (name, value), a, b in pairs if a != b)

    def _slot(self, state: State, number: int) -> str:
        if state["slot"][number] == TaskSlot.FREE:
            return NOTHING
        parts = [
            f"{self.element(slot_numbers, state['slot_number'][number])}",
            f"{self.element(profiles, state['slot_profile'][number])}",
            f"for {self.element(jobs, state['slot_job'][number])}",
        ]
        if state["timer"][number] != SlotTimer.OFF:
            fired = " fired" if state["timer"][number] == SlotTimer.FIRED else ""
            parts.append(f"timeout {self.element(tickets, state['ticket'][number])}{fired}")
        if state["closing"][number] != ClosingFuture.PENDING:
            parts.append(f"closing {ClosingFuture.states[state['closing'][number]].name}")
        return f"{TaskSlot.states[state['slot'][number]].name} ({', '.join(parts)})"

    def _task(self, state: State, number: int) -> str:
        slot, awaited = state["task_slot"][number], state["awaited_by"][number]
        if slot == NONE and awaited == NONE and not state["closing_waits"][number]:
            return NOTHING
        parts = []
        if slot != NONE:
            execution = self.element(executions, state["execution"][number])
            parts.append(f"{execution} in {self.element(allocations, slot)}")
            if not state["indexed"][number]:
                parts.append("not indexed")
        if awaited != NONE:
            parts.append(f"awaited by {self.element(allocations, awaited)}")
        if state["closing_waits"][number]:
            parts.append("awaited by the table")
        return f"{Task.states[state['task'][number]].name} ({', '.join(parts)})"


task_slot_table.formatter = TaskSlotTableFormatter
