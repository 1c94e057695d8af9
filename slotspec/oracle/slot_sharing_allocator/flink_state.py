"""Reads the state of a real slot sharing allocator by reflection, in the form of traces."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_payloads import outcome
from slotspec.oracle.peers.flink_values import RUNTIME

_SCHEDULER = f"{RUNTIME}.scheduler"
_ALLOCATOR = f"{_SCHEDULER}.SlotSharingExecutionSlotAllocator"
_SHARED = f"{_SCHEDULER}.SharedSlot"
_BULK = f"{_SCHEDULER}.SharingPhysicalSlotRequestBulk"
_POOL = f"{RUNTIME}.jobmaster.slotpool"
_CHECKED = f"{_POOL}.PhysicalSlotRequestBulkWithTimestamp"
_NEVER = 2**63 - 1


class AllocatorState:
    """Reads one allocator.

    :param peer: has the names, the pool and the world.
    """

    def __init__(self, peer: Any, allocator: Any) -> None:
        self._peer = peer
        self._get = peer.reflect.get
        self._shared = self._get(_ALLOCATOR, "sharedSlots", allocator)
        self._bulks: list[Any] = []

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        peer = self._peer
        shared = {
            peer.group_name(entry.getKey()): self._shared_slot(entry.getValue())
            for entry in self._shared.entrySet()
        }
        return {
            "shared": shared,
            "logical": self._logical(),
            "bulks": self._checked(),
            "pool": self._pool(),
            "clock": peer.world.timers.now,
        }

    def _shared_slot(self, slot: Any) -> dict[str, Any]:
        get, pool = self._get, self._peer.pool
        physical = get(_SHARED, "slotContextFuture", slot)
        how = outcome(physical)
        if how == "done":
            how = pool.allocations.symbol(physical.getNow(None).getAllocationId())
        table = get(_SHARED, "requestedLogicalSlots", slot)
        asked = []
        for entry in get(str(table.getClass().getName()), "aMap", table).entrySet():
            request, future = entry.getValue().f0, entry.getValue().f1
            state = outcome(future)
            vertex = self._peer.vertex(entry.getKey())
            if state == "done":
                self._peer.keep(future.getNow(None), vertex)
            asked.append([vertex, pool.request_name(request), state])
        return {
            "request": pool.request_name(get(_SHARED, "physicalSlotRequestId", slot)),
            "profile": pool.shown(get(_SHARED, "physicalSlotResourceProfile", slot)),
            "physical": how,
            "logical": asked,
        }

    def _logical(self) -> dict[str, Any]:
        found = {}
        owner = f"{_POOL}.SingleLogicalSlot"
        for name, slot in self._peer.logical.items():
            state = str(self._get(owner, "state", slot))
            if state != "RELEASED":
                found[name] = {
                    "vertex": self._peer.vertex_of[name],
                    "allocation": self._peer.pool.allocations.symbol(slot.getAllocationId()),
                    "state": state,
                    "payload": self._peer.payloads.name(slot.getPayload()),
                }
        return found

    # ------------------------------------------------------------------------------- bulks

    def _checked(self) -> list[dict[str, Any]]:
        """The bulks with a scheduled check, which holds the bulk."""
        held = [
            (timer.due, self._captured(timer.task)) for timer in self._peer.world.timers.waiting
        ]
        for _, bulk in held:
            if not any(known.equals(bulk) for known in self._bulks):
                self._bulks.append(bulk)
        return [self._bulk(due, bulk) for due, bulk in sorted(held, key=lambda pair: pair[0])]

    def _captured(self, task: Any) -> Any:
        """The bulk that the task of a check has captured."""
        for field in task.getClass().getDeclaredFields():
            field.setAccessible(True)
            value = field.get(task)
            if str(value.getClass().getName()) == _CHECKED:
                return value
        raise LookupError(str(task))

    def _bulk(self, due: int, checked: Any) -> dict[str, Any]:
        get, peer = self._get, self._peer
        since = int(get(_CHECKED, "unfulfillableTimestamp", checked))
        bulk = get(_CHECKED, "physicalSlotRequestBulk", checked)
        number = next(n for n, known in enumerate(self._bulks, 1) if known.equals(checked))
        return {
            "bulk": f"b{number}",
            "due": due,
            "unfulfillable_since": None if since == _NEVER else since,
            "executions": [
                [peer.group_name(entry.getKey()), [peer.vertex(v) for v in entry.getValue()]]
                for entry in get(_BULK, "executions", bulk).entrySet()
            ],
            "pending": [
                [peer.group_name(entry.getKey()), peer.pool.shown(entry.getValue())]
                for entry in get(_BULK, "pendingRequests", bulk).entrySet()
            ],
            "fulfilled": [
                [
                    peer.group_name(entry.getKey()),
                    peer.pool.allocations.symbol(entry.getValue()),
                ]
                for entry in get(_BULK, "fulfilledRequests", bulk).entrySet()
            ],
        }

    # -------------------------------------------------------------------------------- pool

    def _pool(self) -> dict[str, Any]:
        pool = self._peer.pool
        return {
            "mode": pool.mode,
            "slots": {name: self._slot(slot) for name, slot in pool.slots.items()},
            "free": list(pool.free),
            "pending": [[name, pool.shown(profile)] for name, (_, profile) in pool.pending.items()],
            "taken": dict(pool.taken),
        }

    def _slot(self, slot: Any) -> dict[str, Any]:
        payload = self._get(f"{_POOL}.AllocatedSlot", "payloadReference", slot).get()
        kind = None
        if payload is not None:
            kind = "shared" if hasattr(payload, "getClass") else "foreign"
        return {
            "tm": str(slot.getTaskManagerId().getResourceIdString()),
            "profile": self._peer.pool.shown(slot.getResourceProfile()),
            "payload": kind,
        }
