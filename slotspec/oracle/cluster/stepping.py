"""Single steps of the cluster model, as far as a recording allows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    way,
)
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.foresight import (
    NEVER,
    answers_under_way,
    arrivals,
    joining,
    overtaken,
    reactions,
    refused_at_once,
    report_of,
    running_twice,
)
from slotspec.oracle.cluster.lanes import lanes_of, snapshots_of
from slotspec.oracle.cluster.naming import Names, released
from slotspec.oracle.cluster.patterns import (
    Pattern,
    Posted,
    answer_channel,
    match,
    messages_of,
)
from slotspec.oracle.cluster.recording import Call, Recording, Step
from slotspec.oracle.cluster.shares import (
    served_requests,
    shares_asked_for,
    shares_of_slots,
    waiting_requests,
)
from slotspec.oracle.cluster.views import Difference, Views
from slotspec.oracle.cluster.world import World, shape_of
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
}
"""Calls that a TaskExecutor may have made again on another thread, and the model's steps."""

OF_JOB_MASTERS = {
    (name, "jm", "rm"): ("job_master_finds_resource_manager", "job_master_registration_times_out")
    for name in ("register_job_manager", "register_job_master")
}
"""Likewise for the JobMaster, whose call has another name since 1.14."""

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

UNTOLD = ANSWERS | {Message.SUBMIT_TASK, Message.REGISTER}
"""Messages that a step may send without a line for it: answers, and what other threads send."""

NEW_IDS = "check_is_due"
"""The step in which the ResourceManager makes up allocation ids (since 1.14)."""

Taken = tuple[Any, ...]
Way_ = tuple["Node", Taken, tuple[Pattern, ...]]


class Node(NamedTuple):
    """A state of the search.

    :ivar doomed: numbers of calls that will not arrive and are still in flight.
    :ivar owed: messages that the model has sent, and the recording tells of in a later step.
    :ivar requests: how many slots the job has requested in the present step.
    """

    key: bytes
    names: Names
    doomed: tuple[int, ...] = ()
    requests: int = 0
    owed: tuple[Posted, ...] = ()


def stepped(name: str, arguments: tuple[int, ...]) -> str:
    """A step of the model as text."""
    return f"{name}({', '.join(map(str, arguments))})"


