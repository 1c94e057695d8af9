"""Formatters of the cluster's parts, for what has another name in the cluster.

The pool's task manager ``tm1`` is ``TaskExecutor 1`` here, and its request id ``r1`` is
``share 1``. The job of a slot is left out, since there is only one, and so are idle timers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from slotspec.models.cluster.state import executions as attempts
from slotspec.models.cluster.state import (
    manager_instance,
    pool_instance,
    table_instance,
)
from slotspec.models.common.formatting import DescribingFormatter, State, Texts
from slotspec.models.slot_manager.formatting import SlotManagerFormatter
from slotspec.models.slot_manager.state import slots
from slotspec.models.slot_pool.formatting import SlotPoolFormatter
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.state import Effect as PoolEffect
from slotspec.models.slot_pool.state import gateways, request_ids, requests, task_managers
from slotspec.models.task_slot_table.formatting import TaskSlotTableFormatter
from slotspec.models.task_slot_table.lifecycles import ClosingFuture, SlotTimer, Task, TaskSlot
from slotspec.models.task_slot_table.state import Effect as TableEffect
from slotspec.models.task_slot_table.state import executions, slot_numbers
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Setting, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.results import TraceStep


class Whole(Protocol):
    """What the formatters of the parts need of the cluster's formatter."""

    instance: Instance

    def slot(self, number: int) -> str: ...

    def element(self, sort: Sort, index: int) -> str: ...


class PartFormatter(Protocol):
    """What the cluster's formatter needs of the formatter of a part."""

    def element(self, sort: Sort, index: int) -> str: ...

    def effect(self, effect: tuple[int, ...]) -> str: ...

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str: ...

    def changes(self, step: TraceStep) -> list[str]: ...


def without(texts: list[str], *beginnings: str) -> list[str]:
    """The texts that begin otherwise."""
    return [text for text in texts if not text.startswith(beginnings)]


class PoolPart(SlotPoolFormatter):
    """The JobMaster's pool; its requests are those of shares."""

    def __init__(self, whole: Whole) -> None:
        super().__init__(pool_instance(whole.instance.setting))

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in the cluster."""
        if index != NONE:
            if sort is task_managers:
                return f"TaskExecutor {index + 1}"
            if sort is gateways:
                return "ResourceManager"
            if sort is request_ids:
                return f"share {index + 1}"
        return super().element(sort, index)

    def request(self, number: int, *states: Mapping[str, Any]) -> str:
        """A request: its allocation id, and its share if known."""
        own = f"request {self.element(requests, number)}"
        for state in states:
            share = state["request_id"][number]
            if share != NONE:
                return f"{own} of {self.element(request_ids, share)}"
        return own

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str:
        """An effect, with the share of a request."""
        if effect[0] == PoolEffect.PAYLOAD_RELEASED:
            return f"the tasks in {self._allocation(effect[1])} are over"
        return self._effect(effect, lambda number: self.request(number, step.before, step.after))

    def changes(self, step: TraceStep) -> list[str]:
        """Requests and slots."""
        return without(
            super().changes(step),
            *("pending:", "waiting:", "payload of", "timers:", "connected to", "TaskExecutor"),
        )

    def _slot(self, state: Mapping[str, Any], number: int) -> str:
        status = state["slot"][number]
        if status == PhysicalSlot.UNKNOWN:
            return NOTHING
        name: str = PhysicalSlot.states[status].name
        if status == PhysicalSlot.PENDING:
            return name
        holder = state["slot_request"][number]
        if holder != NONE:
            name += f" to {self.element(request_ids, holder)}"
        where = self.element(task_managers, state["slot_tm"][number])
        return f"{name} (slot {state['slot_index'][number]} of {where})"


class ManagerPart(SlotManagerFormatter):
    """The ResourceManager's slot manager."""

    def __init__(self, whole: Whole) -> None:
        super().__init__(manager_instance(whole.instance.setting))
        self.whole = whole

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in the cluster."""
        if index != NONE and sort is slots:
            return self.whole.slot(index)
        return super().element(sort, index)

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str:
        """An effect; the states add nothing to it."""
        return self.effect(effect)

    def changes(self, step: TraceStep) -> list[str]:
        """Slots, requests and connections."""
        return without(super().changes(step), "fulfilled", "checks:", "questions", "main thread:")


class TablePart(TaskSlotTableFormatter):
    """The slot table of any TaskExecutor."""

    def __init__(self, whole: Whole, of: Callable[[Setting], Instance] = table_instance) -> None:
        super().__init__(of(whole.instance.setting))
        self.whole = whole

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in the cluster."""
        if index != NONE:
            if sort is executions:
                return self.whole.element(attempts, index)
            if sort is slot_numbers:
                return f"slot {self._number(index)}"
        return super().element(sort, index)

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str:
        """An effect, with the task's name in the job."""
        if effect[0] == TableEffect.FAIL_TASK:
            return (
                f"{self.element(executions, step.before['execution'][effect[1]])} is told to fail"
            )
        return self.effect(effect)

    def described(self, s: State) -> Sequence[Texts]:
        """Slots and tasks."""
        attempts_here = range(self.instance.setting["executions"])
        return (
            {f"a{i + 1}": self._slot(s, i) for i in range(len(s["slot"]))},
            {self.element(executions, i): self._execution(s, i) for i in attempts_here},
        )

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed of these; the budget is left out."""
        return DescribingFormatter.changes(self, step)

    def _slot(self, state: State, number: int) -> str:
        if state["slot"][number] == TaskSlot.FREE:
            return NOTHING
        details = [self.element(slot_numbers, state["slot_number"][number])]
        if state["timer"][number] != SlotTimer.OFF:
            fired = state["timer"][number] == SlotTimer.FIRED
            details.append("timeout fired" if fired else "under a timeout")
        if state["closing"][number] != ClosingFuture.PENDING:
            details.append(f"closing {ClosingFuture.states[state['closing'][number]].name}")
        return f"{TaskSlot.states[state['slot'][number]].name} ({', '.join(details)})"

    def _execution(self, state: State, execution: int) -> str:
        for record, slot in enumerate(state["task_slot"]):
            if slot != NONE and state["execution"][record] == execution:
                name: str = Task.states[state["task"][record]].name
                return f"{name} in a{slot + 1}"
        return NOTHING
