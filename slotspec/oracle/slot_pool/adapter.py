"""The oracle of the slot pool: what SlotPoolImpl does with each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import CATALOGUE
from slotspec.models.slot_pool import operations
from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    TaskManagerRegistration,
)
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.recycling import is_id_unused, is_unused, recycle_records
from slotspec.models.slot_pool.state import (
    Cause,
    Effect,
    Error,
    Raised,
    Root,
    leaks,
    request_ids,
    requests,
    task_managers,
    timers,
)
from slotspec.models.slot_pool.state import gateways as gateway_sort
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.profiles import profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

IDLE_SLOT_TIMEOUT_MS = 50_000
"""Flink's default of ``slot.idle.timeout``."""
BATCH_SLOT_TIMEOUT_MS = 300_000
"""Flink's default of ``slot.request.timeout``, which the batch check uses."""

CAUSES = {
    "UnfulfillableSlotRequestException": Cause.UNFULFILLABLE,
    "TimeoutException": Cause.TIMEOUT,
}
"""The classes of causes that the pool distinguishes; any other is Cause.OTHER."""

REGISTERED = int(TaskManagerRegistration.REGISTERED)
ALLOCATED, AVAILABLE = int(PhysicalSlot.ALLOCATED), int(PhysicalSlot.AVAILABLE)
NO_LEAKS = [int(LeakedSlot.ABSENT)] * 2


def queue(entries: list[int]) -> list[int]:
    """The entries of a queue, which ends at the first NONE."""
    return entries[: entries.index(NONE)] if NONE in entries else entries


class RecycledNames(NameTable):
    """Names of records that the pool's model reuses; see :meth:`SlotPoolOracle.tidy`."""

    def __init__(self, oracle: SlotPoolOracle, *given: Any) -> None:
        super().__init__(oracle.elastic, *given)
        self._oracle = oracle

    def unused(self) -> int:
        self._oracle.tidy()
        return super().unused()


