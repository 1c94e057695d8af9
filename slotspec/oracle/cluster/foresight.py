"""What a whole recording tells before the search begins.

It spares the search most wrong turns: when a registration takes effect, which heartbeats carry a
report, and which calls come to nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.patterns import Pattern, channel_of
from slotspec.oracle.cluster.recording import (
    JOB_MASTER,
    RESOURCE_MANAGER,
    Call,
    Recording,
    Step,
    kind_of,
)

NEVER = 1 << 60
"""A line that never comes."""


def report_of(call: Call) -> Pattern | None:
    """The message that a heartbeat with a report of slots stands for."""
    channel = channel_of(call)
    match call.kind:
        case ("heartbeat_from_task_manager", "tm", "rm") if channel is not None:
            return Pattern(channel, frozenset({Message.HEARTBEAT}))
        case ("heartbeat_from_job_manager", "jm", "tm") if channel is not None:
            return Pattern(channel, frozenset({Message.ALLOCATION_REPORT}))
    return None


def superseded_reports(recording: Recording) -> set[int]:
    """Reports that repeat the one before them, and whose next one is sent before they arrive.

    They change nothing. The model has one report of a process in flight at a time, so these leave
    room for the next.
    """
    heard = {
        step.call.number: step
        for step in recording.steps
        if step.trigger == "message" and step.call is not None
    }
    reports: dict[tuple[str, str], list[Call]] = {}
    for call in recording.calls.values():
        if report_of(call) is not None:
            reports.setdefault((call.sender, call.receiver), []).append(call)
    return {
        call.number
        for several in reports.values()
        for before, call, after in zip(several, several[1:], several[2:], strict=False)
        if call.arguments == before.arguments
        and call.number in heard
        and heard[call.number].line > after.line
        and heard[call.number].state is None
        and not heard[call.number].sent
    }


class Joining(NamedTuple):
    """A TaskExecutor has registered at the JobMaster, whose state does not show it yet.

    :param tm: its process.
    :param first: the line of its call; ``last`` is where it shows, or :data:`NEVER`.
    """

    tm: str
    first: int
    last: int
    call: int


def joining(recording: Recording) -> list[Joining]:
    """The registrations that take effect later.

    The JobMaster looks the TaskExecutor's location up on another thread; if it ends before, or
    the TaskExecutor does and the next one registers, nothing comes of it.
    """
    found = []
    heard = [
        (step.line, step.call.sender)
        for step in recording.steps
        if step.trigger == "message" and step.call and step.call.name == "register_task_manager"
    ]
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
            if any(
                step.line < line < end and sender.split(".")[0] == tm and sender != call.sender
                for line, sender in heard
            ):
                end = NEVER
            found.append(Joining(tm, step.line, end, call.number))
    return found


JOB_REGISTRATIONS = frozenset({"register_job_manager", "register_job_master"})
"""Calls with which a JobMaster registers; the latter since 1.14."""


def is_confirmed(call: Call) -> bool:
    """Whether the answer to a registration says that it has succeeded."""
    return isinstance(call.answer, dict) and "Success" in str(call.answer.get("is"))


def registered_in_vain(recording: Recording) -> set[int]:
    """Registrations that were not confirmed, of a JobMaster whose leadership is revoked.

    Until it ends it goes on registering; the ResourceManager waits for the next leader. So does
    one whose job is cancelled before it is scheduled.
    """
    found = set()
    revoked = False
    idle = never_scheduled(recording)
    for line in recording.lines:
        if line.do == "fault" and line.at == "jm":
            revoked = line.what == "revoke leadership"
        call = recording.calls.get(line.m) if line.do == "send" and line.m is not None else None
        if call is None or call.name not in JOB_REGISTRATIONS or is_confirmed(call):
            continue
        if revoked or call.sender in idle:
            found.add(call.number)
    return found


def never_scheduled(recording: Recording) -> set[str]:
    """The JobMasters that have ended without a task."""
    states = [
        (line.at, line.state)
        for line in recording.lines
        if line.at is not None and line.state is not None and "tasks" in line.state
    ]
    scheduled = {at for at, state in states if state["tasks"]}
    return {at for at, state in states if state["job"] == "CANCELED"} - scheduled


def sent_to_former(recording: Recording) -> set[int]:
    """Calls to a former ResourceManager, before the JobMaster is registered at the next one.

    The recorder drops them before that refuses them.
    """
    found = set()
    revoked = False
    for line in recording.lines:
        call = recording.calls.get(line.m) if line.m is not None else None
        if line.do == "fault" and line.at == RESOURCE_MANAGER:
            revoked = revoked or line.what == "revoke leadership"
        elif line.do == "get" and call and call.name in JOB_REGISTRATIONS and is_confirmed(call):
            revoked = False
        elif (
            revoked
            and line.do == "send"
            and call is not None
            and call.fault == "drop"
            and (kind_of(call.sender), kind_of(call.receiver)) == (JOB_MASTER, RESOURCE_MANAGER)
        ):
            found.add(call.number)
    return found


def misled_from(recording: Recording) -> int:
    """The line from which a JobMaster that leads by the election believes that it does not.

    Of two notifications at once the recorder's election service may deliver the later one first.
    Others may register the JobMaster all the same, and nothing comes of it.
    """
    faults = [line for line in recording.lines if line.do == "fault" and line.at == "jm"]
    states = [line for line in recording.lines if line.state is not None and "pool" in line.state]
    if not faults or not states or states[-1].state is None:
        return NEVER
    granted = faults[-1].what == "grant leadership" and faults[-1].n < states[-1].n
    last = states[-1].state
    suspended = last["leader"] is None and last["job"] == "SUSPENDED"
    return states[-1].n if granted and suspended else NEVER


def overtaken(recording: Recording) -> set[int]:
    """Calls of a JobMaster or ResourceManager that arrive after a call or answer of its successor.

    The recorder delays each endpoint's messages by themselves, and the model those of all that
    bear its name together. What such a call does is explained without it.
    """
    found = set()
    newest: dict[tuple[str, str], int] = {}
    for line in recording.lines:
        call = recording.calls.get(line.m) if line.m is not None else None
        if call is None or line.do not in ("hear", "get"):
            continue
        sender, receiver = call.sender, call.receiver
        if line.do == "get":
            if not call.has_answer:
                continue
            sender, receiver = receiver, sender
        if kind_of(sender) not in ("jm", "rm"):
            continue
        life = int(sender.partition(".")[2] or 1)
        between = kind_of(sender), receiver
        if line.do == "hear" and life < newest.get(between, 0):
            found.add(call.number)
        newest[between] = max(life, newest.get(between, 0))
    return found


def arrivals(recording: Recording) -> dict[int, int]:
    """The line in which each call arrives, or is refused."""
    return {
        step.call.number: step.line
        for step in recording.steps
        if step.trigger in ("message", "refuse") and step.call is not None
    }


def answered_when_dead(recording: Recording) -> dict[int, list[Call]]:
    """For each crash, by its line: calls that are heard after it, and whose answers arrive.

    The recorder stops what an endpoint sends at once, but its thread ends a little later, and
    answers what it had in its mailbox.
    """
    crashed: dict[str, int] = {}
    heard: dict[int, int] = {}
    found: dict[int, list[Call]] = {}
    for line in recording.lines:
        if line.do == "fault" and line.what in ("crash", "kill") and line.at:
            crashed.setdefault(line.at, line.n)
        elif line.do == "hear" and line.m is not None and line.at in crashed:
            heard[line.m] = crashed[line.at]
        elif line.do == "get" and line.m in heard and line.fault is None and not line.late:
            found.setdefault(heard[line.m], []).append(recording.calls[line.m])
    return found


def reactions(recording: Recording) -> dict[int, int]:
    """The line in which the caller reacts to each answer, or to the lack of one."""
    found = {
        step.call.number: step.line
        for step in recording.steps
        if step.trigger == "answer" and step.call is not None
    }
    for step in recording.steps:
        if step.trigger == "step":  # perhaps the reaction to an answer that was there
            for call in recording.sent_before(step):
                found.setdefault(call.number, step.line)
    return found


def answers_under_way(recording: Recording) -> dict[int, list[Step]]:
    """For each cancellation of a request, reactions to acknowledgements that are there already.

    The ResourceManager has the TaskExecutor's answer, and has still to react to it.
    """
    got = {line.m: line.n for line in reversed(recording.lines) if line.do == "get"}
    acknowledged = [
        (step, step.call)
        for step in recording.steps
        if step.trigger == "answer"
        and step.call is not None
        and step.call.kind == ("request_slot", "rm", "tm")
        and step.call.has_answer
    ]
    return {
        step.call.number: [
            reaction
            for reaction, call in acknowledged
            if call.arguments[2] == step.call.arguments[0]
            and got.get(call.number, NEVER) < step.line < reaction.line
        ]
        for step in recording.steps
        if step.trigger == "message"
        and step.call is not None
        and step.call.name == "cancel_slot_request"
    }


def refused_at_once(recording: Recording, reactions: dict[int, int]) -> set[str]:
    """Allocations of requests refused before the step that made them ended: it reacts at once.

    :param reactions: see :func:`reactions`.
    """
    return {
        call.arguments[1]
        for call in recording.calls.values()
        if call.kind == ("request_slot", "jm", "rm")
        and call.error
        and call.got
        and call.number not in reactions
    }


def failed_unnoticed(recording: Recording, reactions: dict[int, int]) -> set[int]:
    """Calls to cancel a task that have failed, and whose failure changes nothing at the caller.

    The answer came before the caller's step had ended, and the reaction in a step of its own left
    no line.

    :param reactions: see :func:`reactions`.
    """
    return {
        call.number
        for call in recording.calls.values()
        if call.name == "cancel_task"
        and call.heard
        and not call.has_answer
        and call.got
        and call.number not in reactions
    }


def failed_before(recording: Recording) -> set[int]:
    """Calls to fail a slot whose allocation the same TaskExecutor has failed before."""
    seen = set()
    found = set()
    for call in recording.calls.values():
        if call.name == "fail_slot":
            about = call.sender, call.arguments[1]
            if about in seen:
                found.add(call.number)
            seen.add(about)
    return found


def initializing_twice(recording: Recording) -> set[int]:
    """Repeated reports that a task initializes, which fail it.

    If the first report is refused, its task is being cancelled, and the second changes nothing.
    """
    return {
        call.number
        for call in recording.calls.values()
        if call.name == "update_task_execution_state"
        and call.heard
        and not call.has_answer
        and call.arguments[0]["state"] == "INITIALIZING"
        and call.repeats is not None
        and recording.calls[call.repeats].has_answer
    }


def running_twice(recording: Recording, initializing: set[int]) -> set[int]:
    """Refused or lost reports that a task runs, after a repeated report that it initializes.

    The repeated report is explained as a report that it runs, so the task has said so already.

    :param initializing: see :func:`initializing_twice`.
    """
    failed = {recording.calls[number].arguments[0]["execution"] for number in initializing}
    return {
        call.number
        for call in recording.calls.values()
        if call.name == "update_task_execution_state"
        and not call.has_answer
        and call.arguments[0]["state"] == "RUNNING"
        and call.arguments[0]["execution"] in failed
    }
