"""The reference oracle of the slot pool: what SlotPoolImpl does, step by step.

It decodes the arguments of an operation, runs the model's own rule, and encodes what the
rule emitted, returned and changed. No rule of the protocol stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import CATALOGUE, ResourceProfile
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
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.trace import Expected, TraceHeader, TraceStep
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE, Listener
from slotspec.statemachine.errors import InputError

IDLE_SLOT_TIMEOUT_MS = 50_000
"""Flink's default of ``slot.idle.timeout``."""
BATCH_SLOT_TIMEOUT_MS = 300_000
"""Flink's default of ``slot.request.timeout``, which the batch check uses."""

CAUSES = {
    "UnfulfillableSlotRequestException": Cause.UNFULFILLABLE,
    "TimeoutException": Cause.TIMEOUT,
}
"""Classes of causes that make a difference; any other is Cause.OTHER."""

REGISTERED = int(TaskManagerRegistration.REGISTERED)
ALLOCATED, AVAILABLE = int(PhysicalSlot.ALLOCATED), int(PhysicalSlot.AVAILABLE)
NO_LEAKS = [int(LeakedSlot.ABSENT)] * 2

_SPECIAL = {"ANY": ResourceProfile(any_=True), "UNKNOWN": ResourceProfile(unknown=True)}


def queue(entries: list[int]) -> list[int]:
    """What stands in a queue, which is full to the first NONE."""
    return entries[: entries.index(NONE)] if NONE in entries else entries


def profiles_of(header: TraceHeader) -> dict[str, ResourceProfile]:
    """The header's profiles by name."""
    return {
        name: _SPECIAL[given] if isinstance(given, str) else ResourceProfile(**given)
        for name, given in header.profiles.items()
    }


