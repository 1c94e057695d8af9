"""Single steps of the cluster model, as far as a recording allows them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from slotspec.models.cluster.lifecycles import Leader
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.branches import Branch, Node
from slotspec.oracle.cluster.foresight import (
    NEVER,
    answered_when_dead,
    answers_under_way,
    arrivals,
    failed_before,
    failed_unnoticed,
    initializing_twice,
    joining,
    misled_from,
    overtaken,
    reactions,
    refused_at_once,
    registered_in_vain,
    report_of,
    running_twice,
    sent_to_former,
    superseded_reports,
)
from slotspec.oracle.cluster.lanes import cut_short, lanes_of, snapshots_of
from slotspec.oracle.cluster.naming import Names, bound, released
from slotspec.oracle.cluster.patterns import (
    Pattern,
    Posted,
    answer_channel,
    match,
    messages_of,
    tm_number,
)
from slotspec.oracle.cluster.recording import TERMINATE, Call, Recording, Step, kind_of
from slotspec.oracle.cluster.shape import replaced, shape_of, told_tasks
from slotspec.oracle.cluster.shares import (
    served_requests,
    shares_asked_for,
    shares_of_slots,
    waiting_requests,
)
from slotspec.oracle.cluster.views import Difference, Views
from slotspec.oracle.cluster.world import Taken, World
from slotspec.statemachine.declaration.rules import NONE

EARLY = frozenset(
    {
        ("resource_manager_hears_job_master", Message.REQUEST_TASK_SLOT),
        ("resource_manager_hears_task_executor", Message.REQUEST_TASK_SLOT),
        ("resource_manager_hears_task_executor", Message.ALLOCATION_FAILED),
        ("slot_call_times_out", Message.REQUEST_TASK_SLOT),
        ("slot_call_times_out", Message.ALLOCATION_FAILED),
        ("resource_manager_finds_gateway", Message.REQUEST_TASK_SLOT),
        ("resource_manager_misses_heartbeat", Message.REQUEST_TASK_SLOT),
        ("resource_manager_misses_heartbeat", Message.ALLOCATION_FAILED),
        ("resource_manager_goes_on", Message.ALLOCATION_FAILED),
    }
)
"""Messages that Flink sends in a step of its own, which it queues, and the model at once."""

REGISTRATIONS = {
    ("register_task_executor", "tm", "rm"): (
        "task_executor_finds_resource_manager",
        "registration_times_out",
    ),
    ("register_task_manager", "tm", "jm"): (
        "task_executor_finds_job_master",
        "job_registration_times_out",
    ),
    **{
        (name, "jm", "rm"): (
            "job_master_finds_resource_manager",
            "job_master_registration_times_out",
        )
        for name in ("register_job_manager", "register_job_master")  # the latter since 1.14
    },
}
"""Calls that may have been made again on another thread, and the model's steps."""

ANSWERS = frozenset(
    {
        Message.REQUEST_ACKNOWLEDGED,
        Message.REQUEST_REFUSED,
        Message.CALL_ACKNOWLEDGED,
        Message.CALL_OCCUPIED,
        Message.CALL_FAILED,
        Message.REGISTERED,
        Message.OFFER_ACCEPTED,
        Message.OFFER_REJECTED,
        Message.OFFER_FAILED,
        Message.SUBMISSION_FAILED,
        Message.UPDATE_REFUSED,
        Message.CANCELLATION_FAILED,
    }
)

NO_ANSWERS = frozenset(Message) - ANSWERS

UNTOLD = ANSWERS | {Message.SUBMIT_TASK, Message.REGISTER}
"""Messages that a step may send without a line for it: answers, and what other threads send."""

REQUEST = "request_slot", "jm", "rm"
TASK_SLOT_REQUEST = "request_slot", "rm", "tm"

NEW_IDS = ("check_is_due", "check_is_due_in_order")
"""The steps in which the ResourceManager makes up allocation ids (since 1.14)."""

STRAGGLING = (("free_slot", "jm", "tm"), ("disconnect_job_manager", "jm", "tm"))
"""Calls of a former JobMaster that a TaskExecutor obeys, even after calls of the next one."""

