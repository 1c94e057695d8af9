"""The oracle of slot sharing: what SlotSharingExecutionSlotAllocator does with each operation.

The model has no futures, and no numbers of requests that live on after their requests: whoever
asked for a slot of a vertex, and what a name once meant, is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ANY, UNKNOWN, Matching, ResourceProfile
from slotspec.models.slot_sharing_allocator import operations
from slotspec.models.slot_sharing_allocator.lifecycles import (
    Bulk,
    LogicalRequest,
    LogicalSlot,
    Payload,
    PhysicalSlot,
    SharedSlot,
)
from slotspec.models.slot_sharing_allocator.model import slot_sharing_allocator
from slotspec.models.slot_sharing_allocator.pool import holder_of
from slotspec.models.slot_sharing_allocator.profiles import (
    SLOT_PROFILES,
    Sharing,
    Vertex,
    even_sharing,
    fits,
)
from slotspec.models.slot_sharing_allocator.state import (
    Cause,
    Effect,
    Foreign,
    PoolMode,
    Raised,
    allocations,
    bulks,
    positions,
    task_managers,
)
from slotspec.models.slot_sharing_allocator.versions import GroupOrder, SlotOrder
from slotspec.models.slot_sharing_allocator.walks import group_at, in_bulk
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.slot_sharing_allocator.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import BriefProfile, Expected, TraceHeader
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

DEFAULT_TIMEOUT_MS = 50
"""The timeout of bulks without a header."""
DEFAULT_SHARING = even_sharing(2, 4, 0, 1)
"""Without a header: two groups of two vertices that take any slot."""
ERRORS: Mapping[int, tuple[str, str]] = {
    Cause.CANCELLATION: ("CancellationException", "CancellationException"),
    Cause.NO_RESOURCE: ("NoResourceAvailableException", "TimeoutException"),
    Cause.POOL: ("RuntimeException", "RuntimeException"),
    Cause.ILLEGAL_STATE: ("IllegalStateException", "IllegalStateException"),
    Cause.FLINK: ("FlinkException", "FlinkException"),
}
"""The exception of each cause that the allocator makes itself, and its root."""
FAILED_TERMINATION = "RuntimeException"
LIVE = (LogicalSlot.ALIVE, LogicalSlot.RELEASING)
PHYSICAL: Mapping[int, str] = {SharedSlot.REQUESTED: "pending", SharedSlot.FAILED: "failed"}


def profile_from(brief: BriefProfile) -> ResourceProfile:
    """The profile that a trace gives in brief."""
    if isinstance(brief, str):
        return ANY if brief == "any" else UNKNOWN
    return ResourceProfile(float(brief[0]), int(brief[1]))


def brief_of(profile: ResourceProfile) -> Any:
    """A profile as traces write it."""
    if profile.any_ or profile.unknown:
        return "any" if profile.any_ else "unknown"
    return [profile.cpu, profile.task_heap_mb]


class SlotSharingAllocatorOracle(ModelOracle):
    """What an allocator of one generation does with each operation.

    Without a header there are two groups, each of two vertices; the pool serves at once.

    :param generation: ``1.12``, ``1.20`` or ``2.3``.
    """

    schema = SCHEMA
    model = slot_sharing_allocator
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {member: member.exception for member in Raised}

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        self.sharing = self._sharing(header)
        config = header.config if header else {}
        self._batch = not config.get("slot_will_be_occupied_indefinitely", True)
        sizes = {
            "groups": max(1, len(self.sharing.groups)),
            "vertices": max(1, len(self.sharing.vertices)),
            "positions": max(1, len(self.sharing.vertices)),
            "allocations": 4,
            "task_managers": 2,
            "bulks": 4,
            "at_once": int(config.get("pool_serves", "at_once") == "at_once"),
            "indefinitely": int(not self._batch),
        }
        return sizes, {
            "follow_clock": 1,
            "group_order": GroupOrder.LAST_NAMED_FIRST,
            "slot_order": SlotOrder.FREE_THEN_OLDEST,
            "sharing_given": self.sharing,
            "timeout_ms": config.get("timeout_ms", DEFAULT_TIMEOUT_MS),
        }

    def _sharing(self, header: TraceHeader | None) -> Sharing:
        if header is None:
            return DEFAULT_SHARING
        numbers = {name: number for number, name in enumerate(header.groups)}
        for name, vertex in header.vertices.items():
            if vertex.group is not None and vertex.group not in numbers:
                raise InputError(
                    "TRC031",
                    f"the header lists no group {vertex.group!r} (vertex {name}); add it there",
                )
        return Sharing(
            tuple(profile_from(group.profile) for group in header.groups.values()),
            tuple(
                Vertex(
                    None if vertex.group is None else numbers[vertex.group],
                    profile_from(vertex.profile),
                    vertex.member,
                )
                for vertex in header.vertices.values()
            ),
        )

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic, sharing = self.state, self.elastic, self.sharing
        named = SCHEMA.named
        of_groups = (
            header.groups if header else [named("group", n + 1) for n in range(len(sharing.groups))]
        )
        of_vertices = (
            header.vertices
            if header
            else [named("vertex", n + 1) for n in range(len(sharing.vertices))]
        )
        self._causes = dict(header.causes) if header else {"other": "RuntimeException"}
        self._groups = ListedNames(of_groups, "group")
        self._vertices = ListedNames(of_vertices, "vertex")
        self._cause = ListedNames(self._causes, "cause")
        self._allocations = NameTable(
            elastic,
            allocations,
            lambda n: (
                s.slot[n] == PhysicalSlot.ABSENT and n not in s.slot_of and n not in s.fulfilled_by
            ),
        )
        self._tms = NameTable(elastic, task_managers, lambda n: n not in s.slot_tm)
        self._bulks = NameTable(elastic, bulks, lambda n: s.bulk[n] == Bulk.UNUSED)
        self._wanted = sharing.wanted(self.instance.setting["group_profile"])
        self._profiles: list[ResourceProfile] = list(SLOT_PROFILES)
        s.fits = list(s.fits)  # it grows with the profiles of slots
        self._executions: dict[str, list[tuple[int, list[str]]]] = {}
        self._bulk_count = self._future_count = 0
        self._asked: dict[int, list[str]] = {}
        self._over: set[str] = set()
        self._payloads: dict[int, str] = {}
        self._quick: set[str] = set()
        self._open: dict[str, bool] = {}
        self._orphans: dict[str, str] = {}
        return {
            "group": self._groups,
            "vertex": self._vertices,
            "cause": self._cause,
            "allocation": self._allocations,
            "tm": self._tms,
            "bulk": self._bulks,
        }

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; see :meth:`ModelOracle.step`."""
        expected = super().step(op, **arguments)
        for table in (self._allocations, self._tms, self._bulks):
            table.release_free()
        return expected

    # -------------------------------------------------------------------------------- names

    def _physical(self, name: str) -> int:
        """The group whose physical request has this name, or NONE."""
        s = self.state
        for group, state in enumerate(s.group):
            if state != SharedSlot.ABSENT and name == self._request(s.request_number[group]):
                return group
        return NONE

    def _logical(self, name: str) -> int:
        """The vertex whose logical slot has this name, or NONE."""
        s = self.state
        for vertex, state in enumerate(s.logical):
            if state != LogicalSlot.ABSENT and name == self._request(s.logical_number[vertex]):
                return vertex
        return NONE

    def _request(self, number: int) -> str:
        return SCHEMA.named("request", number)

    def _new_profile(self, brief: BriefProfile) -> int:
        """The number of a slot's profile; the table of what it will do for grows with it."""
        profile = profile_from(brief)
        if profile not in self._profiles:
            self._profiles.append(profile)
            matching = Matching(self.instance.setting["matching"])
            self.state.fits.extend(fits(profile, self._wanted, matching))
        return self._profiles.index(profile)

    # --------------------------------------------------------------------------- operations

    def _allocate(self, vertices: list[str]) -> list[list[str]]:
        numbers = [self._vertices.decode(vertex) for vertex in vertices]
        self.elastic.grow(positions, len(numbers))
        for at, number in enumerate(numbers):
            self.state.call[at] = number + 1
        first = self._future_count + 1
        futures = [SCHEMA.named("future", first + at) for at in range(len(numbers))]
        for future, number in zip(futures, numbers, strict=True):
            self._asked.setdefault(number, []).append(future)
        bulk = self._bulks.unused()
        self._called = sorted(set(vertices), key=natural)
        self.run(operations.allocate, len(numbers), bulk, 0)
        self._note_orphans()
        if self._raises:
            self._forget_futures(set(futures))
            return []
        self._future_count += len(futures)
        self._bulk_count += 1
        name = SCHEMA.named("bulk", self._bulk_count)
        self._bulks.bind(name, bulk)
        self._executions[name] = self._grouped(numbers, vertices)
        return [list(pair) for pair in zip(futures, vertices, strict=True)]

    def _grouped(self, numbers: list[int], vertices: list[str]) -> list[tuple[int, list[str]]]:
        found: dict[int, list[str]] = {}
        for number, vertex in zip(numbers, vertices, strict=True):
            found.setdefault(self.state.group_of[number], []).append(vertex)
        return list(found.items())

    def _forget_futures(self, futures: set[str]) -> None:
        """Nobody got these futures, since the call has raised."""
        for asked in self._asked.values():
            asked[:] = [future for future in asked if future not in futures]
        self._effects[:] = [e for e in self._effects if e.get("future") not in futures]

    def _note_orphans(self) -> None:
        """Slots that were taken, and that no shared slot has, belong to an unknown request."""
        for effect in self.state.effects:
            if effect[0] == Effect.ALLOCATE_AVAILABLE:
                _, _, number, allocation, _ = effect
                taken = self.state.slot[allocation] == PhysicalSlot.TAKEN
                if taken and allocation not in self.state.slot_of:
                    name = self._allocations.name(allocation)
                    self._orphans[self._request(number)] = name

    def _add_slot(self, allocation: str, tm: str, index: int, profile: BriefProfile) -> bool:
        number = self._allocations.decode(allocation)
        at, of = self._tms.decode(tm), self._new_profile(profile)
        return self.run(operations.add_slot, number, at, of) == 1

    def _fulfil(self, request: str, allocation: str) -> bool:
        group, number = self._physical(request), self._allocations.decode(allocation)
        return group != NONE and self.run(operations.fulfil, group, number) == 1

    def _fail_request(self, request: str, cause: str) -> bool:
        group, why = self._physical(request), self._why(cause)
        return group != NONE and self.run(operations.fail_request, group, why) == 1

    def _why(self, cause: str) -> int:
        return Cause.GIVEN + self._cause.decode(cause)

    def _fail_slot(self, allocation: str, cause: str) -> bool:
        number = self._allocations.decode(allocation)
        return self.run(operations.fail_slot, number, self._why(cause)) == 1

    def _fail_task_manager(self, tm: str, cause: str) -> list[str]:
        self.run(operations.fail_task_manager, self._tms.decode(tm), self._why(cause))
        lost = (effect for effect in self.state.effects if effect[0] == Effect.LOST)
        return [self._allocations.name(effect[1]) for effect in lost]

    def _assign_payload(self, logical: str, payload: str, terminates: str) -> bool | None:
        if payload in self._open:
            raise InputError(
                "TRC032", f"payload {payload!r} was assigned before; give each its own name"
            )
        vertex = self._logical(logical)
        if vertex == NONE and logical not in self._over:
            return None
        self._open[payload] = True
        quick = terminates == "at_once"
        if vertex == NONE or not self.run(operations.assign_payload, vertex, int(quick)):
            return False
        self._payloads[vertex] = payload
        if quick:
            self._quick.add(payload)
        return True

    def _release_logical(self, logical: str, cause: str) -> bool | None:
        vertex, why = self._logical(logical), self._why(cause)
        if vertex == NONE:
            return True if logical in self._over else None
        return self.run(operations.release_logical, vertex, why) == 1

    def _terminate(self, payload: str, failed: bool = False) -> bool | None:
        if failed and self.generation != "1.12":
            raise InputError(
                "TRC032",
                "a failed termination future ends the process in generation"
                f" {self.generation}; leave the step out",
            )
        if payload not in self._open:
            return None
        if not self._open[payload]:
            return False
        self._open[payload] = False
        for vertex, name in self._payloads.items():
            if name == payload and self.state.payload[vertex] == Payload.RUNNING:
                self.run(operations.terminate, vertex, int(failed))
                break
        return True

    # ----------------------------------------------------------------------------- encoding

    def _encode(self, since: int) -> None:
        """Encode effects; one of a vertex's request is one of each future that waits for it."""
        for effect in self.state.effects[since:]:
            kind, *rest = effect
            if kind == Effect.RAISES:
                self._raises = self.raised[rest[0]]
            elif kind in (Effect.COMPLETED, Effect.FAILED):
                name, of = self._signal(*effect)
                for future in self._asked.pop(rest[0], []):
                    self._effects.append({"effect": name, "future": future, **of})
            elif (told := self._effect(*effect)) is not None:
                self._effects.append(told)

    def _signal(
        self, kind: int, vertex: int, number: int, allocation: int, _: int
    ) -> tuple[str, dict[str, Any]]:
        of = {"vertex": self._vertices.name(vertex)}
        if kind == Effect.COMPLETED:
            logical = self._request(number)
            return "logical.completed", {
                **of,
                "logical": logical,
                "allocation": self._allocations.encode(allocation),
            }
        error, root = self._errors(number)
        return "logical.failed", {**of, "error": error, "root_cause": root}

    def _errors(self, cause: int) -> tuple[str, str]:
        """The exception of a cause, and its root."""
        if cause < Cause.GIVEN:
            return ERRORS[cause]
        chain = self._causes[self._cause.name(cause - Cause.GIVEN)].split("<-")
        return chain[0], chain[-1]

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        match kind:
            case Effect.RETRIEVER_CREATED:
                return {"effect": "retriever.created", "bulk": self._called}
            case Effect.ASKED:
                wanted = brief_of(self._wanted[a])
                return {
                    "effect": "retriever.asked",
                    "group": self._groups.name(a),
                    "profile": wanted,
                }
            case Effect.ALLOCATE_AVAILABLE:
                told = {"request": self._request(b), "allocation": self._allocations.name(c)}
                if self.generation != "1.12":
                    told["profile"] = brief_of(self._wanted[a])
                return {"effect": "pool.allocate_available", **told, **self._load(a)}
            case Effect.REQUEST_NEW:
                told = {"request": self._request(b), "profile": brief_of(self._wanted[a])}
                return {
                    "effect": "pool.request_new",
                    **told,
                    "batch": self._batch,
                    **self._load(a),
                }
            case Effect.RELEASE_SLOT:
                request = self._request(b)
                return {
                    "effect": "pool.release_slot",
                    "request": request,
                    "cause": "FlinkException",
                }
            case Effect.RELEASED:
                released = {"effect": "logical.released", "logical": self._request(b)}
                self._over.add(released["logical"])
                return {**released, "error": FAILED_TERMINATION} if c else released
            case Effect.PAYLOAD_FAIL:
                payload = self._payloads[a]
                if payload in self._quick:
                    self._open[payload] = False
                cause = self._errors(b)[0]
                return {"effect": "payload.fail", "payload": payload, "cause": cause}
            case Effect.FOREIGN_RELEASE:
                name, cause = self._allocations.name(a), self._errors(b)[0]
                return {"effect": "foreign.release", "allocation": name, "cause": cause}
            case Effect.TIMER_RAISED:
                return {"effect": "timer.raised", "error": "ConcurrentModificationException"}
        return None

    def _load(self, group: int) -> dict[str, float]:
        return {"load": float(self.sharing.load(group))} if self.generation == "2.3" else {}

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        s = self.state
        live = [v for v, state in enumerate(s.logical) if state in LIVE]
        return {
            "shared": {
                self._groups.name(g): self._shared(g)
                for g, state in enumerate(s.group)
                if state != SharedSlot.ABSENT
            },
            "logical": {
                self._request(s.logical_number[v]): self._live(v)
                for v in sorted(live, key=lambda v: s.logical_number[v])
            },
            "bulks": [self._bulk(bulk) for bulk in s.queue if bulk != NONE],
            "pool": self._pool(),
            "clock": s.clock,
        }

    def _shared(self, group: int) -> dict[str, Any]:
        s = self.state
        state = s.group[group]
        asked = [
            v
            for v, request in enumerate(s.request)
            if s.group_of[v] == group and request != LogicalRequest.UNASKED
        ]
        return {
            "request": self._request(s.request_number[group]),
            "profile": brief_of(self._wanted[group]),
            "physical": PHYSICAL.get(state) or self._allocations.encode(s.slot_of[group]),
            "logical": [
                [
                    self._vertices.name(v),
                    self._request(s.logical_number[v]),
                    "pending" if s.request[v] == LogicalRequest.PENDING else "done",
                ]
                for v in sorted(asked, key=lambda v: s.logical_number[v])
            ],
        }

    def _live(self, vertex: int) -> dict[str, Any]:
        s = self.state
        payload = {Payload.EMPTY: None, Payload.STAND_IN: "terminated"}
        held = s.payload[vertex]
        return {
            "vertex": self._vertices.name(vertex),
            "allocation": self._allocations.encode(s.slot_of[s.group_of[vertex]]),
            "state": LogicalSlot.states[s.logical[vertex]].name,
            "payload": payload[held] if held in payload else self._payloads[vertex],
        }

    def _bulk(self, bulk: int) -> dict[str, Any]:
        s = self.state
        name = self._bulks.name(bulk)
        begin, steps = in_bulk(s, bulk, 0), range(len(s.group))
        walk = [group_at(s, s.place, begin, step, 0) for step in steps]
        by_age = [group_at(s, s.fulfilled_age, begin, step, 0) for step in steps]
        vertices = dict(self._executions[name])
        return {
            "bulk": name,
            "due": s.due[bulk],
            "unfulfillable_since": s.since[bulk] if s.unfulfillable[bulk] else None,
            "executions": [[self._groups.name(g), vertices[g]] for g in walk if g in vertices],
            "pending": [
                [self._groups.name(g), brief_of(self._wanted[g])]
                for g in walk
                if s.pending[begin + g]
            ],
            "fulfilled": [
                [self._groups.name(g), self._allocations.encode(s.fulfilled_by[begin + g])]
                for g in by_age
                if s.fulfilled[begin + g]
            ],
        }

    def _pool(self) -> dict[str, Any]:
        s = self.state
        there = [a for a, state in enumerate(s.slot) if state != PhysicalSlot.ABSENT]
        free = [a for a in there if s.slot[a] == PhysicalSlot.FREE]
        taken = {
            self._request(s.request_number[g]): self._allocations.name(a)
            for g, a in enumerate(s.slot_of)
            if a != NONE
        }
        return {
            "mode": PoolMode(s.mode).name.lower(),
            "slots": {
                self._allocations.name(a): {
                    "tm": self._tms.name(s.slot_tm[a]),
                    "profile": brief_of(self._profiles[s.slot_profile[a]]),
                    "payload": self._payload_in(a),
                }
                for a in sorted(there, key=lambda a: s.arrived[a])
            },
            "free": [self._allocations.name(a) for a in sorted(free, key=lambda a: s.freed[a])],
            "pending": [
                [self._request(s.request_number[g]), brief_of(self._wanted[g])]
                for g in s.waiting
                if g != NONE
            ],
            "taken": {**taken, **self._orphans},
        }

    def _payload_in(self, allocation: int) -> str | None:
        if self.state.foreign[allocation] != Foreign.NOBODY:
            return "foreign"
        return None if holder_of(self.state, allocation) == NONE else "shared"


ORACLE = SlotSharingAllocatorOracle
"""The oracle that the registry finds."""
