"""Formatters of the parts of the cluster of today, for what has another name in the cluster.

The pool's task manager ``tm1`` is ``TaskExecutor 1`` here, and its request id ``r1`` is
``share 1``. The job of a slot and its profile are left out, since there is only one of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.models.cluster.part_formatting import Whole, without
from slotspec.models.declarative_cluster.slot_manager_service import JOB
from slotspec.models.declarative_cluster.state import manager_instance, pool_instance
from slotspec.models.declarative_slot_pool.formatting import DeclarativeSlotPoolFormatter
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.state import Effect as PoolEffect
from slotspec.models.declarative_slot_pool.state import gateways, request_ids, task_managers
from slotspec.models.fine_grained_slot_manager.formatting import FineGrainedFormatter
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.fine_grained_slot_manager.state import Effect as ManagerEffect
from slotspec.models.fine_grained_slot_manager.state import instances, jobs
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.results import TraceStep


class DeclarativePoolPart(DeclarativeSlotPoolFormatter):
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

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str:
        """An effect, with the share of a request."""
        if effect[0] == PoolEffect.PAYLOAD_RELEASED:
            return f"the tasks in a{effect[1] + 1} are over"
        return self._effect(effect, (step.before, step.after))

    def changes(self, step: TraceStep) -> list[str]:
        """Requests, slots, what is required, and connections."""
        hidden = ("bridge", "requirements", "declaration", "slot of", "acquired", "TaskExecutor")
        return without(super().changes(step), *hidden, "timers")

    def _slots(self, s: Mapping[str, Any]) -> Any:
        for allocation, state in enumerate(s["slot"]):
            if state != AllocatedSlot.ABSENT:
                where = self.element(task_managers, s["slot_tm"][allocation])
                text = f"{AllocatedSlot.states[state].name} (of {where})"
                yield f"a{allocation + 1}", text

    def _requests(self, s: Mapping[str, Any]) -> Any:
        for number, state in enumerate(s["request"]):
            name = self.instance.lifecycles["request"].states[state].name
            if s["request_id"][number] != NONE:
                yield f"request of {self.request(number, s)}", name

    def _counters(self, s: Mapping[str, Any]) -> Any:
        yield "required", str(sum(s["required"]))


class FineGrainedPart(FineGrainedFormatter):
    """The ResourceManager's slot manager."""

    def __init__(self, whole: Whole) -> None:
        super().__init__(manager_instance(whole.instance.setting))

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in the cluster."""
        if sort is jobs and index != NONE:
            return "the job"
        return super().element(sort, index)

    def emitted(self, effect: tuple[int, ...], step: TraceStep) -> str:
        """An effect; the states add nothing to it."""
        return "" if effect[0] == ManagerEffect.ACQUIRED else self.effect(effect)

    def changes(self, step: TraceStep) -> list[str]:
        """Slots, connections and what the job requires."""
        return without(super().changes(step), "timers", "check under way", "main thread", "manager")

    def _jobs(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {
            "the job requires": str(s["required"][JOB]),
            "the job cannot be served": "yes" if s["unfulfillable"][JOB] else "no",
        }

    def _slots(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {
            f"a{allocation + 1}": NOTHING
            if state == ManagedSlot.ABSENT
            else f"{ManagedSlot.states[state].name} at"
            f" {self.element(instances, s['slot_instance'][allocation])}"
            for allocation, state in enumerate(s["slot"])
        }

    def _task_managers(self, s: Mapping[str, Any]) -> dict[str, str]:
        lifecycle = self.instance.lifecycles["registration"]
        return {
            self.element(instances, instance): lifecycle.states[state].name
            for instance, state in enumerate(s["registration"])
        }
