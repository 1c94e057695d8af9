"""Reads the state of a real declarative slot pool by reflection, in the form of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.traces.names import natural

if TYPE_CHECKING:
    from slotspec.oracle.peers.flink_peer import FlinkPeer

_PACKAGE = f"{RUNTIME}.jobmaster.slotpool"
BRIDGE = f"{_PACKAGE}.DeclarativeSlotPoolBridge"
POOL = f"{_PACKAGE}.DefaultDeclarativeSlotPool"
_SERVICE = f"{_PACKAGE}.DeclarativeSlotPoolService"
_SLOTS = f"{_PACKAGE}.DefaultAllocatedSlotPool"
_CONNECTION = f"{_PACKAGE}.AbstractServiceConnectionManager"
_NEVER = 2**63 - 1


class DeclarativePoolState:
    """Reads one pool.

    :param peer: has the names, the world and the generation.
    :param bridge: None for a pool alone.
    """

    def __init__(self, peer: FlinkPeer, bridge: Any, pool: Any) -> None:
        self._peer = peer
        self._world: Any = peer.world
        self._get = get = peer.reflect.get
        self._bridge = bridge
        self._pool = pool
        slots = get(POOL, "slotPool", pool)
        self._slots = get(_SLOTS, "registeredSlots", slots)
        self._by_tm = get(_SLOTS, "slotsPerTaskExecutor", slots)
        self._matched = get(POOL, "slotToRequirementProfileMappings", pool)
        if peer.since("1.20"):
            free = get(_SLOTS, "freeSlots", slots)
            self._free = get(f"{_SLOTS}$FreeSlots", "freeSlotsSince", free)
        else:
            self._free = get(_SLOTS, "freeSlotsSince", slots)
        self._request = f"{_PACKAGE}.PendingRequest"
        if not peer.since("1.20"):
            self._request = f"{BRIDGE}$PendingRequest"
        self._tm_of: dict[str, str] = {}
        if bridge is not None:
            self._pending = get(BRIDGE, "pendingRequests", bridge)
            self._fulfilled = get(BRIDGE, "fulfilledRequests", bridge)

    def slot(self, allocation: Any) -> Any:
        """The AllocatedSlot under an allocation id, or None."""
        return None if allocation is None else self._slots.get(allocation)

    def owner_of(self, effect: dict[str, Any]) -> Any:
        """The task manager of an effect on a slot that there was after the step before."""
        return natural(effect.get("tm") or self._tm_of[effect["allocation"]])

    def pending_future(self, request: Any) -> Any:
        """The bridge's own future of the latest request with this id; None if it is not pending."""
        pending = self._pending.get(request)
        return None if pending is None else self._get(self._request, "slotFuture", pending)

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        get, symbol = self._get, self._world.allocations.symbol
        profiles = self._world.profile_names
        slots = {symbol(e.getKey()): self._slot(e.getValue()) for e in _entries(self._slots)}
        self._tm_of = {name: slot["tm"] for name, slot in slots.items()}
        matched = {symbol(e.getKey()): profiles[e.getValue()] for e in _entries(self._matched)}
        timers = self._world.timers
        state = {} if self._bridge is None else self._of_bridge()
        state |= {
            "required": self._world.counter(get(POOL, "totalResourceRequirements", self._pool)),
            "acquired": self._world.counter(get(POOL, "fulfilledResourceRequirements", self._pool)),
            "slots": {name: slots[name] for name in sorted(slots, key=natural)},
            "matched": {name: matched[name] for name in sorted(matched, key=natural)},
            "free": {symbol(e.getKey()): int(e.getValue()) for e in _entries(self._free)},
            "by_tm": {
                str(entry.getKey().getResourceIdString()): [symbol(a) for a in entry.getValue()]
                for entry in _entries(self._by_tm)
            },
            "timers": sorted(timer.due for timer in timers.waiting),
            "clock": timers.now,
        }
        if self._peer.since("2.3"):
            state["stable"] = bool(get(POOL, "resourceRequestStable", self._pool))
        return state

    def _slot(self, slot: Any) -> dict[str, Any]:
        return {
            "tm": str(slot.getTaskManagerId().getResourceIdString()),
            "index": int(slot.getPhysicalSlotNumber()),
            "profile": self._world.profile_names[slot.getResourceProfile()],
            "payload": bool(slot.isUsed()),
        }

    def _of_bridge(self) -> dict[str, Any]:
        get, bridge, since = self._get, self._bridge, self._peer.since
        tms = get(_SERVICE, "registeredTaskManagers", bridge)
        disabled = get(BRIDGE, "isBatchSlotRequestTimeoutCheckDisabled", bridge)
        state: dict[str, Any] = {
            "lifecycle": str(get(_SERVICE, "state", bridge)),
            "connected": self._connected(),
            "task_managers": sorted((str(tm.getResourceIdString()) for tm in tms), key=natural),
            "batch_timeout_check": not disabled,
            "pending": [self._pending_request(p) for p in self._pending.values()],
            "fulfilled": {
                self._world.requests.symbol(entry.getKey()): self._served(entry.getValue())
                for entry in _entries(self._fulfilled)
            },
        }
        if since("1.20"):
            state["job_restarting"] = bool(get(BRIDGE, "isJobRestarting", bridge))
        return state

    def _connected(self) -> bool:
        manager = self._get(_SERVICE, "resourceRequirementServiceConnectionManager", self._bridge)
        if str(manager.getClass().getSimpleName()).startswith("NoOp"):
            return False
        return self._get(_CONNECTION, "service", manager) is not None and not self._get(
            _CONNECTION, "closed", manager
        )

    def _pending_request(self, request: Any) -> dict[str, Any]:
        get, world = self._get, self._world
        since = int(get(self._request, "unfulfillableSince", request))
        found: dict[str, Any] = {
            "request": world.requests.symbol(get(self._request, "slotRequestId", request)),
            "profile": world.profile_names[get(self._request, "resourceProfile", request)],
            "batch": bool(get(self._request, "isBatchRequest", request)),
            "unfulfillable_since": None if since == _NEVER else since,
        }
        if self._peer.since("1.20"):
            named = get(self._request, "preferredAllocations", request)
            found["preferred"] = sorted(map(world.allocations.symbol, named), key=natural)
        if self._peer.since("2.3"):
            found["load"] = _load(get(self._request, "taskExecutionLoad", request))
        return found

    def _served(self, served: Any) -> Any:
        if not self._peer.since("2.3"):
            return {"allocation": self._world.allocations.symbol(served)}
        owner = f"{BRIDGE}$FulfilledAllocation"
        tm = self._get(owner, "taskExecutorID", served)
        return {
            "allocation": self._world.allocations.symbol(self._get(owner, "allocationID", served)),
            "tm": str(tm.getResourceIdString()),
            "load": _load(self._get(owner, "taskExecutionLoad", served)),
        }


def _load(load: Any) -> int:
    return int(load.getLoadValue())


def _entries(table: Any) -> Any:
    return table.entrySet()
