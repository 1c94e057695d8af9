"""The text of slot sharing in traces."""

from __future__ import annotations

from slotspec.models.common.orders import MOST, in_order, order_text
from slotspec.models.slot_sharing_allocator.environment import BITS
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    PoolMode,
    Raised,
    allocations,
    bulk_groups,
    bulk_positions,
    bulk_vertices,
    groups,
    profiles,
    vertices,
    waiting_positions,
)
from slotspec.statemachine.declaration.model import Call, ParameterDomain
from slotspec.statemachine.declaration.records import FLAG, Domain, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.formatting import NOTHING, TraceFormatter
from slotspec.statemachine.results import TraceStep

PROFILES = ("small", "large", "any")
CAUSES = {
    Cause.CANCELLATION: "cancelled",
    Cause.NO_RESOURCE: "no resource available",
    Cause.POOL: "the pool refuses it",
    Cause.ILLEGAL_STATE: "its slot has another payload",
    Cause.FLINK: "given back",
}
UNTOLD = (Effect.RETRIEVER_CREATED, Effect.ASKED)
"""Effects that every call has."""
HIDDEN = frozenset({"failure", "includes", "walk", "check_order"})
"""Fields whose changes other lines of a trace tell already."""


class SlotSharingAllocatorFormatter(TraceFormatter):
    """Renders the calls, effects and changes of slot sharing in the scheduler."""

    def element(self, sort: Sort, index: int) -> str:
        """An element by its name in traces."""
        if index != NONE:
            if sort is profiles:
                return PROFILES[index]
            if sort in (waiting_positions, bulk_positions):
                return str(index + 1)
            if sort in (bulk_groups, bulk_vertices):
                below = groups if sort is bulk_groups else vertices
                bulk, place = divmod(index, below.size(self.instance.setting.bounds))
                return f"{self.element(below, place)} in b{bulk + 1}"
        return super().element(sort, index)

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action; modes of the pool in lower case, as in traces."""
        text = super().argument(domain, value)
        return text.lower() if domain is PoolMode else text

    def call(self, call: Call) -> str:
        """A call with the vertices of a selection, and flags as words."""
        given = dict(zip(call.action.parameters, call.arguments, strict=True))
        if "selection" in given:
            chosen = [v for v, bit in enumerate(BITS) if given["selection"] & bit]
            named = ", ".join(self.element(vertices, v) for v in chosen)
            orders = self.order(given["walk"])
            for name, what in (("requests", "requests"), ("free", "free slots")):
                if given[name]:
                    orders += f"; {what} in the order {order_text(given[name])}"
            return f"{call.action.name}({named}{orders})"
        if "order" in given:
            return f"{call.action.name}({order_text(given['order'])})"
        return super().call(call)

    def order(self, walk: int) -> str:
        """The order in which a call walks its groups, if it is not that of their numbers."""
        count = self.instance.setting.bounds["groups"]
        if walk == 0:
            return ""
        if count != MOST:
            return "; last group first"
        walked = (self.element(groups, in_order(count, walk, step)) for step in range(count))
        return f"; groups in the order {', '.join(walked)}"

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect as a phrase."""
        kind, a, b, c, _ = (*effect, *[NONE] * (5 - len(effect)))
        group, vertex, slot = (self.element(sort, a) for sort in (groups, vertices, allocations))
        match kind:
            case Effect.ALLOCATE_AVAILABLE:
                return f"{group} takes the free slot {self.element(allocations, c)}"
            case Effect.REQUEST_NEW:
                return f"a new slot is requested for {group}"
            case Effect.RELEASE_SLOT:
                return f"the request of {group} is given back to the pool"
            case Effect.COMPLETED:
                return f"{vertex} gets its logical slot in {self.element(allocations, c)}"
            case Effect.FAILED:
                return f"the request of {vertex} fails ({cause_of(b)})"
            case Effect.RELEASED:
                return f"release of the logical slot of {vertex} {'failed' if c else 'done'}"
            case Effect.PAYLOAD_FAIL:
                return f"the payload of {vertex} is told to fail"
            case Effect.FOREIGN_RELEASE:
                return f"the other payload of {slot} is released"
            case Effect.TIMER_RAISED:
                return "the check raises ConcurrentModificationException"
            case Effect.RAISES:
                return f"raises {Raised(a).exception}"
            case Effect.LOST:
                return f"{slot} is lost"
        return "the process ends"

    def effects(self, step: TraceStep) -> list[str]:
        """The effects of a step, without those that every call has."""
        return [self.effect(effect) for effect in step.effects if effect[0] not in UNTOLD]

    def value(self, domain: Domain, value: int) -> str:
        """A value of a field."""
        if domain is FLAG:
            return "yes" if value else "no"
        return super().value(domain, value)

    def shows(self, name: str) -> bool:
        """Whether traces show the changes of a field."""
        return name not in HIDDEN

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed; modes and payloads by their names."""
        texts = super().changes(step)
        words: dict[str, type[PoolMode] | type[Foreign]] = {
            "mode": PoolMode,
            "payload in": Foreign,
        }
        for start, names in words.items():
            texts = [_named(text, names) if text.startswith(start) else text for text in texts]
        return texts


def _named(text: str, names: type[PoolMode] | type[Foreign]) -> str:
    place, _, values = text.rpartition(": ")
    old, new = (names(int(value)).name.lower() for value in values.split(" -> "))
    return f"{place}: {old} -> {new}"


def cause_of(cause: int) -> str:
    """Why a request fails."""
    return CAUSES.get(Cause(cause), "the pool says so") if cause != NONE else NOTHING


slot_sharing_allocator.formatter = SlotSharingAllocatorFormatter
