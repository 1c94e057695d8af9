"""The reference oracle of slot sharing: what SlotSharingManager does, step by step.

It decodes the arguments of an operation, runs the model's own rule, and encodes what the
rule emitted, returned and changed. No rule of the protocol stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, ClassVar

from slotspec.models.common.resource_profile import ResourceProfile
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
from slotspec.oracle.slot_pool.adapter import profiles_of
from slotspec.oracle.slot_sharing.schema import SCHEMA
from slotspec.oracle.traces.names import Names, natural
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE, Listener
from slotspec.statemachine.errors import InputError

CAUSES = {
    "other": Cause.OTHER,
    "flink": Cause.FLINK,
    "timeout": Cause.TIMEOUT,
    None: Cause.ABSENT,
}
CLASSES: Mapping[int, str | None] = {
    Cause.OTHER: "RuntimeException",
    Cause.FLINK: "FlinkException",
    Cause.TIMEOUT: "TimeoutException",
    Cause.ILLEGAL_STATE: "IllegalStateException",
    Cause.ABSENT: None,
}
"""Causes, with the class that others get to see."""
REACTIONS = {"nothing": Reaction.NOTHING, "terminate": Reaction.TERMINATE}
RELEASED: Mapping[int, str] = {ReleaseFuture.PENDING: "pending", ReleaseFuture.DONE: "done"}
SPECIAL: Mapping[int, str] = {Special.ANY: "ANY", Special.UNKNOWN: "UNKNOWN"}
STAND_IN = "terminated"


class SlotSharingOracle(ModelOracle):
    """Says what a slot sharing manager of one generation does with each operation.

    :param generation: ``1.11`` or ``1.12``.
    :param header: profiles and configuration of a recording; without one, the profiles
        ``small``, ``large``, ``unknown``, ``tall``, ``any``, and an owner that releases.
    :param late_calls: a slot can be called for ever, also when it has left all tables, so its
        number is not used again. Without late calls it is, as soon as the slot is over.
    :param replace: rules of the model to be replaced (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: told of every lifecycle event that the rules fire.
    """

    schema = SCHEMA
    raises_effect = Effect.RAISES
    any_order_effect = Effect.ANY_ORDER
    raised: ClassVar[Mapping[int, str]] = {
        Raised.ILLEGAL_STATE: "IllegalStateException",
        Raised.ILLEGAL_ARGUMENT: "IllegalArgumentException",
        Raised.COMPLETION: "CompletionException",
    }

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        late_calls: bool = True,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        named: dict[str, ResourceProfile] = profiles_of(header) if header else dict(CATALOGUE)
        releases = header.config.get("owner_releases", True) if header else True
        self._scales = scales(list(named.values()))
        instance = slot_sharing.instance(
            {
                "multis": 8,
                "slots": 16,
                "payloads": 8,
                "groups": 4,
                "physical_slots": 0,
                "resources": max(2, len(self._scales)),
            },
            generation=generation,
            choices={
                "named_profiles": named,
                "owner_releases": int(releases),
                "map_order": MapOrder.OLDEST_FIRST,
                "late_calls": int(late_calls),
                **(choices or {}),
            },
            replace=replace,
        )
        # the rule that forgets slots is declared apart from the operations
        assert instance.model.settle is not None, f"{records.__name__} declares none"
        super().__init__(generation, instance, listener)
        self._names = {
            sort: Names() for sort in (multis, slots, payloads, groups, task_managers, allocations)
        }
        self._profiles = Names(list(named))
        self._requests: dict[int, str] = {}
        self._localities: dict[int, str] = {}
        self._late_calls = late_calls

    def step(self, op: str, **arguments: Any) -> Expected:
        """As every oracle's; an exception of a failed future brings its cause."""
        expected = super().step(op, **arguments)
        if not self._late_calls:
            self._forget()
        if expected.raises == self.raised[Raised.COMPLETION]:
            # the future fails with one, and joining it wraps that in another
            expected.raises_cause = expected.raises
        return expected

    # ------------------------------------------------------------------------------ names

    def _number(self, sort: Sort, name: str | None) -> int:
        """The number of a name; a new name gets the next one."""
        if name is None:
            return NONE
        number = self._names[sort].number(name)
        return self._bind(sort, name) if number is None else number

    def _bind(self, sort: Sort, name: str) -> int:
        number = self._free_number(sort)
        if number >= self.elastic.size(sort):
            self.elastic.grow(sort, 2 * number)
        self._names[sort].bind(name, number)
        return number

    def _free_number(self, sort: Sort) -> int:
        names = self._names[sort]
        if self._late_calls:
            return len(names)
        return next(number for number in count() if not names.is_bound(number))

    def _forget(self) -> None:
        """Forget the names of slots that the model has forgotten, and of payloads in none."""
        s = self.state
        for _, multi in self._names[multis].items():
            if s.multi[multi] == MultiTaskSlot.UNUSED:
                self._names[multis].release(multi)
        for _, slot in self._names[slots].items():
            if s.single[slot] == SingleTaskSlot.UNUSED:
                self._names[slots].release(slot)
        for _, payload in self._names[payloads].items():
            if s.payload[payload] == PayloadRun.RUNNING and payload not in s.payload_of:
                self._names[payloads].release(payload)

    def _new(self, sort: Sort, name: str) -> int:
        if name in self._names[multis] or name in self._names[slots]:
            raise InputError("TRC032", f"slot {name!r} exists; give each slot an id of its own")
        return self._bind(sort, name)

    def _slot(self, name: str, sort: Sort, what: str) -> int:
        number = self._names[sort].number(name)
        if number is None:
            raise InputError("TRC032", f"there is no {what} {name!r}; create it before")
        return number

    def _multi(self, name: str) -> int:
        return self._slot(name, multis, "multi-task slot")

    def _root(self, name: str) -> int:
        root = self._multi(name)
        if self.state.parent[root] != NONE:
            raise InputError("TRC032", f"slot {name!r} is no root; only roots have a context")
        return root

    def _single(self, name: str) -> int:
        return self._slot(name, slots, "single-task slot")

    def _profile(self, name: str) -> int:
        number = self._profiles.number(name)
        if number is None:
            raise InputError("TRC031", f"the header lists no profile {name!r}; add it there")
        return number

    def _place(self, context: dict[str, Any]) -> tuple[int, int, int]:
        return (
            self._number(task_managers, context["tm"]),
            self._number(allocations, context["allocation"]),
            self._profile(context["profile"]),
        )

    # ------------------------------------------------------------------------- operations

    def _create_root_slot(
        self, slot: str, allocated_request: str, context: dict[str, Any] | None = None
    ) -> None:
        root = self._new(multis, slot)
        self._requests[root] = allocated_request
        self._run(operations.create_root_slot, root)
        if context is not None:
            self._run(operations.resolve_context, root, *self._place(context))

    def _resolve_context(self, slot: str, context: dict[str, Any]) -> bool:
        place = self._place(context)
        return self._run(operations.resolve_context, self._root(slot), *place) == 1

    def _fail_context(self, slot: str, cause: str) -> bool:
        return self._run(operations.fail_context, self._root(slot), CAUSES[cause]) == 1

    def _allocate_multi(self, parent: str, slot: str, group: str | None) -> None:
        above = self._multi(parent)
        below, number = self._new(multis, slot), self._number(groups, group)
        self._run(operations.allocate_multi, above, below, number)
        self._drop_if_refused(multis, below)

    def _allocate_single(
        self, parent: str, slot: str, group: str | None, profile: str, locality: str
    ) -> None:
        above, wanted = self._multi(parent), self._profile(profile)
        below, number = self._new(slots, slot), self._number(groups, group)
        self._localities[below] = locality
        self._run(operations.allocate_single, above, below, number, wanted)
        self._drop_if_refused(slots, below)

    def _drop_if_refused(self, sort: Sort, number: int) -> None:
        """A slot that an exception has kept from being is none."""
        if self._raises:
            self._names[sort].release(number)

    def _release(self, slot: str, cause: str) -> None:
        if slot in self._names[slots]:
            self._run(operations.release_single, self._single(slot), CAUSES[cause])
        else:
            self._run(operations.release_multi, self._multi(slot), CAUSES[cause])

    def _assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        number, other = self._single(slot), self._number(payloads, payload)
        if self.state.occupant[number] == Occupant.NOBODY and other in self.state.payload_of:
            raise InputError("TRC032", f"payload {payload!r} is in a slot; assign it to one only")
        return self._run(operations.assign_payload, number, other, REACTIONS[on_fail]) == 1

    def _release_logical_slot(self, slot: str, cause: str | None) -> None:
        self._run(operations.release_logical_slot, self._single(slot), CAUSES[cause])

    def _payload_terminates(self, payload: str) -> bool:
        number = self._number(payloads, payload)
        return self._run(operations.payload_terminates, number) == 1

    def _contains_group(self, slot: str, group: str | None) -> bool:
        number = self._number(groups, group)
        if slot in self._names[slots]:
            return self._run(operations.contains_group_single, self._single(slot), number) == 1
        return self._run(operations.contains_group_multi, self._multi(slot), number) == 1

    def _get_unresolved_root(self, group: str | None) -> str | None:
        number = self._number(groups, group)
        return self._root_name(self._run(operations.get_unresolved_root, number, NONE))

    def _list_resolved_roots(self, group: str | None) -> list[dict[str, Any]]:
        self._run(operations.list_resolved_roots, self._number(groups, group))
        listed = [effect[1:4] for effect in self.state.effects if effect[0] == Effect.LISTED]
        return sorted(
            (self._listed(*root) for root in listed), key=lambda found: natural(found["allocation"])
        )

    def _get_resolved_root(self, tm: str, allocation: str) -> str | None:
        place = self._number(task_managers, tm), self._number(allocations, allocation)
        return self._root_name(self._run(operations.get_resolved_root, *place))

    def _may_have_enough_resources(self, slot: str, profile: str) -> bool:
        multi, wanted = self._multi(slot), self._profile(profile)
        return self._run(operations.may_have_enough_resources, multi, wanted) == 1

    def _contains_slot(self, slot: str) -> bool:
        if slot in self._names[slots]:
            return self._run(operations.contains_single, self._single(slot)) == 1
        multi = self._names[multis].number(slot)
        return multi is not None and self._run(operations.contains_multi, multi) == 1

    def _is_empty(self) -> bool:
        return self._run(operations.is_empty) == 1

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        if kind == Effect.PAYLOAD_FAIL:
            payload = self._names[payloads].name(a)
            return {"effect": "payload.fail", "payload": payload, "cause": CLASSES[b]}
        if kind == Effect.RETURN_SLOT:
            return {"effect": "owner.return_slot", "slot": self._names[slots].name(a)}
        if kind == Effect.LOGICAL_SLOT_FULFILLED:
            return {
                "effect": "logical_slot.fulfilled",
                "slot": self._names[slots].name(a),
                "allocation": self._names[allocations].name(self.state.allocation[b]),
                "tm": self._names[task_managers].name(self.state.tm[b]),
                "locality": self._localities[a],
            }
        if kind == Effect.LOGICAL_SLOT_FAILED:
            slot = self._names[slots].name(a)
            return {"effect": "logical_slot.failed", "slot": slot, "error": CLASSES[b]}
        if kind == Effect.RELEASE_POOL_SLOT:
            request = self._requests[a]
            return {"effect": "pool.release_slot", "request": request, "cause": CLASSES[b]}
        return None

    def _root_name(self, root: int) -> str | None:
        return None if root == NONE else self._names[multis].name(root)

    def _listed(self, root: int, with_group: int, roots: int) -> dict[str, Any]:
        return {
            "allocation": self._names[allocations].name(self.state.allocation[root]),
            "tm": self._names[task_managers].name(self.state.tm[root]),
            "remaining": self._remaining(root),
            "utilization": with_group / roots,
        }

    def _amounts(self, numbers: list[int]) -> dict[str, Any]:
        """A vector of resources, scaled back, as traces have it."""
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
            for name, multi in self._names[multis].items()
            if is_multi_registered(s, multi)
        }
        registered |= {
            name: self._single_state(slot)
            for name, slot in self._names[slots].items()
            if is_single_registered(s, slot)
        }
        resolved: dict[str, dict[str, str]] = {
            name: {} for name, tm in self._names[task_managers].items() if s.has_roots[tm]
        }
        for name, root in self._names[multis].items():
            if s.listing[root] == RootListing.RESOLVED:
                allocation = self._names[allocations].name(s.allocation[root])
                resolved[self._names[task_managers].name(s.tm[root])][allocation] = name
        return {
            "slots": {name: registered[name] for name in sorted(registered, key=natural)},
            "unresolved": [self._names[multis].name(r) for r in s.unresolved if r != NONE],
            "resolved": resolved,
        }

    def _multi_state(self, multi: int) -> dict[str, Any]:
        s = self.state
        parent, group = s.parent[multi], s.group[multi]
        children = {
            self._key(s.group[child]): name
            for name, child in self._names[multis].items()
            if s.multi_held[child] and s.parent[child] == multi
        }
        children |= {
            self._key(s.single_group[child]): name
            for name, child in self._names[slots].items()
            if s.single_held[child] and s.single_parent[child] == multi
        }
        return {
            "kind": "root" if parent == NONE else "multi",
            "group": None if group == NONE else self._key(group),
            "parent": self._root_name(parent),
            "children": {key: children[key] for key in sorted(children, key=natural)},
            "reserved": self._reserved(multi),
            "context": self._context(multi),
        }

    def _key(self, group: int) -> str:
        return "null" if group == NONE else self._names[groups].name(group)

    def _context(self, multi: int) -> str:
        s = self.state
        if s.context[multi] == SlotContextFuture.PENDING:
            return "pending"
        if s.context[multi] == SlotContextFuture.FAILED:
            return "failed"
        root = root_of(s, multi)
        return self._names[allocations].name(s.allocation[root])

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
            payload = self._names[payloads].name(s.payload_of[slot])
        return {
            "state": LogicalSlot.states[s.slot[slot]].name,
            "payload": payload,
            "released": RELEASED[s.released[slot]],
        }


ORACLE = SlotSharingOracle
"""What the registry finds."""
