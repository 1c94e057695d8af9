"""Flink's own TaskSlotTableImpl as a peer, with its TimerService."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slotspec.oracle.peers.flink_payloads import outcome
from slotspec.oracle.peers.flink_peer import FlinkPeer
from slotspec.oracle.peers.flink_values import RUNTIME
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids, Timer
from slotspec.oracle.task_slot_table.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import TraceHeader

SLOT = f"{RUNTIME}.taskexecutor.slot"
TABLE = f"{SLOT}.TaskSlotTableImpl"
PAGE_BYTES = 32 * 1024


class TaskSlotTablePeer(FlinkPeer):
    """Runs one TaskSlotTableImpl at a time."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        types = f"{RUNTIME}.clusterframework.types"
        self._allocation_id = self.java(f"{types}.AllocationID")
        self._job_id = self.java("org.apache.flink.api.common.JobID")
        execution = self.java(f"{RUNTIME}.executiongraph.ExecutionAttemptID")
        self._execution_id = getattr(execution, "randomId", execution)
        self._uuid = self.java("java.util.UUID")
        self._future = self.java("java.util.concurrent.CompletableFuture")
        self._failure = self.java("java.lang.RuntimeException")
        self._none = self.java("java.util.UUID")(0, 0)
        self._resource_id = self.values.resource_id("tm1")
        # an interface of this name came later
        self._timer_service = f"{SLOT}.TimerService"
        if self.java(self._timer_service).class_.isInterface():
            self._timer_service = f"{SLOT}.DefaultTimerService"

    def make(self, header: TraceHeader) -> None:
        world = self.world = FlinkWorld(self.jpype, self.profiles)
        self._allocations = Ids(self._allocation_id)
        self._jobs = Ids(self._job_id)
        self._executions = Ids(self._execution_id)
        self._tickets = Ids(self._uuid.randomUUID)
        self._tickets.bind("k0", self._none)
        self._registered: list[Timer] = []
        self._named = 0
        self._tasks: dict[str, Any] = {}
        self._names_of_tasks: dict[Any, str] = {}
        self._ends: dict[str, Any] = {}
        scheduler = world.proxy(
            "java.util.concurrent.ScheduledExecutorService",
            schedule=self._schedule,
            shutdown=lambda: world.effect("timer_service.shutdown"),
            shutdownNow=lambda: self.java_list(()),
            awaitTermination=lambda timeout, unit: True,
            isShutdown=lambda: False,
            isTerminated=lambda: False,
        )
        self._timers = self.java(self._timer_service)(scheduler, 0)
        self._table = self.java(TABLE)(
            header.config["slots"],
            self.values.profile(header.config["total"]),
            self.profiles[header.config["default_profile"]],
            PAGE_BYTES,
            self._timers,
            world.direct_executor(),
        )
        get = self.reflect.get
        self._by_allocation = get(TABLE, "allocatedSlots", self._table)
        self._by_index = get(TABLE, "taskSlots", self._table)
        self._mappings = get(TABLE, "taskSlotMappings", self._table)
        self._per_job = get(TABLE, "slotsPerJob", self._table)
        self._budget = get(TABLE, "budgetManager", self._table)
        self._closing = get(TABLE, "closingFuture", self._table)
        self._timeouts = get(self._timer_service, "timeouts", self._timers)
        self._told = "pending"

    def settle(self) -> None:
        super().settle()
        failed = [e for e in self.world.effects if e["effect"] == "task.fail_externally"]
        if failed:
            begin = self.world.effects.index(failed[0])
            self.world.sort_effects(begin, begin + len(failed), lambda e: natural(e["task"]))
        if self._told != (now := outcome(self._closing)):
            self._told = now
            self.world.effect("table.closed" if now == "done" else "table.close_failed")

    # -------------------------------------------------------------------------- lifecycle

    def _schedule(self, task: Any, delay: Any, unit: Any) -> Any:
        """The TimerService registers a timeout, whose ticket is known only afterwards."""
        timer = self.world.timers.later(task, int(unit.toMillis(delay)))
        self._registered.append(timer)
        return self.world.scheduled(timer)

    def _name_tickets(self) -> None:
        """Number the new tickets, whether or not somebody has made up such a name before."""
        owner = f"{self._timer_service}$Timeout"
        for registered in self._registered[self._named :]:
            self._named += 1
            ticket = self.reflect.get(owner, "ticket", registered.task)
            self._tickets.bind(f"k{self._named}", ticket)

    def _start(self) -> None:
        actions = self.world.proxy(
            f"{SLOT}.SlotActions",
            freeSlot=lambda allocation: self.world.effect(
                "actions.free_slot", allocation=self._allocations.symbol(allocation)
            ),
            timeoutSlot=lambda allocation, ticket: self.world.effect(
                "actions.timeout_slot",
                allocation=self._allocations.symbol(allocation),
                ticket=self._tickets.symbol(ticket),
            ),
        )
        self._table.start(actions, self.world.main_thread())

    def _close(self) -> None:
        self._table.closeAsync()

    # ------------------------------------------------------------------------------ slots

    def _allocate_slot(
        self, index: int, job: str, allocation: str, profile: str | None, timeout: int
    ) -> bool | None:
        done = self._table.allocateSlot(
            index,
            self._jobs.id(job),
            self._allocations.id(allocation),
            self.profiles[profile or self.header.config["default_profile"]],
            self.duration(timeout),
        )
        return None if done is None else bool(done)

    def _mark_slot_active(self, allocation: str) -> bool:
        return bool(self._table.markSlotActive(self._allocations.id(allocation)))

    def _mark_slot_inactive(self, allocation: str, timeout: int) -> bool:
        id_ = self._allocations.id(allocation)
        return bool(self._table.markSlotInactive(id_, self.duration(timeout)))

    def _try_mark_slot_active(self, job: str, allocation: str) -> bool:
        ids = self._jobs.id(job), self._allocations.id(allocation)
        return bool(self._table.tryMarkSlotActive(*ids))

    def _free_slot(self, allocation: str) -> int:
        return int(self._table.freeSlot(self._allocations.id(allocation)))

    def _notify_timeout(self, allocation: str, ticket: str) -> None:
        self._table.notifyTimeout(self._allocations.id(allocation), self._tickets.id(ticket))

    def _is_valid_timeout(self, allocation: str, ticket: str) -> bool:
        ids = self._allocations.id(allocation), self._tickets.id(ticket)
        return bool(self._table.isValidTimeout(*ids))

    # ------------------------------------------------------------------------------ tasks

    def _add_task(self, task: str, execution: str, job: str, allocation: str, quick: bool) -> bool:
        end = self._ends[task] = self._future()

        def fail_externally(cause: Any) -> None:
            self.world.effect("task.fail_externally", task=task)
            if quick:
                end.complete(None)

        ids = self._jobs.id(job), self._executions.id(execution), self._allocations.id(allocation)
        payload = self._tasks[task] = self.world.proxy(
            f"{SLOT}.TaskSlotPayload",
            getJobID=lambda: ids[0],
            getExecutionId=lambda: ids[1],
            getAllocationId=lambda: ids[2],
            getTerminationFuture=lambda: end,
            failExternally=fail_externally,
        )
        self._names_of_tasks[payload] = task
        return bool(self._table.addTask(payload))

    def _task(self, payload: Any) -> str | None:
        return None if payload is None else self._names_of_tasks[payload]

    def _remove_task(self, execution: str) -> str | None:
        return self._task(self._table.removeTask(self._executions.id(execution)))

    def _task_terminates(self, task: str, outcome: str) -> bool:
        end = self._ends.get(task)
        if end is None:
            return False
        done = end.complete(None) if outcome == "ok" else end.completeExceptionally(self._failure())
        return bool(done)

    # ---------------------------------------------------------------------------- queries

    def _is_allocated(self, index: int, job: str, allocation: str) -> bool:
        ids = self._jobs.id(job), self._allocations.id(allocation)
        return bool(self._table.isAllocated(index, *ids))

    def _is_slot_free(self, index: int) -> bool:
        return bool(self._table.isSlotFree(index))

    def _get_current_allocation(self, index: int) -> str | None:
        return self._allocations.symbol_or_none(self._table.getCurrentAllocation(index))

    def _get_owning_job(self, allocation: str) -> str | None:
        owner = self._table.getOwningJob(self._allocations.id(allocation))
        return self._jobs.symbol_or_none(owner)

    def _get_task(self, execution: str) -> str | None:
        return self._task(self._table.getTask(self._executions.id(execution)))

    def _get_task_memory_manager(self, allocation: str) -> int:
        manager = self._table.getTaskMemoryManager(self._allocations.id(allocation))
        return int(manager.getMemorySize()) >> 20

    def _get_allocation_ids(self, job: str) -> list[str]:
        return self._sorted(self._table.getAllocationIdsPerJob(self._jobs.id(job)))

    def _sorted(self, allocations: Any) -> list[str]:
        return sorted(map(self._allocations.symbol, allocations), key=natural)

    def _get_allocated_slots(self, job: str) -> list[dict[str, Any]]:
        slots = self._table.getAllocatedSlots(self._jobs.id(job))
        offers = [self._offer(slot.generateSlotOffer()) for slot in slots]
        return sorted(offers, key=lambda offer: natural(offer["allocation"]))

    def _offer(self, offer: Any) -> dict[str, Any]:
        return {
            "allocation": self._allocations.symbol(offer.getAllocationId()),
            "index": int(offer.getSlotIndex()),
            "profile": self.world.profile_names[offer.getResourceProfile()],
        }

    def _has_allocated_slots(self, job: str) -> bool:
        return bool(self._table.hasAllocatedSlots(self._jobs.id(job)))

    def _get_active_slots(self, job: str | None = None) -> list[str]:
        if job is None:
            return self._sorted(self._table.getActiveTaskSlotAllocationIds())
        id_ = self._jobs.id(job)
        if self.since("1.12"):
            return self._sorted(self._table.getActiveTaskSlotAllocationIdsPerJob(id_))
        return self._sorted(self._table.getActiveTaskAllocationIdsPerJob(id_))

    def _get_tasks(self, job: str) -> list[str]:
        payloads = self._table.getTasks(self._jobs.id(job))
        return sorted((self._names_of_tasks[p] for p in payloads), key=natural)

    def _generate_slot_offer(self, allocation: str) -> dict[str, Any] | None:
        slot = self._by_allocation.get(self._allocations.id(allocation))
        return None if slot is None else self._offer(slot.generateSlotOffer())

    def _create_slot_report(self) -> list[dict[str, Any]]:
        rows = []
        for status in self._table.createSlotReport(self._resource_id):
            row = {
                "index": int(status.getSlotID().getSlotNumber()),
                "profile": self.world.profile_names[status.getResourceProfile()],
                "job": self._jobs.symbol_or_none(status.getJobID()),
                "allocation": self._allocations.symbol_or_none(status.getAllocationID()),
            }
            if hasattr(status, "getAssignedTasks"):
                row["tasks"] = int(status.getAssignedTasks())
            rows.append(row)
        static = self.header.config["slots"]
        dynamic = sorted(rows[static:], key=lambda row: (row["index"], natural(row["allocation"])))
        return rows[:static] + dynamic

    # ------------------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        self._name_tickets()  # also those of operations that raised
        symbol = self._allocations.symbol
        by_index = {
            int(entry.getKey()): symbol(entry.getValue().getAllocationId())
            for entry in self._by_index.entrySet()
        }
        slots = {
            symbol(e.getKey()): self._slot(e.getValue()) for e in self._by_allocation.entrySet()
        }
        state: dict[str, Any] = {
            "state": str(self.reflect.get(TABLE, "state", self._table)),
            "by_index": {str(index): by_index[index] for index in sorted(by_index)},
            "slots": {name: slots[name] for name in sorted(slots, key=natural)},
            "per_job": {
                self._jobs.symbol(entry.getKey()): self._sorted(entry.getValue())
                for entry in self._per_job.entrySet()
            },
            "tasks": {
                self._executions.symbol(entry.getKey()): self._mapping(entry.getValue())
                for entry in self._mappings.entrySet()
            },
            "budget": self.values.amounts(self._budget.getAvailableBudget()),
            "timers": {
                symbol(entry.getKey()): self._timeout(entry.getValue())
                for entry in self._timeouts.entrySet()
            },
            "closing": outcome(self._closing),
            "clock": self.world.timers.now,
        }
        if self.since("1.13"):
            next_index = self.reflect.get(TABLE, "dynamicSlotIndex", self._table)
            state["next_dynamic_index"] = int(next_index)
        return state

    def _slot(self, slot: Any) -> dict[str, Any]:
        get = self.reflect.get
        return {
            "index": int(slot.getIndex()),
            "job": self._jobs.symbol(slot.getJobId()),
            "profile": self.world.profile_names[slot.getResourceProfile()],
            "state": str(get(f"{SLOT}.TaskSlot", "state", slot)),
            "tasks": {
                self._executions.symbol(entry.getKey()): self._task(entry.getValue())
                for entry in get(f"{SLOT}.TaskSlot", "tasks", slot).entrySet()
            },
            "closing": outcome(get(f"{SLOT}.TaskSlot", "closingFuture", slot)),
            "memory_shutdown": bool(slot.getMemoryManager().isShutdown()),
        }

    def _mapping(self, mapping: Any) -> dict[str, Any]:
        get = self.reflect.get
        slot = get(f"{TABLE}$TaskSlotMapping", "taskSlot", mapping)
        return {
            "task": self._task(get(f"{TABLE}$TaskSlotMapping", "task", mapping)),
            "allocation": self._allocations.symbol(slot.getAllocationId()),
        }

    def _timeout(self, timeout: Any) -> dict[str, Any]:
        ticket = self.reflect.get(f"{self._timer_service}$Timeout", "ticket", timeout)
        name = self._tickets.symbol(ticket)
        registered = self._registered[int(name[1:]) - 1]
        fired = registered not in self.world.timers.waiting
        return {"ticket": name, "due": registered.due, "fired": fired}


PEER = TaskSlotTablePeer
