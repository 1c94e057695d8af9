"""Flink's own SlotSharingManager as a peer, with the logical slots that it makes.

Its tables are replaced by maps that remember the order of insertion, as for the recordings.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_payloads import CAUSES, Payloads, outcome
from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME, simple_name, unwrapped
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids
from slotspec.oracle.slot_sharing.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

POOL = f"{RUNTIME}.jobmaster.slotpool"
SHARING = f"{POOL}.SlotSharingManager"
LOGICAL = f"{POOL}.SingleLogicalSlot"
MULTI = f"{SHARING}$MultiTaskSlot"
SINGLE = f"{SHARING}$SingleTaskSlot"
ARBITRARY = ("payload.fail", "logical_slot.fulfilled", "logical_slot.failed")
"""Effects on the children of one slot, whose order depends on hashing."""


class SlotSharingPeer(FlinkPeer):
    """Runs one SlotSharingManager at a time."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._linked_map = self.java("java.util.LinkedHashMap")
        self._future = self.java("java.util.concurrent.CompletableFuture")
        self._group_id = self.java("org.apache.flink.util.AbstractID")
        self._request_id = self.java(f"{RUNTIME}.jobmaster.SlotRequestId")
        self._allocation_id = self.java(f"{RUNTIME}.clusterframework.types.AllocationID")
        self._locality = self.java(f"{RUNTIME}.jobmanager.scheduler.Locality")

    # ------------------------------------------------------------------------------ making

    def make(self, header: TraceHeader) -> None:
        self.world = FlinkWorld(self.jpype, self.profiles)
        self._ids = Ids(self._request_id)
        self._requests = Ids(self._request_id)
        self._groups = Ids(self._group_id)
        self._allocations = Ids(self._allocation_id)
        self._payloads = Payloads(self.world, lambda payload, reaction: None)
        self._slots: dict[str, Any] = {}
        self._contexts: dict[str, Any] = {}
        self._places: dict[Any, dict[str, Any]] = {}
        pool = self.world.proxy(
            f"{RUNTIME}.jobmaster.slotpool.AllocatedSlotActions",
            releaseSlot=lambda request, cause: self.world.effect(
                "pool.release_slot",
                request=self._requests.symbol(request),
                cause=simple_name(unwrapped(cause)),
            ),
        )
        owner = self.world.proxy(
            f"{RUNTIME}.jobmaster.SlotOwner", returnLogicalSlot=self._take_back
        )
        group = self.java(f"{RUNTIME}.instance.SlotSharingGroupId")()
        self._manager = self.reflect.new(SHARING, group, pool, owner)
        for name in ("allTaskSlots", "unresolvedRootSlots", "resolvedRootSlots"):
            self.reflect.set(SHARING, name, self._manager, self._linked_map())
        self._all = self.reflect.get(SHARING, "allTaskSlots", self._manager)
        self._unresolved = self.reflect.get(SHARING, "unresolvedRootSlots", self._manager)
        self._resolved = self.reflect.get(SHARING, "resolvedRootSlots", self._manager)

    def _take_back(self, logical: Any) -> None:
        """The owner of a logical slot, to whom it returns."""
        id_ = logical.getSlotRequestId()
        self.world.effect("owner.return_slot", slot=self._ids.symbol(id_))
        slot = self._all.get(id_)
        if slot is not None and self.header.config["owner_releases"]:
            slot.release(self.values.cause(("FlinkException",)))

    def settle(self) -> None:
        super().settle()
        for entry in self._resolved.entrySet():
            # the manager makes a hash map for each new task manager
            if not isinstance(entry.getValue(), self._linked_map):
                entry.setValue(self._linked_map(entry.getValue()))
        begin = 0
        for kind, run in groupby(list(self.world.effects), lambda effect: effect["effect"]):
            end = begin + len(list(run))
            if kind in ARBITRARY:
                self.world.sort_effects(begin, end, _subject)
            begin = end

    def _context(self, place: dict[str, Any]) -> Any:
        allocation = self._allocations.id(place["allocation"])
        location = self.values.tm_location(place["tm"], "host")
        profile = self.profiles[place["profile"]] if "profile" in place else None
        context = self.world.proxy(
            f"{RUNTIME}.jobmaster.SlotContext",
            getAllocationId=lambda: allocation,
            getTaskManagerLocation=lambda: location,
            getTaskManagerGateway=lambda: None,
            getPhysicalSlotNumber=lambda: place.get("index", 0),
            getResourceProfile=lambda: profile,
            willBeOccupiedIndefinitely=lambda: True,
        )
        self._places[context] = place
        return context

    def _group(self, group: str | None) -> Any:
        return None if group is None else self._groups.id(group)

    # -------------------------------------------------------------------------------- tree

    def _create_root_slot(
        self, slot: str, allocated_request: str, context: dict[str, Any] | None = None
    ) -> None:
        future = self._contexts[slot] = self._future()
        if context is not None:
            future.complete(self._context(context))
        ids = self._ids.id(slot), self._requests.id(allocated_request)
        made = self.reflect.call(SHARING, "createRootSlot", self._manager, ids[0], future, ids[1])
        self._slots[slot] = made

    def _resolve_context(self, slot: str, context: dict[str, Any]) -> bool:
        return bool(self._contexts[slot].complete(self._context(context)))

    def _fail_context(self, slot: str, cause: str) -> bool:
        error = self.values.cause((CAUSES[cause],))
        return bool(self._contexts[slot].completeExceptionally(error))

    def _allocate_multi(self, parent: str, slot: str, group: str | None) -> None:
        given = self._ids.id(slot), self._group(group)
        above = self._slots[parent]
        self._slots[slot] = self.reflect.call(MULTI, "allocateMultiTaskSlot", above, *given)

    def _allocate_single(
        self, parent: str, slot: str, group: str | None, profile: str, locality: str
    ) -> None:
        made = self.reflect.call(
            MULTI,
            "allocateSingleTaskSlot",
            self._slots[parent],
            self._ids.id(slot),
            self.profiles[profile],
            self._group(group),
            self._locality.valueOf(locality),
        )
        self._slots[slot] = made

        def decided(logical: Any, error: Any) -> None:
            if error is not None:
                name = simple_name(unwrapped(error))
                self.world.effect("logical_slot.failed", slot=slot, error=name)
                return
            self.world.effect(
                "logical_slot.fulfilled",
                slot=slot,
                allocation=self._allocations.symbol(logical.getAllocationId()),
                tm=_resource_id(logical.getTaskManagerLocation()),
                locality=str(logical.getLocality()),
            )

        listener = self.world.proxy("java.util.function.BiConsumer", accept=decided)
        self.reflect.call(SINGLE, "getLogicalSlotFuture", made).whenComplete(listener)

    def _release(self, slot: str, cause: str) -> None:
        self._slots[slot].release(self.values.cause((CAUSES[cause],)))

    # ----------------------------------------------------------------------- logical slots

    def _logical(self, slot: str) -> Any:
        """The logical slot of a single one; None if it is undecided or failed."""
        future = self.reflect.get(SINGLE, "singleLogicalSlotFuture", self._slots[slot])
        return None if future.isCompletedExceptionally() else future.getNow(None)

    def _assign_payload(self, slot: str, payload: str, on_fail: str) -> bool:
        logical = self._logical(slot)
        made = self._payloads.make(payload, on_fail)
        return logical is not None and bool(logical.tryAssignPayload(made))

    def _release_logical_slot(self, slot: str, cause: str | None) -> None:
        logical = self._logical(slot)
        if logical is not None:
            logical.releaseSlot(None if cause is None else self.values.cause((CAUSES[cause],)))

    def _payload_terminates(self, payload: str) -> bool:
        return self._payloads.terminates(payload)

    # ----------------------------------------------------------------------------- queries

    def _contains_group(self, slot: str, group: str | None) -> bool:
        return bool(self._slots[slot].contains(self._group(group)))

    def _get_unresolved_root(self, group: str | None) -> str | None:
        given = self._group(group)
        return self._name(self.reflect.call(SHARING, "getUnresolvedRootSlot", self._manager, given))

    def _name(self, slot: Any) -> str | None:
        return None if slot is None else self._ids.symbol(slot.getSlotRequestId())

    def _list_resolved_roots(self, group: str | None) -> list[dict[str, Any]]:
        listed = [
            {
                "allocation": self._places[found.getSlotInfo()]["allocation"],
                "tm": self._places[found.getSlotInfo()]["tm"],
                "remaining": self.values.amounts(found.getRemainingResources()),
                "utilization": float(found.getTaskExecutorUtilization()),
            }
            for found in self._manager.listResolvedRootSlotInfo(self._group(group))
        ]
        return sorted(listed, key=lambda root: natural(str(root["allocation"])))

    def _get_resolved_root(self, tm: str, allocation: str) -> str | None:
        place = self._context({"tm": tm, "allocation": allocation})
        return self._name(self._manager.getResolvedRootSlot(place))

    def _may_have_enough_resources(self, slot: str, profile: str) -> bool:
        given = self._slots[slot], self.profiles[profile]
        return bool(self.reflect.call(MULTI, "mayHaveEnoughResourcesToFulfill", *given))

    def _contains_slot(self, slot: str) -> bool:
        return bool(self._manager.contains(self._ids.id(slot)))

    def _is_empty(self) -> bool:
        return bool(self._manager.isEmpty())

    # ------------------------------------------------------------------------------- state

    def snapshot(self) -> dict[str, Any]:
        registered = {
            self._ids.symbol(entry.getKey()): entry.getValue() for entry in self._all.entrySet()
        }
        return {
            "slots": {
                name: self._state(registered[name]) for name in sorted(registered, key=natural)
            },
            "unresolved": [self._name(root) for root in self._unresolved.values()],
            "resolved": {
                _resource_id(entry.getKey()): {
                    self._allocations.symbol(root.getKey()): self._name(root.getValue())
                    for root in entry.getValue().entrySet()
                }
                for entry in self._resolved.entrySet()
            },
        }

    def _state(self, slot: Any) -> dict[str, Any]:
        group = slot.getGroupId()
        state: dict[str, Any] = {"group": self._groups.symbol_or_none(group)}
        if str(slot.getClass().getName()) == SINGLE:
            get = self.reflect.get
            profile = self.world.profile_names[get(SINGLE, "resourceProfile", slot)]
            future = get(SINGLE, "singleLogicalSlotFuture", slot)
            return {"kind": "single", **state, "profile": profile, "logical": self._decided(future)}
        parent = self.reflect.get(MULTI, "parent", slot)
        children = {
            self._groups.symbol_or_none(entry.getKey()) or "null": self._name(entry.getValue())
            for entry in self.reflect.get(MULTI, "children", slot).entrySet()
        }
        context = self.reflect.get(MULTI, "slotContextFuture", slot)
        how = outcome(context)
        return {
            "kind": "root" if parent is None else "multi",
            **state,
            "parent": self._name(parent),
            "children": {key: children[key] for key in sorted(children, key=natural)},
            "reserved": self.values.amounts(slot.getReservedResources()),
            "context": self._places[context.getNow(None)]["allocation"] if how == "done" else how,
        }

    def _decided(self, future: Any) -> dict[str, Any] | str:
        if (how := outcome(future)) != "done":
            return how
        logical = future.getNow(None)
        return {
            "state": str(self.reflect.get(LOGICAL, "state", logical)),
            "payload": self._payloads.name(logical.getPayload()),
            "released": outcome(self.reflect.get(LOGICAL, "releaseFuture", logical)),
        }


def _subject(effect: dict[str, Any]) -> Any:
    return natural(str(effect.get("slot") or effect.get("payload")))


def _resource_id(location: Any) -> str:
    return str(location.getResourceID().getResourceIdString())


PEER = SlotSharingPeer