class SlotPoolOracle(ModelOracle):
    """What a slot pool of one generation does with each operation.

    Without a header it has Flink's default timeouts, the profiles ``small``, ``large``,
    ``unknown`` and ``any``, and the causes ``other`` and ``unfulfillable``.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    """

    schema = SCHEMA
    model = slot_pool
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {raised: raised.exception for raised in Raised}
    any_order_effect = Effect.ANY_ORDER

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        config = header.config if header else {}
        bounds = {"requests": 8, "foreign_allocations": 0, "leaks": 2, "timers": 4}
        return {**bounds, "reused_ids": 1, "unstarted": 1}, {
            "profiles": profiles_of(header) if header else dict(CATALOGUE),
            "follow_clock": 1,
            "idle_timeout": config.get("idle_slot_timeout_ms", IDLE_SLOT_TIMEOUT_MS),
            "batch_timeout": config.get("batch_slot_timeout_ms", BATCH_SLOT_TIMEOUT_MS),
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic = self.state, self.elastic
        tms = sorted(header.task_managers, key=natural) if header else []
        self._profiles = ListedNames(self.instance.setting.choices["profiles"], "profile")
        self._tms = NameTable(elastic, task_managers, None, tms)
        self._gateways = NameTable(elastic, gateway_sort)
        self._ids = RecycledNames(self, request_ids, lambda number: is_id_unused(s, number))
        self._allocations = RecycledNames(self, requests, lambda number: is_unused(s, number))
        self._requests = Names()
        self._attempts: dict[str, int] = {}
        self._generated = 0
        self._hints: list[str] = []
        self._chain: tuple[str, ...] = ()
        self._untidy = False
        self._has_origin = self.generation != "1.11"
        self.causes = (
            {name: header.cause_chain(name) for name in header.causes}
            if header
            else {"other": ("RuntimeException",), "unfulfillable": tuple(CAUSES)[:1]}
        )
        return {
            "profile": self._profiles,
            "tm": self._tms,
            "rm": self._gateways,
            "request": self._ids,
            "allocation": self._allocations,
        }

    # ------------------------------------------------------------------------------ steps

    def hint(self, step: RecordedStep) -> None:
        """Take the names of new allocations from the trace's next step."""
        effects = step.effects if isinstance(step.effects, list) else []
        self._hints = [
            str(effect.get("allocation"))
            for effect in effects
            if effect.get("effect") == "rm.request_slot"
        ]

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; see :meth:`ModelOracle.step`."""
        expected = super().step(op, **arguments)
        self._hints = []
        return expected

    def run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for the slots that it may leak."""
        while self.state.leaked[-2:] != NO_LEAKS:
            self.elastic.grow(leaks, self.elastic.size(leaks) + 2)
        return super().run(operation, *arguments)

    def _settle(self) -> None:
        # which records are free matters only when a new name needs one
        self._untidy = True

    def tidy(self) -> None:
        """Recycle the records that nothing refers to any more."""
        if self._untidy:
            self.rule(recycle_records)(self.state)
            self._untidy = False

    # ------------------------------------------------------------------------------ names

    def decode(self, argument: Argument, value: Any) -> int:
        return self._cause(value) if argument.name == "cause" else super().decode(argument, value)

    def _new_request(self) -> int:
        request = self._allocations.unused()
        self._allocations.release(request)
        return request

    def _name_request(self, name: str, request: int) -> None:
        self._attempts[name] = self._attempts.get(name, 0) + 1
        self._requests.bind(f"{name}#{self._attempts[name]}", request)

    def _name_generated(self, since: int) -> None:
        """Name the allocations that a rule generated: as the trace does, else in order."""
        for effect in self.state.effects[since:]:
            if effect[0] == Effect.REQUEST_SLOT:
                hinted = self._hints.pop(0) if self._hints else None
                self._generated += 1
                if hinted is None or hinted in self._allocations:
                    # a caller may have used the next name for an id of its own
                    while f"a{self._generated}" in self._allocations:
                        self._generated += 1
                    hinted = f"a{self._generated}"
                self._allocations.bind(hinted, effect[2])

    def _cause(self, name: str | None) -> int:
        """The model's cause. Its chain of classes is kept for the errors that callers get."""
        if name is None:
            self._chain = ()
            return Cause.ABSENT
        if name not in self.causes:
            raise InputError("TRC031", f"the header lists no cause {name!r}; add it there")
        self._chain = self.causes[name]
        if "UnfulfillableSlotRequestException" in self._chain:
            return Cause.UNFULFILLABLE
        return CAUSES.get(self._chain[0], Cause.OTHER)

    # ------------------------------------------------------------------------- operations

    def _start(self) -> None:
        if self.state.timer[-2:] != [0, 0]:
            self.elastic.grow(timers, self.elastic.size(timers) + 2)
        self.run(operations.start)

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        accepted = []
        for offer in offers:
            taken = self.run(
                operations.offer_slot,
                self._tms.decode(tm),
                offer["index"],
                self._allocations.decode(offer["allocation"]),
                self._profiles.decode(offer["profile"]),
            )
            if self._raises:
                break
            if taken == 1:
                accepted.append(offer["allocation"])
        return accepted

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        self.run(operations.get_available_slots_information)
        return sorted(
            (
                {**self._slot(allocation), "utilization": used / (used + free)}
                for allocation, used, free, _ in self._listed_slots()
            ),
            key=lambda listed: natural(listed["allocation"]),
        )

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        self.run(operations.get_allocated_slots_information)
        entered = self.state.entered
        listed = sorted((slot[0] for slot in self._listed_slots()), key=lambda a: entered[a])
        return [self._slot(allocation) for allocation in listed]

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        self.run(operations.create_allocated_slot_report, self._tms.decode(tm))
        s = self.state
        halves: tuple[list[tuple[str, int]], ...] = ([], [])
        for allocation, _, _, leak in self._listed_slots():
            index = s.slot_index[allocation] if leak == NONE else s.leaked_index[leak]
            in_use = leak != NONE or s.slot[allocation] == PhysicalSlot.ALLOCATED
            halves[in_use].append((self._allocations.name(allocation), index))
        return [
            {"allocation": allocation, "index": index}
            for half in halves
            for allocation, index in sorted(half, key=lambda slot: (natural(slot[0]), slot[1]))
        ]

    def _request_new_allocated_slot(self, request: str, profile: str) -> None:
        self._request(operations.request_new_allocated_slot, request, profile)

    def _request_new_allocated_batch_slot(self, request: str, profile: str) -> None:
        self._request(operations.request_new_allocated_batch_slot, request, profile)

    def _request(self, operation: Callable[..., int], request: str, profile: str) -> None:
        wanted, id_ = self._profiles.decode(profile), self._ids.decode(request)
        number = self._new_request()
        self.run(operation, number, id_, wanted)
        if self._raises is None:  # a call that raises returns no future
            self._name_request(request, number)

    def _request_timeout(self, request: str, attempt: int = 1) -> bool:
        number = self._requests.number(f"{request}#{attempt}")
        return number is not None and self.run(operations.request_timeout, number) == 1

    # --------------------------------------------------------------------------- encoding

    def _listed_slots(self) -> list[tuple[int, int, int, int]]:
        return [effect[1:] for effect in self.state.effects if effect[0] == Effect.LISTED]

    def _slot(self, allocation: int) -> dict[str, Any]:
        s = self.state
        return {
            "allocation": self._allocations.name(allocation),
            "tm": self._tms.name(s.slot_tm[allocation]),
            "index": s.slot_index[allocation],
            "profile": self._profiles.name(s.slot_profile[allocation]),
        }

    def _encode(self, since: int) -> None:
        if len(self.state.effects) > since:
            self._name_generated(since)
            super()._encode(since)

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        allocations, tms, gateways = self._allocations, self._tms, self._gateways
        if kind == Effect.LISTED:
            return None
        if kind == Effect.REQUEST_SLOT:
            return {
                "effect": "rm.request_slot",
                "allocation": allocations.name(b),
                "profile": self._profiles.name(c),
                "rm": gateways.name(a),
            }
        if kind == Effect.CANCEL_SLOT_REQUEST:
            return {
                "effect": "rm.cancel_slot_request",
                "allocation": allocations.name(b),
                "rm": gateways.name(a),
            }
        if kind == Effect.FREE_SLOT:
            return {
                "effect": "tm.free_slot",
                "tm": tms.name(a),
                "allocation": allocations.name(b),
            }
        if kind == Effect.PAYLOAD_RELEASED:
            return {"effect": "payload.released", "allocation": allocations.name(a)}
        if kind == Effect.REQUEST_FULFILLED:
            return {
                "effect": "request.fulfilled",
                **self._caller(a),
                "allocation": allocations.name(b),
            }
        given = self._chain or (Error.RELEASED.exception,)
        error = given[0] if b == Error.GIVEN else tuple(Error)[b].exception
        root = given[-1] if c == Root.GIVEN else error
        return {
            "effect": "request.failed",
            **self._caller(a),
            "error": error,
            "root_cause": root,
        }

    def _caller(self, request: int) -> dict[str, Any]:
        name, _, attempt = self._requests.name(request).rpartition("#")
        return {"request": name} if attempt == "1" else {"request": name, "attempt": int(attempt)}

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        s, name_of = self.state, self._allocations.name
        allocated = [a for a, status in enumerate(s.slot) if status == ALLOCATED]
        allocated.sort(key=s.entered.__getitem__)
        available = {name_of(a): a for a, status in enumerate(s.slot) if status == AVAILABLE}
        state: dict[str, Any] = {
            "started": s.job_master == 1,
            "connected": s.gateway != NONE,
            "task_managers": sorted(
                [self._tms.name(tm) for tm, at in enumerate(s.registration) if at == REGISTERED]
            ),
            "allocated": {name_of(a): self._allocated(a) for a in allocated},
            "available": {n: self._available(available[n]) for n in sorted(available, key=natural)},
            "pending": [self._pending(request) for request in queue(s.pending)],
            "waiting": [self._queued(request) for request in queue(s.waiting)],
            "batch_timeout_check": s.batch_check == 1,
            "clock": s.clock,
        }
        if any(s.leaked):
            leaked = [self._leaked(leak) for leak, counted in enumerate(s.leaked) if counted]
            # by all fields, since two may have the same allocation
            leaked.sort(key=lambda slot: (natural(slot["allocation"]), *map(str, slot.values())))
            state["leaked"] = leaked
        return state

    def _allocated(self, allocation: int) -> dict[str, Any]:
        s = self.state
        return {
            "request": self._ids.name(s.slot_request[allocation]),
            "tm": self._tms.name(s.slot_tm[allocation]),
            "index": s.slot_index[allocation],
            "profile": self._profiles.name(s.slot_profile[allocation]),
            "payload": s.payload[allocation] == Payload.ASSIGNED,
        }

    def _available(self, allocation: int) -> dict[str, Any]:
        s = self.state
        return {
            "tm": self._tms.name(s.slot_tm[allocation]),
            "index": s.slot_index[allocation],
            "profile": self._profiles.name(s.slot_profile[allocation]),
            "since": s.clock - s.idle_for[allocation],
        }

    def _queued(self, request: int) -> dict[str, Any]:
        s = self.state
        since = s.clock - s.unfulfillable_for[request] if s.unfulfillable[request] else None
        return {
            "request": self._ids.name(s.request_id[request]),
            "profile": self._profiles.name(s.request_profile[request]),
            "batch": s.batch[request] == 1,
            "unfulfillable_since": since,
        }

    def _pending(self, request: int) -> dict[str, Any]:
        queued = self._queued(request)
        allocation = self._allocations.name(self.state.stored_allocation[request])
        key = {"request": queued["request"], "allocation": allocation}
        if self._has_origin:
            key["origin"] = allocation
        return key | queued

    def _leaked(self, leak: int) -> dict[str, Any]:
        s = self.state
        return {
            "allocation": self._allocations.name(s.leaked_allocation[leak]),
            "tm": self._tms.name(s.leaked_tm[leak]),
            "index": s.leaked_index[leak],
            "profile": self._profiles.name(s.leaked_profile[leak]),
            "payload": s.leaked_payload[leak] == 1,
        }


ORACLE = SlotPoolOracle
"""The oracle that the registry finds."""
