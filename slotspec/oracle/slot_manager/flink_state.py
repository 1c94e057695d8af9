"""Reads the state of a real slot manager by reflection, in the form of traces."""

from __future__ import annotations

from typing import Any, Protocol

from slotspec.oracle.peers.flink_reflection import Reflection
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids

_PACKAGE = f"{RUNTIME}.resourcemanager.slotmanager"
MANAGER = f"{_PACKAGE}.SlotManagerImpl"
REGISTRATION = f"{_PACKAGE}.TaskManagerRegistration"
_SLOT = f"{_PACKAGE}.TaskManagerSlot"
_REQUEST = f"{_PACKAGE}.PendingSlotRequest"
_PENDING = f"{_PACKAGE}.PendingTaskManagerSlot"
_NEVER = 2**63 - 1


class Names(Protocol):
    """The names of ids, and the world of a sequence."""

    world: FlinkWorld
    allocations: Ids
    jobs: Ids
    instances: Ids
    slots: Ids


class SlotManagerState:
    """Reads one manager.

    :param reflect: shared by all managers of the process.
    """

    def __init__(self, reflect: Reflection, manager: Any, names: Names) -> None:
        self._get = get = reflect.get
        self._manager = manager
        self._names = names
        self.slots = get(MANAGER, "slots", manager)
        self.registrations = get(MANAGER, "taskManagerRegistrations", manager)
        self._free = get(MANAGER, "freeSlots", manager)
        self._requests = get(MANAGER, "pendingSlotRequests", manager)
        self._pending = get(MANAGER, "pendingSlots", manager)
        self._fulfilled = get(MANAGER, "fulfilledSlotRequests", manager)
        self._calls: dict[Any, str] = {}
        self._pending_names: dict[Any, str] = {}

    def name_call(self, slot: Any, call: str) -> None:
        """Remember for which call the request of a slot waits."""
        request = self._get(_SLOT, "assignedSlotRequest", self.slots.get(slot))
        self._calls[self._get(_REQUEST, "requestFuture", request)] = call

    def name_pending_slots(self) -> None:
        """Give new pending slots the next names."""
        for slot in self._pending.values():
            if slot not in self._pending_names:
                self._pending_names[slot] = f"p{len(self._pending_names) + 1}"

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        self.name_pending_slots()
        names, timers = self._names, self._names.world.timers
        return {
            "started": bool(self._get(MANAGER, "started", self._manager)),
            "slots": {
                names.slots.symbol(entry.getKey()): self._slot(entry.getValue())
                for entry in self.slots.entrySet()
            },
            "free_slots": [names.slots.symbol(slot) for slot in self._free.keySet()],
            "registrations": {
                names.instances.symbol(entry.getKey()): self._registration(entry.getValue())
                for entry in self.registrations.entrySet()
            },
            "requests": {
                names.allocations.symbol(entry.getKey()): self._request(entry.getValue())
                for entry in self._requests.entrySet()
            },
            "pending_slots": {
                self._pending_names[slot]: self._request_of(slot, _PENDING, "pendingSlotRequest")
                for slot in self._pending.values()
            },
            "fulfilled": {
                names.allocations.symbol(entry.getKey()): names.slots.symbol(entry.getValue())
                for entry in self._fulfilled.entrySet()
            },
            "fail_unfulfillable": bool(
                self._get(MANAGER, "failUnfulfillableRequest", self._manager)
            ),
            "checks": [timer.due for timer in timers.waiting],
            "queued": len(timers.soon),
            "clock": timers.now,
        }

    def _slot(self, slot: Any) -> dict[str, Any]:
        names = self._names
        return {
            "instance": names.instances.symbol(slot.getTaskManagerConnection().getInstanceID()),
            "profile": names.world.profile_names[slot.getResourceProfile()],
            "state": str(slot.getState()),
            "allocation": names.allocations.symbol_or_none(slot.getAllocationId()),
            "job": names.jobs.symbol_or_none(slot.getJobId()),
            "request": self._request_of(slot, _SLOT, "assignedSlotRequest"),
        }

    def _request_of(self, slot: Any, owner: str, field: str) -> dict[str, Any] | None:
        request = self._get(owner, field, slot)
        if request is None:
            return None
        allocation = request.getAllocationId()
        entry = self._requests.get(allocation)
        return {
            "allocation": self._names.allocations.symbol(allocation),
            "registered": entry is not None and bool(entry.equals(request)),
        }

    def _registration(self, registration: Any) -> dict[str, Any]:
        since = int(self._get(REGISTRATION, "idleSince", registration))
        slots = self._get(REGISTRATION, "slots", registration)
        return {
            "slots": [self._names.slots.symbol(slot) for slot in slots],
            "free": int(self._get(REGISTRATION, "numberFreeSlots", registration)),
            "idle_since": None if since == _NEVER else since,
        }

    def _request(self, request: Any) -> dict[str, Any]:
        future = self._get(_REQUEST, "requestFuture", request)
        pending = self._get(_REQUEST, "pendingTaskManagerSlot", request)
        return {
            "job": self._names.jobs.symbol(request.getJobId()),
            "profile": self._names.world.profile_names[request.getResourceProfile()],
            "created": int(self._get(_REQUEST, "creationTimestamp", request)),
            "call": None if future is None else self._calls[future],
            "pending_slot": None if pending is None else self._pending_names[pending],
        }
