"""Which share of the job each request for a slot is for, as far as a whole recording tells.

A share is what runs in one slot: one subtask of each vertex.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slotspec.oracle.cluster.recording import Recording


def pool_states(recording: Recording) -> list[tuple[int, dict[str, Any]]]:
    """The recorded states of a JobMaster with its pool and tasks, each with its line."""
    return [
        (line.n, line.state)
        for line in recording.lines
        if line.state is not None and "tasks" in line.state and "pool" in line.state
    ]


def offered(recording: Recording) -> dict[int, list[str]]:
    """The allocations that the JobMaster is offered in a step, in order, by its last line."""
    return {
        step.last: [name for _, name in step.call.arguments[1]]
        for step in recording.steps
        if step.call is not None and step.trigger == "message" and step.call.name == "offer_slots"
    }


def shares_of_slots(
    state: dict[str, Any], tasks: dict[str, int], parallelism: int
) -> dict[str, int]:
    """Which share of the job each allocation serves."""
    return {
        one["allocation"]: tasks[one["execution"]] % parallelism
        for one in state["tasks"]
        if one["allocation"] is not None and one["execution"] in tasks
    }


def served_requests(
    recording: Recording, tasks: dict[str, int], parallelism: int
) -> dict[str, int]:
    """Which share each request is probably for that a slot has served.

    The slots of an offer serve requests in order, those last that wait for a ResourceManager; in
    1.11 a slot serves the request that it was allocated for, if that waits.
    """
    offers = offered(recording)
    found: dict[str, int] = {}
    asked: dict[str, str | None] = {}
    had: set[str] = set()
    for n, state in pool_states(recording):
        pool = state["pool"]
        now: dict[str, str | None] = {
            **{one["request"]: one["allocation"] for one in pool["pending"]},
            **dict.fromkeys(pool["waiting"]),
        }
        held = {one["allocation"] for one in pool["allocated"]}
        shares = shares_of_slots(state, tasks, parallelism)
        come = [name for name in offers.get(n, ()) if name in held - had]
        come += sorted(held - had - {*come})
        served = [request for request in asked if request not in now]
        for allocation in come:
            own = [one for one in served if asked[one] == allocation]
            request = next(iter(own if own and recording.generation == "1.11" else served), None)
            if request is None:
                break
            served.remove(request)
            if allocation in shares:
                found[request] = shares[allocation]
        asked, had = now, held
    return found


def waiting_requests(pool: dict[str, Any]) -> list[str]:
    """The requests that a pool remembers, in order."""
    return [*pool["waiting"], *(one["request"] for one in pool["pending"])]


def shares_asked_for(
    recording: Recording,
    tasks: dict[str, int],
    parallelism: int,
    requests_of: Callable[[dict[str, Any]], list[str]],
    served: dict[str, int],
) -> dict[int, list[int | None]]:
    """The shares that the JobMaster probably requests slots for in a step, by its last line.

    First those of the requests that its state is the first to name, then those of other tasks
    that it has just scheduled.

    :param requests_of: the requests of a state of the pool, in order.
    :param served: the shares of requests that a slot has served.
    """
    found: dict[int, list[int | None]] = {}
    known: set[str] = set()
    before: dict[str, str] = {}
    for n, state in pool_states(recording):
        now = {
            one["execution"]: one["state"] for one in state["tasks"] if one["execution"] in tasks
        }
        begun = dict.fromkeys(
            tasks[execution] % parallelism
            for execution, what in now.items()
            if execution not in before or (what == "SCHEDULED" and before[execution] != what)
        )
        new = [request for request in requests_of(state["pool"]) if request not in known]
        rest = [share for share in begun if share not in {served.get(one) for one in new}]
        likely = [served[one] if one in served else rest.pop(0) if rest else None for one in new]
        if likely or rest:
            found[n] = [*likely, *rest]
        known.update(new)
        before = now
    return found
