"""The oracle of the declarative slot pool: what the bridge, or the pool alone, does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ANY
from slotspec.models.common.timers import next_timer
from slotspec.models.declarative_slot_pool import operations, pool_operations
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    Bridge,
    DeclarationCall,
    Payload,
    Requirements,
    TaskManagerRegistration,
)
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.recycling import (
    is_allocation_unused,
    is_id_unused,
    is_unused,
)
from slotspec.models.declarative_slot_pool.state import (
    CHECKED_PROFILES,
    LONGEST_BACKOFF_MS,
    Cause,
    Effect,
    Error,
    Raised,
    Timer,
    allocations,
    calls,
    gateways,
    offer_entries,
    request_ids,
    requests,
    task_managers,
    timers,
)
from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.declarative_slot_pool.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.profiles import profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

IDLE_SLOT_TIMEOUT_MS = 50_000
"""Flink's default of ``slot.idle.timeout``."""
BATCH_SLOT_TIMEOUT_MS = 300_000
"""Flink's default of ``slot.request.timeout``, which the batch check uses."""
REQUEST_INTERVAL_MS = 20
"""Flink's default of ``slot.request.max-interval`` (2.3)."""

CAUSES: Mapping[str, tuple[str, ...]] = {
    "other": ("RuntimeException",),
    "timeout": ("TimeoutException",),
    "cancelled": ("CancellationException",),
}
"""Causes of an oracle without a header."""

Counter = list[list[Any]]


