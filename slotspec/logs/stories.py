"""Ties the ids of all processes together: the story of each allocation, job and TaskManager."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from slotspec.logs.clocks import Offset, offsets
from slotspec.logs.events import Event, ProcessLog
from slotspec.logs.line_kinds import Party
from slotspec.logs.reading import Logs

LOSSES = ("heartbeat_timed_out", "task_manager_lost", "task_manager_closed", "task_manager_starts")

ENDED = ("FINISHED", "CANCELED", "FAILED")
"""States of a job that never change; SUSPENDED is none: another JobMaster may go on."""


@dataclass
class Allocation:
    """A slot of a TaskManager for a job, by its allocation id."""

    id: str
    job: str | None = None
    tm: str | None = None
    slot: str | None = None
    requests: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def first(self, *names: str) -> Event | None:
        """The first event of one of these names."""
        return next((event for event in self.events if event.name in names), None)

    def last(self, *names: str) -> Event | None:
        """The last event of one of these names."""
        return next((event for event in reversed(self.events) if event.name in names), None)


@dataclass
class Request:
    """A request of a JobMaster's scheduler for a slot, by its SlotRequestId."""

    id: str
    job: str | None = None
    allocations: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass
class Task:
    """The states of one attempt of a task."""

    id: str
    name: str
    job: str | None
    allocation: str | None = None
    tm: str | None = None
    state: str = "CREATED"
    events: list[Event] = field(default_factory=list)


