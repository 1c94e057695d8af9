"""Readable traces of the slot manager.

Connections ``i1``, slots ``tm1/0``, allocations ``a1``, jobs ``j1``, expected slots ``p1``. Calls
and queries are named after their subject: ``slot=tm1/0, allocation=a1``, ``instance=i1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slotspec.models.common.formatting import DescribingFormatter, State, Texts, listed, scheduled
from slotspec.models.common.settings import profiles_of
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
    pending_slots,
    profiles,
    queries,
    requests,
    slots,
)
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import TraceFormatter

CHECKS: Mapping[int, str] = {
    Check.TASK_MANAGERS: "task manager check",
    Check.REQUESTS: "request check",
}


class SlotManagerFormatter(DescribingFormatter):
    """Text for the calls, effects and changes of a slot manager."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE:
            if sort is slots:
                width = self.instance.setting.bounds["task_managers"]
                return f"tm{index % width + 1}/{index // width}"
            if sort is profiles:
                return list(profiles_of(self.instance.setting))[index]
        return super().element(sort, index)

    # ------------------------------------------------------------------- calls and effects

    argument = TraceFormatter.argument  # failures and maps have upper case here

    def given(self, call: Call, name: str, value: int, *known: State) -> str:
        """An argument of a call; for an answer, the slot or the connection that was asked."""
        domain, bounds = call.action.parameters[name], self.instance.setting.bounds
        if domain is calls and known:
            return self.asked(known[0], value)
        if domain is calls:
            return f"slot={self.element(slots, _owner(value, calls, slots, bounds))}"
        if domain is queries:
            owner = _owner(value, queries, instances, bounds)
            asked = known[0]["query_instance"][value] if known else owner
            return f"instance={self.element(instances, asked)}"
        return super().given(call, name, value, *known)

    def asked(self, state: State, call: int) -> str:
        """What a call asked for."""
        slot = self.element(slots, state["call_slot"][call])
        allocation = self.element(allocations, state["call_allocation"][call])
        return f"slot={slot}, allocation={allocation}"

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect: whom the manager asks, notifies or releases."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        match kind:
            case Effect.REQUEST_SLOT:
                return f"asks {self.element(slots, b)} for {self.allocation_of(c)}"
            case Effect.CAN_BE_RELEASED:
                return f"asks {self.element(instances, b)} whether it can be released"
            case Effect.ALLOCATE_RESOURCE:
                return f"asks for a new worker ({'granted' if a else 'refused'})"
            case Effect.RELEASE_RESOURCE:
                return f"releases {self.element(instances, a)}"
            case Effect.ALLOCATION_FAILED:
                return f"{self.element(allocations, a)} failed ({Failure(c).exception})"
            case Effect.RAISES:
                return f"raises {Raised(a).exception}"
        return f"{Size(a).name.lower().replace('_', ' ')}: {b}"

    def allocation_of(self, request: int) -> str:
        """The allocation of a request record: that of its block."""
        owner = _owner(request, requests, allocations, self.instance.setting.bounds)
        return self.element(allocations, owner)

    # ----------------------------------------------------------------------------- changes

    def described(self, s: State) -> Sequence[Texts]:
        """Slots, requests, expected slots, connections, the queue."""
        return (
            self._manager(s),
            self._slots(s),
            self._requests(s),
            self._expected(s),
            self._connections(s),
            self._fulfilled(s),
            self._questions(s),
            {"checks": scheduled(s, CHECKS)},
            {"main thread": listed(self._waiting(s))},
        )

    def _manager(self, s: State) -> dict[str, str]:
        lifecycle = self.instance.lifecycles["manager"]
        return {
            "manager": lifecycle.states[s["manager"][0]].name,
            "fails unfulfillable": "yes" if s["fail_unfulfillable"] else "no",
            "workers granted": "yes" if s["resources_granted"] else "no",
        }

    def _slots(self, s: State) -> dict[str, str]:
        found = {}
        for slot, state in enumerate(s["slot"]):
            if state == TaskManagerSlot.ABSENT:
                continue
            text = TaskManagerSlot.states[state].name
            text += f" at {self.element(instances, s['slot_instance'][slot])}"
            if state == TaskManagerSlot.PENDING:
                text += f" for {self._request(s, s['slot_request'][slot])}"
            if state == TaskManagerSlot.ALLOCATED:
                text += f" with {self.element(allocations, s['slot_allocation'][slot])}"
            found[self.element(slots, slot)] = text
        return found

    def _request(self, s: State, request: int) -> str:
        alive = request in s["entered"]
        name = self.element(allocations, s["request_allocation"][request])
        return name if alive else f"{name} (dead)"

    def _requests(self, s: State) -> dict[str, str]:
        return {
            f"request {self.element(allocations, s['request_allocation'][request])}": (
                ManagerRequest.states[s["request"][request]].name
            )
            for request in s["entered"]
            if request != NONE
        }

    def _expected(self, s: State) -> dict[str, str]:
        return {
            self.element(pending_slots, pending): (
                f"reserved for {self._request(s, s['pending_request'][pending])}"
                if s["pending_request"][pending] != NONE
                else "expected"
            )
            for pending in s["expected"]
            if pending != NONE
        }

    def _connections(self, s: State) -> dict[str, str]:
        lifecycle = self.instance.lifecycles["registration"]
        found = {}
        for instance in s["registrations"]:
            if instance != NONE:
                state = lifecycle.states[s["registration"][instance]].name
                age = f" for {s['idle_for'][instance]}" if s["idle_for"][instance] else ""
                free = f"{s['free_count'][instance]} free"
                found[self.element(instances, instance)] = f"{state}{age} ({free})"
        return found

    def _fulfilled(self, s: State) -> dict[str, str]:
        return {
            f"fulfilled {self.element(allocations, allocation)}": self.element(slots, slot)
            for allocation, slot in enumerate(s["fulfilled"])
            if slot != NONE
        }

    def _questions(self, s: State) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for state, instance in zip(s["query"], s["query_instance"], strict=True):
            if state != IdleQuery.UNUSED:
                name = f"questions to {self.element(instances, instance)}"
                found.setdefault(name, []).append(IdleQuery.states[state].name)
        return {name: ", ".join(states) for name, states in found.items()}

    def _waiting(self, s: State) -> Iterator[str]:
        queue = zip(s["main_call"], s["main_query"], s["main_check"], strict=True)
        for call, query, check in queue:
            if call != NONE:
                outcome = SlotCall.states[s["call"][call]].name.lower()
                yield f"{outcome} ({self.asked(s, call)})"
            elif query != NONE:
                yield f"answer of {self.element(instances, s['query_instance'][query])}"
            elif check != Check.UNUSED:
                yield CHECKS[check]


def _owner(number: int, sort: Sort, owners: Sort, bounds: Mapping[str, int]) -> int:
    """The element of `owners` whose block of `sort` contains `number`."""
    return number // (sort.size(bounds) // owners.size(bounds))


slot_manager.formatter = SlotManagerFormatter
