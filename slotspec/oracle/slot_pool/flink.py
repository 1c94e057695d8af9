"""Flink's own SlotPoolImpl as a peer, in a Java virtual machine in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.slot_pool.flink_state import POOL, FlinkState
from slotspec.oracle.slot_pool.flink_world import PoolWorld, by_allocation, canonical
from slotspec.oracle.slot_pool.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

FAR_MS = 10**12
"""A timeout that never fires by itself; ``request_timeout`` fires it."""


class SlotPoolPeer(FlinkPeer):
    """Runs one SlotPoolImpl at a time."""

    schema = SCHEMA
    world: PoolWorld

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._time = self.java("org.apache.flink.api.common.time.Time")
        self._offer = self.java(f"{RUNTIME}.taskexecutor.slot.SlotOffer")
        self._unit = self.java("java.util.concurrent.TimeUnit").MILLISECONDS
        self._timeout = self.java("java.util.concurrent.TimeoutException")

    # ----------------------------------------------------------------------- sequences

    def make(self, header: TraceHeader) -> None:
        self.world = PoolWorld(self.jpype, self.profiles)
        self._clock = self.java("org.apache.flink.util.clock.ManualClock")(0)
        time = self._time.milliseconds
        self._pool = self.java(POOL)(
            self.java("org.apache.flink.api.common.JobID")(),
            self._clock,
            time(10_000),
            time(header.config["idle_slot_timeout_ms"]),
            time(header.config["batch_slot_timeout_ms"]),
        )
        self._state = FlinkState(
            self.reflect, self._pool, self.world, has_origin=self.since("1.12")
        )
        self._attempts: dict[str, int] = {}
        self._futures: dict[tuple[str, int], Any] = {}

    def snapshot(self) -> dict[str, Any]:
        return self._state.snapshot()

    def _in_any_order(
        self,
        begin: int,
        end: int,
        fix: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = canonical,
    ) -> None:
        """Mark effects whose order depends on Java's hash order, and fix their order."""
        if end - begin > 1:
            self.world.effects[begin:end] = fix(self.world.effects[begin:end])
            self.world.unordered.append((begin, end))

    # ----------------------------------------------------------------------- lifecycle

    def _start(self) -> None:
        job_master = self.java(f"{RUNTIME}.jobmaster.JobMasterId").generate()
        self._pool.start(job_master, "jobmaster", self.world.executor)

    def _suspend(self) -> None:
        self._pool.suspend()
        self._cancels_in_any_order()

    def _close(self) -> None:
        self._pool.close()
        cancels = self._cancels_in_any_order()
        self._in_any_order(cancels, len(self.world.effects))

    def _cancels_in_any_order(self) -> int:
        count = _count(self.world.effects, "rm.cancel_slot_request")
        if self.generation != "1.11":
            self._in_any_order(0, count)
        return count

    def _connect_to_resource_manager(self, rm: str) -> None:
        self._pool.connectToResourceManager(self.world.resource_manager(rm))

    def _disconnect_resource_manager(self) -> None:
        self._pool.disconnectResourceManager()

    # ------------------------------------------------------------------- task managers

    def _place(self, tm: str) -> Any:
        host = self.header.task_managers.get(tm, {}).get("host", "host")
        return self.values.tm_location(tm, host)

    def _register_task_manager(self, tm: str) -> bool:
        return bool(self._pool.registerTaskManager(self._place(tm).getResourceID()))

    def _release_task_manager(self, tm: str) -> bool:
        error = self.values.cause(("RuntimeException",))
        known = bool(self._pool.releaseTaskManager(self._place(tm).getResourceID(), error))
        effects = self.world.effects
        payloads = _count(effects, "payload.released")
        self._in_any_order(0, payloads)
        self._in_any_order(payloads, len(effects))
        return known

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        given = self.java_list(
            self._offer(
                self.world.allocations.id(offer["allocation"]),
                offer["index"],
                self.profiles[offer["profile"]],
            )
            for offer in offers
        )
        accepted = self._pool.offerSlots(self._place(tm), self.world.task_manager(tm), given)
        return [self.world.allocations.symbol(offer.getAllocationId()) for offer in accepted]

    def _fail_allocation(self, allocation: str, cause: str) -> str | None:
        id_ = self.world.allocations.id(allocation)
        left = self._pool.failAllocation(id_, self._cause(cause))
        return str(left.get().getResourceIdString()) if left.isPresent() else None

    def _cause(self, name: str | None) -> Any:
        return None if name is None else self.values.cause(self.header.cause_chain(name))

    # ------------------------------------------------------------------------- the job

    def _request_new_allocated_slot(self, request: str, profile: str) -> None:
        self._request(
            request,
            lambda id_: self._pool.requestNewAllocatedSlot(
                id_, self.profiles[profile], self._time.milliseconds(FAR_MS)
            ),
        )

    def _request_new_allocated_batch_slot(self, request: str, profile: str) -> None:
        self._request(
            request,
            lambda id_: self._pool.requestNewAllocatedBatchSlot(id_, self.profiles[profile]),
        )

    def _request(self, request: str, ask: Callable[[Any], Any]) -> None:
        id_ = self.world.requests.id(request)
        future = ask(id_)
        attempt = self._attempts[request] = self._attempts.get(request, 0) + 1
        caller: dict[str, Any] = {"request": request}
        if attempt > 1:
            caller["attempt"] = attempt
        self.world.listen(
            future, lambda slot: self.world.allocations.symbol(slot.getAllocationId()), **caller
        )
        self._futures[request, attempt] = self._state.queued_future(id_)

    def _allocate_available_slot(
        self, request: str, allocation: str, profile: str | None = None
    ) -> str | None:
        given = [self.world.requests.id(request), self.world.allocations.id(allocation)]
        if self.since("1.13"):
            given.append(
                self.values.profile_class.ANY if profile is None else self.profiles[profile]
            )
        slot = self._pool.allocateAvailableSlot(*given)
        return allocation if slot.isPresent() else None

    def _release_slot(self, request: str, cause: str | None) -> None:
        self._pool.releaseSlot(self.world.requests.id(request), self._cause(cause))

    def _request_timeout(self, request: str, attempt: int = 1) -> bool:
        future = self._futures.get((request, attempt))
        if future is None or future.isDone():
            return False
        return bool(future.completeExceptionally(self._timeout("given")))

    def _assign_payload(self, allocation: str) -> bool | None:
        slot = self._state.held_slot(self.world.allocations.id(allocation))
        return None if slot is None else bool(slot.tryAssignPayload(self.world.payload(allocation)))

    def _disable_batch_slot_request_timeout_check(self) -> None:
        self._pool.disableBatchSlotRequestTimeoutCheck()

    # ---------------------------------------------------------------- resource manager

    def _resource_manager_acknowledges(self, allocation: str) -> bool:
        future = self.world.rm_futures.get(allocation)
        return future is not None and bool(future.complete(self.world.acknowledge))

    def _resource_manager_fails(self, allocation: str, cause: str) -> bool:
        future = self.world.rm_futures.get(allocation)
        return future is not None and bool(future.completeExceptionally(self._cause(cause)))

    # ------------------------------------------------------------------------- queries

    def _slot(self, slot: Any) -> dict[str, Any]:
        return {
            "allocation": self.world.allocations.symbol(slot.getAllocationId()),
            "tm": str(slot.getTaskManagerLocation().getResourceID().getResourceIdString()),
            "index": int(slot.getPhysicalSlotNumber()),
            "profile": self.world.profile_names[slot.getResourceProfile()],
        }

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        owner = f"{RUNTIME}.jobmaster.slotpool.SlotInfoWithUtilization"
        listed = [
            {
                **self._slot(slot),
                "utilization": float(self.reflect.get(owner, "taskExecutorUtilization", slot)),
            }
            for slot in self._pool.getAvailableSlotsInformation()
        ]
        return sorted(listed, key=lambda slot: natural(slot["allocation"]))

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        if self.generation == "1.11":
            slots = self.reflect.call(POOL, "getAllocatedSlotsInformation", self._pool)
        else:
            slots = self._pool.getAllocatedSlotsInformation()
        return [self._slot(slot) for slot in slots]

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        report = self._pool.createAllocatedSlotReport(self._place(tm).getResourceID())
        rows = [
            (natural(self.world.allocations.symbol(info.getAllocationId())), info.getSlotIndex())
            for info in report.getAllocatedSlotInfos()
        ]
        # the available slots come first; the allocation does not tell them from leaked ones
        free = self._state.available_at(tm)
        return [
            {"allocation": name[2], "index": int(index)}
            for half in (rows[:free], rows[free:])
            for name, index in sorted(half)
        ]

    # ---------------------------------------------------------------------------- time

    def pass_time(self, now: int) -> None:
        self._clock.advanceTime(now - self.world.timers.now, self._unit)
        super().pass_time(now)

    def after_timer(self, begin: int) -> None:
        ran = self.world.effects[begin:]
        if all(effect["effect"] == "tm.free_slot" for effect in ran):
            self._in_any_order(begin, begin + len(ran), by_allocation)


def _count(effects: list[dict[str, Any]], kind: str) -> int:
    return len([effect for effect in effects if effect["effect"] == kind])


PEER = SlotPoolPeer
