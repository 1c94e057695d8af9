"""Flink's own SlotManagerImpl as a peer.

Its hash maps are replaced by maps that remember the order of insertion, as for the recordings:
each choice that Flink leaves to hashing is "oldest first".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_managers import RESOURCES, ManagerPeer
from slotspec.oracle.peers.flink_values import RUNTIME, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids
from slotspec.oracle.slot_manager.flink_state import MANAGER, REGISTRATION, SlotManagerState
from slotspec.oracle.slot_manager.schema import SCHEMA
from slotspec.oracle.traces.trace import TraceHeader

SLOTS = f"{RESOURCES}.slotmanager"
HASH_MAPS = (
    "slots",
    "taskManagerRegistrations",
    "fulfilledSlotRequests",
    "pendingSlotRequests",
    "pendingSlots",
)
RPC_TIMEOUT_MS = 10_000


class SlotManagerPeer(ManagerPeer):
    """Runs one SlotManagerImpl at a time."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._request = self.java(f"{RESOURCES}.SlotRequest")

    # ------------------------------------------------------------------------------ making

    def make(self, header: TraceHeader) -> None:
        self.world = FlinkWorld(self.jpype, self.profiles)
        self.allocations = Ids(self._allocation_id)
        self.jobs = Ids(self._job_id)
        self.instances = Ids(self._instance_id)
        self.slots = Ids(self._slot_id)
        self.forget_answers()
        self._executor = self.world.proxy(
            "java.util.concurrent.Executor", execute=self.world.timers.soon.append
        )
        scheduler = self.world.proxy(
            f"{RUNTIME}.concurrent.ScheduledExecutor",
            scheduleWithFixedDelay=self.world.schedule_again,
        )
        self.pass_time(0)
        self._manager = self.java(MANAGER)(scheduler, self._configuration(header), self._metrics)
        for name in HASH_MAPS:
            self.reflect.set(MANAGER, name, self._manager, self._linked_map())
        self._state = SlotManagerState(self.reflect, self._manager, self)

    def _configuration(self, header: TraceHeader) -> Any:
        config = header.config
        rule = "LeastUtilization" if config["spread"] else "AnyMatching"
        given = [
            self.duration(RPC_TIMEOUT_MS),
            self.duration(config["slot_request_timeout_ms"]),
            self.duration(config["task_manager_timeout_ms"]),
            config["wait_result_consumed"],
            self.java(f"{SLOTS}.{rule}SlotMatchingStrategy").INSTANCE,
            self._worker(header.profiles[config["slot_profile"]], config["slots_per_worker"]),
            config["slots_per_worker"],
            config["max_slots"],
        ]
        if self.since("1.13"):
            unlimited = self.java("org.apache.flink.api.common.resources.CPUResource")(1e9)
            given += [unlimited, self.java("org.apache.flink.configuration.MemorySize").MAX_VALUE]
        if self.since("1.12"):
            given.append(config["redundant_task_managers"])
        return self.java(f"{SLOTS}.SlotManagerConfiguration")(*given)

    def _worker(self, profile: Any, slots: int) -> Any:
        """The worker whose slots have this profile."""
        return (
            self.java(f"{RESOURCES}.WorkerResourceSpec$Builder")()
            .setCpuCores(profile["cpu"] * slots)
            .setTaskHeapMemoryMB(profile["task_heap_mb"] * slots)
            .setTaskOffHeapMemoryMB(profile["task_off_heap_mb"] * slots)
            .setNetworkMemoryMB(profile["network_mb"] * slots)
            .setManagedMemoryMB(profile["managed_mb"] * slots)
            .build()
        )

    def settle(self) -> None:
        if self.header.config["auto_run"]:
            super().settle()
        self._state.name_pending_slots()

    # ------------------------------------------------------------------------- environment

    def gateway(self, tm: str) -> dict[str, Callable[..., Any]]:
        def request_slot(slot: Any, job: Any, allocation: Any, profile: Any, *rest: Any) -> Any:
            call, answer = self.new_call()
            self._state.name_call(slot, call)
            self.world.effect(
                "tm.request_slot",
                call=call,
                slot=self.slots.symbol(slot),
                job=self.jobs.symbol(job),
                allocation=self.allocations.symbol(allocation),
                profile=self.world.profile_names[profile],
            )
            return answer

        return {"requestSlot": request_slot}

    def _actions(self) -> Any:
        def release(instance: Any, cause: Any) -> None:
            name = self.instances.symbol(instance)
            self.world.effect("resource.release", instance=name, cause=simple_name(cause))

        def allocate(worker: Any) -> bool:
            self.world.effect("resource.allocate", granted=self._allowed)
            return self._allowed

        def failed(job: Any, allocation: Any, cause: Any) -> None:
            self.world.effect(
                "allocation.failed",
                job=self.jobs.symbol(job),
                allocation=self.allocations.symbol(allocation),
                cause=simple_name(cause),
            )

        return self.world.proxy(
            f"{SLOTS}.ResourceActions",
            releaseResource=release,
            allocateResource=allocate,
            notifyAllocationFailure=failed,
        )

    def _slot(self, name: str) -> Any:
        if name not in self.slots:
            tm, _, number = name.rpartition("/")
            if not number.isdecimal():
                tm, number = name, "0"
            self.slots.bind(name, self._slot_id(self.values.resource_id(tm), int(number)))
        return self.slots.id(name)

    def _slot_report(self, slots: list[dict[str, Any]]) -> Any:
        rows = []
        for row in slots:
            given = [self._slot(row["slot"]), self.profiles[row["profile"]]]
            if row["allocation"] is not None:
                given += [self.jobs.id(row["job"]), self.allocations.id(row["allocation"])]
            rows.append(self._status(*given))
        return self._report(self.java_list(rows))

    # --------------------------------------------------------------------------- lifecycle

    def _start(self) -> None:
        leader = self.java(f"{RESOURCES}.ResourceManagerId").generate()
        self._manager.start(leader, self._executor, self._actions())

    def _run_main_thread(self, count: int | None = None) -> int:
        soon = self.world.timers.soon
        # what these tasks queue stays queued
        running = min(len(soon), len(soon) if count is None else count)
        for _ in range(running):
            soon.pop(0).run()
        return running

    # ---------------------------------------------------------------------------- requests

    def _register_slot_request(self, allocation: str, job: str, profile: str) -> bool:
        request = self._request(
            self.jobs.id(job), self.allocations.id(allocation), self.profiles[profile], "jm"
        )
        return bool(self._manager.registerSlotRequest(request))

    def _unregister_slot_request(self, allocation: str) -> bool:
        return bool(self._manager.unregisterSlotRequest(self.allocations.id(allocation)))

    # ----------------------------------------------------------------------- task managers

    def _register_task_manager(self, instance: str, tm: str, slots: list[dict[str, Any]]) -> bool:
        given = [self.connect(instance, tm), self._slot_report(slots)]
        if self.since("1.13"):
            given += [self.values.profile_class.ANY] * 2
        done = bool(self._manager.registerTaskManager(*given))
        if done:
            registration = self._state.registrations.get(self.instances.id(instance))
            names = self._linked_set(self.java_list(self._slot(row["slot"]) for row in slots))
            self.reflect.set(REGISTRATION, "slots", registration, names)
        return done

    def _unregister_task_managers_and_release_resources(self) -> None:
        self._manager.unregisterTaskManagersAndReleaseResources()

    def _report_slot_status(self, instance: str, slots: list[dict[str, Any]]) -> bool:
        id_ = self.instances.id(instance)
        return bool(self._manager.reportSlotStatus(id_, self._slot_report(slots)))

    def _free_slot(self, slot: str, allocation: str) -> None:
        self._manager.freeSlot(self._slot(slot), self.allocations.id(allocation))

    # ------------------------------------------------------------------------------- state

    def _counts(self) -> dict[str, int]:
        required = self._manager.getRequiredResources().values()
        return {
            "registered": int(self._manager.getNumberRegisteredSlots()),
            "free": int(self._manager.getNumberFreeSlots()),
            "pending_slots": int(self._manager.getNumberPendingTaskManagerSlots()),
            "pending_requests": int(self._manager.getNumberPendingSlotRequests()),
            "assigned_pending_slots": int(self._manager.getNumberAssignedPendingTaskManagerSlots()),
            "required_workers": sum(int(count) for count in required),
        }

    def snapshot(self) -> dict[str, Any]:
        return self._state.snapshot()


PEER = SlotManagerPeer
