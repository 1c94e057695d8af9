"""Flink's own DeclarativeSlotPoolBridge, or DefaultDeclarativeSlotPool alone, as a peer.

As for the recordings, all ids of a kind have one hash value, so that hash tables keep their
order of insertion, and profiles have hash values in the order of the header.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slotspec.oracle.declarative_slot_pool.flink_state import BRIDGE, POOL, DeclarativePoolState
from slotspec.oracle.declarative_slot_pool.flink_world import DeclarativePoolWorld
from slotspec.oracle.declarative_slot_pool.schema import SCHEMA
from slotspec.oracle.peers.flink_order import in_hash_order
from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME, simple_name
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

RPC_TIMEOUT_MS = 10_000
FAR_MS = 10**12
"""A timeout that never fires by itself; ``request_timeout`` fires it."""
PACKAGE = f"{RUNTIME}.jobmaster.slotpool"
STRATEGIES = {
    "simple": ("Simple",),
    "preferred": ("PreferredAllocation", "Simple"),
    "balanced": ("TasksBalanced",),
    "preferred_balanced": ("PreferredAllocation", "TasksBalanced"),
}

Counter = list[list[Any]]


class DeclarativePoolPeer(FlinkPeer):
    """Runs one bridge, or one pool alone, at a time."""

    schema = SCHEMA
    world: DeclarativePoolWorld

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._clock_class = self.java("org.apache.flink.util.clock.ManualClock")
        self._job_id = self.java("org.apache.flink.api.common.JobID")
        self._offer = self.java(f"{RUNTIME}.taskexecutor.slot.SlotOffer")
        self._unit = self.java("java.util.concurrent.TimeUnit").MILLISECONDS
        self._timeout = self.java("java.util.concurrent.TimeoutException")
        self._counter = self.java(f"{RUNTIME}.util.ResourceCounter")
        self._map = self.java("java.util.LinkedHashMap")
        self._integer = self.java("java.lang.Integer")

    # ------------------------------------------------------------------------------ making

    def make(self, header: TraceHeader) -> None:
        order = header.profile_order or list(header.profiles)
        self.profiles = in_hash_order(self.values, header, order)
        self.world = DeclarativePoolWorld(self.jpype, self.profiles, order)
        self._clock = self._clock_class(0)
        self._attempts: dict[str, int] = {}
        self._inner: dict[tuple[str, int], Any] = {}
        self._is_bridge = self.schema is SCHEMA
        self._bridge: Any = self._make_bridge(header.config) if self._is_bridge else None
        if self._bridge is None:
            self._pool = self._make_pool(header.config)
        else:
            service = f"{PACKAGE}.DeclarativeSlotPoolService"
            self._pool = self.reflect.get(service, "declarativeSlotPool", self._bridge)
        self._state = DeclarativePoolState(self, self._bridge, self._pool)

    def _make_bridge(self, config: dict[str, Any]) -> Any:
        factory = self.java(f"{PACKAGE}.DefaultDeclarativeSlotPoolFactory")()
        timeouts = [
            self._span(ms)
            for ms in (
                RPC_TIMEOUT_MS,
                config["idle_slot_timeout_ms"],
                config["batch_slot_timeout_ms"],
            )
        ]
        if not self.since("2.3"):
            given = [self._job_id(), factory, self._clock, *timeouts]
            if self.since("1.20"):
                given.append(self._strategy(config["strategy"]))
            return self.java(BRIDGE)(*given)
        return self.java(BRIDGE)(
            self._job_id(),
            self.java("org.apache.flink.api.common.ApplicationID")(),
            factory,
            self._clock,
            *timeouts,
            self._strategy(config["strategy"]),
            self._span(config.get("slot_request_max_interval_ms", 0)),
            config.get("defer", False),
            self.world.executor,
        )

    def _span(self, ms: int) -> Any:
        return self.duration(ms, since="2.3")

    def _strategy(self, name: str) -> Any:
        first, *rest = (
            self.java(f"{PACKAGE}.{part}RequestSlotMatchingStrategy") for part in STRATEGIES[name]
        )
        if rest and self.since("2.3"):
            return first.create(rest[0].INSTANCE)
        return first.INSTANCE

    def _make_pool(self, config: dict[str, Any]) -> Any:
        given = [
            self._job_id(),
            self.java(f"{PACKAGE}.DefaultAllocatedSlotPool")(),
            self.world.owner(),
            self._span(config["idle_slot_timeout_ms"]),
            self._span(RPC_TIMEOUT_MS),
        ]
        if self.since("2.3"):
            given.append(self._span(config.get("slot_request_max_interval_ms", 0)))
            given.append(self.world.executor)
        return self.java(POOL)(*given)

    def pass_time(self, now: int) -> None:
        self._clock.advanceTime(now - self.world.timers.now, self._unit)
        super().pass_time(now)

    def timer_raised(self, error: Any) -> None:
        self.world.effect("timer.raised", error=simple_name(error))

    def snapshot(self) -> dict[str, Any]:
        return self._state.snapshot()

    def _cause(self, name: str | None) -> Any:
        return None if name is None else self.values.cause(self.header.cause_chain(name))

    def _place(self, tm: str) -> Any:
        return self.values.tm_location(tm, "host")

    def _tm(self, tm: str | None) -> Any:
        return None if tm is None else self._place(tm).getResourceID()

    # ----------------------------------------------------------------- lifecycle, gateways

    def _start(self) -> None:
        leader = self.java(f"{RUNTIME}.jobmaster.JobMasterId").generate()
        given = [leader, "jobmaster"]
        if not self.since("2.3"):
            given.append(self.world.executor)
        self._bridge.start(*given)

    def _close(self) -> None:
        try:
            self._bridge.close()
        finally:
            self._order_of_task_managers()

    def _order_of_task_managers(self) -> None:
        """Whole task managers are closed in arbitrary order."""
        effects = self.world.effects
        ending = [e for e in effects if e["effect"] in ("payload.released", "tm.free_slot")]
        if not ending:
            return
        begin = effects.index(ending[0])
        self.world.sort_effects(begin, len(effects), self._state.owner_of)

    def _connect_to_resource_manager(self, rm: str) -> None:
        self._bridge.connectToResourceManager(self.world.resource_manager(rm))

    def _disconnect_resource_manager(self) -> None:
        self._bridge.disconnectResourceManager()

    def _rm_acknowledges(self, call: str) -> bool:
        future = self.world.calls.get(call)
        return future is not None and bool(future.complete(self.world.acknowledge))

    def _rm_fails(self, call: str, cause: str) -> bool:
        future = self.world.calls.get(call)
        return future is not None and bool(future.completeExceptionally(self._cause(cause)))

    # ----------------------------------------------------------------------- task managers

    def _register_task_manager(self, tm: str) -> bool:
        return bool(self._bridge.registerTaskManager(self._tm(tm)))

    def _release_task_manager(self, tm: str, cause: str) -> bool:
        return bool(self._bridge.releaseTaskManager(self._tm(tm), self._cause(cause)))

    def _release_free_slots_on_task_manager(self, tm: str, cause: str) -> None:
        self._bridge.releaseFreeSlotsOnTaskManager(self._tm(tm), self._cause(cause))

    def _offers(self, offers: list[dict[str, Any]]) -> Any:
        return self.java_list(
            self._offer(
                self.world.allocations.id(offer["allocation"]),
                offer["index"],
                self.profiles[offer["profile"]],
            )
            for offer in offers
        )

    def _accepted(self, offers: Iterable[Any]) -> list[str]:
        return [self.world.allocations.symbol(offer.getAllocationId()) for offer in offers]

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        place, gateway, given = self._place(tm), self.world.task_manager(tm), self._offers(offers)
        if self._is_bridge:
            return self._accepted(self._bridge.offerSlots(place, gateway, given))
        now = self.world.timers.now
        return self._accepted(self._pool.offerSlots(given, place, gateway, now))

    def _register_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        place, gateway, given = self._place(tm), self.world.task_manager(tm), self._offers(offers)
        now = self.world.timers.now
        return self._accepted(self._pool.registerSlots(given, place, gateway, now))

    def _fail_allocation(self, tm: str | None, allocation: str, cause: str) -> str | None:
        id_ = self.world.allocations.id(allocation)
        left = self._bridge.failAllocation(self._tm(tm), id_, self._cause(cause))
        return str(left.get().getResourceIdString()) if left.isPresent() else None

    # ---------------------------------------------------------------------------- requests

    def _request_new_allocated_slot(self, **asked: Any) -> None:
        self._ask(batch=False, **asked)

    def _request_new_allocated_batch_slot(self, **asked: Any) -> None:
        self._ask(batch=True, **asked)

    def _ask(
        self,
        *,
        batch: bool,
        request: str,
        profile: str,
        preferred: list[str] | None = None,
        load: int = 0,
        timeout: bool = False,
    ) -> None:
        id_, wanted = self.world.requests.id(request), self.profiles[profile]
        named = self.java_list(self.world.allocations.id(name) for name in preferred or ())
        given: list[Any]
        if self.since("2.3"):
            given = [self._physical_request(id_, wanted, named, load, batch)]
        else:
            given = [id_, wanted, named] if self.since("1.20") else [id_, wanted]
        if batch:
            future = self._bridge.requestNewAllocatedBatchSlot(*given)
        else:
            given.append(self._span(FAR_MS) if timeout else None)
            future = self._bridge.requestNewAllocatedSlot(*given)
        attempt = self._attempts[request] = self._attempts.get(request, 0) + 1
        self._inner[request, attempt] = self._state.pending_future(id_)
        caller: dict[str, Any] = {"request": request}
        if attempt > 1:
            caller["attempt"] = attempt
        self.world.listen(future, self._allocation_of, **caller)

    def _physical_request(self, id_: Any, profile: Any, named: Any, load: int, batch: bool) -> Any:
        slot_profile = self.java(f"{RUNTIME}.clusterframework.types.SlotProfile").priorAllocation(
            profile, profile, self.java_list(()), named, self.java("java.util.HashSet")()
        )
        weight = self.java(f"{RUNTIME}.scheduler.taskexecload.DefaultTaskExecutionLoad")
        loads = weight.EMPTY if load == 0 else weight(float(load))
        made = self.java(f"{PACKAGE}.PhysicalSlotRequest")
        return made(id_, slot_profile, loads, not batch)

    def _allocation_of(self, slot: Any) -> str:
        return self.world.allocations.symbol(slot.getAllocationId())

    def _allocate_available_slot(
        self, request: str, allocation: str, profile: str, load: int = 0
    ) -> str | None:
        id_, slot = self.world.requests.id(request), self.world.allocations.id(allocation)
        wanted = self.profiles[profile]
        if self.since("2.3"):
            asked = self._physical_request(id_, wanted, self.java_list(()), load, False)
            found = self._bridge.allocateAvailableSlot(slot, asked)
        else:
            found = self._bridge.allocateAvailableSlot(id_, slot, wanted)
        return self._allocation_of(found.get()) if found.isPresent() else None

    def _request_timeout(self, request: str, attempt: int = 1) -> bool | None:
        future = self._inner.get((request, attempt))
        if future is None:
            return None
        return bool(future.completeExceptionally(self._timeout("given")))

    def _release_slot(self, cause: str | None, **whom: str) -> Counter | None:
        """Two operations of one name: the bridge's releases a request, the pool's a slot."""
        if "request" in whom:
            self._bridge.releaseSlot(self.world.requests.id(whom["request"]), self._cause(cause))
            return None
        id_ = self.world.allocations.id(whom["allocation"])
        return self.world.counter(self._pool.releaseSlot(id_, self._cause(cause)))

    def _not_enough_resources(self) -> None:
        self._bridge.notifyNotEnoughResourcesAvailable(self.java_list(()))

    def _disable_batch_slot_request_timeout_check(self) -> None:
        self._bridge.disableBatchSlotRequestTimeoutCheck()

    def _set_is_job_restarting(self, restarting: bool) -> None:
        self._bridge.setIsJobRestarting(restarting)

    # ---------------------------------------------------------------------- the pool alone

    def _resources(self, requirements: Counter) -> Any:
        counts = self._map()
        for profile, count in requirements:
            counts.put(self.profiles[profile], self._integer(count))
        return self._counter.withResources(counts)

    def _increase_resource_requirements_by(self, requirements: Counter) -> None:
        self._pool.increaseResourceRequirementsBy(self._resources(requirements))

    def _decrease_resource_requirements_by(self, requirements: Counter) -> None:
        self._pool.decreaseResourceRequirementsBy(self._resources(requirements))

    def _set_resource_requirements(self, requirements: Counter) -> None:
        self._pool.setResourceRequirements(self._resources(requirements))

    def _get_resource_requirements(self) -> Counter:
        return self.world.requirements(self._pool.getResourceRequirements())

    def _reserve_free_slot(self, allocation: str, profile: str) -> str:
        id_ = self.world.allocations.id(allocation)
        return self._allocation_of(self._pool.reserveFreeSlot(id_, self.profiles[profile]))

    def _free_reserved_slot(self, allocation: str, cause: str | None) -> Counter:
        id_, now = self.world.allocations.id(allocation), self.world.timers.now
        return self.world.counter(self._pool.freeReservedSlot(id_, self._cause(cause), now))

    def _release_slots(self, tm: str, cause: str) -> Counter:
        return self.world.counter(self._pool.releaseSlots(self._tm(tm), self._cause(cause)))

    def _release_idle_slots(self) -> None:
        self._pool.releaseIdleSlots(self.world.timers.now)

    def _register_new_slots_listener(self) -> None:
        self._pool.registerNewSlotsListener(self.world.new_slots_listener())

    def _register_stable_listener(self) -> None:
        self._pool.registerResourceRequestStableListener(self.world.stable_listener())

    def _get_all_slots_information(self) -> list[dict[str, Any]]:
        return self._sorted(self._pool.getAllSlotsInformation())

    def _contains_slots(self, tm: str) -> bool:
        return bool(self._pool.containsSlots(self._tm(tm)))

    def _contains_free_slot(self, allocation: str) -> bool:
        return bool(self._pool.containsFreeSlot(self.world.allocations.id(allocation)))

    # ----------------------------------------------------------------------------- queries

    def _slot(self, slot: Any) -> dict[str, Any]:
        return {
            "allocation": self._allocation_of(slot),
            "tm": str(slot.getTaskManagerLocation().getResourceID().getResourceIdString()),
            "index": int(slot.getPhysicalSlotNumber()),
            "profile": self.world.profile_names[slot.getResourceProfile()],
        }

    def _sorted(self, slots: Any) -> list[dict[str, Any]]:
        return sorted(map(self._slot, slots), key=lambda slot: natural(slot["allocation"]))

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        asked = self._bridge if self._is_bridge else self._pool
        if not self.since("1.20"):
            listed = (
                asked.getAvailableSlotsInformation()
                if self._is_bridge
                else asked.getFreeSlotsInformation()
            )
            field = f"{PACKAGE}.SlotInfoWithUtilization", "taskExecutorUtilization"
            return [
                {**self._slot(slot), "utilization": float(self.reflect.get(*field, slot))}
                for slot in listed
            ]
        tracker = (
            asked.getFreeSlotTracker() if self.since("2.3") else asked.getFreeSlotInfoTracker()
        )
        return [
            {
                **self._slot(slot),
                "utilization": float(tracker.getTaskExecutorUtilization(slot)),
            }
            for slot in tracker.getFreeSlotsInformation()
        ]

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        return self._sorted(self._bridge.getAllocatedSlotsInformation())

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        report = self._bridge.createAllocatedSlotReport(self._tm(tm))
        rows = [
            {"allocation": self._allocation_of(info), "index": int(info.getSlotIndex())}
            for info in report.getAllocatedSlotInfos()
        ]
        return sorted(rows, key=lambda row: natural(str(row["allocation"])))

    def _assign_payload(self, allocation: str) -> bool | None:
        slot = self._state.slot(self.world.allocations.known_id(allocation))
        if slot is None:
            return None
        return bool(slot.tryAssignPayload(self.world.payload(allocation)))


PEER = DeclarativePoolPeer
