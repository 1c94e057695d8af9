"""What each process of the model remembers, compared with a recorded state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.cluster.lifecycles import Execution, Leader, Registration
from slotspec.models.cluster.scheduler import execution_of, exists, share_of
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, TaskManagerSlot
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.task_slot_table.lifecycles import SlotTimer, TaskSlot
from slotspec.oracle.cluster.naming import Names
from slotspec.oracle.cluster.uncompared import is_over_unnoticed
from slotspec.statemachine.declaration.rules import NONE

Difference = tuple[str, Any, Any]
"""Where, in the model, in the recording."""

TASK_STATES = {
    "CREATED": {Execution.CREATED},
    "SCHEDULED": {Execution.CREATED},
    "DEPLOYING": {Execution.DEPLOYING},
    "INITIALIZING": {Execution.DEPLOYING},
    "RUNNING": {Execution.RUNNING},
    "FINISHED": {Execution.FINISHED},
    "CANCELING": {Execution.CANCELING},
    "CANCELED": {Execution.CREATED},
    "FAILED": {Execution.CREATED},
}
DEPLOYED = {"DEPLOYING", "INITIALIZING", "RUNNING", "CANCELING"}


def name_of(table: tuple[str | None, ...], number: int, prefix: str) -> str | None:
    """The recorded name of a number; ``?`` and the number if it has none yet."""
    if number == NONE:
        return None
    return table[number] or f"?{prefix}{number}"


class Views:
    """Compares states of the model with recorded ones.

    :param tasks: which task of the model a recorded execution belongs to.
    """

    def __init__(self, s: Any, tms: int, tasks: dict[str, int]) -> None:
        self.s = s
        self.tms = tms
        self.tasks = tasks

    def differences(self, process: str, names: Names, recorded: dict[str, Any]) -> list[Difference]:
        """What differs between the loaded state and a recorded one."""
        if process == "jm":
            found = self.job_master(names, recorded)
        elif process == "rm":
            found = self.resource_manager(names, recorded)
        else:
            found = self.task_executor(int(process[2:]) - 1, names, recorded)
        return [one for one in found if one[1] != one[2]]

    # ------------------------------------------------------------------------- JobMaster

    def job_master(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """What the JobMaster remembers."""
        s, a = self.s, names.allocations
        pool = recorded["pool"]
        if s.can_suspend:  # else a JobMaster that ends keeps its token
            yield "leader", s.job_master[0] == Leader.LEADING, recorded["leader"] is not None
        yield "pool.rm", s.pool.gateway != NONE, pool["rm"]
        yield self.registered_at_pool(pool)
        yield (
            "pool.pending",
            [name_of(a, s.pool.stored_allocation[r], "a") for r in s.pool.pending if r != NONE],
            [one["allocation"] for one in pool["pending"]],
        )
        yield "pool.waiting", sum(r != NONE for r in s.pool.waiting), len(pool["waiting"])
        for where, state in (
            ("allocated", PhysicalSlot.ALLOCATED),
            ("available", PhysicalSlot.AVAILABLE),
        ):
            yield (
                f"pool.{where}",
                {
                    (name_of(a, i, "a"), f"tm{s.pool.slot_tm[i] + 1}_{s.pool.slot_index[i]}")
                    for i, slot in enumerate(s.pool.slot)
                    if slot == state
                },
                {(one["allocation"], one["slot"]) for one in pool[where]},
            )
        yield from self.tasks_of_job(names, recorded)

    def registered_at_pool(self, pool: dict[str, Any]) -> Difference:
        """The TaskExecutors that the pool knows."""
        known = {f"tm{i + 1}" for i, known in enumerate(self.s.known) if known}
        return "pool.registered", known, set(pool["registered"])

    def tasks_of_job(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """The tasks as the JobMaster knows them."""
        s, a = self.s, names.allocations
        for told in recorded["tasks"]:
            task = self.tasks.get(told["execution"])
            if task is None or not exists(s, task):
                continue
            state = Execution.states[s.task[task]]
            if state == Execution.CREATED and is_over_unnoticed(told["state"], recorded["job"]):
                continue
            if state not in TASK_STATES[told["state"]]:
                yield f"task {told['task']}", state.name, told["state"]
            elif told["state"] in DEPLOYED:
                known = names.executions[execution_of(s, task)]
                if known is not None:
                    yield f"execution of {told['task']}", known, told["execution"]
                share = share_of(s, task)
                if told["allocation"] is not None:
                    yield (
                        f"slot of {told['task']}",
                        name_of(a, s.share_allocation[share], "a"),
                        told["allocation"],
                    )

    # ------------------------------------------------------------------- ResourceManager

    def slot_name(self, number: int) -> str:
        """A slot of the ResourceManager."""
        return f"tm{number % self.tms + 1}_{number // self.tms}"

    def connected(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """Whether a ResourceManager leads, and the JobMaster and TaskExecutors that it knows."""
        s = self.s
        yield from self.jobs(recorded)
        yield "leader", s.resource_manager[0] == Leader.LEADING, recorded["leader"] is not None
        yield (
            "known",
            {
                f"tm{tm + 1}": name_of(names.instances, instance, "i")
                for tm, instance in enumerate(s.registered)
                if instance != NONE
            },
            recorded["known"],
        )
        yield (
            "manager.registered",
            {
                name_of(names.instances, i, "i")
                for i, state in enumerate(s.manager.registration)
                if state != ManagedTaskManager.UNREGISTERED
            },
            set(recorded["manager"]["registered"]),
        )

    def jobs(self, recorded: dict[str, Any]) -> list[Difference]:
        """Whether the JobMaster is registered at the ResourceManager, if that differs."""
        found = "jobs", bool(self.s.job_registered), bool(recorded["jobs"])
        return [found] if found[1] != found[2] else []

    def resource_manager(self, names: Names, recorded: dict[str, Any]) -> Iterator[Difference]:
        """What the ResourceManager remembers."""
        s, a = self.s, names.allocations
        manager = recorded["manager"]
        yield from self.connected(names, recorded)
        yield from self.slots_of_manager(names, manager)
        if recorded["leader"] is not None:
            yield (
                "manager.fail_unfulfillable",
                bool(s.manager.fail_unfulfillable),
                manager["fail_unfulfillable"],
            )
        yield (
            "manager.pending",
            {
                name_of(a, s.manager.request_allocation[r], "a")
                for r in s.manager.entered
                if r != NONE
            },
            set(manager["pending"]),
        )
        yield (
            "manager.fulfilled",
            {
                name_of(a, i, "a"): self.slot_name(slot)
                for i, slot in enumerate(s.manager.fulfilled)
                if slot != NONE
            },
            manager["fulfilled"],
        )

    def slots_of_manager(self, names: Names, manager: dict[str, Any]) -> Iterator[Difference]:
        """What the slot manager knows of each slot, and which are free, in order."""
        s, a = self.s, names.allocations
        slots = {
            self.slot_name(i): (
                TaskManagerSlot.states[state].name,
                name_of(a, s.manager.slot_allocation[i], "a"),
                self._request(i, names),
            )
            for i, state in enumerate(s.manager.slot)
            if s.manager.slot_instance[i] != NONE
        }
        told = {
            one["slot"]: (one["state"], one["allocation"], one["request"])
            for one in manager["slots"]
        }
        for slot in {*slots, *told}:
            yield f"manager.{slot}", slots.get(slot), told.get(slot)
        free = [self.slot_name(i) for i in s.manager.free if i != NONE]
        yield "manager.free", free, manager["free"]

    def _request(self, slot: int, names: Names) -> str | None:
        request = self.s.manager.slot_request[slot]
        if request == NONE:
            return None
        return name_of(names.allocations, self.s.manager.request_allocation[request], "a")

    # --------------------------------------------------------------------- TaskExecutors

    def task_executor(
        self, tm: int, names: Names, recorded: dict[str, Any]
    ) -> Iterator[Difference]:
        """What a TaskExecutor remembers."""
        s, a = self.s, names.allocations
        table = s.tables[tm]
        instance = s.instance[tm] if s.at_rm[tm] == Registration.DONE else NONE
        yield "at_rm", name_of(names.instances, instance, "i"), recorded["at_rm"]
        yield (
            "at_jm",
            s.at_jm[tm] == Registration.DONE,
            any(one["leader"] is not None for one in recorded["jobs"]),
        )
        tasks: dict[int, set[str | None]] = {}
        for record, allocation in enumerate(table.task_slot):
            if allocation != NONE:
                name = name_of(names.executions, table.execution[record], "e")
                tasks.setdefault(allocation, set()).add(name)
        slots = {
            self.slot_key(name_of(a, i, "a"), table.slot_number[i]): (
                name_of(a, i, "a"),
                TaskSlot.states[state].name,
                frozenset(tasks.get(i, ())),
            )
            for i, state in enumerate(table.slot)
            if state != TaskSlot.FREE
        }
        told = {
            self.slot_key(one["allocation"], one["index"]): (
                one["allocation"],
                one["state"],
                frozenset(one["tasks"]),
            )
            for one in recorded["slots"]
        }
        for index in {*slots, *told}:
            yield f"slot {index}", slots.get(index), told.get(index)
        yield (
            "timeouts",
            {
                name_of(a, i, "a")
                for i, timer in enumerate(table.timer)
                if timer == SlotTimer.RUNNING
            },
            set(recorded["timeouts"]),
        )

    def slot_key(self, allocation: str | None, number: int) -> Any:
        """What a slot of a TaskExecutor is known by: its number."""
        return number
