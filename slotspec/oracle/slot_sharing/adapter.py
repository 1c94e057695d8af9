"""The oracle of slot sharing: what SlotSharingManager does with each operation."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.models.logical_slot.state import Reaction, payloads, slots
from slotspec.models.slot_sharing import operations
from slotspec.models.slot_sharing import recycling as records
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    RootListing,
    SingleTaskSlot,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import CATALOGUE, FIXED, Special, scales
from slotspec.models.slot_sharing.state import (
    Cause,
    Effect,
    Raised,
    allocations,
    groups,
    multis,
    task_managers,
)
from slotspec.models.slot_sharing.tree import is_multi_registered, is_single_registered, root_of
from slotspec.models.slot_sharing.versions import MapOrder
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.slot_sharing.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.profiles import profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

CLASSES: Mapping[int, str | None] = {
    Cause.OTHER: "RuntimeException",
    Cause.FLINK: "FlinkException",
    Cause.TIMEOUT: "TimeoutException",
    Cause.ILLEGAL_STATE: "IllegalStateException",
    Cause.ABSENT: None,
}
"""Cause -> the exception class that others see."""
RELEASED: Mapping[int, str] = {ReleaseFuture.PENDING: "pending", ReleaseFuture.DONE: "done"}
SPECIAL: Mapping[int, str] = {Special.ANY: "ANY", Special.UNKNOWN: "UNKNOWN"}
STAND_IN = "terminated"


class SlotSharingOracle(ModelOracle):
    """What a slot sharing manager of one generation does with each operation.

    Without a header it has the profiles ``small``, ``large``, ``unknown``, ``tall`` and ``any``,
    and an owner that releases.

    :param generation: ``1.11`` or ``1.12``.
    :param late_calls: callers may call a slot for ever, even when it has left all tables, so its
        number is never used again. If False, a number is free as soon as its slot is over.
    """

    schema = SCHEMA
    model = slot_sharing
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    any_order_effect = Effect.ANY_ORDER
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
        Raised.COMPLETION: "CompletionException",
    }
    # the future fails with one, and joining it wraps that in another
    raised_causes: ClassVar[Mapping[str, str]] = {"CompletionException": "CompletionException"}

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        late_calls: bool = True,
        **options: Any,
    ) -> None:
        self._late_calls = late_calls
        super().__init__(generation, header, **options)

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        profiles = profiles_of(header) if header else dict(CATALOGUE)
        self._scales = scales(list(profiles.values()))
        # importing the module declares the rule that forgets slots
        assert self.model.settle is not None, f"{records.__name__} declares none"
        bounds = {"multis": 8, "slots": 16, "payloads": 8, "groups": 4, "physical_slots": 0}
        return {**bounds, "resources": max(2, len(self._scales))}, {
            "named_profiles": profiles,
            "owner_releases": int(header.config.get("owner_releases", True) if header else True),
            "map_order": MapOrder.OLDEST_FIRST,
            "late_calls": int(self._late_calls),
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        self._multis, self._slots, self._payloads, self._groups, self._tms, self._allocations = (
            NameTable(self.elastic, sort)
            for sort in (multis, slots, payloads, groups, task_managers, allocations)
        )
        self._profiles = ListedNames(self.instance.setting.choices["named_profiles"], "profile")
        self._requests: dict[int, str] = {}
        self._localities: dict[int, str] = {}
        return {
            "multi": self._multis,
            "single": self._slots,
            "payload": self._payloads,
            "group": self._groups,
            "tm": self._tms,
            "allocation": self._allocations,
            "profile": self._profiles,
        }

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; see :meth:`ModelOracle.step`."""
        expected = super().step(op, **arguments)
        if not self._late_calls:
            self._forget()
        return expected

    # ------------------------------------------------------------------------------ names

    def _forget(self) -> None:
        """Release the names of slots that the model has forgotten, and of payloads in no slot."""
        s = self.state
        for _, multi in self._multis.items():
            if s.multi[multi] == MultiTaskSlot.UNUSED:
                self._multis.release(multi)
        for _, slot in self._slots.items():
            if s.single[slot] == SingleTaskSlot.UNUSED:
                self._slots.release(slot)
        for _, payload in self._payloads.items():
            if s.payload[payload] == PayloadRun.RUNNING and payload not in s.payload_of:
                self._payloads.release(payload)

    def decode(self, argument: Argument, value: Any) -> int:
        if argument.kind == "multi":
            return self._multi(value)
        if argument.kind == "single":
            return self._single(value)
        if argument.name == "cause":
            return Cause.ABSENT if value is None else Cause[value.upper()]
        return super().decode(argument, value)

    def _new(self, table: NameTable, name: str) -> int:
        if name in self._multis or name in self._slots:
            raise InputError("TRC032", f"slot {name!r} exists; give each slot its own id")
        return table.decode(name)

    def _existing(self, name: str, table: NameTable, what: str) -> int:
        number = table.number(name)
        if number is None:
            raise InputError("TRC032", f"there is no {what} {name!r}; create it first")
        return number

    def _multi(self, name: str) -> int:
        return self._existing(name, self._multis, "multi-task slot")

    def _single(self, name: str) -> int:
        return self._existing(name, self._slots, "single-task slot")

    def _root(self, name: str) -> int:
        root = self._multi(name)
        if self.state.parent[root] != NONE:
            raise InputError("TRC032", f"slot {name!r} is not a root; only roots have a context")
        return root

    def _place(self, context: dict[str, Any]) -> tuple[int, int, int]:
        return (
            self._tms.decode(context["tm"]),
            self._allocations.decode(context["allocation"]),
            self._profiles.decode(context["profile"]),
        )

    # ------------------------------------------------------------------------- operations

    def _create_root_slot(
        self, slot: str, allocated_request: str, context: dict[str, Any] | None = None
    ) -> None:
        root = self._new(self._multis, slot)
        self._requests[root] = allocated_request
        self.run(operations.create_root_slot, root)
        if context is not None:
            self.run(operations.resolve_context, root, *self._place(context))

    def _resolve_context(self, slot: str, context: dict[str, Any]) -> bool:
        place = self._place(context)
        return self.run(operations.resolve_context, self._root(slot), *place) == 1

    def _fail_context(self, slot: str, cause: str) -> bool:
        return self.run(operations.fail_context, self._root(slot), Cause[cause.upper()]) == 1

    def _allocate_multi(self, parent: str, slot: str, group: str | None) -> None:
        above = self._multi(parent)
        below, number = self._new(self._multis, slot), self._groups.decode(group)
        self.run(operations.allocate_multi, above, below, number)
        self._drop_if_refused(self._multis, below)

    def _allocate_single(
        self, parent: str, slot: str, group: str | None, profile: str, locality: str
    ) -> None:
        above, wanted = self._multi(parent), self._profiles.decode(profile)
        below, number = self._new(self._slots, slot), self._groups.decode(group)
        self._localities[below] = locality
        self.run(operations.allocate_single, above, below, number, wanted)
        self._drop_if_refused(self._slots, below)

    def _drop_if_refused(self, table: NameTable, number: int) -> None:
        """A slot whose creation raised an exception does not exist."""
        if self._raises:
            table.release(number)

    def _release(self, slot: str, cause: str) -> None:
        why = Cause[cause.upper()]
        if slot in self._slots:
            self.run(operations.release_single, self._slots.decode(slot), why)
        else:
            self.run(operations.release_multi, self._multi(slot), why)

    def _assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        number, other = self._single(slot), self._payloads.decode(payload)
        if self.state.occupant[number] == Occupant.NOBODY and other in self.state.payload_of:
            raise InputError("TRC032", f"payload {payload!r} is in a slot; assign it to only one")
        return self.run(operations.assign_payload, number, other, Reaction[on_fail.upper()]) == 1

    def _contains_group(self, slot: str, group: str | None) -> bool:
        number = self._groups.decode(group)
        if slot in self._slots:
            return self.run(operations.contains_group_single, self._slots.decode(slot), number) == 1
        return self.run(operations.contains_group_multi, self._multi(slot), number) == 1

    def _get_unresolved_root(self, group: str | None) -> str | None:
        number = self._groups.decode(group)
        return self._multis.encode(self.run(operations.get_unresolved_root, number, NONE))

    def _list_resolved_roots(self, group: str | None) -> list[dict[str, Any]]:
        self.run(operations.list_resolved_roots, self._groups.decode(group))
        listed = [effect[1:4] for effect in self.state.effects if effect[0] == Effect.LISTED]
        return sorted(
            (self._listed(*root) for root in listed), key=lambda found: natural(found["allocation"])
        )

    def _contains_slot(self, slot: str) -> bool:
        if slot in self._slots:
            return self.run(operations.contains_single, self._slots.decode(slot)) == 1
        multi = self._multis.number(slot)
        return multi is not None and self.run(operations.contains_multi, multi) == 1

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        if kind == Effect.PAYLOAD_FAIL:
            payload = self._payloads.name(a)
            return {"effect": "payload.fail", "payload": payload, "cause": CLASSES[b]}
        if kind == Effect.RETURN_SLOT:
            return {"effect": "owner.return_slot", "slot": self._slots.name(a)}
        if kind == Effect.LOGICAL_SLOT_FULFILLED:
            return {
                "effect": "logical_slot.fulfilled",
                "slot": self._slots.name(a),
                "allocation": self._allocations.name(self.state.allocation[b]),
                "tm": self._tms.name(self.state.tm[b]),
                "locality": self._localities[a],
            }
        if kind == Effect.LOGICAL_SLOT_FAILED:
            slot = self._slots.name(a)
            return {"effect": "logical_slot.failed", "slot": slot, "error": CLASSES[b]}
        if kind == Effect.RELEASE_POOL_SLOT:
            request = self._requests[a]
            return {"effect": "pool.release_slot", "request": request, "cause": CLASSES[b]}
        return None

    def _listed(self, root: int, with_group: int, roots: int) -> dict[str, Any]:
        return {
            "allocation": self._allocations.name(self.state.allocation[root]),
            "tm": self._tms.name(self.state.tm[root]),
            "remaining": self._remaining(root),
            "utilization": with_group / roots,
        }

    def _amounts(self, numbers: list[int]) -> dict[str, Any]:
        """A scaled vector of resources as the amounts that traces have."""
        amounts = {
            name: number / scale if scale > 1 else number
            for (name, scale), number in zip(self._scales.items(), numbers, strict=True)
        }
        fixed: dict[str, Any] = {name: amounts.get(name, 0) for name in FIXED}
        fixed["cpu"] = float(fixed["cpu"])
        extended = {
            name.removeprefix("extended."): float(amount)
            for name, amount in amounts.items()
            if name.startswith("extended.") and amount
        }
        return {**fixed, "extended": extended}

    def _vector(self, multi: int) -> list[int]:
        width = len(self._scales)
        return [int(n) for n in self.state.reserved[multi * width : (multi + 1) * width]]

    def _reserved(self, multi: int) -> dict[str, Any] | str:
        special = SPECIAL.get(self.state.special[multi])
        return special or self._amounts(self._vector(multi))

    def _remaining(self, root: int) -> dict[str, Any] | str:
        s, width, profile = self.state, len(self._scales), self.state.profile[root]
        found = {s.specials[profile], s.special[root]}
        for special in (Special.ANY, Special.UNKNOWN):
            if special in found:
                return SPECIAL[special]
        have = s.amounts[profile * width : (profile + 1) * width]
        return self._amounts([a - b for a, b in zip(have, self._vector(root), strict=True)])

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        s = self.state
        registered: dict[str, dict[str, Any]] = {
            name: self._multi_state(multi)
            for name, multi in self._multis.items()
            if is_multi_registered(s, multi)
        }
        registered |= {
            name: self._single_state(slot)
            for name, slot in self._slots.items()
            if is_single_registered(s, slot)
        }
        resolved: dict[str, dict[str, str]] = {
            name: {} for name, tm in self._tms.items() if s.has_roots[tm]
        }
        for name, root in self._multis.items():
            if s.listing[root] == RootListing.RESOLVED:
                allocation = self._allocations.name(s.allocation[root])
                resolved[self._tms.name(s.tm[root])][allocation] = name
        return {
            "slots": {name: registered[name] for name in sorted(registered, key=natural)},
            "unresolved": [self._multis.name(r) for r in s.unresolved if r != NONE],
            "resolved": resolved,
        }

    def _multi_state(self, multi: int) -> dict[str, Any]:
        s = self.state
        parent, group = s.parent[multi], s.group[multi]
        children = {
            self._key(s.group[child]): name
            for name, child in self._multis.items()
            if s.multi_held[child] and s.parent[child] == multi
        }
        children |= {
            self._key(s.single_group[child]): name
            for name, child in self._slots.items()
            if s.single_held[child] and s.single_parent[child] == multi
        }
        return {
            "kind": "root" if parent == NONE else "multi",
            "group": None if group == NONE else self._key(group),
            "parent": self._multis.encode(parent),
            "children": {key: children[key] for key in sorted(children, key=natural)},
            "reserved": self._reserved(multi),
            "context": self._context(multi),
        }

    def _key(self, group: int) -> str:
        return "null" if group == NONE else self._groups.name(group)

    def _context(self, multi: int) -> str:
        s = self.state
        if s.context[multi] == SlotContextFuture.PENDING:
            return "pending"
        if s.context[multi] == SlotContextFuture.FAILED:
            return "failed"
        root = root_of(s, multi)
        return self._allocations.name(s.allocation[root])

    def _single_state(self, slot: int) -> dict[str, Any]:
        s = self.state
        group = s.single_group[slot]
        return {
            "kind": "single",
            "group": None if group == NONE else self._key(group),
            "profile": self._profiles.name(s.single_profile[slot]),
            "logical": self._logical(slot),
        }

    def _logical(self, slot: int) -> dict[str, Any] | str:
        s = self.state
        if s.future[slot] == LogicalSlotFuture.UNDECIDED:
            return "pending"
        if s.future[slot] == LogicalSlotFuture.FAILED:
            return "failed"
        payload: str | None = None
        if s.occupant[slot] == Occupant.STAND_IN:
            payload = STAND_IN
        elif s.payload_of[slot] != NONE:
            payload = self._payloads.name(s.payload_of[slot])
        return {
            "state": LogicalSlot.states[s.slot[slot]].name,
            "payload": payload,
            "released": RELEASED[s.released[slot]],
        }


ORACLE = SlotSharingOracle
"""The oracle that the registry finds."""
