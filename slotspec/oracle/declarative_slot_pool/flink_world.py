"""The environment of a real declarative slot pool: gateways, payloads, listeners, owner."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_order import colliding_ids
from slotspec.oracle.peers.flink_values import RUNTIME, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids

_LISTENERS = f"{RUNTIME}.jobmaster.slotpool.DeclarativeSlotPool"


def _cause(error: Any) -> str | None:
    return None if error is None else simple_name(error)


class DeclarativePoolWorld(FlinkWorld):
    """Everything that one pool can call.

    :param order: names of the profiles in the order in which traces list counters.
    """

    def __init__(self, jpype: Any, profiles: dict[str, Any], order: list[str]) -> None:
        super().__init__(jpype, profiles)
        types = f"{RUNTIME}.clusterframework.types"
        self.allocations: Ids = colliding_ids(self.java(f"{types}.AllocationID"))
        self.requests: Ids = colliding_ids(self.java(f"{RUNTIME}.jobmaster.SlotRequestId"))
        self.calls: dict[str, Any] = {}
        self._order = order
        self._future = self.java("java.util.concurrent.CompletableFuture")
        self.acknowledge = self.java(f"{RUNTIME}.messages.Acknowledge").get()
        self._done = self._future.completedFuture(self.acknowledge)
        self._gateways: dict[str, Any] = {}
        self._task_managers: dict[str, Any] = {}
        self.executor = self.main_thread()

    # --------------------------------------------------------------------------- counters

    def _ordered(self, counts: dict[str, int]) -> list[list[Any]]:
        return [[name, counts[name]] for name in self._order if name in counts]

    def counter(self, counter: Any) -> list[list[Any]]:
        """A ResourceCounter as traces have it."""
        entries = counter.getResourcesWithCount()
        return self._ordered({self.profile_names[e.getKey()]: int(e.getValue()) for e in entries})

    def requirements(self, requirements: Any) -> list[list[Any]]:
        """A collection of ResourceRequirements as traces have it."""
        return self._ordered(
            {
                self.profile_names[required.getResourceProfile()]: int(
                    required.getNumberOfRequiredSlots()
                )
                for required in requirements
            }
        )

    # --------------------------------------------------------------------------- gateways

    def resource_manager(self, name: str) -> Any:
        """The gateway of a ResourceManager; the same object for the same name."""
        if name not in self._gateways:

            def declare(job_master: Any, declared: Any, timeout: Any) -> Any:
                call = f"c{len(self.calls) + 1}"
                self.calls[call] = self._future()
                wanted = self.requirements(declared.getResourceRequirements())
                fields = {"rm": name, "call": call, "requirements": wanted}
                self.effect("rm.declare_required_resources", **fields)
                return self.calls[call]

            self._gateways[name] = self.proxy(
                f"{RUNTIME}.resourcemanager.ResourceManagerGateway",
                declareRequiredResources=declare,
            )
        return self._gateways[name]

    def task_manager(self, name: str) -> Any:
        """The gateway of a task manager."""
        if name not in self._task_managers:

            def free_slot(allocation: Any, cause: Any, timeout: Any) -> Any:
                freed = self.allocations.symbol(allocation)
                self.effect("tm.free_slot", tm=name, allocation=freed, cause=_cause(cause))
                return self._done

            self._task_managers[name] = self.proxy(
                f"{RUNTIME}.jobmanager.slots.TaskManagerGateway", freeSlot=free_slot
            )
        return self._task_managers[name]

    def payload(self, allocation: str) -> Any:
        """A payload of a slot."""
        return self.proxy(
            f"{RUNTIME}.jobmaster.slotpool.PhysicalSlot$Payload",
            release=lambda cause: self.effect(
                "payload.released", allocation=allocation, cause=_cause(cause)
            ),
            willOccupySlotIndefinitely=lambda: True,
        )

    # ---------------------------------------------------------------------- the pool alone

    def owner(self) -> Any:
        """Who is told the requirements of a pool."""
        return self.proxy(
            "java.util.function.Consumer",
            accept=lambda given: self.effect("requirements", requirements=self.requirements(given)),
        )

    def new_slots_listener(self) -> Any:
        """Who is told of new slots."""

        def told(slots: Any) -> None:
            names = [self.allocations.symbol(slot.getAllocationId()) for slot in slots]
            self.effect("new_slots", allocations=names)

        return self.proxy(f"{_LISTENERS}$NewSlotsListener", notifyNewSlotsAreAvailable=told)

    def stable_listener(self) -> Any:
        """Who is told that requirements are stable."""
        return self.proxy(
            f"{_LISTENERS}$ResourceRequestStableListener",
            notifyResourceRequestStable=lambda: self.effect("stable"),
        )