class DeclarativeSlotPoolOracle(ModelOracle):
    """What a declarative slot pool of one generation does with each operation.

    It is the bridge, unless the header is that of a DefaultDeclarativeSlotPool. Without a header
    it has Flink's default timeouts, the strategy ``simple``, and the profiles ``any``,
    ``small``, ``unknown`` and ``large``.

    :param generation: ``1.13``, ``1.14``, ``1.20`` or ``2.3``.
    """

    schema = SCHEMA
    model = declarative_slot_pool
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {raised: raised.exception for raised in Raised}
    any_order_effect = Effect.ANY_ORDER

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        config = header.config if header else {}
        bridge = self.schema is SCHEMA
        profiles = dict(CHECKED_PROFILES)
        if header is not None:
            listed = profiles_of(header)
            order = header.profile_order or list(listed)
            profiles = {name: listed[name] for name in order if name in listed}
            self._hidden_wildcard = ANY not in profiles.values()
            if self._hidden_wildcard:
                profiles[""] = ANY
        interval = REQUEST_INTERVAL_MS if header is None and self.generation == "2.3" else 0
        bounds = {"requests": 8, "request_ids": 8, "allocations": 8, "timers": 4, "calls": 4}
        return {**bounds, "profiles": max(2, len(profiles))}, {
            "profiles": profiles,
            "follow_clock": 1,
            "bridge": int(bridge),
            "idle_timeout": config.get("idle_slot_timeout_ms", IDLE_SLOT_TIMEOUT_MS),
            "batch_timeout": config.get("batch_slot_timeout_ms", BATCH_SLOT_TIMEOUT_MS),
            "interval": config.get("slot_request_max_interval_ms", interval),
            "longest_backoff": LONGEST_BACKOFF_MS,
            "strategy": Strategy[config.get("strategy", "simple").upper()],
            "defer": int(config.get("defer", False)),
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic = self.state, self.elastic
        tms = sorted(header.task_managers, key=natural) if header else []
        self.elastic.grow(task_managers, 1)
        self._profiles = ListedNames(self.instance.setting.choices["profiles"], "profile")
        self._tms = NameTable(elastic, task_managers, None, tms)
        self._gateways = NameTable(elastic, gateways)
        self._ids = NameTable(elastic, request_ids, lambda n: is_id_unused(s, n))
        self._allocations = NameTable(elastic, allocations, lambda n: is_allocation_unused(s, n))
        self._calls = NameTable(elastic, calls, lambda n: s.call[n] == DeclarationCall.UNUSED)
        self._requests = Names()
        self._attempts: dict[str, int] = {}
        self._can_time_out: set[str] = set()
        self._made = 0
        self._chain: tuple[str, ...] = ()
        self.causes = (
            {name: header.cause_chain(name) for name in header.causes} if header else dict(CAUSES)
        )
        if self.schema is not SCHEMA:
            self.rules_module: ModuleType = pool_operations
        else:
            self.rules_module = operations
        return {
            "profile": self._profiles,
            "tm": self._tms,
            "rm": self._gateways,
            "request": self._ids,
            "allocation": self._allocations,
            "call": self._calls,
        }

    # ------------------------------------------------------------------------------ steps

    def _rule_of(self, operation: Any) -> Callable[..., int]:
        rule: Callable[..., int] = getattr(self.rules_module, operation.name)
        return rule

    def _clear(self) -> None:
        super()._clear()
        self._counter: Counter = []
        self._listed: list[tuple[int, int, int]] = []
        self._accepted: list[str] = []

    def run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for the calls and timers that it may add.

        A step declares at most three times for each slot and request; see
        :meth:`_advance_time` for longer ones.
        """
        s = self.state
        if NONE in s.call or s.call.count(DeclarationCall.UNUSED) < self._most_calls:
            self.elastic.grow(calls, 2 * len(s.call) + self._most_calls)
        if Timer.UNUSED not in s.timer[-4:] or s.timer[-4] != Timer.UNUSED:
            self.elastic.grow(timers, 2 * len(s.timer) + 4)
        return super().run(operation, *arguments)

    @property
    def _most_calls(self) -> int:
        """How many declarations one operation can make: two for each match, and some."""
        return 2 * len(self.state.request) + len(self.state.registration) + 4

    # ------------------------------------------------------------------------------ names

    def decode(self, argument: Argument, value: Any) -> int:
        return self._cause(value) if argument.name == "cause" else super().decode(argument, value)

    def _cause(self, name: str | None) -> int:
        """The model's cause. Its chain of classes is kept for the errors that callers get."""
        if name is None:
            self._chain = ()
            return Cause.ABSENT
        if name not in self.causes:
            raise InputError("TRC031", f"the header lists no cause {name!r}; add it there")
        self._chain = self.causes[name]
        return Cause.GIVEN

    def _wanted(self, profile: str) -> int:
        """A profile that an operation names. Nobody may name a wildcard that is not listed."""
        return self._profiles.decode(profile)

    def _count(self, counter: Iterable[tuple[str, int]]) -> None:
        """Put a counter where the rules look for it."""
        for profile, count in counter:
            self.state.counted[self._wanted(profile)] += count

    # ------------------------------------------------------------------------- operations

    def _offers(self, rule: Callable[..., int], tm: str, offers: list[dict[str, Any]]) -> list[str]:
        s = self.state
        self.elastic.grow(offer_entries, len(offers))
        for place, offer in enumerate(offers):
            s.offer_allocation[place] = self._allocations.decode(offer["allocation"])
            s.offer_index[place] = offer["index"]
            s.offer_profile[place] = self._wanted(offer["profile"])
        self.run(rule, self._tms.decode(tm))
        return self._accepted

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        return self._offers(self.rules_module.offer_slots, tm, offers)

    def _register_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        return self._offers(pool_operations.register_slots, tm, offers)

    def _request_new_allocated_slot(self, **asked: Any) -> None:
        self._request(operations.request_new_allocated_slot, **asked)

    def _request_new_allocated_batch_slot(self, **asked: Any) -> None:
        self._request(operations.request_new_allocated_batch_slot, **asked)

    def _request(
        self,
        rule: Callable[..., int],
        request: str,
        profile: str,
        preferred: list[str] | None = None,
        load: int = 0,
        timeout: bool = False,
    ) -> None:
        s = self.state
        wanted, id_ = self._wanted(profile), self._ids.decode(request)
        named = [self._allocations.decode(name) for name in preferred or []]
        number = next((n for n in range(len(s.request)) if is_unused(s, n)), NONE)
        if number == NONE:
            number = len(s.request)
            self.elastic.grow(requests, 2 * number)
        self._requests.release(number)
        s.picky[number] = int(bool(named))
        for allocation in named:
            s.prefers[number * len(s.slot) + allocation] = 1
        s.can_time_out[number] = int(timeout)
        # the name may be needed by an effect of this very step
        attempt = self._attempts.get(request, 0) + 1
        self._requests.bind(f"{request}#{attempt}", number)
        self.run(rule, number, id_, wanted, load)
        if self._raises is None:  # a call that raises returns no future
            self._attempts[request] = attempt
            if timeout:
                self._can_time_out.add(f"{request}#{attempt}")
        elif is_unused(s, number):
            s.picky[number] = s.can_time_out[number] = 0
            for allocation in named:
                s.prefers[number * len(s.slot) + allocation] = 0

    def _allocate_available_slot(
        self, request: str, allocation: str, profile: str, load: int = 0
    ) -> str | None:
        given = (
            self._ids.decode(request),
            self._allocations.decode(allocation),
            self._wanted(profile),
            load,
        )
        return self._allocations.encode(self.run(operations.allocate_available_slot, *given))

    def _request_timeout(self, request: str, attempt: int = 1) -> bool | None:
        if attempt > self._attempts.get(request, 0):
            return None
        if f"{request}#{attempt}" not in self._can_time_out:
            raise InputError(
                "TRC032", f"request {request!r} has no timeout; ask for it with timeout: true"
            )
        number = self._requests.number(f"{request}#{attempt}")
        return number is not None and self.run(operations.request_timeout, number) == 1

    def _rm_fails(self, call: str, cause: str) -> bool:
        cancelled = self._cause(cause) == Cause.GIVEN and self._chain[0] == "CancellationException"
        number = self._calls.number(call)
        return number is not None and self.run(operations.rm_fails, number, int(cancelled)) == 1

    def _advance_time(self, ms: int) -> None:
        """Advance from timer to timer, so that one advance uses up a bounded number of records."""
        s = self.state
        while True:
            place = next_timer(s)
            step = ms if place == NONE else min(ms, s.due_in[place])
            ahead = place != NONE and s.due_in[place] <= ms
            self.run(operations.advance_time, step)
            ms -= step
            if ms == 0 or not ahead:
                return

    def _increase_resource_requirements_by(self, requirements: Any) -> None:
        self._count(requirements)
        self.run(pool_operations.increase_resource_requirements_by)

    def _decrease_resource_requirements_by(self, requirements: Any) -> None:
        self._count(requirements)
        self.run(pool_operations.decrease_resource_requirements_by)

    def _set_resource_requirements(self, requirements: Any) -> None:
        self._count(requirements)
        self.run(pool_operations.set_resource_requirements)

    def _get_resource_requirements(self) -> Counter:
        self.run(pool_operations.get_resource_requirements)
        return self._counter

    def _free_reserved_slot(self, allocation: str, cause: str | None) -> Counter:
        number = self._allocations.decode(allocation)
        self.run(pool_operations.free_reserved_slot, number, self._cause(cause))
        return self._counter

    def _release_slot(self, cause: str | None, **whom: str) -> Counter | None:
        """Two operations of one name: the bridge's releases a request, the pool's a slot."""
        if "request" in whom:
            number = self._ids.decode(whom["request"])
            self.run(operations.release_slot, number, self._cause(cause))
            return None
        number = self._allocations.decode(whom["allocation"])
        self.run(pool_operations.release_slot, number, self._cause(cause))
        return self._counter

    def _release_slots(self, tm: str, cause: str) -> Counter:
        self.run(pool_operations.release_slots, self._tms.decode(tm), self._cause(cause))
        return self._counter

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        self.run(operations.get_available_slots_information)
        return [
            {**self._slot(allocation), "utilization": (slots - free) / slots}
            for allocation, slots, free in self._listed
        ]

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        self.run(operations.get_allocated_slots_information)
        return self._sorted()

    def _get_all_slots_information(self) -> list[dict[str, Any]]:
        self.run(pool_operations.get_all_slots_information)
        return self._sorted()

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        self.run(operations.create_allocated_slot_report, self._tms.decode(tm))
        return [{name: slot[name] for name in ("allocation", "index")} for slot in self._sorted()]

    def _sorted(self) -> list[dict[str, Any]]:
        slots = (self._slot(allocation) for allocation, _, _ in self._listed)
        return sorted(slots, key=lambda slot: natural(slot["allocation"]))

    # --------------------------------------------------------------------------- encoding

    def _slot(self, allocation: int) -> dict[str, Any]:
        s = self.state
        return {
            "allocation": self._allocations.name(allocation),
            "tm": self._tms.name(s.slot_tm[allocation]),
            "index": s.slot_index[allocation],
            "profile": self._profiles.name(s.slot_profile[allocation]),
        }

    def _class_of(self, cause: int) -> str | None:
        """The simple name of the class of a cause."""
        match cause:
            case Cause.GIVEN:
                return self._chain[0]
            case Cause.FLINK:
                return "FlinkException"
            case Cause.TIMEOUT:
                return "TimeoutException"
        return None

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        match kind:
            case Effect.LISTED:
                self._listed.append((a, b, c))
                return None
            case Effect.COUNTED:
                self._counter.append([self._profiles.name(a), b])
                return None
            case Effect.ACCEPTED:
                self._accepted.append(self._allocations.name(a))
                return None
            case Effect.DECLARED:
                self._effects[-1]["requirements"].append([self._profiles.name(a), b])
                return None
            case Effect.NEW_SLOT:
                self._effects[-1]["allocations"].append(self._allocations.name(a))
                return None
            case Effect.DECLARE:
                self._made += 1
                call = self.schema.named("call", self._made)
                self._calls.bind(call, b)
                rm = self._gateways.name(a)
                return {
                    "effect": "rm.declare_required_resources",
                    "rm": rm,
                    "call": call,
                    "requirements": [],
                }
            case Effect.REQUIREMENTS:
                return {"effect": "requirements", "requirements": []}
            case Effect.NEW_SLOTS:
                return {"effect": "new_slots", "allocations": []}
            case Effect.STABLE:
                return {"effect": "stable"}
            case Effect.TIMER_RAISED:
                return {"effect": "timer.raised", "error": Raised(a).exception}
        return self._told(kind, a, b, c)

    def _told(self, kind: int, a: int, b: int, c: int) -> dict[str, Any]:
        """What a TaskExecutor, a payload or a caller is told."""
        name_of = self._allocations.name
        if kind == Effect.FREE_SLOT:
            return {
                "effect": "tm.free_slot",
                "tm": self._tms.name(a),
                "allocation": name_of(b),
                "cause": self._class_of(c),
            }
        if kind == Effect.PAYLOAD_RELEASED:
            return {
                "effect": "payload.released",
                "allocation": name_of(a),
                "cause": self._class_of(b),
            }
        if kind == Effect.REQUEST_FULFILLED:
            return {
                "effect": "request.fulfilled",
                **self._caller(a),
                "allocation": name_of(b),
            }
        error = Error(b).exception
        root = self._chain[-1] if c == Cause.GIVEN else self._class_of(c) or error
        return {
            "effect": "request.failed",
            **self._caller(a),
            "error": error,
            "root_cause": root,
        }

    def _caller(self, request: int) -> dict[str, Any]:
        name, _, attempt = self._requests.name(request).rpartition("#")
        return {"request": name} if attempt == "1" else {"request": name, "attempt": int(attempt)}

    # ------------------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        state = self._bridge() if self.schema is SCHEMA else {}
        s, name_of = self.state, self._allocations.name
        state["required"] = self._as_counter(s.required)
        state["acquired"] = self._as_counter(s.acquired)
        held = {name_of(a): a for a, at in enumerate(s.slot) if at != AllocatedSlot.ABSENT}
        held = {name: held[name] for name in sorted(held, key=natural)}
        state["slots"] = {
            name: {
                **{k: v for k, v in self._slot(a).items() if k != "allocation"},
                "payload": s.payload[a] == Payload.ASSIGNED,
            }
            for name, a in held.items()
        }
        matched = {name_of(a): p for a, p in enumerate(s.matched) if p != NONE}
        state["matched"] = {
            name: self._profiles.name(matched[name]) for name in sorted(matched, key=natural)
        }
        state["free"] = {name_of(a): s.clock - s.idle_for[a] for a in s.free if a != NONE}
        state["by_tm"] = self._by_tm(held.values())
        if self.generation == "2.3":
            state["stable"] = s.requirements[0] == Requirements.STABLE
        state["timers"] = sorted(
            s.clock + due
            for timer, due in zip(s.timer, s.due_in, strict=True)
            if timer != Timer.UNUSED
        )
        state["clock"] = s.clock
        return state

    def _as_counter(self, counter: list[int]) -> Counter:
        return [[self._profiles.name(p), count] for p, count in enumerate(counter) if count]

    def _by_tm(self, held: Iterable[int]) -> dict[str, list[str]]:
        s = self.state
        found: dict[str, list[str]] = {}
        for allocation in sorted(held, key=s.slot_serial.__getitem__):
            tm = self._tms.name(s.slot_tm[allocation])
            found.setdefault(tm, []).append(self._allocations.name(allocation))
        return {tm: found[tm] for tm in sorted(found, key=natural)}

    def _bridge(self) -> dict[str, Any]:
        s = self.state
        registered = TaskManagerRegistration.REGISTERED
        tms = [self._tms.name(tm) for tm, at in enumerate(s.registration) if at == registered]
        state: dict[str, Any] = {
            "lifecycle": Bridge.states[s.bridge_state[0]].name,
            "connected": s.gateway != NONE,
            "task_managers": sorted(tms, key=natural),
        }
        if self.generation not in ("1.13", "1.14"):
            state["job_restarting"] = s.job_restarting == 1
        state["batch_timeout_check"] = s.batch_check == 1
        state["pending"] = [self._pending(request) for request in s.pending if request != NONE]
        state["fulfilled"] = dict(self._fulfilled())
        return state

    def _pending(self, request: int) -> dict[str, Any]:
        s = self.state
        entry: dict[str, Any] = {
            "request": self._ids.name(s.request_id[request]),
            "profile": self._profiles.name(s.request_profile[request]),
            "batch": s.batch[request] == 1,
        }
        if self.generation not in ("1.13", "1.14"):
            width = len(s.slot)
            wishes = enumerate(s.prefers[request * width : (request + 1) * width])
            entry["preferred"] = sorted(
                (self._allocations.name(a) for a, wish in wishes if wish), key=natural
            )
        if self.generation == "2.3":
            entry["load"] = s.request_load[request]
        since = s.clock - s.unfulfillable_for[request] if s.unfulfillable[request] else None
        return {**entry, "unfulfillable_since": since}

    def _fulfilled(self) -> Iterator[tuple[str, Any]]:
        s = self.state
        found = {self._ids.name(n): n for n, a in enumerate(s.fulfilled) if a != NONE}
        for name in sorted(found, key=natural):
            entry: dict[str, Any] = {"allocation": self._allocations.name(s.fulfilled[found[name]])}
            if self.generation == "2.3":
                entry["tm"] = self._tms.name(s.fulfilled_tm[found[name]])
                entry["load"] = s.fulfilled_load[found[name]]
            yield name, entry


ORACLE = DeclarativeSlotPoolOracle
"""The oracle that the registry finds."""
