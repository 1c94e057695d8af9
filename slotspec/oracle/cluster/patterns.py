"""Which messages of the model a recorded call stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from slotspec.models.cluster.messages import TO_JOB_MASTER, TO_RESOURCE_MANAGER, Way, way
from slotspec.models.cluster.state import STRIDE, Message
from slotspec.oracle.cluster.naming import Names, bound
from slotspec.oracle.cluster.recording import Call, kind_of, process_of
from slotspec.statemachine.declaration.rules import NONE


@dataclass(frozen=True)
class Pattern:
    """A message of the model, in the names of the recording.

    :param number: of the slot at its TaskExecutor.
    :param optional: nobody hears it, so the model may have no message for it: it is sent through
        the gateway of a dead process.
    """

    channel: int
    messages: frozenset[int]
    allocation: str | None = None
    execution: str | None = None
    instance: str | None = None
    number: int | None = None
    optional: bool = False

    def __str__(self) -> str:
        kinds = "/".join(sorted(Message(one).name.lower() for one in self.messages))
        about = [self.allocation, self.execution, self.instance]
        if self.number is not None:
            about.append(f"slot {self.number}")
        return f"{kinds}({', '.join(one for one in about if one is not None)})"


class Posted(NamedTuple):
    """A message in flight."""

    channel: int
    message: int
    subject: int
    detail: int


WITH_CALL = frozenset(
    {
        Message.REQUEST_TASK_SLOT,
        Message.CALL_ACKNOWLEDGED,
        Message.CALL_OCCUPIED,
        Message.CALL_FAILED,
    }
)
ABOUT_TASKS = frozenset(
    {
        Message.SUBMIT_TASK,
        Message.SUBMISSION_FAILED,
        Message.CANCEL_TASK,
        Message.CANCELLATION_FAILED,
        Message.TASK_RUNNING,
        Message.UPDATE_REFUSED,
        Message.TASK_FINISHED,
        Message.TASK_FAILED,
    }
)
NUMBERED = frozenset({Message.CANCEL_TASK, Message.CANCELLATION_FAILED})
"""Messages about a task that say which try they are."""
ABOUT_CONNECTIONS = frozenset({Message.REGISTERED, Message.SLOT_REPORT, Message.HEARTBEAT})


def tm_number(name: str) -> int:
    """The number of a TaskExecutor, from 0, or of the one that a slot name begins with."""
    digits = process_of(name)[2:].split("_")[0]
    return int(digits) - 1


def slot_index(name: str) -> int:
    """The number of a slot at its TaskExecutor."""
    return int(name.split("_")[1])


def match(
    pattern: Pattern,
    posted: Posted,
    names: Names,
    tms: int,
    tasks: dict[str, int],
    tries: int,
    cancel_tries: int,
) -> Names | None:
    """The names under which a message of the model is the one meant; None if it is another.

    :param tasks: which task of the model a recorded execution belongs to.
    """
    channel, message, subject, detail = posted
    if channel != pattern.channel or message not in pattern.messages:
        return None
    if pattern.allocation is not None and subject != NONE:
        allocations = bound(names.allocations, subject, pattern.allocation)
        if allocations is None:
            return None
        names = names._replace(allocations=allocations)
    if pattern.execution is not None and message in ABOUT_TASKS:
        if message in NUMBERED:
            detail //= cancel_tries
        if tasks.get(pattern.execution) != detail // tries:
            return None
        executions = bound(names.executions, detail, pattern.execution)
        if executions is None:
            return None
        names = names._replace(executions=executions)
    if pattern.instance is not None and message in ABOUT_CONNECTIONS:
        instances = bound(names.instances, detail, pattern.instance)
        if instances is None:
            return None
        names = names._replace(instances=instances)
    if pattern.number is not None:
        number = detail
        if message in WITH_CALL:
            number = detail // STRIDE // tms
        elif message == Message.OFFER_SLOT:
            number = detail // 2
        if number != pattern.number:
            return None
    return names


SIMPLE = {
    ("request_slot", "jm", "rm"): Message.REQUEST_SLOT,
    ("cancel_slot_request", "jm", "rm"): Message.CANCEL_SLOT_REQUEST,
    ("notify_allocation_failure", "rm", "jm"): Message.ALLOCATION_FAILED,
    ("register_task_executor", "tm", "rm"): Message.REGISTER,
    ("disconnect_task_manager", "tm", "rm"): Message.DISCONNECT,
    ("disconnect_resource_manager", "rm", "tm"): Message.DISCONNECT,
    ("register_task_manager", "tm", "jm"): Message.REGISTER,
    ("disconnect_task_manager", "tm", "jm"): Message.DISCONNECT,
    ("disconnect_job_manager", "jm", "tm"): Message.DISCONNECT,
    ("register_job_manager", "jm", "rm"): Message.REGISTER,
    ("register_job_master", "jm", "rm"): Message.REGISTER,
    ("disconnect_job_manager", "jm", "rm"): Message.DISCONNECT,
    ("disconnect_resource_manager", "rm", "jm"): Message.DISCONNECT,
    ("free_slot", "jm", "tm"): Message.FREE_SLOT,
    ("fail_slot", "tm", "jm"): Message.FAIL_SLOT,
}
"""Calls that are one message, about one allocation or none."""
REPORTS = {"RUNNING": Message.TASK_RUNNING, "FINISHED": Message.TASK_FINISHED}
"""What a TaskExecutor reports of a task that has not failed."""


def channel_of(call: Call) -> int | None:
    """The channel of the model that a call goes through."""
    ends = kind_of(call.sender), kind_of(call.receiver)
    match ends:
        case ("jm", "rm"):
            return TO_RESOURCE_MANAGER
        case ("rm", "jm"):
            return TO_JOB_MASTER
        case ("jm", "tm"):
            return way(tm_number(call.receiver), Way.FROM_JOB_MASTER)
        case ("tm", "jm"):
            return way(tm_number(call.sender), Way.TO_JOB_MASTER)
        case ("rm", "tm"):
            return way(tm_number(call.receiver), Way.FROM_RESOURCE_MANAGER)
        case ("tm", "rm"):
            return way(tm_number(call.sender), Way.TO_RESOURCE_MANAGER)
    return None


def answer_channel(call: Call) -> int | None:
    """The channel that its answer goes through."""
    return channel_of(replace(call, sender=call.receiver, receiver=call.sender))


def _allocation_in(arguments: list[Any]) -> str | None:
    return next(
        (one for one in arguments if isinstance(one, str) and one[:1] == "a" and one[1:].isdigit()),
        None,
    )


def messages_of(call: Call) -> list[Pattern]:
    """The messages that a call stands for, in order; none if the model does not have it."""
    channel = channel_of(call)
    if channel is None:
        return []

    def one(message: Message, **about: Any) -> list[Pattern]:
        return [Pattern(channel, frozenset({message}), **about)]

    args = call.arguments
    if call.kind in SIMPLE:
        return one(SIMPLE[call.kind], allocation=_allocation_in(args))
    match call.kind:
        case ("request_slot", "rm", "tm"):
            allocation, number = _allocation_in(args), slot_index(args[0])
            return one(Message.REQUEST_TASK_SLOT, allocation=allocation, number=number)
        case ("send_slot_report", "tm", "rm"):
            return one(Message.SLOT_REPORT, instance=args[1])
        case ("notify_slot_available", "tm", "rm"):
            return one(Message.SLOT_AVAILABLE, allocation=args[2], number=slot_index(args[1]))
        case ("offer_slots", "tm", "jm"):
            offered = frozenset({Message.OFFER_SLOT})
            return [Pattern(channel, offered, allocation=name, number=i) for i, name in args[1]]
        case ("submit_task", "jm", "tm"):
            allocation, execution = args[0]["allocation"], args[0]["execution"]
            return one(Message.SUBMIT_TASK, allocation=allocation, execution=execution)
        case ("cancel_task", "jm", "tm"):
            return one(Message.CANCEL_TASK, execution=args[0])
        case ("update_task_execution_state", "tm", "jm") if args[0]["state"] != "INITIALIZING":
            message = REPORTS.get(args[0]["state"], Message.TASK_FAILED)
            return one(message, execution=args[0]["execution"])
    return []
