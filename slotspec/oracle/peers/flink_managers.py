"""What the peers of Flink's slot managers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_answers import TaskExecutorAnswers
from slotspec.oracle.peers.flink_clock import CLOCK
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import Ids

RESOURCES = f"{RUNTIME}.resourcemanager"
CONNECTION = f"{RESOURCES}.registration.TaskExecutorConnection"


class ManagerPeer(TaskExecutorAnswers):
    """Runs one slot manager at a time, with the TaskExecutors that it calls.

    A subclass makes the manager in :meth:`make`, and says in :meth:`gateway` what TaskExecutors do.
    """

    instances: Ids
    _manager: Any

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        types = f"{RUNTIME}.clusterframework.types"
        self._clock = self.java(CLOCK)
        self._linked_map = self.java("java.util.LinkedHashMap")
        self._linked_set = self.java("java.util.LinkedHashSet")
        self._instance_id = self.java(f"{RUNTIME}.instance.InstanceID")
        self._allocation_id = self.java(f"{types}.AllocationID")
        self._slot_id = self.java(f"{types}.SlotID")
        self._job_id = self.java("org.apache.flink.api.common.JobID")
        self._connection = self.java(CONNECTION)
        self._status = self.java(f"{RUNTIME}.taskexecutor.SlotStatus")
        self._report = self.java(f"{RUNTIME}.taskexecutor.SlotReport")
        metrics = self.java(f"{RUNTIME}.metrics.groups.UnregisteredMetricGroups")
        self._metrics = metrics.createUnregisteredSlotManagerMetricGroup()

    def gateway(self, tm: str) -> dict[str, Callable[..., Any]]:
        """What a TaskExecutor does when the manager calls it, by the name of Flink's method."""
        raise NotImplementedError

    def forget_answers(self) -> None:
        """Begin a sequence, without open calls and connections."""
        super().forget_answers()
        self._connections: dict[tuple[str, str], Any] = {}
        self._allowed = True

    def pass_time(self, now: int) -> None:
        super().pass_time(now)
        self._clock.now = now

    def connect(self, instance: str, tm: str) -> Any:
        """The connection of a TaskExecutor, always the same for one instance."""
        if (instance, tm) not in self._connections:

            def can_be_released() -> Any:
                query, answer = self.new_query()
                self.world.effect("tm.can_be_released", tm=tm, query=query)
                return answer

            gateway = self.world.proxy(
                f"{RUNTIME}.taskexecutor.TaskExecutorGateway",
                canBeReleased=can_be_released,
                **self.gateway(tm),
            )
            connection = self._connection(self.values.resource_id(tm), gateway)
            self.reflect.set(CONNECTION, "instanceID", connection, self.instances.id(instance))
            self._connections[instance, tm] = connection
        return self._connections[instance, tm]

    # -------------------------------------------------------------------------- operations

    def _suspend(self) -> None:
        self._manager.suspend()

    def _close(self) -> None:
        self._manager.close()

    def _set_resource_allocation(self, allowed: bool) -> None:
        self._allowed = allowed

    def _set_fail_unfulfillable_request(self, fail: bool) -> None:
        self._manager.setFailUnfulfillableRequest(fail)

    def _unregister_task_manager(self, instance: str) -> bool:
        cause = self.values.cause(("FlinkException",))
        return bool(self._manager.unregisterTaskManager(self.instances.id(instance), cause))
