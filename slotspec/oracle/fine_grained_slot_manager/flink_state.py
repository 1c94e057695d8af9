"""Reads the state of a real fine-grained slot manager by reflection, in the form of traces."""

from __future__ import annotations

from typing import Any

from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.traces.names import natural

_PACKAGE = f"{RUNTIME}.resourcemanager.slotmanager"
MANAGER = f"{_PACKAGE}.FineGrainedSlotManager"
TRACKER = f"{_PACKAGE}.FineGrainedTaskManagerTracker"
REGISTRATION = f"{_PACKAGE}.FineGrainedTaskManagerRegistration"
_SLOT = f"{_PACKAGE}.FineGrainedTaskManagerSlot"
_PENDING = f"{_PACKAGE}.PendingTaskManager"
_RESOURCES = f"{_PACKAGE}.DefaultResourceTracker"
_JOB = f"{_PACKAGE}.JobScopedResourceTracker"
_MAPPING = f"{_PACKAGE}.BiDirectionalResourceToRequirementMapping"
_SYNCER = f"{_PACKAGE}.DefaultSlotStatusSyncer"
_NEVER = 2**63 - 1


class FineGrainedState:
    """Reads one manager.

    :param peer: has the names, the world and the generation.
    :param pending: the table of pending workers.
    """

    def __init__(
        self,
        peer: Any,
        manager: Any,
        tracker: Any,
        resources: Any,
        syncer: Any,
        pending: Any,
    ) -> None:
        self._peer = peer
        self._manager = manager
        self._tracker = tracker
        self._get = get = peer.reflect.get
        self._linked_map = peer.java("java.util.LinkedHashMap")
        self._linked_set = peer.java("java.util.LinkedHashSet")
        self._jobs = get(_RESOURCES, "trackers", resources)
        self._slots = get(TRACKER, "slots", tracker)
        self._task_managers = get(TRACKER, "taskManagerRegistrations", tracker)
        self._pending = pending
        index = "totalAndDefaultSlotProfilesToPendingTaskManagers"
        self._index = get(TRACKER, index, tracker)
        self._waited_for = get(_SYNCER, "pendingSlotAllocations", syncer)
        self._names: dict[Any, str] = {}

    # ------------------------------------------------------------------------------- order

    def name_worker(self, id_: Any) -> None:
        """Give a new pending worker the next name."""
        self._names[id_] = f"p{len(self._names) + 1}"

    def keep_order(self) -> None:
        """Make the tables that the manager has made meanwhile keep the order of insertion."""
        for entry in self._index.entrySet():
            if not isinstance(entry.getValue(), self._linked_set):
                entry.setValue(self._linked_set(self._oldest_first(entry.getValue())))
        for registration in self._task_managers.values():
            slots = self._get(REGISTRATION, "slots", registration)
            if not isinstance(slots, self._linked_map):
                self._peer.reflect.set(REGISTRATION, "slots", registration, self._linked_map(slots))

    def _oldest_first(self, workers: Any) -> Any:
        def age(worker: Any) -> Any:
            return natural(self._names[worker.getPendingTaskManagerId()])

        return self._peer.java_list(sorted(workers, key=age))

    def _registration(self, instance: str) -> Any:
        id_ = self._peer.instances.known_id(instance)
        return None if id_ is None else self._task_managers.get(id_)

    def held_by(self, instance: str) -> list[str]:
        """The allocations of a task manager, in the order of its table."""
        registration = self._registration(instance)
        if registration is None:
            return []
        slots = self._get(REGISTRATION, "slots", registration)
        return [self._peer.allocations.symbol(allocation) for allocation in slots.keySet()]

    def put_first(self, instance: str, order: list[str]) -> None:
        """Let a task manager's table begin with these allocations."""
        registration = self._registration(instance)
        if registration is None or not order:
            return
        slots = self._get(REGISTRATION, "slots", registration)
        held = self.held_by(instance)
        wanted = [name for name in order if name in held]
        for name in wanted + [name for name in held if name not in wanted]:
            allocation = self._peer.allocations.id(name)
            slots.put(allocation, slots.remove(allocation))

    def note(self, jobs: list[str]) -> None:
        """Let a failed check have come as far as in a recording."""
        noted = self._get(MANAGER, "unfulfillableJobs", self._manager)
        noted.clear()
        for job in jobs:
            noted.add(self._peer.jobs.id(job))

    def fits(self, allocations: list[str]) -> bool:
        """Whether acknowledgements of these slots fit; one that does not ends Flink's process."""
        left: dict[Any, Any] = {}
        for name in allocations:
            slot = self._slots.get(self._peer.allocations.id(name))
            if slot is None or str(slot.getState()) != "PENDING":
                continue
            instance, profile = slot.getInstanceId(), slot.getResourceProfile()
            owner = self._task_managers.get(instance)
            if instance not in left and owner is not None:
                left[instance] = self._get(REGISTRATION, "unusedResource", owner)
            if instance not in left or not left[instance].allFieldsNoLessThan(profile):
                return False
            left[instance] = left[instance].subtract(profile)
        return True

    def counts_for_its_job(self, name: str) -> bool:
        """Whether giving up this slot succeeds; if not, a refusal ends Flink's process."""
        slot = self._slots.get(self._peer.allocations.id(name))
        tracker = None if slot is None else self._jobs.get(slot.getJobId())
        return tracker is None or any(
            acquired.getResourceProfile().equals(slot.getResourceProfile())
            for acquired in tracker.getAcquiredResources()
        )

    # ------------------------------------------------------------------------------- state

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
        self.keep_order()
        get, peer, manager = self._get, self._peer, self._manager
        amounts, timers = peer.values.amounts, peer.world.timers
        symbol = peer.allocations.symbol
        slots = {symbol(e.getKey()): self._slot(e.getValue()) for e in self._slots.entrySet()}
        kinds = "reconcile" if peer.since("1.20") else "idle"
        targets = get(MANAGER, "jobMasterTargetAddresses", manager)
        state: dict[str, Any] = {
            "started": bool(get(MANAGER, "started", manager)),
            "clock": timers.now,
            "notify": bool(get(MANAGER, "sendNotEnoughResourceNotifications", manager)),
            "jobs": {
                peer.jobs.symbol(entry.getKey()): self._job(entry.getValue())
                for entry in self._jobs.entrySet()
            },
            "targets": {
                peer.jobs.symbol(e.getKey()): str(e.getValue()) for e in targets.entrySet()
            },
            "unfulfillable": sorted(
                map(peer.jobs.symbol, get(MANAGER, "unfulfillableJobs", manager)), key=natural
            ),
            "task_managers": {
                peer.instances.symbol(entry.getKey()): self._task_manager(entry.getValue())
                for entry in self._task_managers.entrySet()
            },
            "slots": {name: slots[name] for name in sorted(slots, key=natural)},
            "pending_allocations": sorted(map(symbol, self._waited_for), key=natural),
            "pending_task_managers": {
                self._names[worker.getPendingTaskManagerId()]: self._worker(worker)
                for worker in self._pending.values()
            },
            "indexed": sorted(
                (
                    self._names[worker.getPendingTaskManagerId()]
                    for workers in self._index.values()
                    for worker in workers
                ),
                key=natural,
            ),
            "registered_resource": amounts(get(TRACKER, "totalRegisteredResource", self._tracker)),
            "pending_resource": amounts(get(TRACKER, "totalPendingResource", self._tracker)),
            "check_waiting": self._waits("requirementsCheckFuture"),
            "timers": [["once" if t.period is None else kinds, t.due] for t in timers.waiting],
            "queued": len(timers.soon),
        }
        if peer.since("1.20"):
            unwanted = get(TRACKER, "unWantedTaskManagers", self._tracker)
            state["unwanted"] = sorted(map(peer.instances.symbol, unwanted.keySet()), key=natural)
            state["declare_waiting"] = self._waits("declareNeededResourceFuture")
        if peer.since("2.3"):
            applications = get(MANAGER, "jobIdsToApplicationIds", manager)
            state["applications"] = {
                peer.jobs.symbol(entry.getKey()): peer.applications.symbol(entry.getValue())
                for entry in applications.entrySet()
            }
        return state

    def _waits(self, field: str) -> bool:
        future = self._get(MANAGER, field, self._manager)
        return future is not None and not future.isDone()

    def _counter(self, counter: Any) -> dict[str, int]:
        names = self._peer.world.profile_names
        return {
            names[entry.getKey()]: int(entry.getValue())
            for entry in counter.getResourcesWithCount()
        }

    def _pairs(self, tracker: Any, field: str) -> dict[str, dict[str, int]]:
        mapping = self._get(_JOB, "resourceToRequirementMapping", tracker)
        names = self._peer.world.profile_names
        return {
            names[entry.getKey()]: self._counter(entry.getValue())
            for entry in self._get(_MAPPING, field, mapping).entrySet()
        }

    def _job(self, tracker: Any) -> dict[str, Any]:
        return {
            "required": self._counter(self._get(_JOB, "resourceRequirements", tracker)),
            "fulfilled": self._pairs(tracker, "requirementToFulfillingResources"),
            "serves": self._pairs(tracker, "resourceToFulfilledRequirement"),
            "excess": self._counter(self._get(_JOB, "excessResources", tracker)),
        }

    def _task_manager(self, registration: Any) -> dict[str, Any]:
        get, peer = self._get, self._peer
        since = int(get(REGISTRATION, "idleSince", registration))
        names, amounts = peer.world.profile_names, peer.values.amounts
        connection = registration.getTaskExecutorConnection()
        slots = get(REGISTRATION, "slots", registration).keySet()
        return {
            "tm": str(connection.getResourceID().getResourceIdString()),
            "total": names[registration.getTotalResource()],
            "default_slot": names[registration.getDefaultSlotResourceProfile()],
            "num_slots": int(registration.getDefaultNumSlots()),
            "unused": amounts(get(REGISTRATION, "unusedResource", registration)),
            "pending": amounts(get(REGISTRATION, "pendingResource", registration)),
            "idle_since": None if since == _NEVER else since,
            "slots": sorted(map(peer.allocations.symbol, slots), key=natural),
        }

    def _slot(self, slot: Any) -> dict[str, Any]:
        peer = self._peer
        found: dict[str, Any] = {
            "job": peer.jobs.symbol(slot.getJobId()),
            "profile": peer.world.profile_names[slot.getResourceProfile()],
            "state": str(slot.getState()),
            "instance": peer.instances.symbol(slot.getInstanceId()),
        }
        if peer.since("2.3"):
            found["assigned_tasks"] = int(slot.getAssignedTasks())
        return found

    def _worker(self, worker: Any) -> dict[str, Any]:
        if not self._peer.since("1.20"):
            records = self._get(TRACKER, "pendingSlotAllocationRecords", self._tracker)
            planned = records.get(worker.getPendingTaskManagerId())
            return {"allocations": self._planned(planned)}
        return {
            "unused": self._peer.values.amounts(worker.getUnusedResource()),
            "allocations": self._planned(worker.getPendingSlotAllocationRecords()),
        }

    def _planned(self, planned: Any) -> dict[str, dict[str, int]]:
        if planned is None:
            return {}
        return {
            self._peer.jobs.symbol(entry.getKey()): self._counter(entry.getValue())
            for entry in planned.entrySet()
        }
