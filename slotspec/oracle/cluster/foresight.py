"""What a whole recording tells before the search begins.

It spares the search most wrong turns: which share each request is for, when a registration takes
effect, and which heartbeats carry a report.
"""

from __future__ import annotations

from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.patterns import Pattern, channel_of
from slotspec.oracle.cluster.recording import Call, Recording, kind_of


def report_of(call: Call) -> Pattern | None:
    """The message that a heartbeat with a report of slots stands for."""
    channel = channel_of(call)
    match call.kind:
        case ("heartbeat_from_task_manager", "tm", "rm") if channel is not None:
            return Pattern(channel, frozenset({Message.HEARTBEAT}))
        case ("heartbeat_from_job_manager", "jm", "tm") if channel is not None:
            return Pattern(channel, frozenset({Message.ALLOCATION_REPORT}))
    return None


NEVER = 1 << 60
"""A line that never comes."""


def joining(recording: Recording) -> list[tuple[str, int, int, int]]:
    """Which TaskExecutor has registered at the JobMaster from which line to which, unnoticed.

    The JobMaster looks its location up on another thread; if it ends before, nothing comes of it.
    The last number is that of the call.
    """
    found = []
    at_once = {line.m for line in recording.lines if line.do == "reply" and line.step is not None}
    states = [
        (line.n, line.state["leader"], set(line.state["pool"]["registered"]))
        for line in recording.lines
        if line.state is not None and "pool" in line.state
    ]
    for step in recording.steps:
        call = step.call
        if step.trigger == "message" and call and call.name == "register_task_manager":
            tm = call.sender.split(".")[0]
            leader = next((one for n, one, _ in reversed(states) if n < step.line), None)
            if call.number in at_once:  # it knows this TaskExecutor already
                continue
            end = NEVER
            for n, leads, known in states:
                if n > step.line and (leads != leader or tm in known):
                    end = n if tm in known and leads == leader else NEVER
                    break
            found.append((tm, step.line, end, call.number))
    return found


def overtaken(recording: Recording) -> set[int]:
    """Calls of a JobMaster that arrive after one of its successor's.

    The recorder delays each endpoint's messages by themselves, and the model those of all
    JobMasters together. What such a call does is explained without it.
    """
    found = set()
    newest: dict[str, int] = {}
    for step in recording.steps:
        call = step.call
        if step.trigger == "message" and call is not None and kind_of(call.sender) == "jm":
            life = int(call.sender.partition(".")[2] or 1)
            if life < newest.get(call.receiver, 0):
                found.add(call.number)
            newest[call.receiver] = max(life, newest.get(call.receiver, 0))
    return found


def running_twice(recording: Recording) -> set[int]:
    """Refused reports that a task runs, after a repeated report that it initializes failed it.

    The repeated report is explained as a report that it runs, so the task has said so already.
    """
    twice = {
        call.arguments[0]["execution"]
        for call in recording.calls.values()
        if call.name == "update_task_execution_state"
        and call.arguments[0]["state"] == "INITIALIZING"
        and call.repeats is not None
        and call.heard
        and not call.has_answer
    }
    return {
        call.number
        for call in recording.calls.values()
        if call.name == "update_task_execution_state"
        and call.arguments[0] in [{"execution": one, "state": "RUNNING"} for one in twice]
        and call.heard
        and not call.has_answer
    }


def shares_of_requests(
    recording: Recording, tasks: dict[str, int], parallelism: int
) -> dict[int, int]:
    """Which share each request of the job is probably for, from what became of it.

    Requests are numbered from 0 in order of their first appearance. The slots of an offer serve
    them in order; in 1.11 a slot serves the request that it was allocated for, if that waits.
    """
    offered = {
        step.last: [name for _, name in step.call.arguments[1]]
        for step in recording.steps
        if step.call is not None and step.trigger == "message" and step.call.name == "offer_slots"
    }
    found: dict[str, int] = {}
    order: dict[str, None] = {}
    asked: dict[str, str | None] = {}
    had: set[str] = set()
    for line in recording.lines:
        if line.state is None or "tasks" not in line.state or "pool" not in line.state:
            continue
        pool = line.state["pool"]
        now = {one["request"]: one["allocation"] for one in pool["pending"]}
        order |= dict.fromkeys([*pool["waiting"], *now])
        held = {one["allocation"] for one in pool["allocated"]}
        served = [request for request in asked if request not in now]
        come = [name for name in offered.get(line.n, ()) if name in held - had]
        come += sorted(held - had - {*come})
        for request in served:
            own = asked[request]
            if not come:
                continue
            allocation = own if own in come and recording.generation == "1.11" else come[0]
            come.remove(allocation)
            for told in line.state["tasks"]:
                if told["allocation"] == allocation and told["execution"] in tasks:
                    found[request] = tasks[told["execution"]] % parallelism
        asked, had = now, held
    return {i: found[request] for i, request in enumerate(order) if request in found}
