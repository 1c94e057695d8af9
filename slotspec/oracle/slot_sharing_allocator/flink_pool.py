"""The scripted slot pool below a real slot sharing allocator."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_reflection import Reflection
from slotspec.oracle.peers.flink_values import RUNTIME, FlinkValues, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids

POOL = f"{RUNTIME}.jobmaster.slotpool"


class ScriptedPool:
    """A slot pool that does what operations say.

    :param at_once: it gives its slots to pending requests; otherwise only operations do.
    :param since_20: requests come with preferred allocations, and taken slots with a profile.
    :param since_23: requests are objects, with a load.
    """

    def __init__(
        self,
        world: FlinkWorld,
        values: FlinkValues,
        reflect: Reflection,
        *,
        at_once: bool,
        since_20: bool,
        since_23: bool,
    ) -> None:
        self._world = world
        self._reflect = reflect
        self._values = values
        self._at_once = at_once
        self._since_20, self._since_23 = since_20, since_23
        java = self._java = world.java
        self._optional = java("java.util.Optional")
        self._future = java("java.util.concurrent.CompletableFuture")
        self._slot = java(f"{POOL}.AllocatedSlot")
        self._illegal = java("java.lang.IllegalStateException")
        self.allocations = Ids(java(f"{RUNTIME}.clusterframework.types.AllocationID"))
        self.mode = "normal"
        self.slots: dict[str, Any] = {}
        self.free: list[str] = []
        self.pending: dict[str, tuple[Any, Any]] = {}
        self.taken: dict[str, str] = {}
        self.interface = self._proxy()

    def _proxy(self) -> Any:
        def tracker() -> Any:
            return self._world.proxy(
                f"{POOL}.{'FreeSlotTracker' if self._since_23 else 'FreeSlotInfoTracker'}",
                getFreeSlotsInformation=lambda: self._listed(self.free),
                getAvailableSlots=lambda: self._java("java.util.HashSet")(),
                reserveSlot=lambda allocation: None,
            )

        def utilized() -> Any:
            made, kind = self._listed([]), f"{POOL}.SlotInfoWithUtilization"
            for name in self.free:
                made.add(
                    self._reflect.new(kind, self.slots[name], self._java("java.lang.Double")(0))
                )
            return made

        return self._world.proxy(
            f"{POOL}.SlotPool",
            getFreeSlotTracker=tracker,
            getFreeSlotInfoTracker=tracker,
            getAvailableSlotsInformation=utilized,
            getAllocatedSlotsInformation=lambda: self._listed(
                [name for name in self.slots if name not in self.free]
            ),
            allocateAvailableSlot=self._allocate_available,
            requestNewAllocatedSlot=lambda *given: self._request_new(False, *given),
            requestNewAllocatedBatchSlot=lambda *given: self._request_new(True, *given),
            disableBatchSlotRequestTimeoutCheck=lambda: self._world.effect(
                "pool.disable_batch_check"
            ),
            releaseSlot=self._release,
        )

    def _listed(self, names: list[str]) -> Any:
        made = self._java("java.util.ArrayList")()
        for name in names:
            made.add(self.slots[name])
        return made

    # ---------------------------------------------------------------- what the allocator asks

    @staticmethod
    def request_name(request: Any) -> str:
        """``q1`` for the first id of the sequence."""
        return f"q{int(request.getLowerPart())}"

    def shown(self, profile: Any) -> Any:
        """A profile as traces have it."""
        amounts = self._values.amounts(profile)
        if isinstance(amounts, str):
            return amounts.lower()
        return [amounts["cpu"], amounts["task_heap_mb"]]

    def _asked(self, request: Any) -> tuple[str, Any, dict[str, Any]]:
        """Name, profile and load of a PhysicalSlotRequest of 2.3."""
        profile = request.getPhysicalSlotResourceProfile()
        load = {"load": float(request.getTaskExecutionLoad().getLoadValue())}
        return self.request_name(request.getSlotRequestId()), profile, load

    def _allocate_available(self, *given: Any) -> Any:
        if self._since_23:
            allocation = self.allocations.symbol(given[0])
            name, profile, load = self._asked(given[1])
            more = {"profile": self.shown(profile), **load}
        else:
            name, allocation = self.request_name(given[0]), self.allocations.symbol(given[1])
            more = {"profile": self.shown(given[2])} if self._since_20 else {}
        self._world.effect("pool.allocate_available", request=name, allocation=allocation, **more)
        if self.mode == "raises":
            raise self._illegal("given")
        self.free.remove(allocation)
        self.taken[name] = allocation
        return self._optional.of(self.slots[allocation])

    def _request_new(self, batch: bool, *given: Any) -> Any:
        if self._since_23:
            name, profile, load = self._asked(given[0])
        else:
            name, profile, load = self.request_name(given[0]), given[1], {}
        shown = self.shown(profile)
        self._world.effect("pool.request_new", request=name, profile=shown, batch=batch, **load)
        if self.mode in ("raises", "refuses"):
            raise self._illegal("given")
        future = self._future()
        if self.mode == "fails":
            future.completeExceptionally(self._values.cause(("RuntimeException",)))
        else:
            self.pending[name] = future, profile
        return future

    def _release(self, request: Any, cause: Any) -> None:
        name = self.request_name(request)
        self._world.effect("pool.release_slot", request=name, cause=simple_name(cause))
        if name in self.pending:
            future, _ = self.pending.pop(name)
            future.completeExceptionally(self._values.cause(("FlinkException",)))
            return
        allocation = self.taken.pop(name, None)
        if allocation in self.slots:
            self.free.append(allocation)
            self.slots[allocation].releasePayload(cause)
            self._serve(allocation)

    # --------------------------------------------------------------------- what operations say

    def _serve(self, allocation: str) -> None:
        if not self._at_once or allocation not in self.free:
            return
        slot = self.slots[allocation]
        for name, (_, profile) in self.pending.items():
            if slot.getResourceProfile().isMatching(profile):
                self.fulfil(name, allocation)
                return

    def select(self, profile: Any) -> str | None:
        """The first free slot that matches."""
        wanted = profile.getPhysicalSlotResourceProfile()
        matching = (
            name for name in self.free if self.slots[name].getResourceProfile().isMatching(wanted)
        )
        return next(matching, None)

    def add(self, allocation: str, tm: str, index: int, profile: Any) -> bool:
        """Add a free slot; whether it is new."""
        if allocation in self.slots:
            return False
        place = self._values.tm_location(tm, "host")
        gateway = self._world.proxy(f"{RUNTIME}.jobmanager.slots.TaskManagerGateway")
        given = self.allocations.id(allocation), place, index, profile, gateway
        self.slots[allocation] = self._slot(*given)
        self.free.append(allocation)
        self._serve(allocation)
        return True

    def fulfil(self, request: str, allocation: str) -> bool:
        """Give a free slot to a pending request."""
        if request not in self.pending or allocation not in self.free:
            return False
        future, _ = self.pending.pop(request)
        self.free.remove(allocation)
        self.taken[request] = allocation
        return bool(future.complete(self.slots[allocation]))

    def fail_request(self, request: str, cause: Any) -> bool:
        """Fail a pending request."""
        if request not in self.pending:
            return False
        future, _ = self.pending.pop(request)
        return bool(future.completeExceptionally(cause))

    def lose(self, allocations: list[str], cause: Any) -> None:
        """Slots leave; then their payloads are released."""
        lost = [self.slots.pop(name) for name in allocations]
        self.free = [name for name in self.free if name not in allocations]
        for slot in lost:
            slot.releasePayload(cause)
