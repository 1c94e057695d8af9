"""The world around a real slot pool: executor, gateways, payloads and callers, all ours.

Everything that the pool calls is a proxy written in Python, and notes the effect.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from slotspec.oracle.peers.flink_values import RUNTIME, deepest, simple_name, unwrapped
from slotspec.oracle.traces.names import natural


class Ids:
    """Java ids and the symbols that traces have for them, for one kind of id.

    :param make: makes a new id.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._ids: dict[str, Any] = {}
        self._symbols: dict[Any, str] = {}

    def id(self, symbol: str) -> Any:
        """The id that `symbol` stands for; a new one if it is heard for the first time."""
        found = self._ids.get(symbol)
        if found is None:
            found = self._make()
            self.bind(symbol, found)
        return found

    def bind(self, symbol: str, id_: Any) -> None:
        self._ids[symbol] = id_
        self._symbols[id_] = symbol

    def symbol(self, id_: Any) -> str:
        return self._symbols[id_]

    def known(self, id_: Any) -> str | None:
        return self._symbols.get(id_)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids


class Timers:
    """The manual executor: what it is told to run later, in order of time, then of asking."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Any]] = []
        self._asked = 0
        self.now = 0
        self.soon: list[Any] = []

    def later(self, task: Any, delay: int) -> None:
        self._waiting.append((self.now + delay, self._asked, task))
        self._asked += 1

    def next(self, until: int) -> tuple[int, Any] | None:
        """Take out what is due first, if that is no later than `until`."""
        if not self._waiting:
            return None
        first = min(self._waiting, key=lambda entry: entry[:2])
        if first[0] > until:
            return None
        self._waiting.remove(first)
        return first[0], first[2]


class FlinkWorld:
    """All that one slot pool can see and call. Make a new one for each sequence.

    :param jpype: the module, its Java machine running.
    :param profiles: short name -> ResourceProfile.
    """

    def __init__(self, jpype: Any, profiles: dict[str, Any]) -> None:
        self._jpype = jpype
        java = jpype.JClass
        self.allocations = Ids(java(f"{RUNTIME}.clusterframework.types.AllocationID"))
        self.requests = Ids(java(f"{RUNTIME}.jobmaster.SlotRequestId"))
        self.profile_names = {profile: name for name, profile in profiles.items()}
        self.timers = Timers()
        self.effects: list[dict[str, Any]] = []
        self.rm_futures: dict[str, Any] = {}
        self._future = java("java.util.concurrent.CompletableFuture")
        self.acknowledge = java(f"{RUNTIME}.messages.Acknowledge").get()
        self._done = self._future.completedFuture(self.acknowledge)
        self._resource_managers: dict[str, Any] = {}
        self._task_managers: dict[str, Any] = {}
        self._generated = 0
        self.executor = self._proxy(
            f"{RUNTIME}.concurrent.ComponentMainThreadExecutor",
            execute=self.timers.soon.append,
            schedule=self._schedule,
            assertRunningInMainThread=lambda: None,
        )

    def _proxy(self, interface: str, **methods: Callable[..., Any]) -> Any:
        return self._jpype.JProxy(interface, dict=methods)

    def _schedule(self, task: Any, delay: Any, unit: Any) -> None:
        self.timers.later(task, int(unit.toMillis(delay)))

    def run_soon(self) -> None:
        """Run what the executor was given meanwhile."""
        while self.timers.soon:
            self.timers.soon.pop(0).run()

    # ------------------------------------------------------------------------- gateways

    def resource_manager(self, name: str) -> Any:
        """The gateway of a ResourceManager; the same object for the same name."""
        if name not in self._resource_managers:

            def request_slot(job_master: Any, request: Any, timeout: Any) -> Any:
                allocation = self._generate(request.getAllocationId())
                self.effects.append(
                    {
                        "effect": "rm.request_slot",
                        "allocation": allocation,
                        "profile": self.profile_names[request.getResourceProfile()],
                        "rm": name,
                    }
                )
                self.rm_futures[allocation] = self._future()
                return self.rm_futures[allocation]

            def cancel_slot_request(allocation: Any) -> None:
                self.effects.append(
                    {
                        "effect": "rm.cancel_slot_request",
                        "allocation": self._generate(allocation),
                        "rm": name,
                    }
                )

            self._resource_managers[name] = self._proxy(
                f"{RUNTIME}.resourcemanager.ResourceManagerGateway",
                requestSlot=request_slot,
                cancelSlotRequest=cancel_slot_request,
            )
        return self._resource_managers[name]

    def _generate(self, allocation: Any) -> str:
        """The symbol of an id that the pool has made: the next free one when it is new.

        A cancel can come before the request that it cancels.
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
                self.effects.append(
                    {
                        "effect": "tm.free_slot",
                        "tm": name,
                        "allocation": self.allocations.symbol(allocation),
                    }
                )
                return self._done

            self._task_managers[name] = self._proxy(
                f"{RUNTIME}.jobmanager.slots.TaskManagerGateway", freeSlot=free_slot
            )
        return self._task_managers[name]

    # ------------------------------------------------------------------ callers, payloads

    def payload(self, allocation: str) -> Any:
        """Something that runs in a slot."""
        return self._proxy(
            f"{RUNTIME}.jobmaster.slotpool.PhysicalSlot$Payload",
            release=lambda cause: self.effects.append(
                {"effect": "payload.released", "allocation": allocation}
            ),
            willOccupySlotIndefinitely=lambda: True,
        )

    def listen(self, future: Any, caller: dict[str, Any]) -> None:
        """Note what the caller of a request hears."""

        def heard(slot: Any, error: Any) -> None:
            if error is None:
                allocation = self.allocations.symbol(slot.getAllocationId())
                self.effects.append(
                    {"effect": "request.fulfilled", **caller, "allocation": allocation}
                )
                return
            seen = unwrapped(error)
            self.effects.append(
                {
                    "effect": "request.failed",
                    **caller,
                    "error": simple_name(seen),
                    "root_cause": simple_name(deepest(seen)),
                }
            )

        future.whenComplete(self._proxy("java.util.function.BiConsumer", accept=heard))


def canonical(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Effects whose order means nothing, in the order in which the recordings have them.

    That is by allocation, within what is done to one task manager. The order of the task
    managers themselves is fixed in Java, though nobody could rely on it.
    """

    def block(effect: dict[str, Any]) -> tuple[str, str]:
        return (effect["effect"], effect.get("tm", ""))

    return [
        effect
        for _, same in groupby(effects, block)
        for effect in sorted(same, key=lambda effect: natural(effect["allocation"]))
    ]


def by_allocation(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same for effects that concern any task manager in any order."""
    return sorted(effects, key=lambda effect: natural(effect["allocation"]))
