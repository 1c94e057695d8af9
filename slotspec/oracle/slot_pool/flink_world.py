"""The environment of a real slot pool: executor, gateways, payloads and callers.

Everything that the pool calls is a proxy in Python, which records the effect.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids
from slotspec.oracle.traces.names import natural


class PoolWorld(FlinkWorld):
    """Everything that one slot pool can call. Make a new one for each sequence.

    :param jpype: the module, with its Java virtual machine running.
    :param profiles: short name -> ResourceProfile.
    """

    def __init__(self, jpype: Any, profiles: dict[str, Any]) -> None:
        super().__init__(jpype, profiles)
        self.allocations = Ids(self.java(f"{RUNTIME}.clusterframework.types.AllocationID"))
        self.requests = Ids(self.java(f"{RUNTIME}.jobmaster.SlotRequestId"))
        self.rm_futures: dict[str, Any] = {}
        self._future = self.java("java.util.concurrent.CompletableFuture")
        self.acknowledge = self.java(f"{RUNTIME}.messages.Acknowledge").get()
        self._done = self._future.completedFuture(self.acknowledge)
        self._resource_managers: dict[str, Any] = {}
        self._task_managers: dict[str, Any] = {}
        self._generated = 0
        self.executor = self.main_thread()

    # ------------------------------------------------------------------------- gateways

    def resource_manager(self, name: str) -> Any:
        """The gateway of a ResourceManager; the same object for the same name."""
        if name not in self._resource_managers:

            def request_slot(job_master: Any, request: Any, timeout: Any) -> Any:
                allocation = self._generate(request.getAllocationId())
                profile = self.profile_names[request.getResourceProfile()]
                self.effect("rm.request_slot", allocation=allocation, profile=profile, rm=name)
                self.rm_futures[allocation] = self._future()
                return self.rm_futures[allocation]

            def cancel_slot_request(allocation: Any) -> None:
                cancelled = self._generate(allocation)
                self.effect("rm.cancel_slot_request", allocation=cancelled, rm=name)

            self._resource_managers[name] = self.proxy(
                f"{RUNTIME}.resourcemanager.ResourceManagerGateway",
                requestSlot=request_slot,
                cancelSlotRequest=cancel_slot_request,
            )
        return self._resource_managers[name]

    def _generate(self, allocation: Any) -> str:
        """The symbol of an id that the pool made; a new id gets the next free symbol.

        A cancellation may come before the request that it cancels.
        """
        known = self.allocations.known(allocation)
        if known is not None:
            return known
        self._generated += 1
        while f"a{self._generated}" in self.allocations:
            self._generated += 1
        symbol = f"a{self._generated}"
        self.allocations.bind(symbol, allocation)
        return symbol

    def task_manager(self, name: str) -> Any:
        """The gateway of a task manager."""
        if name not in self._task_managers:

            def free_slot(allocation: Any, cause: Any, timeout: Any) -> Any:
                freed = self.allocations.symbol(allocation)
                self.effect("tm.free_slot", tm=name, allocation=freed)
                return self._done

            self._task_managers[name] = self.proxy(
                f"{RUNTIME}.jobmanager.slots.TaskManagerGateway", freeSlot=free_slot
            )
        return self._task_managers[name]

    # ------------------------------------------------------------------ callers, payloads

    def payload(self, allocation: str) -> Any:
        """A payload of a slot."""
        return self.proxy(
            f"{RUNTIME}.jobmaster.slotpool.PhysicalSlot$Payload",
            release=lambda cause: self.effect("payload.released", allocation=allocation),
            willOccupySlotIndefinitely=lambda: True,
        )


def canonical(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Effects of arbitrary order, in the order of the recordings.

    Effects on one task manager are sorted by allocation. The task managers keep their order,
    which is fixed in Java although nobody can rely on it.
    """

    def block(effect: dict[str, Any]) -> tuple[str, str]:
        return (effect["effect"], effect.get("tm", ""))

    return [
        effect
        for _, same in groupby(effects, block)
        for effect in sorted(same, key=lambda effect: natural(effect["allocation"]))
    ]


def by_allocation(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Effects of arbitrary order on any task managers, sorted by allocation."""
    return sorted(effects, key=lambda effect: natural(effect["allocation"]))