@dataclass
class Job:
    """A job: its states, requirements, requests and allocations."""

    id: str
    name: str = ""
    state: str | None = None
    required: int | None = None
    events: list[Event] = field(default_factory=list)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    failures: list[tuple[Event, Task]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether it is over for good."""
        return self.state in ENDED


@dataclass
class TaskManager:
    """A TaskManager, by its ResourceID, over all its processes."""

    id: str
    processes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)
    registered: bool = False
    losses: list[Event] = field(default_factory=list)
    """Lines that say that it is lost or starts anew; its first start is no loss."""
    jobs: set[str] = field(default_factory=set)
    """Jobs whose JobMaster it has found."""
    slots: dict[str, tuple[str | None, Event]] = field(default_factory=dict)
    """By slot index: the allocation of the last report that differed, and that report."""


@dataclass
class Cluster:
    """All stories of some logs."""

    logs: Logs
    offsets: dict[str, Offset]
    jobs: dict[str, Job] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    task_managers: dict[str, TaskManager] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    end: float = 0.0

    @cached_property
    def by_name(self) -> dict[str, ProcessLog]:
        """What was read of each process."""
        return {log.name: log for log in self.logs.processes}

    @cached_property
    def leading(self) -> dict[tuple[str, str], int]:
        """Job and writer -> the position of the line with which its JobMaster began there."""
        found: dict[tuple[str, str], int] = {}
        for job in self.jobs.values():
            for event in job.events:
                if event.name == "job_master_leads":
                    found.setdefault((job.id, writer_of(event)), event.order)
        return found

    @cached_property
    def unnamed(self) -> list[ProcessLog]:
        """Logs that may be of any TaskManager."""
        named = {
            writer.partition(" [")[0]
            for tm in self.task_managers.values()
            for writer in tm.processes
            if tm.id != writer
        }
        return [
            log
            for log in self.logs.processes
            if log.parties <= {Party.TASK_MANAGER} and log.name not in named
        ]

    def of_party(self, party: Party) -> list[ProcessLog]:
        """The processes in whose logs a party writes."""
        return [log for log in self.logs.processes if party in log.parties]


def time_of(cluster: Cluster, event: Event) -> float:
    """When a line was written, by the clock of the JobManager."""
    offset = cluster.offsets.get(event.process)
    return event.time - (offset.seconds if offset else 0.0)


def stories(logs: Logs) -> Cluster:
    """Read the events of all processes in the order of their corrected clocks."""
    cluster = Cluster(logs, offsets(logs.processes))
    teller = _Teller(cluster)
    for event in _merged(cluster):
        cluster.events.append(event)
        teller.tell(event)
    if cluster.events:
        cluster.end = max(time_of(cluster, event) for event in cluster.events)
    return cluster


def _merged(cluster: Cluster) -> Iterator[Event]:
    """All events by time; those of one process stay in the order of its log."""

    def of(log: ProcessLog) -> Iterator[tuple[float, str, int, Event]]:
        latest = float("-inf")
        for event in log.events:
            latest = max(latest, time_of(cluster, event))
            yield latest, log.name, event.order, event

    for *_, event in heapq.merge(*(of(log) for log in cluster.logs.processes)):
        yield event


class _Teller:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.job_of_process: dict[str, list[str]] = {}
        self.job_of_execution: dict[str, str] = {}
        """By the id of an execution, and of the execution graph that later releases begin it with.
        """
        self.task_manager_of_instance: dict[str, str] = {}
        self.names = self._names()

    def _names(self) -> dict[str, str]:
        """Process -> ResourceID of its TaskManager."""
        logs = self.cluster.logs.processes
        names = {log.name: log.resource_id for log in logs if log.resource_id}
        self.current: dict[str, str] = {}
        by_id: dict[str, str] = {}
        for log in logs:
            for event in log.events:
                tm = event.fields.get("tm")
                if tm is not None and event.kind.party is not Party.TASK_MANAGER:
                    for key in ("allocation", "instance"):
                        if key in event.fields:
                            by_id[event.fields[key]] = tm
        for log in logs:
            if log.name in names or Party.TASK_MANAGER not in log.parties:
                continue
            known = (
                by_id.get(e.fields.get(k, ""))
                for e in log.events
                for k in ("allocation", "instance")
            )
            names[log.name] = next(filter(None, known), log.name)
        return names

    def tell(self, event: Event) -> None:
        job = self.job(event)
        allocation = self.allocation(event, job)
        request = self.request(event, job, allocation)
        tm = self.task_manager(event)
        if tm is not None:
            tm.events.append(event)
            if event.name in LOSSES and (event.name != "task_manager_starts" or tm.events[1:]):
                tm.losses.append(event)
            elif event.name == "job_connected":
                tm.jobs.add(event.fields["job"])
        if allocation is not None:
            allocation.events.append(event)
            if tm is not None:
                allocation.tm = tm.id
        if job is not None and (allocation is None and request is None):
            job.events.append(event)
        handler = getattr(self, f"_{event.name}", None)
        if handler is not None:
            handler(event, job)

    # -- whose line it is --------------------------------------------------------------------

    def job(self, event: Event) -> Job | None:
        """The job that a line is about: as it says, by its ids, or the only one of its process."""
        fields = event.fields
        named = fields.get("job")
        if named is None and "allocation" in fields:
            known = self.cluster.allocations.get(fields["allocation"])
            named = known.job if known else None
        if named is None and "request" in fields:
            asked = self.cluster.requests.get(fields["request"])
            named = asked.job if asked else None
        named = self.job_by_execution(fields, named)
        if named is None and event.kind.party is Party.JOB_MASTER:
            running = self.job_of_process.get(event.process, [])
            named = running[-1] if len(running) == 1 else None
        if named is None:
            return None
        job = self.cluster.jobs.setdefault(named, Job(named))
        if event.name in ("job_master_leads", "job_switched"):
            running = self.job_of_process.setdefault(event.process, [])
            if named not in running:
                running.append(named)
        return job

    def job_by_execution(self, fields: dict[str, str], named: str | None) -> str | None:
        """The job of a task; a process may have several, and few lines name theirs."""
        graph, _, subtask = fields.get("execution", "").partition("_")
        keys = [key for key in (fields.get("execution"), subtask and graph) if key]
        if "graph" in fields:
            keys.append(fields["graph"])
        if named is None:
            return next(
                (self.job_of_execution[k] for k in keys if k in self.job_of_execution), None
            )
        self.job_of_execution.update(dict.fromkeys(keys, named))
        return named

    def allocation(self, event: Event, job: Job | None) -> Allocation | None:
        named = event.fields.get("allocation")
        if named is None:
            return None
        found = self.cluster.allocations.setdefault(named, Allocation(named))
        if job is not None and found.job is None:
            found.job = job.id
            job.allocations[named] = found
            for request in found.requests:
                asked = self.cluster.requests[request]
                asked.job = job.id
                job.requests[request] = asked
        if "slot" in event.fields:
            found.slot = event.fields["slot"]
        return found

    def request(
        self, event: Event, job: Job | None, allocation: Allocation | None
    ) -> Request | None:
        named = event.fields.get("request")
        if named is None:
            return None
        found = self.cluster.requests.setdefault(named, Request(named))
        found.events.append(event)
        if job is not None and found.job is None:
            found.job = job.id
            job.requests[named] = found
        if allocation is not None:
            if allocation.id not in found.allocations:
                found.allocations.append(allocation.id)
            if named not in allocation.requests:
                allocation.requests.append(named)
        return found

    def task_manager(self, event: Event) -> TaskManager | None:
        """The TaskManager that wrote a line, or that it is about."""
        named = event.fields.get("tm")
        if event.kind.party is Party.TASK_MANAGER and event.name != "task_manager_starts":
            known = self.cluster.allocations.get(event.fields.get("allocation", ""))
            if event.endpoint is not None:
                named = event.endpoint.partition(".")[0]
            elif known is not None and known.tm is not None:
                named = known.tm
            else:
                named = self.current.get(event.process) or self.names.get(event.process)
        if named is None and "instance" in event.fields:
            named = self.task_manager_of_instance.get(event.fields["instance"])
        if named is None or named in ("jm", "rm"):
            return None
        tm = self.cluster.task_managers.setdefault(named, TaskManager(named))
        if event.kind.party is Party.TASK_MANAGER:
            writer = writer_of(event)
            if writer not in tm.processes:
                tm.processes.append(writer)
        return tm

    # -- what lines change -------------------------------------------------------------------

    def _job_switched(self, event: Event, job: Job | None) -> None:
        assert job is not None
        job.state, job.name = event.fields["after"], event.fields.get("name", job.name)
        if job.ended:
            running = self.job_of_process.get(event.process, [])
            if job.id in running:
                running.remove(job.id)

    def _job_ended(self, event: Event, job: Job | None) -> None:
        assert job is not None
        job.state = event.fields["after"]

    def _job_master_leads(self, event: Event, job: Job | None) -> None:
        assert job is not None
        job.name = event.fields["name"].strip("'")
        for allocation in job.allocations.values():
            allocation.events.append(event)

    def _requirements_received(self, event: Event, job: Job | None) -> None:
        assert job is not None
        job.required = int(event.fields["count"])

    def _requirements_cleared(self, event: Event, job: Job | None) -> None:
        assert job is not None
        job.required = 0

    def _instance_registered(self, event: Event, job: Job | None) -> None:
        self.task_manager_of_instance[event.fields["instance"]] = event.fields["tm"]
        self.cluster.task_managers[event.fields["tm"]].instances.append(event.fields["instance"])

    def _task_manager_starts(self, event: Event, job: Job | None) -> None:
        self.current[event.process] = event.fields["tm"]

    def _task_manager_registered(self, event: Event, job: Job | None) -> None:
        self.cluster.task_managers[event.fields["tm"]].registered = True

    def _task_manager_closed(self, event: Event, job: Job | None) -> None:
        self.cluster.task_managers[event.fields["tm"]].registered = False

    def _slot_report(self, event: Event, job: Job | None) -> None:
        for tm, index, allocation in event.items:
            known = self.cluster.task_managers.setdefault(tm, TaskManager(tm))
            carries = None if allocation == "null" else allocation
            before = known.slots.get(index)
            if before is None or before[0] != carries:
                known.slots[index] = (carries, event)
            if carries in self.cluster.allocations:
                found = self.cluster.allocations[carries]
                found.slot, found.tm = index, tm
                if not found.events or found.events[-1] is not event:
                    found.events.append(event)

    def _offers_received(self, event: Event, job: Job | None) -> None:
        for allocation, index in event.items:
            found = self.cluster.allocations.setdefault(allocation, Allocation(allocation))
            found.slot = index
            found.events.append(event)

    def _deploying(self, event: Event, job: Job | None) -> None:
        if "execution" in event.fields:
            task = self.task(event.fields["execution"], event.fields["task"], job)
            task.allocation, task.tm = event.fields.get("allocation"), event.fields["tm"]
            task.events.append(event)
            if task.allocation is not None:
                self.cluster.allocations[task.allocation].tasks.append(task)

    def _task_switched(self, event: Event, job: Job | None) -> None:
        task = self.task(event.fields["execution"], event.fields["task"], job)
        task.state = event.fields["after"]
        task.events.append(event)
        if task.state == "FAILED":
            self.cluster.jobs[task.job or ""].failures.append((event, task))

    def task(self, execution: str, name: str, job: Job | None) -> Task:
        """The task of an execution."""
        if job is None:
            job = self.cluster.jobs.setdefault("", Job("", "(job unknown)"))
        if execution not in job.tasks:
            job.tasks[execution] = Task(execution, name, job.id or None)
        return job.tasks[execution]


def writer_of(event: Event) -> str:
    """The process of a line; in a log of several endpoints, its endpoint."""
    return event.process if event.endpoint is None else f"{event.process} [{event.endpoint}]"
