"""The text of declarative slot pools in traces.

Task managers ``tm1``, ResourceManagers ``rm1``, request ids ``r1``, allocations ``a1``. A request
is named by its id; a counter is written ``small: 2, unknown: 1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slotspec.models.common.formatting import DescribingFormatter, State, Texts, listed, scheduled
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, SlotRequest
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.state import (
    Effect,
    Error,
    Raised,
    Timer,
    allocations,
    calls,
    gateways,
    listed_profiles,
    loads,
    profiles,
    request_ids,
    requests,
    slot_indices,
    task_managers,
)
from slotspec.statemachine.declaration.model import Call
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import TraceStep

TIMERS: Mapping[int, str] = {
    Timer.IDLE_CHECK: "idle check",
    Timer.BATCH_CHECK: "batch check",
    Timer.DECLARATION: "declaration",
    Timer.REPETITION: "repetition",
    Timer.MATCHING: "deferred matching",
}


class DeclarativeSlotPoolFormatter(DescribingFormatter):
    """Renders the calls, effects and changes of a declarative slot pool."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE:
            if sort in (slot_indices, loads):
                return str(index)
            if sort is profiles:
                return list(listed_profiles(self.instance.setting))[index]
        return super().element(sort, index)

    # -------------------------------------------------------------------- calls and effects

    def given(self, call: Call, name: str, value: int, *known: State) -> str:
        """An argument of a call, with the request by its id."""
        domain = call.action.parameters[name]
        if domain is requests:
            return f"request={self.request(value, *known)}"
        return "" if domain is calls else super().given(call, name, value, *known)

    def request(self, number: int, *states: State) -> str:
        """The request in record `number`, by its id in the first of `states` that knows it."""
        for state in states:
            if state["request_id"][number] != NONE:
                return self.element(request_ids, state["request_id"][number])
        return f"request {number + 1}"

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as such; :meth:`effects` knows the ids of requests, and joins counters."""
        return self._effect(effect, ())

    def _effect(self, effect: tuple[int, ...], states: tuple[State, ...]) -> str:
        kind, a, b, _, _ = (*effect, *[NONE] * (5 - len(effect)))
        match kind:
            case Effect.DECLARE:
                return f"{self.element(gateways, a)}.declare_required_resources"
            case Effect.REQUIREMENTS:
                return "requirements"
            case Effect.DECLARED | Effect.COUNTED:
                return f"{self.element(profiles, a)}: {b}"
            case Effect.NEW_SLOTS:
                return "new slots"
            case Effect.NEW_SLOT:
                return self.element(allocations, a)
            case Effect.STABLE:
                return "stable"
            case Effect.FREE_SLOT:
                tm = self.element(task_managers, a)
                return f"{tm}.free_slot({self.element(allocations, b)})"
            case Effect.PAYLOAD_RELEASED:
                return f"payload of {self.element(allocations, a)} released"
            case Effect.REQUEST_FULFILLED:
                slot = self.element(allocations, b)
                return f"{self.request(a, *states)} fulfilled with {slot}"
            case Effect.REQUEST_FAILED:
                return f"{self.request(a, *states)} failed ({tuple(Error)[b].exception})"
            case Effect.TIMER_RAISED:
                return f"a timer raises {tuple(Raised)[a].exception}"
            case Effect.RAISES:
                return f"raises {tuple(Raised)[a].exception}"
            case Effect.LISTED:
                return f"lists {self.element(allocations, a)}"
            case Effect.ACCEPTED:
                return f"accepts {self.element(allocations, a)}"
        return "in any order:" if a else "in this order again:"

    def effects(self, step: TraceStep) -> list[str]:
        """What a step emitted; a declaration and its content are one phrase."""
        found: list[str] = []
        content: list[str] | None = None
        for effect in step.effects:
            if effect[0] == Effect.ANY_ORDER:
                continue
            phrase = self._effect(effect, (step.before, step.after))
            if effect[0] in (Effect.DECLARED, Effect.NEW_SLOT) and content is not None:
                content.append(phrase)
                found[-1] = f"{found[-1].partition('(')[0]}({', '.join(content)})"
                continue
            opens = effect[0] in (Effect.DECLARE, Effect.REQUIREMENTS, Effect.NEW_SLOTS)
            content = [] if opens else None
            found.append(f"{phrase}()" if opens else phrase)
        return found

    # ----------------------------------------------------------------------------- changes

    def described(self, s: State) -> Sequence[Texts]:
        """Requests, slots, counters, connections, timers."""
        return (
            self._bridge(s),
            self._requests(s),
            self._slots(s),
            self._fulfilled(s),
            self._counters(s),
            {"timers": scheduled(s, TIMERS)},
        )

    def _bridge(self, s: State) -> Iterator[tuple[str, str]]:
        lifecycles = self.instance.lifecycles
        for name in ("bridge_state", "requirements", "delayed"):
            state = lifecycles[name].states[s[name][0]].name
            yield {"bridge_state": "bridge", "delayed": "declaration"}.get(name, name), state
        yield "connected to", self.element(gateways, s["gateway"])
        for tm, state in enumerate(s["registration"]):
            name = self.element(task_managers, tm)
            yield name, lifecycles["registration"].states[state].name
        yield "job restarting", "yes" if s["job_restarting"] else "no"
        yield "batch timeout check", "on" if s["batch_check"] else "off"

    def _requests(self, s: State) -> Iterator[tuple[str, str]]:
        for number, state in enumerate(s["request"]):
            if state != SlotRequest.UNUSED:
                text: str = SlotRequest.states[state].name
                text += f" for {self.element(profiles, s['request_profile'][number])}"
                if s["unfulfillable"][number]:
                    text += f", unfulfillable for {s['unfulfillable_for'][number]}"
                yield f"{self.request(number, s)} (call {number + 1})", text

    def _slots(self, s: State) -> Iterator[tuple[str, str]]:
        for allocation, state in enumerate(s["slot"]):
            matched = s["matched"][allocation]
            if state != AllocatedSlot.ABSENT:
                profile = self.element(profiles, s["slot_profile"][allocation])
                text = f"{AllocatedSlot.states[state].name} {profile}"
                text += f" of {self.element(task_managers, s['slot_tm'][allocation])}"
                text += f" for {self.element(profiles, matched)}"
                if s["payload"][allocation]:
                    text += ", with payload"
                if s["idle_for"][allocation]:
                    text += f", free for {s['idle_for'][allocation]}"
                yield self.element(allocations, allocation), text
            elif matched != NONE:
                name = self.element(allocations, allocation)
                yield name, f"gone, still counts for {self.element(profiles, matched)}"

    def _fulfilled(self, s: State) -> Iterator[tuple[str, str]]:
        for request_id, allocation in enumerate(s["fulfilled"]):
            if allocation != NONE:
                name = self.element(request_ids, request_id)
                yield f"slot of {name}", self.element(allocations, allocation)

    def _counters(self, s: State) -> Iterator[tuple[str, str]]:
        for name in ("required", "acquired"):
            counts = enumerate(s[name])
            yield (
                name,
                listed(f"{self.element(profiles, p)}: {count}" for p, count in counts if count),
            )


declarative_slot_pool.formatter = DeclarativeSlotPoolFormatter