class SlotPoolOracle(ModelOracle):
    """Says what a slot pool of one generation does with each operation.

    :param generation: ``1.11``, ``1.12`` or ``1.13``.
    :param header: timeouts, profiles, causes and task managers of a recording; without one,
        Flink's default timeouts, the profiles ``small``, ``large``, ``unknown``, ``any`` and
        the causes ``other`` and ``unfulfillable``.
    :param replace: rules of the model to be replaced (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: is told of every lifecycle event.
    """

    schema = SCHEMA
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {raised: raised.exception for raised in Raised}
    any_order_effect = Effect.ANY_ORDER

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        config = header.config if header else {}
        named = profiles_of(header) if header else dict(CATALOGUE)
        idle = config.get("idle_slot_timeout_ms", IDLE_SLOT_TIMEOUT_MS)
        batch = config.get("batch_slot_timeout_ms", BATCH_SLOT_TIMEOUT_MS)
        bounds = {"requests": 8, "foreign_allocations": 0, "leaks": 2, "timers": 4}
        self.causes = (
            {name: header.cause_chain(name) for name in header.causes}
            if header
            else {"other": ("RuntimeException",), "unfulfillable": tuple(CAUSES)[:1]}
        )
        instance = slot_pool.instance(
            {**bounds, "reused_ids": 1, "unstarted": 1},
            generation=generation,
            choices={
                "profiles": named,
                "follow_clock": 1,
                "idle_timeout": idle,
                "batch_timeout": batch,
                **(choices or {}),
            },
            replace=replace,
        )
        super().__init__(generation, instance, listener)
        self._profiles = Names(list(named))
        self._tms = Names(sorted(header.task_managers, key=natural) if header else [])
        self.elastic.grow(task_managers, len(self._tms))
        self._gateways = Names()
        self._ids = Names()
        self._requests = Names()
        self._allocations = Names()
        self._next = {requests: 0, request_ids: 0}
        self._attempts: dict[str, int] = {}
        self._generated = 0
        self._hints: list[str] = []
        self._chain: tuple[str, ...] = ()
        self._untidy = False
        self._has_origin = generation != "1.11"

    # ------------------------------------------------------------------------------ steps

    def hint(self, step: TraceStep) -> None:
        """Take the names of new allocations from what a trace says of the next step."""
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

    def _run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for what it may leak."""
        while self.state.leaked[-2:] != NO_LEAKS:
            self.elastic.grow(leaks, self.elastic.size(leaks) + 2)
        return super()._run(operation, *arguments)

    def _settle(self) -> None:
        # only who looks for a free record cares which ones are
        self._untidy = True

    # ------------------------------------------------------------------------------ names

    def _profile(self, name: str) -> int:
        return self._listed(self._profiles, name, "profile")

    def _listed(self, names: Names, name: str, what: str) -> int:
        number = names.number(name)
        if number is None:
            raise InputError("TRC031", f"the header lists no {what} {name!r}; add it there")
        return number

    def _tm(self, name: str) -> int:
        return self._elastic_name(self._tms, name, task_managers)

    def _gateway(self, name: str) -> int:
        return self._elastic_name(self._gateways, name, gateway_sort)

    def _elastic_name(self, names: Names, name: str, sort: Sort) -> int:
        number = names.number(name)
        if number is None:
            number = len(names)
            self.elastic.grow(sort, number + 1)
            names.bind(name, number)
        return number

    def _unused(self, sort: Sort, is_free: Callable[[Any, int], bool]) -> int:
        """An element of `sort` that nothing refers to; the search goes on where it ended."""
        if self._untidy:
            self._rule(recycle_records)(self.state)
            self._untidy = False
        size, start = self.elastic.size(sort), self._next[sort]
        for number in chain(range(start, size), range(start)):
            if is_free(self.state, number):
                self._next[sort] = number + 1
                return number
        self.elastic.grow(sort, 2 * size)
        self._next[sort] = size + 1
        return size

    def _id(self, name: str) -> int:
        number = self._ids.number(name)
        if number is None:
            number = self._unused(request_ids, is_id_unused)
            self._ids.bind(name, number)
        return number

    def _allocation(self, name: str) -> int:
        """The record of an allocation id; one that the pool does not know gets a free one."""
        number = self._allocations.number(name)
        if number is None:
            number = self._unused(requests, is_unused)
            self._allocations.bind(name, number)
        return number

    def _new_request(self) -> int:
        request = self._unused(requests, is_unused)
        self._allocations.release(request)
        return request

    def _name_request(self, name: str, request: int) -> None:
        self._attempts[name] = self._attempts.get(name, 0) + 1
        self._requests.bind(f"{name}#{self._attempts[name]}", request)

    def _name_generated(self, since: int) -> None:
        """Name the allocations that a rule has generated, as the trace does or in a row."""
        for effect in self.state.effects[since:]:
            if effect[0] == Effect.REQUEST_SLOT:
                hinted = self._hints.pop(0) if self._hints else None
                self._generated += 1
                if hinted is None or hinted in self._allocations:
                    # somebody may have used the next name for an id of his own
                    while f"a{self._generated}" in self._allocations:
                        self._generated += 1
                    hinted = f"a{self._generated}"
                self._allocations.bind(hinted, effect[2])

    def _cause(self, name: str | None) -> int:
        """The model's cause; its chain of classes is kept for what callers will see."""
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
        self._run(operations.start)

    def _suspend(self) -> None:
        self._run(operations.suspend)

    def _close(self) -> None:
        self._run(operations.close)

    def _connect_to_resource_manager(self, rm: str) -> None:
        self._run(operations.connect_to_resource_manager, self._gateway(rm))

    def _disconnect_resource_manager(self) -> None:
        self._run(operations.disconnect_resource_manager)

    def _register_task_manager(self, tm: str) -> bool:
        return self._run(operations.register_task_manager, self._tm(tm)) == 1

    def _release_task_manager(self, tm: str) -> bool:
        return self._run(operations.release_task_manager, self._tm(tm)) == 1

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        accepted = []
        for offer in offers:
            taken = self._run(
                operations.offer_slot,
                self._tm(tm),
                offer["index"],
                self._allocation(offer["allocation"]),
                self._profile(offer["profile"]),
            )
            if self._raises:
                break
            if taken == 1:
                accepted.append(offer["allocation"])
        return accepted

    def _fail_allocation(self, allocation: str, cause: str) -> str | None:
        number = self._allocation(allocation)
        tm = self._run(operations.fail_allocation, number, self._cause(cause))
        return None if tm == NONE else self._tms.name(tm)

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        self._run(operations.get_available_slots_information)
        return sorted(
            (
                {**self._slot(allocation), "utilization": used / (used + free)}
                for allocation, used, free, _ in self._listed_slots()
            ),
            key=lambda listed: natural(listed["allocation"]),
        )

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        self._run(operations.get_allocated_slots_information)
        entered = self.state.entered
        listed = sorted((slot[0] for slot in self._listed_slots()), key=lambda a: entered[a])
        return [self._slot(allocation) for allocation in listed]

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        self._run(operations.create_allocated_slot_report, self._tm(tm))
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

    def _allocate_available_slot(
        self, request: str, allocation: str, profile: str | None = None
    ) -> str | None:
        id_, number = self._id(request), self._allocation(allocation)
        found = self._run(operations.allocate_available_slot, id_, number)
        return None if found == NONE else allocation

    def _request_new_allocated_slot(self, request: str, profile: str) -> None:
        self._request(operations.request_new_allocated_slot, request, profile)

    def _request_new_allocated_batch_slot(self, request: str, profile: str) -> None:
        self._request(operations.request_new_allocated_batch_slot, request, profile)

    def _request(self, operation: Callable[..., int], request: str, profile: str) -> None:
        wanted, id_, number = self._profile(profile), self._id(request), self._new_request()
        self._run(operation, number, id_, wanted)
        if self._raises is None:  # a call that raises returns no future
            self._name_request(request, number)

    def _disable_batch_slot_request_timeout_check(self) -> None:
        self._run(operations.disable_batch_slot_request_timeout_check)

    def _release_slot(self, request: str, cause: str | None) -> None:
        self._run(operations.release_slot, self._id(request), self._cause(cause))

    def _request_timeout(self, request: str, attempt: int = 1) -> bool:
        number = self._requests.number(f"{request}#{attempt}")
        return number is not None and self._run(operations.request_timeout, number) == 1

    def _resource_manager_acknowledges(self, allocation: str) -> bool:
        number = self._allocations.number(allocation)
        return (
            number is not None and self._run(operations.resource_manager_acknowledges, number) == 1
        )

    def _resource_manager_fails(self, allocation: str, cause: str) -> bool:
        number = self._allocations.number(allocation)
        why = self._cause(cause)
        return number is not None and self._run(operations.resource_manager_fails, number, why) == 1

    def _assign_payload(self, allocation: str) -> bool | None:
        number = self._allocations.number(allocation)
        taken = NONE if number is None else self._run(operations.assign_payload, number)
        return None if taken == NONE else taken == 1

    def _advance_time(self, ms: int) -> None:
        self._run(operations.advance_time, ms)

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
            # by all that there is: two may have the same allocation
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
"""What the registry finds."""
