"""The real SlotPoolImpl as a peer: Flink's own class, in a Java machine in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slotspec.oracle.peers import flink_jvm
from slotspec.oracle.peers.flink_state import POOL, Fields, FlinkState
from slotspec.oracle.peers.flink_values import RUNTIME, FlinkValues, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld, by_allocation, canonical
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.slot_pool.schema import SCHEMA as SLOT_POOL
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader, TraceStep

FAR_MS = 10**12
"""A timeout that never fires by itself: `request_timeout` fires it."""


class FlinkPeer:
    """Drives one SlotPoolImpl at a time.

    :param version: ``1.12`` or ``1.12.5``.
    :param jars: folder with the jars of that release, see
        :func:`slotspec.oracle.peers.flink_jvm.find_jar`.
    :raises PeerError: ``PEE008`` where Java, JPype or the jars are missing.
    """

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        jar = flink_jvm.find_jar(version, jars)
        self.version = flink_jvm.release_of(jar)
        self.name = f"flink:{self.version}"
        self.generation = ".".join(self.version.split(".")[:2])
        self._jpype = flink_jvm.start(jar)
        self._values = FlinkValues(self._jpype)
        self._fields = Fields(self._jpype)
        self._java = self._jpype.JClass
        self._time = self._java("org.apache.flink.api.common.time.Time")
        self._offer = self._java(f"{RUNTIME}.taskexecutor.slot.SlotOffer")
        self._list = self._java("java.util.ArrayList")
        self._unit = self._java("java.util.concurrent.TimeUnit").MILLISECONDS
        self._timeout = self._java("java.util.concurrent.TimeoutException")
        self._arity_of_allocate = 3 if self.generation == "1.13" else 2

    # ----------------------------------------------------------------------- sequences

    def reset(self, header: TraceHeader) -> None:
        self._header = header
        self._profiles = self._values.profiles(header)
        self._world = FlinkWorld(self._jpype, self._profiles)
        self._clock = self._java("org.apache.flink.util.clock.ManualClock")(0)
        time = self._time.milliseconds
        self._pool = self._java(POOL)(
            self._java("org.apache.flink.api.common.JobID")(),
            self._clock,
            time(10_000),
            time(header.config["idle_slot_timeout_ms"]),
            time(header.config["batch_slot_timeout_ms"]),
        )
        self._state = FlinkState(
            self._fields, self._pool, self._world, has_origin=self.generation != "1.11"
        )
        self._attempts: dict[str, int] = {}
        self._futures: dict[tuple[str, int], Any] = {}
        self._unordered: list[tuple[int, int]] = []

    def close(self) -> None:
        """Nothing to do: the Java machine ends with the process."""

    def step(self, op: str, arguments: dict[str, Any]) -> TraceStep:
        known = SLOT_POOL.by_name.get(op)
        method: Callable[..., Any] | None = getattr(self, f"_{op}", None)
        if known is None or method is None or self.generation in known.absent_in:
            raise PeerError("PEE007", f"Flink {self.version} has no operation {op!r}")
        self._world.effects = []
        self._unordered = []
        result, raises, raises_cause = None, None, None
        try:
            result = method(**arguments)
            self._world.run_soon()
        except self._jpype.JException as error:
            raises = simple_name(error)
            below = error.getCause()
            raises_cause = None if below is None else simple_name(below)
        return TraceStep(
            op=op,
            arguments=arguments,
            result=None if raises else result,
            effects=self._world.effects,
            raises=raises,
            raises_cause=raises_cause,
            unordered=tuple(self._unordered),
            state=self._state.snapshot(),
        )

    def _in_any_order(
        self,
        begin: int,
        end: int,
        fix: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = canonical,
    ) -> None:
        """Note that Java's hash order decides here, and write a fixed one."""
        if end - begin > 1:
            self._world.effects[begin:end] = fix(self._world.effects[begin:end])
            self._unordered.append((begin, end))

    # ----------------------------------------------------------------------- lifecycle

    def _start(self) -> None:
        job_master = self._java(f"{RUNTIME}.jobmaster.JobMasterId").generate()
        self._pool.start(job_master, "jobmaster", self._world.executor)

    def _suspend(self) -> None:
        self._pool.suspend()
        self._cancels_in_any_order()

    def _close(self) -> None:
        self._pool.close()
        cancels = self._cancels_in_any_order()
        self._in_any_order(cancels, len(self._world.effects))

    def _cancels_in_any_order(self) -> int:
        count = _count(self._world.effects, "rm.cancel_slot_request")
        if self.generation != "1.11":
            self._in_any_order(0, count)
        return count

    def _connect_to_resource_manager(self, rm: str) -> None:
        self._pool.connectToResourceManager(self._world.resource_manager(rm))

    def _disconnect_resource_manager(self) -> None:
        self._pool.disconnectResourceManager()

    # ------------------------------------------------------------------- task managers

    def _place(self, tm: str) -> Any:
        host = self._header.task_managers.get(tm, {}).get("host", "host")
        return self._values.tm_location(tm, host)

    def _register_task_manager(self, tm: str) -> bool:
        return bool(self._pool.registerTaskManager(self._place(tm).getResourceID()))

    def _release_task_manager(self, tm: str) -> bool:
        error = self._values.cause(("RuntimeException",))
        known = bool(self._pool.releaseTaskManager(self._place(tm).getResourceID(), error))
        effects = self._world.effects
        payloads = _count(effects, "payload.released")
        self._in_any_order(0, payloads)
        self._in_any_order(payloads, len(effects))
        return known

    def _offer_slots(self, tm: str, offers: list[dict[str, Any]]) -> list[str]:
        given = self._list()
        for offer in offers:
            allocation = self._world.allocations.id(offer["allocation"])
            profile = self._profiles[offer["profile"]]
            given.add(self._offer(allocation, offer["index"], profile))
        accepted = self._pool.offerSlots(self._place(tm), self._world.task_manager(tm), given)
        return [self._world.allocations.symbol(offer.getAllocationId()) for offer in accepted]

    def _fail_allocation(self, allocation: str, cause: str) -> str | None:
        id_ = self._world.allocations.id(allocation)
        left = self._pool.failAllocation(id_, self._cause(cause))
        return str(left.get().getResourceIdString()) if left.isPresent() else None

    def _cause(self, name: str | None) -> Any:
        return None if name is None else self._values.cause(self._header.cause_chain(name))

    # ------------------------------------------------------------------------- the job

    def _request_new_allocated_slot(self, request: str, profile: str) -> None:
        self._request(
            request,
            lambda id_: self._pool.requestNewAllocatedSlot(
                id_, self._profiles[profile], self._time.milliseconds(FAR_MS)
            ),
        )

    def _request_new_allocated_batch_slot(self, request: str, profile: str) -> None:
        self._request(
            request,
            lambda id_: self._pool.requestNewAllocatedBatchSlot(id_, self._profiles[profile]),
        )

    def _request(self, request: str, ask: Callable[[Any], Any]) -> None:
        id_ = self._world.requests.id(request)
        future = ask(id_)
        attempt = self._attempts[request] = self._attempts.get(request, 0) + 1
        caller: dict[str, Any] = {"request": request}
        if attempt > 1:
            caller["attempt"] = attempt
        self._world.listen(future, caller)
        self._futures[request, attempt] = self._state.queued_future(id_)

    def _allocate_available_slot(
        self, request: str, allocation: str, profile: str | None = None
    ) -> str | None:
        given = [self._world.requests.id(request), self._world.allocations.id(allocation)]
        if self._arity_of_allocate == 3:
            given.append(
                self._values.profile_class.ANY if profile is None else self._profiles[profile]
            )
        slot = self._pool.allocateAvailableSlot(*given)
        return allocation if slot.isPresent() else None

    def _release_slot(self, request: str, cause: str | None) -> None:
        self._pool.releaseSlot(self._world.requests.id(request), self._cause(cause))

    def _request_timeout(self, request: str, attempt: int = 1) -> bool:
        future = self._futures.get((request, attempt))
        if future is None or future.isDone():
            return False
        return bool(future.completeExceptionally(self._timeout("given")))

    def _assign_payload(self, allocation: str) -> bool | None:
        slot = self._state.held_slot(self._world.allocations.id(allocation))
        return (
            None if slot is None else bool(slot.tryAssignPayload(self._world.payload(allocation)))
        )

    def _disable_batch_slot_request_timeout_check(self) -> None:
        self._pool.disableBatchSlotRequestTimeoutCheck()

    # ---------------------------------------------------------------- resource manager

    def _resource_manager_acknowledges(self, allocation: str) -> bool:
        future = self._world.rm_futures.get(allocation)
        return future is not None and bool(future.complete(self._world.acknowledge))

    def _resource_manager_fails(self, allocation: str, cause: str) -> bool:
        future = self._world.rm_futures.get(allocation)
        return future is not None and bool(future.completeExceptionally(self._cause(cause)))

    # ------------------------------------------------------------------------- queries

    def _slot(self, slot: Any) -> dict[str, Any]:
        return {
            "allocation": self._world.allocations.symbol(slot.getAllocationId()),
            "tm": str(slot.getTaskManagerLocation().getResourceID().getResourceIdString()),
            "index": int(slot.getPhysicalSlotNumber()),
            "profile": self._world.profile_names[slot.getResourceProfile()],
        }

    def _get_available_slots_information(self) -> list[dict[str, Any]]:
        owner = f"{RUNTIME}.jobmaster.slotpool.SlotInfoWithUtilization"
        listed = [
            {
                **self._slot(slot),
                "utilization": float(self._fields.get(owner, "taskExecutorUtilization", slot)),
            }
            for slot in self._pool.getAvailableSlotsInformation()
        ]
        return sorted(listed, key=lambda slot: natural(slot["allocation"]))

    def _get_allocated_slots_information(self) -> list[dict[str, Any]]:
        if self.generation == "1.11":
            slots = self._fields.call(POOL, "getAllocatedSlotsInformation", self._pool)
        else:
            slots = self._pool.getAllocatedSlotsInformation()
        return [self._slot(slot) for slot in slots]

    def _create_allocated_slot_report(self, tm: str) -> list[dict[str, Any]]:
        report = self._pool.createAllocatedSlotReport(self._place(tm).getResourceID())
        rows = [
            (natural(self._world.allocations.symbol(info.getAllocationId())), info.getSlotIndex())
            for info in report.getAllocatedSlotInfos()
        ]
        # the available slots come first; by allocation alone a leaked one could be taken for one
        free = self._state.available_at(tm)
        return [
            {"allocation": name[2], "index": int(index)}
            for half in (rows[:free], rows[free:])
            for name, index in sorted(half)
        ]

    # ---------------------------------------------------------------------------- time

    def _advance_time(self, ms: int) -> None:
        timers, thrown = self._world.timers, None
        until = timers.now + ms
        while (due := timers.next(until)) is not None:
            self._pass(due[0] - timers.now)
            begin = len(self._world.effects)
            try:
                due[1].run()
                self._world.run_soon()
            except self._jpype.JException as error:
                thrown = thrown or error
            ran = self._world.effects[begin:]
            if all(effect["effect"] == "tm.free_slot" for effect in ran):
                self._in_any_order(begin, begin + len(ran), by_allocation)
        self._pass(until - timers.now)
        if thrown is not None:
            # the clock goes on: a check that throws is no reason for time to stop
            raise thrown

    def _pass(self, ms: int) -> None:
        self._clock.advanceTime(ms, self._unit)
        self._world.timers.now += ms


def _count(effects: list[dict[str, Any]], kind: str) -> int:
    return len([effect for effect in effects if effect["effect"] == kind])
