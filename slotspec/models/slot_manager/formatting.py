"""The slot manager's numbers in the words of its traces.

Connections ``i1``, slots ``tm1/0``, allocations ``a1``, jobs ``j1``, expected slots ``p1``;
calls and questions by what they are about: ``call of tm1/0 for a1``, ``question to i1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.models.common.resource_profile import CATALOGUE
from slotspec.models.slot_manager.lifecycles import (
    IdleQuery,
    ManagerRequest,
    SlotCall,
    TaskManagerSlot,
)
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.state import (
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
    profiles,
    queries,
    requests,
    slots,
)
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING, TraceFormatter
from slotspec.statemachine.results import TraceStep

FAILURES: Mapping[int, str] = {
    Failure.TASK_MANAGER_LOST: "FlinkException",
    Failure.SLOT_GONE: "SlotManagerException",
    Failure.TIMED_OUT: "TimeoutException",
    Failure.UNFULFILLABLE: "UnfulfillableSlotRequestException",
}
"""What a JobMaster is told, by class."""
RAISES: Mapping[int, str] = {
    Raised.ILLEGAL_STATE: "IllegalStateException",
    Raised.UNSUPPORTED: "UnsupportedOperationException",
    Raised.UNFULFILLABLE: "ResourceManagerException",
}
"""What an operation ends with, by class."""
PREFIXES: Mapping[str, str] = {
    instances.name: "i",
    allocations.name: "a",
    jobs.name: "j",
    pending_slots.name: "p",
}
"""Sorts whose elements are called so, counted from 1."""
CHECKS: Mapping[int, str] = {
    Check.TASK_MANAGERS: "task manager check",
    Check.REQUESTS: "request check",
}
SIZES: Mapping[int, str] = {size: size.name.lower().replace("_", " ") for size in Size}


class SlotManagerFormatter(TraceFormatter):
    """Words for the calls, effects and changes of a slot manager."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE:
            if sort is slots:
                width = self.instance.setting.bounds["task_managers"]
                return f"tm{index % width + 1}/{index // width}"
            if sort is profiles:
                return self.profiles[index]
            if sort.name in PREFIXES:
                return f"{PREFIXES[sort.name]}{index + 1}"
        return super().element(sort, index)

    @property
    def profiles(self) -> list[str]:
        """Names of the profiles of this instance, in order."""
        chosen = self.instance.setting.choices.get("profiles")
        return list(CATALOGUE if chosen is None else chosen)

    # ------------------------------------------------------------------- calls and effects

    def format_step(self, step: TraceStep) -> str:
        """The call of a step; an answer with what was asked."""
        action, arguments = step.call.action, step.call.arguments
        said = []
        for (name, domain), value in zip(action.parameters.items(), arguments, strict=True):
            if domain is calls:
                said.append(self.asked(step.before, value))
            elif domain is queries:
                said.append(
                    f"instance={self.element(instances, step.before['query_instance'][value])}"
                )
            else:
                said.append(f"{name}={self.argument(domain, value)}")
        return f"{action.name}({', '.join(said)})"

    def asked(self, state: Mapping[str, Any], call: int) -> str:
        """What a call asked for."""
        slot = self.element(slots, state["call_slot"][call])
        return (
            f"slot={slot}, allocation={self.element(allocations, state['call_allocation'][call])}"
        )

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect: whom the manager asks, tells or releases."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        if kind == Effect.REQUEST_SLOT:
            return f"asks {self.element(slots, b)} for {self.allocation_of(c)}"
        if kind == Effect.CAN_BE_RELEASED:
            return f"asks {self.element(instances, b)} whether it can be released"
        if kind == Effect.ALLOCATE_RESOURCE:
            return f"asks for a new worker ({'granted' if a else 'refused'})"
        if kind == Effect.RELEASE_RESOURCE:
            return f"releases {self.element(instances, a)}"
        if kind == Effect.ALLOCATION_FAILED:
            return f"{self.element(allocations, a)} failed ({FAILURES[c]})"
        if kind == Effect.RAISES:
            return f"raises {RAISES[a]}"
        return f"{SIZES[a]}: {b}"

    def allocation_of(self, request: int) -> str:
        """The allocation of a request record: that of its block."""
        bounds = self.instance.setting.bounds
        width = requests.size(bounds) // allocations.size(bounds)
        return self.element(allocations, request // width)

    # ----------------------------------------------------------------------------- changes

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed: slots, requests, expected slots, connections, the queue."""
        before, after = step.before, step.after
        told: list[str] = []
        for describe in (
            self._manager,
            self._slots,
            self._requests,
            self._expected,
            self._connections,
            self._fulfilled,
            self._questions,
            self._checks,
            self._queue,
        ):
            old, new = describe(before), describe(after)
            told.extend(
                f"{name}: {old.get(name, NOTHING)} -> {new.get(name, NOTHING)}"
                for name in dict.fromkeys([*old, *new])
                if old.get(name) != new.get(name)
            )
        return told

    def _manager(self, s: Mapping[str, Any]) -> dict[str, str]:
        lifecycle = self.instance.lifecycles["manager"]
        told = {"manager": lifecycle.states[s["manager"][0]].name}
        told["fails unfulfillable"] = "yes" if s["fail_unfulfillable"] else "no"
        told["workers granted"] = "yes" if s["resources_granted"] else "no"
        return told

    def _slots(self, s: Mapping[str, Any]) -> dict[str, str]:
        found = {}
        for slot, state in enumerate(s["slot"]):
            if state == TaskManagerSlot.ABSENT:
                continue
            words = TaskManagerSlot.states[state].name
            words += f" at {self.element(instances, s['slot_instance'][slot])}"
            if state == TaskManagerSlot.PENDING:
                words += f" for {self._request(s, s['slot_request'][slot])}"
            if state == TaskManagerSlot.ALLOCATED:
                words += f" with {self.element(allocations, s['slot_allocation'][slot])}"
            found[self.element(slots, slot)] = words
        return found

    def _request(self, s: Mapping[str, Any], request: int) -> str:
        alive = request in s["entered"]
        name = self.element(allocations, s["request_allocation"][request])
        return name if alive else f"{name} (dead)"

    def _requests(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {
            f"request {self.element(allocations, s['request_allocation'][request])}": (
                ManagerRequest.states[s["request"][request]].name
            )
            for request in s["entered"]
            if request != NONE
        }

    def _expected(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {
            self.element(pending_slots, pending): (
                f"reserved for {self._request(s, s['pending_request'][pending])}"
                if s["pending_request"][pending] != NONE
                else "expected"
            )
            for pending in s["expected"]
            if pending != NONE
        }

    def _connections(self, s: Mapping[str, Any]) -> dict[str, str]:
        lifecycle = self.instance.lifecycles["registration"]
        found = {}
        for instance in s["registrations"]:
            if instance != NONE:
                state = lifecycle.states[s["registration"][instance]].name
                age = f" for {s['idle_for'][instance]}" if s["idle_for"][instance] else ""
                free = f"{s['free_count'][instance]} free"
                found[self.element(instances, instance)] = f"{state}{age} ({free})"
        return found

    def _fulfilled(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {
            f"fulfilled {self.element(allocations, allocation)}": self.element(slots, slot)
            for allocation, slot in enumerate(s["fulfilled"])
            if slot != NONE
        }

    def _questions(self, s: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for state, instance in zip(s["query"], s["query_instance"], strict=True):
            if state != IdleQuery.UNUSED:
                name = f"questions to {self.element(instances, instance)}"
                found.setdefault(name, []).append(IdleQuery.states[state].name)
        return {name: ", ".join(states) for name, states in found.items()}

    def _checks(self, s: Mapping[str, Any]) -> dict[str, str]:
        told = [
            f"{CHECKS[check]} in {due}"
            for check, due in zip(s["timer"], s["due_in"], strict=True)
            if check != Check.UNUSED
        ]
        return {"checks": ", ".join(told) or NOTHING}

    def _queue(self, s: Mapping[str, Any]) -> dict[str, str]:
        return {"main thread": ", ".join(self._waiting(s)) or NOTHING}

    def _waiting(self, s: Mapping[str, Any]) -> Iterator[str]:
        queue = zip(s["main_call"], s["main_query"], s["main_check"], strict=True)
        for call, query, check in queue:
            if call != NONE:
                outcome = SlotCall.states[s["call"][call]].name.lower()
                yield f"{outcome} ({self.asked(s, call)})"
            elif query != NONE:
                yield f"answer of {self.element(instances, s['query_instance'][query])}"
            elif check != Check.UNUSED:
                yield CHECKS[check]

    def call(self, call: Call) -> str:
        """An action with its arguments; of an answer, the slot or connection that it is about."""
        bounds = self.instance.setting.bounds
        said = []
        for (name, domain), value in zip(
            call.action.parameters.items(), call.arguments, strict=True
        ):
            if domain is calls:
                block = calls.size(bounds) // slots.size(bounds)
                said.append(f"slot={self.element(slots, value // block)}")
            elif domain is queries:
                block = queries.size(bounds) // instances.size(bounds)
                said.append(f"instance={self.element(instances, value // block)}")
            else:
                said.append(f"{name}={self.argument(domain, value)}")
        return f"{call.action.name}({', '.join(said)})"


slot_manager.formatter = SlotManagerFormatter
