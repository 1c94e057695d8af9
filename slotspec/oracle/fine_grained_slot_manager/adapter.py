"""The oracle of the fine-grained slot manager: what FineGrainedSlotManager does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.models.common.timers import next_timer
from slotspec.models.fine_grained_slot_manager import operations
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.resources import CATALOGUE, FIXED, Resources
from slotspec.models.fine_grained_slot_manager.state import (
    Answer,
    Effect,
    Raised,
    Registration,
    Size,
    Timer,
    allocations,
    applications,
    instances,
    jobs,
    pending_workers,
    queries,
    report_entries,
    requirement_entries,
    targets,
    task_managers,
    timers,
)
from slotspec.models.fine_grained_slot_manager.syncing import queued
from slotspec.models.fine_grained_slot_manager.tracking import is_tracked, job_row, pair_row
from slotspec.models.fine_grained_slot_manager.versions import Strategy
from slotspec.models.fine_grained_slot_manager.workers import (
    is_allocation_unused,
    is_on,
    is_registered,
    pending_amount,
    plan_row,
    slots_of,
    unplanned,
)
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.fine_grained_slot_manager.schema import SCHEMA
from slotspec.oracle.traces.names import natural
from slotspec.oracle.traces.profiles import profiles_of
from slotspec.oracle.traces.schema import Argument
from slotspec.oracle.traces.trace import Expected, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError

ANSWERS = {None: Answer.NONE_YET, True: Answer.YES, False: Answer.NO}
SIZES = {Size.SLOTS: "slots", Size.FREE_SLOTS: "free_slots"}

DEFAULTS: dict[str, Any] = {
    "worker": "small",
    "slot": "small",
    "slots_per_worker": 1,
    "mode": "NONE",
    "allocator": True,
    "check_delay_ms": 50,
    "declare_delay_ms": 50,
    "task_manager_timeout_ms": 30_000,
    "redundant_task_managers": 0,
    "min_cpu": 0.0,
    "min_memory_mb": 0,
    "max_cpu": None,
    "max_memory_mb": None,
    "auto_run": True,
    "wait_result_consumed": True,
}
"""Flink's defaults, with workers of one small slot each."""


BEGIN = {
    **dict.fromkeys(("jobs", "instances", "task_managers", "targets", "applications"), 1),
    "timers": 3,
    "queries": 2,
    "allocations": 4,
    "pending_workers": 1,
}
"""Sizes to begin with; the oracle grows them."""


def config_of(header: TraceHeader | None) -> dict[str, Any]:
    """The configuration of a header, or Flink's defaults."""
    return {**DEFAULTS, **(header.config if header else {})}


def resources_of(header: TraceHeader | None) -> Resources:
    """The profiles, workers and limits of a header.

    :raises InputError: ``TRC031`` where the worker or its slot is not listed, or no amounts.
    """
    config = config_of(header)
    profiles = profiles_of(header) if header else dict(CATALOGUE)
    for field in ("worker", "slot"):
        name = config[field]
        if name not in profiles:
            raise InputError(
                "TRC031",
                f"the header lists no profile {name!r} for config.{field}; add it there",
            )
        if profiles[name].unknown or profiles[name].any_:
            raise InputError(
                "TRC031", f"config.{field} {name!r} has no amounts; choose a known profile"
            )
    limits = tuple(config[n] for n in ("min_cpu", "min_memory_mb", "max_cpu", "max_memory_mb"))
    return Resources(profiles, profiles, config["worker"], config["slot"], limits)


MOST_NUMBERED = 1000
"""Names up to this number are the elements of that number."""


class NumberedNames(NameTable):
    """Names whose order counts: ``j3`` is element 2, whenever it appears.

    Recordings fix ids whose hashes are 0, 1, 2, …, so hash maps iterate in this order.
    """

    def decode(self, name: str | None) -> int:
        if name is not None and self.number(name) is None:
            number = natural(name)[1] - 1
            if 0 <= number < MOST_NUMBERED and not self.is_bound(number):
                self._elastic.grow(self.sort, number + 1)
                self.bind(name, number)
        return super().decode(name)