class Stepper:
    """Takes single steps of the model, as far as one recording allows them.

    :cvar model: the name of the model.
    :cvar views_type: what compares its states with recorded ones.
    :cvar registrations: calls that may have been made again on another thread, and the model's
        steps.
    """

    model = "cluster"
    views_type: type[Views] = Views
    registrations: Mapping[tuple[str, str, str], tuple[str, ...]] = {
        **REGISTRATIONS,
        **OF_JOB_MASTERS,
    }

    def __init__(self, recording: Recording, generation: str) -> None:
        bounds, self.tasks = self.shape_of(recording)
        self.recording = recording
        self.world = World(bounds, generation, self.model)
        self.tries = bounds["tries"]
        self.views = self.views_type(self.world.s, self.world.tms, self.tasks)
        self.patterns = {n: self.messages_of(call) for n, call in recording.calls.items()}
        self.asked_for = self.shares_of(bounds["parallelism"])
        self.reports = {n: report for n, c in recording.calls.items() if (report := report_of(c))}
        self.arrivals = arrivals(recording)
        self.reactions = reactions(recording)
        self.refused_at_once = refused_at_once(recording, self.reactions)
        self.answers_under_way = answers_under_way(recording)
        self.joining = joining(recording)
        self.never_joined = {one.call for one in self.joining if one.last == NEVER}
        self.overtaken = overtaken(recording)
        self.running_twice = running_twice(recording)
        self.lanes = lanes_of(recording)
        self.snapshots = snapshots_of(recording, self.lanes, self.answers_under_way)
        self.failovers = [
            line.n
            for line in recording.lines
            if line.do == "fault" and line.at == "rm" and line.what == "revoke leadership"
        ]
        self.notes: dict[str, str] | None = None
        self.closest: dict[int, tuple[list[Difference], tuple[Pattern, ...], Taken]] = {}

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
            (None,) * (len(s.task) * self.tries),
            (None,) * len(s.connecting),
        )
        return Node(self.world.first, names)

    def take(
        self,
        node: Node,
        expected: tuple[Pattern, ...],
        name: str,
        *arguments: int,
        call: Call | None = None,
    ) -> Way_ | None:
        """One step of the model, if every message that it sends is expected or untold."""
        found = self.world.attempt(node.key, name, arguments)
        if found is None:
            if self.notes is not None and stepped(name, arguments) not in self.notes:
                self.note(name, arguments, self.world.why_not(node.key, name, arguments))
            return None
        key, result, sent, made, begun = found
        names, requests = node.names, node.requests
        if name == "scheduler_requests_slot":
            if result != NONE:
                names = names._replace(allocations=released(names.allocations, result))
            requests += 1
        for execution in begun:
            names = names._replace(executions=released(names.executions, execution))
        left = list(expected)
        owed = list(node.owed)
        for posted in sent:
            if posted[1] == Message.REQUEST_TASK_SLOT and name == NEW_IDS:
                names = names._replace(allocations=released(names.allocations, posted[2]))
            matched = None
            for pattern in left:
                matched = self.match(pattern, posted, names)
                if matched is not None:
                    left.remove(pattern)
                    names = matched
                    break
            if matched is None and posted[1] not in UNTOLD:
                if (name, posted[1]) not in EARLY:
                    self.note(name, arguments, f"it would send {Message(posted[1]).name}")
                    return None
                owed.append(posted)
                continue
            if matched is None and call is not None and self.contradicts(call, posted, names):
                self.note(name, arguments, f"it would answer {Message(posted[1]).name}")
                return None
        if name == "resource_manager_hears_task_executor" and result == Message.REGISTER:
            s = self.world.load(key)
            instances = names.instances
            for i, looked in enumerate(s.connecting):
                if looked:
                    instances = released(instances, i)
            names = names._replace(instances=instances)
        made_of = node._replace(key=key, names=names, requests=requests, owed=tuple(owed))
        return made_of, (made,), tuple(left)

    def note(self, name: str, arguments: tuple[int, ...], why: str) -> None:
        """Keep why a step of the model was refused the first time, if anybody wants to know."""
        if self.notes is not None:
            self.notes.setdefault(stepped(name, arguments), why)

    def match(self, pattern: Pattern, posted: Posted, names: Names) -> Names | None:
        world = self.world
        return match(
            pattern,
            posted,
            names,
            world.tms,
            self.tasks,
            self.tries,
            world.bounds["cancel_tries"],
        )

    def contradicts(self, call: Call, posted: Posted, names: Names) -> bool:
        """Whether the model answers a call otherwise than the recording says."""
        if posted[0] != answer_channel(call):
            return False
        if call.kind == ("request_slot", "jm", "rm") and "ResourceManagerException" in (
            call.error or ()
        ):
            return posted[1] == Message.REQUEST_ACKNOWLEDGED
        if not call.has_answer:
            return False
        message, subject = posted[1], posted[2]
        name = names.allocations[subject] if subject != NONE else None
        match call.kind:
            case ("offer_slots", _, _):
                accepted = name in {one[1] for one in call.answer}
                if message == Message.OFFER_ACCEPTED:
                    return not accepted
                return accepted and message in (Message.OFFER_REJECTED, Message.OFFER_FAILED)
            case ("request_slot", "jm", _):
                return message == Message.REQUEST_REFUSED
            case ("request_slot", "rm", _):
                return message in (Message.CALL_FAILED, Message.CALL_OCCUPIED)
            case ("submit_task", _, _):
                return message == Message.SUBMISSION_FAILED
            case ("cancel_task", _, _):
                return message == Message.CANCELLATION_FAILED
            case ("update_task_execution_state", _, _):
                return message == Message.UPDATE_REFUSED
        return False

    def early(
        self, node: Node, expected: tuple[Pattern, ...], name: str, *arguments: int
    ) -> Way_ | None:
        """A timer that fires, before its time if it must."""
        return next(self.try_early(node, expected, (name, *arguments)), None)

    def try_early(
        self, node: Node, expected: tuple[Pattern, ...], *calls: tuple[Any, ...]
    ) -> Iterator[Way_]:
        """Timers that fire: those that are due, then those that fire before their time."""
        waiting = []
        for name, *arguments in calls:
            found = self.take(node, expected, name, *arguments)
            if found is not None:
                yield found
            else:
                waiting.append((name, *arguments))
        hurried = self.take(node, expected, "timer_is_early") if waiting else None
        if hurried is None:
            return
        for name, *arguments in waiting:
            found = self.take(hurried[0], expected, name, *arguments)
            if found is not None:
                yield found[0], hurried[1] + found[1], found[2]

    def hears(self, channel: int) -> tuple[str, tuple[int, ...]]:
        """The action that receives a message of a channel, and its first arguments."""
        if channel == TO_RESOURCE_MANAGER:
            return "resource_manager_hears_job_master", ()
        if channel == TO_JOB_MASTER:
            return "job_master_hears_resource_manager", ()
        tm, direction = divmod(channel - way(0, 0), way(1, 0) - way(0, 0))
        return {
            Way.FROM_JOB_MASTER: "task_executor_hears_job_master",
            Way.TO_JOB_MASTER: "job_master_hears_task_executor",
            Way.FROM_RESOURCE_MANAGER: "task_executor_hears_resource_manager",
            Way.TO_RESOURCE_MANAGER: "resource_manager_hears_task_executor",
        }[Way(direction)], (tm,)

    def deliver(
        self,
        node: Node,
        expected: tuple[Pattern, ...],
        pattern: Pattern,
        call: Call | None = None,
    ) -> Iterator[Way_]:
        """The message arrives; what is doomed and stands before it is lost first."""
        lost: Taken = ()
        name, first = self.hears(pattern.channel)
        if self.notes is not None and not any(
            self.match(pattern, posted, node.names)
            for posted in self.world.contents(node.key, pattern.channel)
        ):
            self.note(name, first, f"no {pattern} is in flight")
        while True:
            contents = self.world.contents(node.key, pattern.channel)
            tried = set()
            for place, posted in enumerate(contents):
                names = self.match(pattern, posted, node.names)
                if names is None or posted in tried:
                    continue
                tried.add(posted)
                bound_node = node._replace(names=names)
                found = self.take(bound_node, expected, name, *first, place, call=call)
                if found is not None:
                    yield found[0], lost + found[1], found[2]
            after = self.lose_first(node, contents)
            if after is None:
                return
            node, lost = after[0], lost + after[1]

    def lose_first(self, node: Node, contents: list[Posted]) -> tuple[Node, Taken] | None:
        """Lose the messages of a call that is known not to arrive; several slots share an offer."""
        for number in node.doomed:
            if not self.patterns[number] and number not in self.reports:
                continue
            patterns = self.patterns[number] or [self.reports[number]]
            if any(self.match(one, posted, node.names) for posted in contents for one in patterns):
                after, taken = self.lose(node, patterns)
                if taken:
                    doomed = tuple(one for one in after.doomed if one != number)
                    return after._replace(doomed=doomed), taken
        return None

    def lose(self, node: Node, patterns: list[Pattern]) -> tuple[Node, Taken]:
        """Lose messages in flight."""
        taken: Taken = ()
        for pattern in patterns:
            for place, posted in enumerate(self.world.contents(node.key, pattern.channel)):
                if self.match(pattern, posted, node.names) is not None:
                    found = self.take(node, (), "message_is_lost", pattern.channel, place)
                    if found is not None:
                        node, taken = found[0], taken + found[1]
                        break
        return node, taken