REFUSALS = {
    ("request_slot", "jm", "rm"): frozenset({Message.REQUEST_REFUSED}),
    TASK_SLOT_REQUEST: frozenset({Message.CALL_FAILED, Message.CALL_OCCUPIED}),
    ("submit_task", "jm", "tm"): frozenset({Message.SUBMISSION_FAILED}),
    ("cancel_task", "jm", "tm"): frozenset({Message.CANCELLATION_FAILED}),
    ("update_task_execution_state", "tm", "jm"): frozenset({Message.UPDATE_REFUSED}),
}
"""The messages that tell the caller that a call has failed."""


def stepped(name: str, arguments: tuple[int, ...]) -> str:
    """A step of the model as text."""
    return f"{name}({', '.join(map(str, arguments))})"


class Stepper:
    """Takes single steps of the model, as far as one recording allows them.

    :cvar model: the name of the model.
    :cvar views_type: what compares its states with recorded ones.
    """

    model = "cluster"
    views_type: type[Views] = Views

    def __init__(self, recording: Recording, generation: str) -> None:
        bounds, self.tasks = self.shape_of(recording)
        self.recording = recording
        self.world = World(bounds, generation, self.model)
        self.views = self.views_type(self.world.s, self.world.tms, self.tasks)
        self.patterns = {n: self.messages_of(call) for n, call in recording.calls.items()}
        self.asked_for = self.shares_of(bounds["parallelism"])
        self.reports = {n: report for n, c in recording.calls.items() if (report := report_of(c))}
        self.superseded = superseded_reports(recording)
        self.arrivals = arrivals(recording)
        self.replied = {line.m: line.n for line in recording.lines if line.do == "reply"}
        self.reactions = reactions(recording)
        self.replaced = replaced(told_tasks(recording)[0], self.tasks)
        self.refused_at_once = refused_at_once(recording, self.reactions)
        self.answers_under_way = answers_under_way(recording)
        self.answered_when_dead = answered_when_dead(recording)
        self.joining = joining(recording)
        self.never_joined = {one.call for one in self.joining if one.last == NEVER}
        self.misled_from = misled_from(recording)
        self.registered_in_vain = registered_in_vain(recording)
        self.sent_to_former = sent_to_former(recording)
        self.overtaken = overtaken(recording)
        self.initializing_twice = initializing_twice(recording)
        self.running_twice = running_twice(recording, self.initializing_twice)
        shutdowns = [s for s in recording.steps if s.trigger == "fault" and s.why == TERMINATE]
        self.farewells = {call.number for step in shutdowns for call in step.sent}
        self.shut_down = {step.process: step.line for step in shutdowns}
        self.left_out = self.running_twice | self.registered_in_vain
        self.failed_unnoticed = failed_unnoticed(recording, self.reactions)
        self.failed_before = failed_before(recording)
        self.lanes = lanes_of(recording)
        self.cut_short = cut_short(self.lanes)
        self.snapshots = snapshots_of(recording, self.lanes, self.answers_under_way)
        self.failovers = [
            line.n
            for line in recording.lines
            if line.do == "fault" and line.at == "rm" and line.what == "revoke leadership"
        ]
        self.successions = [
            line.n
            for line in recording.lines
            if line.do == "endpoint" and line.at is not None and kind_of(line.at) == "jm"
        ]
        self.notes: dict[str, str] | None = None
        self.closest: dict[int, tuple[list[Difference], tuple[Pattern, ...]]] = {}

    def shape_of(self, recording: Recording) -> tuple[dict[str, int], dict[str, int]]:
        """The bounds that a recording asks for, and which task each of its executions is."""
        return shape_of(recording)

    def messages_of(self, call: Call) -> list[Pattern]:
        """The messages that a call stands for, in order."""
        return messages_of(call)

    def shares_of(self, parallelism: int) -> dict[int, list[int | None]]:
        """The shares that the JobMaster probably requests slots for in a step, by its last line."""
        served = served_requests(self.recording, self.tasks, parallelism)
        return shares_asked_for(self.recording, self.tasks, parallelism, waiting_requests, served)

    def asking(self, node: Node, step: Step) -> list[int]:
        """The shares of the job, the one first that is probably the next to request a slot."""
        likely = self.asked_for.get(step.last, [])[node.requests :][:1]
        return sorted(range(self.world.bounds["parallelism"]), key=lambda one: one not in likely)

    def assigning(self, node: Node, step: Step) -> list[tuple[int, int]]:
        """Pairs of shares and allocations, those first that the state after the step has too."""
        bounds, names = self.world.bounds, node.names.allocations
        snapshot = self.snapshots.get(id(step), {"tasks": []})
        told = shares_of_slots(snapshot, self.tasks, bounds["parallelism"])
        pairs = product(range(bounds["parallelism"]), range(bounds["allocations"]))
        return sorted(pairs, key=lambda pair: told.get(names[pair[1]] or "") != pair[0])

    def initial(self) -> Node:
        bounds = self.world.bounds
        s = self.world.s
        names = Names(
            (None,) * bounds["allocations"],
            (None,) * (len(s.task) * bounds["tries"]),
            (None,) * len(s.connecting),
        )
        return Node(self.world.first, names)

    def take(
        self, at: Branch, name: str, *arguments: int, call: Call | None = None
    ) -> Branch | None:
        """One step of the model, if every message that it sends is expected or untold.

        :param call: the call that it handles, whose recorded answer it must not contradict.
        """
        node = at.node
        found = self.world.attempt(node.key, name, arguments)
        if found is None:
            if self.notes is not None and stepped(name, arguments) not in self.notes:
                self.note(name, arguments, self.world.why_not(node.key, name, arguments))
            return None
        names = self.used_anew(node.names, name, found)
        left, owed = list(at.expected), list(node.owed)
        for posted in found.sent:
            for pattern in left:
                matched = self.match(pattern, posted, names)
                if matched is not None:
                    left.remove(pattern)
                    names = matched
                    break
            else:
                why = self.unexpected(name, posted, names, call)
                if why is not None:
                    self.note(name, arguments, why)
                    return None
                if posted.message not in UNTOLD:
                    owed.append(posted)
        if name == "resource_manager_hears_task_executor" and found.result == Message.REGISTER:
            connecting = self.world.load(found.key).connecting
            looked_up = [i for i, looked in enumerate(connecting) if looked]
            names = names._replace(instances=released(names.instances, *looked_up))
        requests = node.requests
        if name == "scheduler_requests_slot":
            requests += 1
            names = self.requested_in_vain(names, found, left)
        after = node._replace(key=found.key, names=names, requests=requests, owed=tuple(owed))
        return Branch(after, tuple(left), (*at.taken, found.call))

    def unexpected(self, name: str, posted: Posted, names: Names, call: Call | None) -> str | None:
        """Why a step may not send a message that no line tells of; None if it may."""
        if posted.message in UNTOLD:
            wrong, verb = call is not None and self.contradicts(call, posted, names), "answer"
        else:
            wrong, verb = (name, posted.message) not in EARLY, "send"
        return f"it would {verb} {Message(posted.message).name}" if wrong else None

    def used_anew(self, names: Names, name: str, step: Taken) -> Names:
        """The names without those of numbers that a step of the model begins to use anew."""
        ids: list[int] = []
        if name in NEW_IDS:
            asked = Message.REQUEST_TASK_SLOT
            ids = [posted.subject for posted in step.sent if posted.message == asked]
        elif name == "scheduler_requests_slot" and step.result != NONE:
            ids = [step.result]
        if not ids and not step.begun:
            return names
        return names._replace(
            allocations=released(names.allocations, *ids),
            executions=released(names.executions, *step.begun),
        )

    def requested_in_vain(self, names: Names, step: Taken, left: list[Pattern]) -> Names:
        """The names, where a request has one that goes to a former ResourceManager.

        The model does not send it.
        """
        if step.result == NONE or any(one.message == Message.REQUEST_SLOT for one in step.sent):
            return names
        for pattern in left:
            if pattern.optional and Message.REQUEST_SLOT in pattern.messages:
                given = bound(names.allocations, step.result, pattern.allocation or "")
                if given is not None:
                    return names._replace(allocations=given)
        return names

    def aside(self, at: Branch, name: str, *arguments: int) -> Branch | None:
        """One step of the model that sends nothing that is expected."""
        found = self.take(at.expecting(), name, *arguments)
        return None if found is None else found.expecting(*at.expected)

    def straggle(self, at: Branch, call: Call, release: str, disconnect: str) -> Branch | None:
        """A step about a former JobMaster's call to free a slot, or to disconnect; else None."""
        names = at.node.names.allocations
        if call.kind == ("disconnect_job_manager", "jm", "tm"):
            return self.take(at, disconnect, tm_number(call.receiver))
        if call.kind == ("free_slot", "jm", "tm") and call.arguments[0] in names:
            return self.take(at, release, tm_number(call.receiver), names.index(call.arguments[0]))
        return None

    def left_behind(self, at: Branch, call: Call) -> Branch:
        """A call of a former JobMaster or ResourceManager falls behind calls of the next one.

        A JobMaster that has not ended yet may have sent it: then it falls behind as that ends.
        """
        late = self.straggle(at, call, "release_falls_behind", "disconnect_falls_behind")
        if late is not None:
            return late
        in_flight = any(
            self.match(pattern, posted, at.node.names) is not None
            for pattern in self.patterns[call.number]
            for posted in self.world.contents(at.node.key, pattern.channel)
        )
        leads = self.world.load(at.node.key).job_master[0] == Leader.LEADING
        may_straggle = call.kind in STRAGGLING and (leads or not in_flight)
        return at if may_straggle else at.dooming(call.number)

    def note(self, name: str, arguments: tuple[int, ...], why: str) -> None:
        """Keep why a step of the model was refused the first time, if anybody wants to know."""
        if self.notes is not None:
            self.notes.setdefault(stepped(name, arguments), why)

    def match(self, pattern: Pattern, posted: Posted, names: Names) -> Names | None:
        """See :func:`patterns.match`."""
        bounds = self.world.bounds
        return match(
            pattern,
            posted,
            names,
            self.world.tms,
            self.tasks,
            bounds["tries"],
            bounds["cancel_tries"],
        )

    def contradicts(self, call: Call, posted: Posted, names: Names) -> bool:
        """Whether the model answers a call otherwise than the recording says."""
        channel, message, subject, _ = posted
        if channel != answer_channel(call):
            return False
        if call.kind == REQUEST and "ResourceManagerException" in (call.error or ()):
            return message == Message.REQUEST_ACKNOWLEDGED
        if not call.has_answer:
            return False
        if call.name == "offer_slots":
            name = names.allocations[subject] if subject != NONE else None
            accepted = name in {one[1] for one in call.answer}
            if message == Message.OFFER_ACCEPTED:
                return not accepted
            return accepted and message in (Message.OFFER_REJECTED, Message.OFFER_FAILED)
        return message in REFUSALS.get(call.kind, ())

    def early(self, at: Branch, name: str, *arguments: int) -> Branch | None:
        """A timer that fires, before its time if it must."""
        return next(self.try_early(at, (name, *arguments)), None)

    def try_all(self, at: Branch, *calls: tuple[Any, ...]) -> Iterator[Branch]:
        """Those steps of the model that it can take."""
        for name, *arguments in calls:
            found = self.take(at, name, *arguments)
            if found is not None:
                yield found

    def try_early(self, at: Branch, *calls: tuple[Any, ...]) -> Iterator[Branch]:
        """Timers that fire: those that are due, then those that fire before their time."""
        waiting = []
        for call in calls:
            found = self.take(at, *call)
            if found is not None:
                yield found
            else:
                waiting.append(call)
        hurried = self.take(at, "timer_is_early") if waiting else None
        if hurried is not None:
            yield from self.try_all(hurried, *waiting)
