"""Creates Flink's values from the header of a trace, and finds their names."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.traces.profiles import amounts_json
from slotspec.oracle.traces.trace import TraceHeader

RUNTIME = "org.apache.flink.runtime"
_MEMORY = ("TaskHeap", "TaskOffHeap", "Managed", "Network")
EXCEPTIONS = {
    "FlinkException": "org.apache.flink.util.FlinkException",
    "NoResourceAvailableException": (
        f"{RUNTIME}.jobmanager.scheduler.NoResourceAvailableException"
    ),
    "UnfulfillableSlotRequestException": (
        f"{RUNTIME}.resourcemanager.exceptions.UnfulfillableSlotRequestException"
    ),
    "SlotAllocationException": f"{RUNTIME}.taskexecutor.exceptions.SlotAllocationException",
    "CancellationException": "java.util.concurrent.CancellationException",
    "TimeoutException": "java.util.concurrent.TimeoutException",
    "IOException": "java.io.IOException",
}
"""Simple class names of causes outside java.lang -> full names."""


class FlinkValues:
    """Makes profiles, causes and locations of task managers, independent of any sequence."""

    def __init__(self, jpype: Any) -> None:
        self.java = jpype.JClass
        self.profile_class = self.java(f"{RUNTIME}.clusterframework.types.ResourceProfile")
        self.resource_id = self.java(f"{RUNTIME}.clusterframework.types.ResourceID")
        self.location = self.java(f"{RUNTIME}.taskmanager.TaskManagerLocation")
        self._locations: dict[tuple[str, str], Any] = {}

    # ------------------------------------------------------------------------- profiles

    def profiles(self, header: TraceHeader) -> dict[str, Any]:
        """The header's profiles by name."""
        return {name: self.profile(given) for name, given in header.profiles.items()}

    def profile(self, given: dict[str, Any] | str) -> Any:
        """The ResourceProfile of amounts as headers have them."""
        if given == "ANY":
            return self.profile_class.ANY
        if given == "UNKNOWN":
            return self.profile_class.UNKNOWN
        assert isinstance(given, dict)
        builder = (
            self.profile_class.newBuilder()
            .setCpuCores(float(given.get("cpu", 0.0)))
            .setTaskHeapMemoryMB(int(given.get("task_heap_mb", 0)))
            .setTaskOffHeapMemoryMB(int(given.get("task_off_heap_mb", 0)))
            .setManagedMemoryMB(int(given.get("managed_mb", 0)))
            .setNetworkMemoryMB(int(given.get("network_mb", 0)))
        )
        for name, amount in given.get("extended", {}).items():
            self._extend(builder, name, float(amount))
        return builder.build()

    def _extend(self, builder: Any, name: str, amount: float) -> None:
        package = "org.apache.flink.api.common.resources"
        if hasattr(builder, "setExtendedResource"):
            builder.setExtendedResource(self.java(f"{package}.ExternalResource")(name, amount))
        else:
            # until 1.12 a resource has a class, of which Flink itself has only this one
            builder.addExtendedResource(name, self.java(f"{package}.GPUResource")(amount))

    def amounts(self, profile: Any) -> dict[str, Any] | str:
        """A ResourceProfile in the form of headers."""
        for special in ("ANY", "UNKNOWN"):
            if profile.equals(getattr(self.profile_class, special)):
                return special
        extended = {
            str(entry.getKey()): float(entry.getValue().getValue().doubleValue())
            for entry in profile.getExtendedResources().entrySet()
        }
        return amounts_json(
            float(profile.getCpuCores().getValue().doubleValue()),
            *(int(getattr(profile, f"get{part}Memory")().getMebiBytes()) for part in _MEMORY),
            extended=dict(sorted(extended.items())),
        )

    # --------------------------------------------------------------------------- causes

    def cause(self, chain: tuple[str, ...]) -> Any:
        """An exception of the first class, caused by one of the second, and so on."""
        below: Any = None
        for name in reversed(chain):
            below = self._exception(name, below)
        return below

    def _exception(self, name: str, below: Any) -> Any:
        made = self.java(EXCEPTIONS.get(name, f"java.lang.{name}"))
        if name == "UnfulfillableSlotRequestException":
            allocation = self.java(f"{RUNTIME}.clusterframework.types.AllocationID")()
            return made(allocation, self.profile_class.UNKNOWN)
        error = made("given")
        if below is not None:
            error.initCause(below)
        return error

    # -------------------------------------------------------------------- task managers

    def tm_location(self, name: str, host: str) -> Any:
        """The location of a task manager. It is cached, since Java may look up the host's name."""
        if (name, host) not in self._locations:
            number = len({host for _, host in self._locations} | {host}) % 250 + 1
            address = self.java("java.net.InetAddress").getByAddress(
                host, self.java("byte[]")([127, 0, 0, number])
            )
            self._locations[name, host] = self.location(self.resource_id(name), address, 6121)
        return self._locations[name, host]


def simple_name(throwable: Any) -> str:
    """Class name of a Java exception without its package."""
    return str(throwable.getClass().getSimpleName())


def unwrapped(throwable: Any) -> Any:
    """The exception inside CompletionExceptions."""
    while simple_name(throwable) == "CompletionException" and throwable.getCause() is not None:
        throwable = throwable.getCause()
    return throwable


def deepest(throwable: Any) -> Any:
    """The last cause."""
    while throwable.getCause() is not None:
        throwable = throwable.getCause()
    return throwable
