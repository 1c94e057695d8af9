"""The size of the cluster and the job of a recording, as bounds of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slotspec.models.cluster.messages import HUBS, WAYS
from slotspec.models.cluster.state import MOST_POSTS
from slotspec.oracle.cluster.patterns import tm_number
from slotspec.oracle.cluster.recording import Recording, kind_of
from slotspec.statemachine.declaration.records import LARGEST_SORT
from slotspec.statemachine.errors import InputError

ROOM = 24
"""Messages in flight in a channel, if there are not too many channels."""
MOST_ALLOCATIONS = 16
"""Allocation ids that an explanation needs at a time, as long as there are no more slots."""
FEWEST_TRIES = 2
"""Attempts of a task that may be known at a time, in the largest jobs."""
OFTEN = 254
"""Faults and early timers: as often as the recording has them."""
FAILOVER_STRATEGY = "jobmanager.execution.failover-strategy"
ANY_RUN = {
    "tries": 4,
    "cancel_tries": 4,
    "iteration_order": 1,
    "registrations": 1,
    "queued_steps": 1,
    "late_slots": 1,
    "late_stops": 1,
    "release_orders": 1,
    "quick_tasks": 1,
    "slow_closing": 1,
    "deployment_reports": 1,
    "cancels": 1,
    "failures": OFTEN,
    "losses": OFTEN,
    "repeats": OFTEN,
    "crashes": OFTEN,
    "leader_changes": OFTEN,
    "stragglers": OFTEN,
    "lost_results": 1,
    "lost_partitions": 1,
    "late_look_ups": 1,
    "failovers": OFTEN,
    "early_timeouts": 10_000,
}
"""Bounds that let the model do whatever a recording may tell of."""


def is_evenly_spread(configuration: dict[str, Any], generation: str) -> bool:
    """Whether the ResourceManager asks the least utilized TaskExecutor for slots first.

    2.0 knows the older of the two options no more.
    """
    mode = str(configuration.get("taskmanager.load-balance.mode", "none")).lower()
    spread = str(configuration.get("cluster.evenly-spread-out-slots", "false")).lower()
    return mode == "slots" or (spread == "true" and generation.startswith("1."))


@dataclass
class Told:
    """What the states of the JobMaster tell of an execution.

    :ivar seen: the line that first names it, as it names all that were made with it.
    """

    vertex: str
    index: int
    seen: int
    allocation: str | None = None


def told_tasks(recording: Recording) -> tuple[dict[str, Told], dict[str, int]]:
    """Every execution of the job, and the parallelism of each vertex, in order."""
    found: dict[str, Told] = {}
    parallel: dict[str, int] = {}
    for line in recording.lines:
        if line.state is None or "tasks" not in line.state or "pool" not in line.state:
            continue
        for one in line.state["tasks"]:
            vertex, _, place = one["task"].rpartition(" (")
            index, _, total = place.rstrip(")").partition("/")
            parallel[vertex] = int(total)
            told = found.setdefault(one["execution"], Told(vertex, int(index) - 1, line.n))
            told.allocation = told.allocation or one["allocation"]
    return found, parallel


def replaced(told: dict[str, Told], tasks: dict[str, int]) -> dict[str, int]:
    """The line that first names the attempt after each execution of the same task."""
    found = {}
    for execution, one in told.items():
        later = [
            other.seen
            for name, other in told.items()
            if tasks.get(name) == tasks.get(execution) and other.seen > one.seen
        ]
        if later:
            found[execution] = min(later)
    return found


def numbered_apart(told: dict[str, Told], parallel: dict[str, int]) -> dict[str, int]:
    """Which task of the model each execution is, if each has a slot of its own."""
    order = list(parallel)
    first = {v: sum(parallel[one] for one in order[: order.index(v)]) for v in order}
    return {execution: first[one.vertex] + one.index for execution, one in told.items()}


def numbered_by_slot(
    told: dict[str, Told], parallel: dict[str, int], shares: int
) -> dict[str, int]:
    """Which task of the model each execution is, if the subtasks of a job share slots.

    Subtasks of a vertex are interchangeable, so those that share a slot become one share of the
    model, whichever their numbers are: in 1.11 they may differ.
    """
    source, *others = parallel
    found = {execution: one.index for execution, one in told.items() if one.vertex == source}
    for place, vertex in enumerate(others, 1):
        for seen in {one.seen for one in told.values()}:
            made = {e: one for e, one in told.items() if one.seen == seen}
            peers = {e: one for e, one in made.items() if one.vertex == vertex}
            share_of = {
                one.allocation: one.index
                for one in made.values()
                if one.vertex == source and one.allocation
            }
            free = set(range(shares))
            for execution, one in peers.items():
                share = share_of.get(one.allocation) if one.allocation else None
                if share in free:
                    free.remove(share)
                    found[execution] = place * shares + share
            for execution, one in peers.items():
                if execution not in found:
                    share = one.index if one.index in free or not free else min(free)
                    free.discard(share)
                    found[execution] = place * shares + share
    return found


def shape_of(recording: Recording) -> tuple[dict[str, int], dict[str, int]]:
    """The bounds that a recording asks for, and which task each of its executions is.

    :raises InputError: ``TRC025`` for a job that the model cannot express.
    """
    plan = recording.header.plan
    job = plan.get("job", {})
    configuration = plan.get("configuration", {})
    told, parallel = told_tasks(recording)
    if not told:
        raise InputError("TRC025", "no state of a JobMaster names its tasks; record the states too")
    endpoints = {line.at for line in recording.lines if line.at and kind_of(line.at) == "tm"}
    tms = max([int(plan.get("tms", 1)), *(tm_number(one) + 1 for one in endpoints)])
    source, *others = parallel
    stages = bool(job.get("batch")) and len(parallel) > 1
    apart = job.get("kind") == "apart" or stages
    shares = sum(parallel.values()) if apart else max(parallel.values())
    if not apart and any(parallel[one] != shares for one in others):
        raise InputError("TRC025", "only the first vertex of a job may have fewer subtasks")
    vertices = 1 if apart else len(parallel)
    room = min(ROOM, MOST_POSTS // (HUBS + WAYS * tms))
    lives = sum(line.what == "grant leadership" and line.at == "jm" for line in recording.lines)
    tasks = vertices * shares
    bounds = {
        **ANY_RUN,
        "tries": max(FEWEST_TRIES, min(ANY_RUN["tries"], LARGEST_SORT // (tms * tasks))),
        "task_managers": tms,
        "slots_per_task_manager": int(plan.get("slots", 1)),
        "parallelism": shares,
        "vertices": vertices,
        "sources": parallel[source] if vertices > 1 or stages else 1,
        "stages": int(stages),
        "batch_requests": int(bool(job.get("batch"))),
        "evenly_spread": int(is_evenly_spread(configuration, recording.generation)),
        "full_failover": int(configuration.get(FAILOVER_STRATEGY) == "full"),
        "regions": int(stages or (not apart and vertices == 1 and shares > 1)),
        "allocations": min(MOST_ALLOCATIONS, max(shares + 3, 5) + shares * (2 + lives)),
        "channel_room": room,
        "busy": room,
        "overtaking": room,
    }
    if apart:
        return bounds, numbered_apart(told, parallel)
    return bounds, numbered_by_slot(told, parallel, shares)
