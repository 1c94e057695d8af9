"""Reads the state of a real slot pool by reflection, in the form of traces."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_reflection import Reflection
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.slot_pool.flink_world import PoolWorld
from slotspec.oracle.traces.names import natural

POOL = f"{RUNTIME}.jobmaster.slotpool.SlotPoolImpl"
_NEVER = 2**63 - 1


class FlinkState:
    """Reads one pool.

    :param reflect: shared by all pools of the process.
    :param pool: a SlotPoolImpl.
    :param has_origin: whether requests remember their allocation (1.12 and later).
    """

    def __init__(
        self, reflect: Reflection, pool: Any, world: PoolWorld, *, has_origin: bool
    ) -> None:
        self._reflect = reflect
        self._world = world
        self._has_origin = has_origin
        self._pool = pool
        get = reflect.get
        self.registered = get(POOL, "registeredTaskManagers", pool)
        pending = get(POOL, "pendingRequests", pool)
        self._maps = str(pending.getClass().getName())
        self.pending = get(self._maps, "aMap", pending)
        self.waiting = get(POOL, "waitingForResourceManager", pool)
        allocated = get(POOL, "allocatedSlots", pool)
        self.index = get(f"{POOL}$AllocatedSlots", "allocatedSlotsByTaskManager", allocated)
        by_id = get(f"{POOL}$AllocatedSlots", "allocatedSlotsById", allocated)
        self.by_allocation = get(self._maps, "aMap", by_id)
        available = get(POOL, "availableSlots", pool)
        self.available = get(f"{POOL}$AvailableSlots", "availableSlots", available)

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        get, pool, world = self._reflect.get, self._pool, self._world
        held: dict[str, dict[str, Any]] = {}
        for entry in self.by_allocation.entrySet():
            pair = entry.getValue()
            held[world.allocations.symbol(entry.getKey())] = {
                "request": world.requests.symbol(pair.f0),
                **self._slot(pair.f1),
                "payload": bool(pair.f1.isUsed()),
            }
        available = {}
        for entry in self.available.entrySet():
            stamped = entry.getValue()
            available[world.allocations.symbol(entry.getKey())] = {
                **self._slot(stamped.slot()),
                "since": int(stamped.timestamp()),
            }
        state = {
            "started": get(POOL, "jobMasterId", pool) is not None,
            "connected": self.is_connected(),
            "task_managers": sorted(str(tm.getResourceIdString()) for tm in self.registered),
            "allocated": held,
            "available": {a: available[a] for a in sorted(available, key=natural)},
            "pending": [self._pending(entry.getValue()) for entry in self.pending.entrySet()],
            "waiting": [self._queued(request) for request in self.waiting.values()],
            "batch_timeout_check": self._batch_check(),
            "clock": world.timers.now,
        }
        leaked = self._leaked()
        if leaked:
            state["leaked"] = leaked
        return state

    def _batch_check(self) -> bool:
        if not self._has_origin:
            return True
        return bool(self._reflect.get(POOL, "batchSlotRequestTimeoutCheckEnabled", self._pool))

    def _slot(self, slot: Any) -> dict[str, Any]:
        return {
            "tm": str(slot.getTaskManagerId().getResourceIdString()),
            "index": int(slot.getPhysicalSlotNumber()),
            "profile": self._world.profile_names[slot.getResourceProfile()],
        }

    def _queued(self, request: Any) -> dict[str, Any]:
        since = int(self._reflect.get(f"{POOL}$PendingRequest", "unfillableSince", request))
        return {
            "request": self._world.requests.symbol(request.getSlotRequestId()),
            "profile": self._world.profile_names[request.getResourceProfile()],
            "batch": bool(request.isBatchRequest()),
            "unfulfillable_since": None if since == _NEVER else since,
        }

    def _pending(self, pair: Any) -> dict[str, Any]:
        queued = self._queued(pair.f1)
        symbol = self._world.allocations.symbol
        key = {"request": queued.pop("request"), "allocation": symbol(pair.f0)}
        if self._has_origin:
            key["origin"] = self._origin(pair.f1)
        return {**key, **queued}

    def _origin(self, request: Any) -> str | None:
        stored = self._reflect.get(f"{POOL}$PendingRequest", "allocationId", request)
        return None if stored is None else self._world.allocations.symbol(stored)

    def _leaked(self) -> list[dict[str, Any]]:
        found = []
        for slots in self.index.values():
            for slot in slots:
                entry = self.by_allocation.get(slot.getAllocationId())
                if entry is None or not entry.f1.equals(slot):
                    allocation = self._world.allocations.symbol(slot.getAllocationId())
                    payload = bool(slot.isUsed())
                    found.append({"allocation": allocation, **self._slot(slot), "payload": payload})
        return sorted(
            found, key=lambda leak: (natural(leak["allocation"]), *map(str, leak.values()))
        )

    def available_at(self, tm: str) -> int:
        """Number of available slots of a task manager."""
        slots = [stamped.slot() for stamped in self.available.values()]
        return sum(str(slot.getTaskManagerId().getResourceIdString()) == tm for slot in slots)

    def held_slot(self, allocation: Any) -> Any:
        """The AllocatedSlot in use under an allocation id, or None."""
        entry = self.by_allocation.get(allocation)
        return None if entry is None else entry.f1

    def queued_future(self, request: Any) -> Any:
        """The pool's own future of the latest request with this id."""
        if self.is_connected():
            return self.pending.get(request).f1.getAllocatedSlotFuture()
        return self.waiting.get(request).getAllocatedSlotFuture()

    def is_connected(self) -> bool:
        return self._reflect.get(POOL, "resourceManagerGateway", self._pool) is not None
