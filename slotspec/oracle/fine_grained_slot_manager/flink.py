"""Flink's own FineGrainedSlotManager as a peer, with its trackers, syncer and strategy.

As for the recordings, jobs and instances have ids whose hash values ascend, and tables of pending
workers keep the order of insertion. What hashing still decides, the peer tells as arguments:
``order`` and ``noted``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from slotspec.oracle.fine_grained_slot_manager.flink_state import (
    MANAGER,
    TRACKER,
    FineGrainedState,
)
from slotspec.oracle.fine_grained_slot_manager.schema import SCHEMA
from slotspec.oracle.peers.flink_managers import RESOURCES, ManagerPeer
from slotspec.oracle.peers.flink_order import NumberedIds, spread
from slotspec.oracle.peers.flink_values import RUNTIME, simple_name
from slotspec.oracle.peers.flink_world import FlinkWorld, Ids, Timers
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.errors import InputError

SLOTS = f"{RESOURCES}.slotmanager"
RPC_TIMEOUT_MS = 10_000
SMALLEST_TABLE = 16
"""Entries of a new hash table."""
LEAVING = ("register_task_manager", "report_slot_status", "unregister_task_manager")
"""Operations that can take slots away, in an order that hashing decides."""


class FineGrainedPeer(ManagerPeer):
    """Runs one FineGrainedSlotManager at a time."""

    schema = SCHEMA

    def __init__(self, version: str, jars: str | Path | None = None) -> None:
        super().__init__(version, jars)
        self._requirement = self.java(f"{RUNTIME}.slots.ResourceRequirement")
        self._requirements = self.java(f"{RUNTIME}.slots.ResourceRequirements")
        self._worker_spec = self.java(f"{RESOURCES}.WorkerResourceSpec")

    # ------------------------------------------------------------------------------ making

    def make(self, header: TraceHeader) -> None:
        world = self.world = FlinkWorld(self.jpype, self.profiles)
        world.timers = Timers(periodic_last=False)
        self.forget_answers()
        self.allocations = Ids(self._allocation_id)
        self.jobs: Ids = NumberedIds(self._job_id)
        self.instances: Ids = NumberedIds(self._instance_id)
        self.applications = Ids(self.java("java.lang.Object"))
        if self.since("2.3"):
            self.applications = Ids(self.java("org.apache.flink.api.common.ApplicationID"))
        self._tms: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._failed: list[Any] = []
        self._made = 0
        self._asked_for: dict[str, str] = {}
        self._acknowledged: list[str] = []
        self._executor = world.proxy(
            "java.util.concurrent.Executor", execute=world.timers.soon.append
        )
        scheduler = world.proxy(
            "org.apache.flink.util.concurrent.ScheduledExecutor",
            schedule=world.schedule,
            scheduleWithFixedDelay=world.schedule_again,
            # only metrics are updated at a fixed rate
            scheduleAtFixedRate=lambda *times: None,
        )
        self.pass_time(0)
        self._tracker = self.java(TRACKER)()
        pending = self._linked_map()
        self.reflect.set(TRACKER, "pendingTaskManagers", self._tracker, self._watched(pending))
        resources = self.java(f"{SLOTS}.DefaultResourceTracker")()
        syncer = self.java(f"{SLOTS}.DefaultSlotStatusSyncer")(self._span(RPC_TIMEOUT_MS, "2.3"))
        given = [
            scheduler,
            self._configuration(header),
            self._metrics,
            resources,
            self._tracker,
            syncer,
            self._strategy(header),
        ]
        if not self.since("1.20"):
            given.append(self._span(header.config["check_delay_ms"], "2.3"))
        self._manager = self.java(MANAGER)(*given)
        self._state = FineGrainedState(
            self, self._manager, self._tracker, resources, syncer, pending
        )

    def _watched(self, pending: Any) -> Any:
        """The table of pending workers, which tells its state of each new one.

        Some workers come and go within one operation.
        """

        def put(id_: Any, worker: Any) -> Any:
            self._state.name_worker(id_)
            return pending.put(id_, worker)

        same = ("get", "remove", "containsKey", "size", "isEmpty", "clear", "forEach")
        views = ("values", "keySet", "entrySet", "getOrDefault")
        methods = {name: getattr(pending, name) for name in same + views}
        return self.world.proxy("java.util.Map", put=put, **methods)

    def _span(self, ms: int, since: str) -> Any:
        return self.duration(ms, since)

    def _worker(self, config: dict[str, Any]) -> Any:
        total = self.profiles[config["worker"]]
        return self._worker_spec.fromTotalResourceProfile(total, config["slots_per_worker"])

    def _limits(self, config: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        cpu = self.java("org.apache.flink.api.common.resources.CPUResource")
        memory = self.java("org.apache.flink.configuration.MemorySize")
        most_cpu, most_memory = config["max_cpu"], config["max_memory_mb"]
        return (
            cpu(float(config["min_cpu"])),
            cpu(1e300 if most_cpu is None else float(most_cpu)),
            memory.ofMebiBytes(config["min_memory_mb"]),
            memory.MAX_VALUE if most_memory is None else memory.ofMebiBytes(most_memory),
        )

    def _mode(self, config: dict[str, Any]) -> Any:
        modes = "org.apache.flink.configuration.TaskManagerOptions$TaskManagerLoadBalanceMode"
        return self.java(modes).valueOf(config["mode"])

    def _configuration(self, header: TraceHeader) -> Any:
        config = header.config
        least_cpu, most_cpu, least_memory, most_memory = self._limits(config)
        slots, redundant = config["slots_per_worker"], config["redundant_task_managers"]
        most = 2**31 - 1
        if not self.since("1.20"):
            given = [
                self._span(RPC_TIMEOUT_MS, "2.3"),
                self._span(RPC_TIMEOUT_MS, "2.3"),
                self._span(config["task_manager_timeout_ms"], "2.3"),
                config["wait_result_consumed"],
                self.java(f"{SLOTS}.AnyMatchingSlotMatchingStrategy").INSTANCE,
                self._worker(config),
                *(slots, most, most_cpu, most_memory, redundant),
            ]
            return self.java(f"{SLOTS}.SlotManagerConfiguration")(*given)
        given = [
            self._span(RPC_TIMEOUT_MS, "2.3"),
            self._span(config["task_manager_timeout_ms"], "2.3"),
            self._span(config["check_delay_ms"], "1.20"),
            self._span(config["declare_delay_ms"], "1.20"),
        ]
        if not self.since("2.3"):
            given.append(config["wait_result_consumed"])
        given += [self._mode(config), self._worker(config), slots, 0, most]
        given += [least_cpu, most_cpu, least_memory, most_memory, redundant]
        return self.java(f"{SLOTS}.SlotManagerConfiguration")(*given)

    def _strategy(self, header: TraceHeader) -> Any:
        config = header.config
        given = [self.profiles[config["worker"]], config["slots_per_worker"]]
        if self.since("1.20"):
            least_cpu, _, least_memory, _ = self._limits(config)
            given += [
                self._mode(config),
                self._span(config["task_manager_timeout_ms"], "2.3"),
                config["redundant_task_managers"],
                least_cpu,
                least_memory,
            ]
        return self.java(f"{SLOTS}.DefaultResourceAllocationStrategy")(*given)

    # --------------------------------------------------------------------------- execution

    def settle(self) -> None:
        if self.header.config["auto_run"]:
            self._run(None)
        self._state.keep_order()
        if self._failed:
            first, self._failed = self._failed[0], []
            raise first

    def _run(self, count: int | None) -> int:
        """Run queued work; an exception does not stop the rest."""
        soon, ran = self.world.timers.soon, 0
        while soon and (count is None or ran < count):
            try:
                soon.pop(0).run()
            except self.jpype.JException as error:
                self._failed.append(error)
            ran += 1
        return ran

    def _call_acknowledged(self, call: str) -> bool:
        if call in self._asked_for:
            self._acknowledge(self._asked_for[call])
        return super()._call_acknowledged(call)

    def _call_fails(
        self, call: str, kind: str, allocation: str | None = None, job: str | None = None
    ) -> bool:
        asked_for = self._asked_for.get(call)
        counts = not asked_for or self._state.counts_for_its_job(asked_for)
        if kind != "occupied" and not counts and not self.fatal:
            raise InputError("TRC032", "giving up this slot fails, which ends the process")
        return super()._call_fails(call, kind, allocation, job)

    def _acknowledge(self, *allocations: str) -> None:
        """Note acknowledgements that wait for the main thread.

        :raises InputError: if one of them would end the process, and this one with it.
        """
        waiting = [*self._acknowledged, *allocations]
        if not self._state.fits(waiting) and not self.fatal:
            raise InputError("TRC032", "an acknowledgement does not fit, which ends the process")
        self._acknowledged = [] if self.header.config["auto_run"] else waiting

    def _run_main_thread(self, count: int | None = None) -> int:
        self._acknowledge()
        soon = self.world.timers.soon
        # what these tasks queue stays queued
        return self._run(len(soon) if count is None else min(count, len(soon)))

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        """Run one operation.

        Arguments that say what hashing decided are followed where the class does otherwise: a
        replay needs the course of the recording. Where they are absent, the step returned has them.
        """
        told = dict(arguments)
        given = {name: told[name] for name in told if name not in ("order", "noted")}
        held: list[str] = []
        if op in LEAVING:
            self._state.put_first(told["instance"], told.get("order", []))
            held = self._state.held_by(told["instance"])
        self._noted = told.get("noted")
        seen = super().step(op, given)
        left = [name for name in held if name not in self._state.held_by(told["instance"])]
        if len(left) > 1:
            told.setdefault("order", left)
        if seen.raises == "NullPointerException" and "noted" in self.schema.by_name[op].accepted:
            assert isinstance(seen.state, dict)
            told.setdefault("noted", seen.state["unfulfillable"])
        return msgspec.structs.replace(seen, arguments=told)

    def snapshot(self) -> dict[str, Any]:
        if self._noted is not None:
            self._state.note(self._noted)
        return self._state.snapshot()

    # ------------------------------------------------------------------------- environment

    def connect(self, instance: str, tm: str) -> Any:
        self._tms[instance] = tm
        return super().connect(instance, tm)

    def gateway(self, tm: str) -> dict[str, Callable[..., Any]]:
        def request_slot(slot: Any, job: Any, *given: Any) -> Any:
            application = [given[0]] if self.since("2.3") else []
            allocation, profile, target, *_ = given[len(application) :]
            call, answer = self.new_call()
            name = self._asked_for[call] = self._name_allocation(allocation)
            fields = {
                "call": call,
                "tm": tm,
                "job": self.jobs.symbol(job),
                "allocation": name,
                "profile": self.world.profile_names[profile],
                "target": str(target),
            }
            if application:
                fields["application"] = self.applications.symbol(application[0])
            self.world.effect("tm.request_slot", **fields)
            return answer

        def free_inactive_slots(job: Any, timeout: Any) -> None:
            self.world.effect("tm.free_inactive_slots", tm=tm, job=self.jobs.symbol(job))

        return {"requestSlot": request_slot, "freeInactiveSlots": free_inactive_slots}

    def _name_allocation(self, allocation: Any) -> str:
        self._made += 1
        self.allocations.bind(f"a{self._made}", allocation)
        return f"a{self._made}"

    def _acquired(self, acquired: Any) -> dict[str, int]:
        counts = {
            self.world.profile_names[r.getResourceProfile()]: int(r.getNumberOfRequiredSlots())
            for r in acquired
        }
        return dict(sorted(counts.items()))

    def _not_enough(self, job: Any, acquired: Any) -> None:
        name = self.jobs.symbol(job)
        self.world.effect("job.not_enough_resources", job=name, acquired=self._acquired(acquired))

    def _worker_name(self, spec: Any) -> dict[str, Any]:
        slots = int(spec.getNumSlots())
        name = next(
            name
            for name, profile in self.profiles.items()
            if isinstance(self.header.profiles[name], dict)
            and self._worker_spec.fromTotalResourceProfile(profile, slots).equals(spec)
        )
        return {"worker": name, "slots": slots}

    def _declare(self, declared: Any) -> None:
        declarations = [
            {
                **self._worker_name(one.getSpec()),
                "needed": int(one.getNumNeeded()),
                "unwanted": sorted(
                    map(self.instances.symbol, one.getUnwantedWorkers()), key=natural
                ),
            }
            for one in declared
        ]
        declarations.sort(key=lambda d: (natural(str(d["worker"])), d["slots"]))
        self.world.effect("resource.declare", declarations=declarations)

    def _allocate(self, spec: Any) -> bool:
        worker = self._worker_name(spec)
        self.world.effect("resource.allocate", **worker, granted=self._allowed)
        return self._allowed

    def _start(self) -> None:
        leader = self.java(f"{RESOURCES}.ResourceManagerId").generate()
        if not self.since("1.20"):
            actions = self.world.proxy(
                f"{SLOTS}.ResourceActions",
                allocateResource=self._allocate,
                releaseResource=lambda instance, cause: self.world.effect(
                    "resource.release",
                    instance=self.instances.symbol(instance),
                    cause=simple_name(cause),
                ),
                notifyNotEnoughResourcesAvailable=self._not_enough,
            )
            self._manager.start(leader, self._executor, actions)
            return
        supported = self.header.config["allocator"]
        allocator = self.world.proxy(
            f"{SLOTS}.ResourceAllocator",
            isSupported=lambda: supported,
            declareResourceNeeded=self._declare,
        )
        listener = self.world.proxy(
            f"{SLOTS}.ResourceEventListener", notEnoughResourceAvailable=self._not_enough
        )
        blocked = self.world.proxy(
            f"{RUNTIME}.blocklist.BlockedTaskManagerChecker",
            isBlockedTaskManager=lambda tm: str(tm.getResourceIdString()) in self._blocked,
        )
        self._manager.start(leader, self._executor, allocator, listener, blocked)

    def _set_blocked(self, tm: str, blocked: bool) -> None:
        (self._blocked.add if blocked else self._blocked.discard)(tm)

    # ------------------------------------------------------------------------ requirements

    def _process_resource_requirements(
        self,
        job: str,
        target: str,
        requirements: list[list[Any]],
        application: str | None = None,
    ) -> None:
        wanted = self.java_list(
            self._requirement.create(self._of_slot(profile), count)
            for profile, count in requirements
        )
        given = [self.jobs.id(job), target, wanted]
        if self.since("2.3"):
            if application is None:
                raise InputError("TRC032", "Flink 2.3 requires for an application; name one")
            given.insert(1, self.applications.id(application))
        self._manager.processResourceRequirements(self._requirements.create(*given))

    def _clear_resource_requirements(self, job: str) -> None:
        self._manager.clearResourceRequirements(self.jobs.id(job))

    def _trigger_resource_requirements_check(self) -> None:
        self._manager.triggerResourceRequirementsCheck()

    # ----------------------------------------------------------------------- task managers

    def _fixed(self, name: str) -> Any:
        """A profile of fixed amounts. Flink never ends to count slots of another."""
        if not isinstance(self.header.profiles[name], dict):
            raise InputError("TRC032", f"profile {name!r} can only be required; use a fixed one")
        return self.profiles[name]

    def _of_slot(self, name: str) -> Any:
        """A profile that slots may have: hash tables iterate these in their order of insertion."""
        if spread(self.profiles[name]) % SMALLEST_TABLE:
            raise InputError(
                "TRC032",
                f"hash tables do not iterate slots of profile {name!r} in their order of insertion;"
                " use amounts in whole megabytes, and 0.25, 0.5, 1, 2 or 4 of cpu",
            )
        return self.profiles[name]

    def _slot_report(self, instance: str, slots: list[dict[str, Any]]) -> Any:
        tm = self.values.resource_id(self._tms.get(instance, "tm"))
        rows = []
        for row in slots:
            given = [self._slot_id(tm, max(row["index"], 0)), self._fixed(row["profile"])]
            if row["allocation"] is not None:
                self._of_slot(row["profile"])
                given += [self.jobs.id(row["job"]), self.allocations.id(row["allocation"])]
                if self.since("2.3"):
                    given.append(row.get("tasks", 0))
            rows.append(self._status(*given))
        return self._report(self.java_list(rows))

    def _register_task_manager(
        self, instance: str, tm: str, total: str, default_slot: str, slots: list[dict[str, Any]]
    ) -> str | bool:
        given = [
            self.connect(instance, tm),
            self._slot_report(instance, slots),
            self._fixed(total),
            self._fixed(default_slot),
        ]
        done = self._manager.registerTaskManager(*given)
        return str(done) if self.since("1.20") else bool(done)

    def _report_slot_status(self, instance: str, slots: list[dict[str, Any]]) -> bool:
        id_ = self.instances.id(instance)
        return bool(self._manager.reportSlotStatus(id_, self._slot_report(instance, slots)))

    def _free_slot(self, allocation: str) -> None:
        slot = self._slot_id(self.values.resource_id("tm"), 0)
        self._manager.freeSlot(slot, self.allocations.id(allocation))

    # ------------------------------------------------------------------------------- state

    def _counts(self, instance: str | None = None) -> dict[str, Any]:
        manager, amounts = self._manager, self.values.amounts
        if instance is None:
            found: dict[str, Any] = {
                "slots": int(manager.getNumberRegisteredSlots()),
                "free_slots": int(manager.getNumberFreeSlots()),
                "resource": amounts(manager.getRegisteredResource()),
                "free_resource": amounts(manager.getFreeResource()),
            }
            if not self.since("1.20"):
                workers = manager.getRequiredResources().entrySet()
                found["required_workers"] = {
                    self._worker_name(entry.getKey())["worker"]: int(entry.getValue())
                    for entry in workers
                }
            return found
        id_ = self.instances.id(instance)
        found = {
            "slots": int(manager.getNumberRegisteredSlotsOf(id_)),
            "free_slots": int(manager.getNumberFreeSlotsOf(id_)),
            "resource": amounts(manager.getRegisteredResourceOf(id_)),
            "free_resource": amounts(manager.getFreeResourceOf(id_)),
            "allocated": sorted(
                (self.jobs.symbol(slot.getJobId()) for slot in manager.getAllocatedSlotsOf(id_)),
                key=natural,
            ),
        }
        if self.since("2.3"):
            found["assigned_tasks"] = int(manager.getAssignedTasksOf(id_))
        return found


PEER = FineGrainedPeer