class FineGrainedSlotManagerOracle(ModelOracle):
    """What a FineGrainedSlotManager of one generation does with each operation.

    Without a header it has Flink's defaults and the profiles ``small``, ``unknown`` and
    ``large``.

    :param generation: ``1.14``, ``1.20`` or ``2.3``.
    """

    schema = SCHEMA
    model = fine_grained_slot_manager
    rules: ClassVar[ModuleType] = operations
    raises_effect = Effect.RAISES
    raised: ClassVar[Mapping[int, str]] = {raised: raised.exception for raised in Raised}

    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        config = config_of(header)
        self.resources = resources_of(header)
        count = len(self.resources.profiles)
        sizes = {"profiles": count, "totals": count, "resources": len(self.resources.names)}
        return {**sizes, **BEGIN}, {
            "follow_clock": 1,
            "resources_given": self.resources,
            "strategy": int(Strategy[config["mode"]]),
            "task_manager_timeout": config["task_manager_timeout_ms"],
            "check_delay": config["check_delay_ms"],
            "declare_delay": config["declare_delay_ms"],
            **{
                name: int(config[name])
                for name in (
                    "slots_per_worker",
                    "allocator",
                    "redundant_task_managers",
                    "auto_run",
                    "wait_result_consumed",
                )
            },
        }

    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        s, elastic = self.state, self.elastic
        self._profiles = ListedNames(self.resources.profiles, "profile")
        every = list(self.resources.profiles.values())
        self._first_like = [every.index(profile) for profile in every]
        self._instances = NumberedNames(elastic, instances)
        self._task_managers = NameTable(elastic, task_managers)
        self._allocations = NameTable(elastic, allocations, lambda n: is_allocation_unused(s, n))
        self._jobs = NumberedNames(elastic, jobs)
        self._targets = NameTable(elastic, targets, lambda n: n not in s.target)
        self._applications = NameTable(elastic, applications, lambda n: n not in s.application)
        self._calls = NameTable(elastic, allocations)
        self._queries = NameTable(elastic, queries)
        self._owners: dict[int, str] = {}
        self._made = {"allocation": 0, "call": 0, "query": 0}
        return {
            "profile": self._profiles,
            "instance": self._instances,
            "tm": self._task_managers,
            "allocation": self._allocations,
            "job": self._jobs,
            "target": self._targets,
            "application": self._applications,
            "call": self._calls,
            "query": self._queries,
        }

    # ------------------------------------------------------------------------------ steps

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation, with the order and the failed check that a recording tells."""
        order, noted = arguments.get("order"), arguments.get("noted")
        if noted is not None:
            if "job" in arguments:
                self._jobs.decode(arguments["job"])  # it may be new, and then has no number yet
            known = [self._jobs.decode(name) for name in noted]
            self._make_room()
            for job in self.state.elements(jobs):
                self.state.noted[job] = 2 if job in known else 1
        if order is not None:
            for place, name in enumerate(order):
                number = self._allocations.decode(name)
                if place < len(self.state.leaving):
                    self.state.leaving[place] = number
        try:
            return super().step(op, **arguments)
        finally:
            for job in self.state.elements(jobs):
                self.state.noted[job] = 0
            for place in range(len(self.state.leaving)):
                self.state.leaving[place] = NONE

    def hint(self, step: RecordedStep) -> None:
        """Let a live peer step first: its step tells the order and the failed check."""

    def _clear(self) -> None:
        super()._clear()
        self._counted: dict[str, Any] = {}

    def run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, with room for everything that it may use up."""
        self._make_room()
        return super().run(operation, *arguments)

    def _make_room(self) -> None:
        """Grow what one operation may use up: workers, allocations, questions, timers.

        Each work in the queue may make a plan of its own.
        """
        s = self.state
        lacking = sum(s.required) + sum(s.declared_count)
        lacking += sum(state == ManagedSlot.PENDING for state in s.slot)
        plans = 2 + queued(s) + len(s.timer)
        spare_workers = s.redundant_task_managers + self._least_workers()
        absent = s.pending.count(PendingTaskManager.ABSENT)
        self._spare(pending_workers, absent, lacking + spare_workers + 1)
        unused = sum(is_allocation_unused(s, n) for n in range(len(s.slot)))
        self._spare(allocations, unused, plans * (lacking + sum(s.planned) + 1))
        open_queries = s.query.count(IdleQuery.UNUSED)
        self._spare(queries, open_queries, plans * len(s.registration))
        if list(s.timer[-4:]).count(Timer.UNUSED) < 4:
            self.elastic.grow(timers, len(s.timer) + 4)

    def _least_workers(self) -> int:
        """How many workers the minimum needs at most."""
        least_cpu, least_memory, *_ = self.resources.bounds
        cpu, *memory = self.resources.amounts(self.resources.totals[self.resources.worker])
        own = sum(memory[: self.resources.memory_count])
        return max(-(-least_cpu // max(cpu, 1)), -(-least_memory // max(own, 1)))

    def _spare(self, sort: Sort, spare: int, wanted: int) -> None:
        if spare < wanted:
            self.elastic.grow(sort, self.elastic.size(sort) + wanted - spare)

    def decode(self, argument: Argument, value: Any) -> int:
        if argument.name == "answer":
            return int(ANSWERS[value])
        if argument.kind == "profile":
            return self._profile(value)
        return super().decode(argument, value)

    def _profile(self, name: str) -> int:
        """The first profile that equals the named one."""
        return self._first_like[self._profiles.decode(name)]

    def _generate(self, kind: str, names: NameTable, number: int) -> str:
        """Name what the manager has made."""
        self._made[kind] += 1
        name = self.schema.named(kind, self._made[kind])
        names.bind(name, number)
        return name

    # ------------------------------------------------------------------------- operations

    def _process_resource_requirements(
        self,
        job: str,
        target: str,
        requirements: list[tuple[str, int]],
        application: str | None = None,
        noted: object = None,
    ) -> None:
        s = self.state
        self.elastic.grow(requirement_entries, len(requirements))
        for entry, (profile, count) in enumerate(requirements):
            s.declared_profile[entry] = self._profile(profile)
            s.declared_count[entry] = count
        self.run(
            operations.process_resource_requirements,
            self._jobs.decode(job),
            self._targets.decode(target),
            self._applications.decode(application),
        )

    def _report(self, report: list[dict[str, Any]]) -> None:
        """Put a slot report where the rules look for it."""
        s = self.state
        self.elastic.grow(report_entries, len(report))
        for entry, slot in enumerate(report):
            profile = self._profile(slot["profile"])
            if slot["allocation"] is None or slot["job"] is None:
                continue
            s.report_allocation[entry] = self._allocations.decode(slot["allocation"])
            s.report_job[entry] = self._jobs.decode(slot["job"])
            s.report_profile[entry] = profile
            s.report_tasks[entry] = slot.get("tasks", 0)

    def _register_task_manager(
        self,
        instance: str,
        tm: str,
        total: str,
        default_slot: str,
        slots: list[dict[str, Any]],
        order: object = None,
        noted: object = None,
    ) -> bool | str | None:
        number = self._instances.decode(instance)
        if not is_registered(self.state, number):
            self._owners[number] = tm
        self._report(slots)
        result = self.run(
            operations.register_task_manager,
            number,
            self._task_managers.decode(tm),
            self._profile(total),
            self._profile(default_slot),
        )
        if result == NONE:
            return None
        if self.generation == "1.14":
            return result == Registration.SUCCESS
        return Registration(result).name

    def _report_slot_status(
        self,
        instance: str,
        slots: list[dict[str, Any]],
        order: object = None,
        noted: object = None,
    ) -> bool | None:
        self._report(slots)
        result = self.run(operations.report_slot_status, self._instances.decode(instance))
        return None if result == NONE else result == 1

    def _call_fails(self, call: str, kind: str, noted: object = None) -> bool:
        number = self._calls.number(call)
        if number is None:
            return False
        return self.run(operations.call_fails, number, int(kind == "occupied")) == 1

    def _run_main_thread(self, count: int | None = None, noted: object = None) -> int:
        """Run one after the other, so that each finds the room that it needs."""
        ran = 0
        waiting = queued(self.state)
        for _ in range(waiting if count is None else min(count, waiting)):
            ran += self.run(operations.run_main_thread, 1)
        return ran

    def _advance_time(self, ms: int, noted: object = None) -> None:
        """Advance from timer to timer, so that one advance uses up a bounded number of records."""
        s = self.state
        while True:
            place = next_timer(s)
            step = ms if place == NONE else min(ms, s.due_in[place])
            self.run(operations.advance_time, step)
            ms -= step
            if ms == 0:
                return

    def _counts(self, instance: str | None = None) -> dict[str, Any]:
        number = self._instances.decode(instance)
        self.run(operations.counts, number)
        found = self._counted
        found["resource"] = self._amounts(found.pop("total_of"))
        found["free_resource"] = self._amounts(found.pop("free_of"))
        tasks, workers = found.pop("tasks"), found.pop("workers")
        owners = found.pop("jobs", [])
        if instance is not None:
            found["allocated"] = sorted(owners, key=natural)
            if self.generation not in ("1.14", "1.20"):
                found["assigned_tasks"] = tasks
        elif self.generation == "1.14":
            found["required_workers"] = {self._worker: workers} if workers else {}
        return found

    @property
    def _worker(self) -> str:
        return self._profiles.name(self._first_like[self.state.worker])

    # --------------------------------------------------------------------------- encoding

    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        """An effect of the trace; what belongs to an earlier one is added to it."""
        match kind:
            case Effect.REQUEST_SLOT:
                return self._request(a, b, c, d)
            case Effect.CAN_BE_RELEASED:
                return {
                    "effect": "tm.can_be_released",
                    "tm": self._owners[b],
                    "query": self._generate("query", self._queries, a),
                }
            case Effect.FREE_INACTIVE_SLOTS:
                job = self._jobs.name(b)
                return {"effect": "tm.free_inactive_slots", "tm": self._owners[a], "job": job}
            case Effect.NOT_ENOUGH_RESOURCES:
                job = self._jobs.name(a)
                return {"effect": "job.not_enough_resources", "job": job, "acquired": {}}
            case Effect.ACQUIRED:
                self._effects[-1]["acquired"][self._profiles.name(b)] = c
            case Effect.DECLARE:
                return {"effect": "resource.declare", "declarations": []}
            case Effect.NEEDED | Effect.UNWANTED:
                self._declare(kind, a, b, c)
            case Effect.ALLOCATE_RESOURCE:
                return {
                    "effect": "resource.allocate",
                    "worker": self._worker,
                    "slots": self.state.slots_per_worker,
                    "granted": a == 1,
                }
            case Effect.RELEASE_RESOURCE:
                return {
                    "effect": "resource.release",
                    "instance": self._instances.name(a),
                    "cause": "FlinkException",
                }
            case Effect.COUNTED | Effect.COUNTED_RESOURCE | Effect.COUNTED_JOB:
                self._count(kind, a, b, c)
        return None

    def _request(self, allocation: int, instance: int, job: int, profile: int) -> dict[str, Any]:
        s = self.state
        name = self._generate("allocation", self._allocations, allocation)
        found = {
            "effect": "tm.request_slot",
            "call": self._generate("call", self._calls, allocation),
            "tm": self._owners[instance],
            "job": self._jobs.name(job),
            "allocation": name,
            "profile": self._profiles.name(profile),
            "target": self._targets.name(s.target[job]),
        }
        if s.applications_needed:
            found["application"] = self._applications.name(s.application[job])
        return found

    def _declare(self, kind: int, total: int, slots: int, subject: int) -> None:
        """Add to a declaration; kinds of workers are a set, sorted by name."""
        declared = self._effects[-1]["declarations"]
        if kind == Effect.UNWANTED:
            name = self._profiles.name(total)
            own = next(d for d in declared if (d["worker"], d["slots"]) == (name, slots))
            own["unwanted"].append(self._instances.name(subject))
            own["unwanted"].sort(key=natural)
            return
        declared.append(
            {
                "worker": self._profiles.name(total),
                "slots": slots,
                "needed": subject,
                "unwanted": [],
            }
        )
        declared.sort(key=lambda d: (d["worker"], d["slots"]))

    def _count(self, kind: int, a: int, b: int, c: int) -> None:
        found = self._counted
        if kind == Effect.COUNTED_RESOURCE:
            found.setdefault("total_of", []).append(b)
            found.setdefault("free_of", []).append(c)
        elif kind == Effect.COUNTED_JOB:
            found.setdefault("jobs", []).append(self._jobs.name(a))
        elif a in SIZES:
            found[SIZES[Size(a)]] = b
        else:
            found["tasks" if a == Size.ASSIGNED_TASKS else "workers"] = b

    def _amounts(self, units: list[int]) -> dict[str, Any]:
        """Amounts in the form of traces: cpu and extended ones as floats, memory whole."""
        found: dict[str, Any] = {"cpu": 0.0, **dict.fromkeys(FIXED[1:], 0), "extended": {}}
        for name, count in zip(self.resources.names, units, strict=True):
            amount = count * self.resources.units[name]
            if name not in FIXED:
                if amount:
                    found["extended"][name] = float(amount)
            elif name == "cpu" or amount.denominator != 1:
                found[name] = float(amount)
            else:
                found[name] = int(amount)
        return found

    # ------------------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it; maps in the order that counts."""
        s = self.state
        declares = s.worker_control == 1
        tracked = [job for job in s.elements(jobs) if is_tracked(s, job)]
        registered = [n for n in s.elements(instances) if is_registered(s, n)]
        present = {
            self._allocations.name(a): a
            for a in s.elements(allocations)
            if s.slot[a] != ManagedSlot.ABSENT
        }
        found: dict[str, Any] = {
            "started": s.manager[0] == Manager.STARTED,
            "clock": s.clock,
            "notify": s.notify == 1,
            "jobs": _sorted((self._jobs.name(job), self._job(job)) for job in tracked),
            "targets": self._known(s.target, self._targets),
        }
        if s.applications_needed:
            found["applications"] = self._known(s.application, self._applications)
        found["unfulfillable"] = sorted(
            (self._jobs.name(job) for job, flag in enumerate(s.unfulfillable) if flag),
            key=natural,
        )
        found["task_managers"] = _sorted(
            (self._instances.name(n), self._task_manager(n, present)) for n in registered
        )
        if declares:
            found["unwanted"] = sorted(
                (self._instances.name(n) for n in registered if s.unwanted[n]), key=natural
            )
        found["slots"] = {name: self._slot(present[name]) for name in sorted(present, key=natural)}
        found["pending_allocations"] = sorted(
            (self._allocations.name(a) for a, waits in enumerate(s.awaited) if waits), key=natural
        )
        expected = [worker for worker in s.expected if worker != NONE]
        found["pending_task_managers"] = {
            self._pending_name(worker): self._pending(worker, declares) for worker in expected
        }
        found["indexed"] = [self._pending_name(worker) for worker in s.indexed if worker != NONE]
        amounts = [
            self._sum(s.total[n] for n in registered),
            self._sum(s.worker for _ in expected),
        ]
        found["registered_resource"], found["pending_resource"] = map(self._amounts, amounts)
        found["check_waiting"] = s.check_waiting == 1
        if declares:
            found["declare_waiting"] = s.declare_waiting == 1
        periodic = "reconcile" if declares else "idle"
        found["timers"] = [
            [periodic if timer == Timer.RECONCILE else "once", s.clock + due]
            for timer, due in zip(s.timer, s.due_in, strict=True)
            if timer != Timer.UNUSED
        ]
        found["queued"] = queued(s)
        return found

    def _known(self, values: list[int], names: NameTable) -> dict[str, str]:
        return _sorted(
            (self._jobs.name(job), names.name(value))
            for job, value in enumerate(values)
            if value != NONE
        )

    def _listed(self, places: list[int], row: int, counts: list[int], start: int) -> dict[str, int]:
        """Profile -> number, in the order of a list."""
        listed = places[row : row + self.state.profile_count]
        return {self._profiles.name(p): counts[start + p] for p in listed if p != NONE}

    def _job(self, job: int) -> dict[str, Any]:
        s = self.state
        row, width = job_row(s, job), s.profile_count
        return {
            "required": self._listed(s.required_order, row, s.required, row),
            "fulfilled": {
                self._profiles.name(r): self._listed(
                    s.fulfilled_by, pair_row(s, job, r), s.served, pair_row(s, job, r)
                )
                for r in s.fulfilled_order[row : row + width]
                if r != NONE
            },
            "serves": {
                self._profiles.name(p): {
                    self._profiles.name(r): s.served[pair_row(s, job, r) + p]
                    for r in s.serves_for[pair_row(s, job, p) : pair_row(s, job, p) + width]
                    if r != NONE
                }
                for p in s.serves_order[row : row + width]
                if p != NONE
            },
            "excess": self._listed(s.excess_order, row, s.excess, row),
        }

    def _task_manager(self, instance: int, present: Mapping[str, int]) -> dict[str, Any]:
        s = self.state
        row = instance * s.resource_count
        pending = [pending_amount(s, instance, r) for r in range(s.resource_count)]
        idle = s.registration[instance] == ManagedTaskManager.IDLE
        own = (name for name, a in present.items() if is_on(s, a, instance))
        return {
            "tm": self._owners[instance],
            "total": self._profiles.name(s.total[instance]),
            "default_slot": self._profiles.name(s.default_slot[instance]),
            "num_slots": slots_of(s, instance),
            "unused": self._amounts(s.unused[row : row + s.resource_count]),
            "pending": self._amounts(pending),
            "idle_since": s.clock - s.idle_for[instance] if idle else None,
            "slots": sorted(own, key=natural),
        }

    def _slot(self, allocation: int) -> dict[str, Any]:
        s = self.state
        found = {
            "job": self._jobs.name(s.slot_job[allocation]),
            "profile": self._profiles.name(s.slot_profile[allocation]),
            "state": ManagedSlot.states[s.slot[allocation]].name,
            "instance": self._instances.name(s.slot_instance[allocation]),
        }
        if s.applications_needed:
            found["assigned_tasks"] = s.assigned_tasks[allocation]
        return found

    def _pending_name(self, worker: int) -> str:
        return self.schema.named("pending", self.state.pending_serial[worker])

    def _pending(self, worker: int, declares: bool) -> dict[str, Any]:
        s = self.state
        found: dict[str, Any] = {}
        if declares:
            found["unused"] = self._amounts(
                [unplanned(s, worker, r) for r in range(s.resource_count)]
            )
        found["allocations"] = _sorted(
            (self._jobs.name(job), planned)
            for job in s.elements(jobs)
            if (row := plan_row(s, worker, job)) >= 0
            and (planned := self._listed(s.planned_order, row, s.planned, row))
        )
        return found

    def _sum(self, chosen: Iterator[int]) -> list[int]:
        s = self.state
        width = s.resource_count
        rows = [s.total_amount[total * width : (total + 1) * width] for total in chosen]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * width


def _sorted(named: Any) -> dict[str, Any]:
    """A map sorted by name, ``j2`` before ``j10``."""
    return dict(sorted(named, key=lambda item: natural(item[0])))


ORACLE = FineGrainedSlotManagerOracle
"""The oracle that the registry finds."""
