"""Explains the steps of a recording by steps of the cluster model.

A recorded step begins with what triggered it: a message, an answer, or nothing that the recording
tells. The model first takes the steps that the trigger asks for. Then it takes hidden steps of the
same process, until it has sent every message that the recording says, no other, and remembers what
the recording says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    way,
)
from slotspec.models.cluster.scheduler import execution_of
from slotspec.models.cluster.state import Message
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.oracle.cluster.foresight import (
    NEVER,
    joining,
    report_of,
    shares_of_requests,
)
from slotspec.oracle.cluster.naming import Names, bound, released
from slotspec.oracle.cluster.patterns import (
    Pattern,
    Posted,
    answer_channel,
    channel_of,
    match,
    messages_of,
    slot_index,
    tm_number,
)
from slotspec.oracle.cluster.recording import Call, Recording, Step, kind_of
from slotspec.oracle.cluster.views import Difference, Views
from slotspec.oracle.cluster.world import World, shape_of
from slotspec.statemachine.declaration.rules import NONE

HIDDEN = 9
"""Hidden steps within one recorded step."""
EXPANSIONS = 250
"""States that the search for hidden steps within one recorded step expands."""

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
EARLY = frozenset(
    {
        ("resource_manager_hears_job_master", Message.REQUEST_TASK_SLOT),
        ("resource_manager_hears_task_executor", Message.REQUEST_TASK_SLOT),
        ("resource_manager_hears_task_executor", Message.ALLOCATION_FAILED),
        ("slot_call_times_out", Message.REQUEST_TASK_SLOT),
        ("slot_call_times_out", Message.ALLOCATION_FAILED),
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
LINGERING = ("delay", "repeat")
"""Faults of a registration that stays in its channel while others are made."""
UNTOLD = ANSWERS | {Message.SUBMIT_TASK, Message.REGISTER}
"""Messages that a step may send without a line for it: answers, and what other threads send."""

NEW_IDS = "check_is_due"
"""The step in which the ResourceManager makes up allocation ids (since 1.14)."""

ENDS = frozenset({"CANCELLING", "CANCELED", "FAILING", "FAILED"})
"""States of a job that will not restart."""

Taken = tuple[Any, ...]
Way_ = tuple["Node", Taken, tuple[Pattern, ...]]


class Node(NamedTuple):
    """A state of the search.

    :ivar doomed: numbers of calls that will not arrive and are still in flight.
    :ivar owed: messages that the model has sent, and the recording tells of in a later step.
    :ivar requests: how many slots the job has requested so far.
    """

    key: bytes
    names: Names
    doomed: tuple[int, ...] = ()
    requests: int = 0
    owed: tuple[Posted, ...] = ()


def stepped(name: str, arguments: tuple[int, ...]) -> str:
    """A step of the model as text."""
    return f"{name}({', '.join(map(str, arguments))})"


class ClusterExplainer:
    """Explains the steps of one recording.

    :cvar model: the name of the model.
    :cvar registrations: calls that may have been made again on another thread, and the model's
        steps.
    """

    model = "cluster"
    registrations: Mapping[tuple[str, str, str], tuple[str, ...]] = REGISTRATIONS

    def __init__(self, recording: Recording, generation: str) -> None:
        bounds, self.tasks = self.shape_of(recording)
        self.recording = recording
        self.world = World(bounds, generation, self.model)
        self.tries = bounds["tries"]
        self.views = self.views_of(bounds["parallelism"])
        self.patterns = {n: self.messages_of(call) for n, call in recording.calls.items()}
        self.lanes, self.snapshots = self._lanes()
        self.shares_of_requests = self.shares_of(bounds["parallelism"])
        self.reports = {n: report for n, c in recording.calls.items() if (report := report_of(c))}
        self.arrivals = {
            step.call.number: step.line
            for step in recording.steps
            if step.trigger in ("message", "refuse") and step.call is not None
        }
        self.reactions = {
            step.call.number: step.line
            for step in recording.steps
            if step.trigger == "answer" and step.call is not None
        }
        self.numbered = {s.number: s for s in recording.steps if s.number is not None}
        joined = joining(recording)
        self.joining = [(tm, first, last) for tm, first, last, _ in joined]
        self.unfinished = {number for _, _, last, number in joined if last == NEVER}
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

    def views_of(self, width: int) -> Views:
        """What compares states of the model with recorded ones."""
        return Views(self.world.s, self.world.tms, self.tasks, width)

    def messages_of(self, call: Call) -> list[Pattern]:
        """The messages that a call stands for, in order."""
        return messages_of(call)

    def shares_of(self, parallelism: int) -> dict[int, int]:
        """Which share each request of the job is probably for."""
        return shares_of_requests(self.recording, self.tasks, parallelism)

    def _lanes(self) -> tuple[list[list[Step]], dict[int, dict[str, Any]]]:
        lanes: dict[str, list[Step]] = {}
        snapshots: dict[int, dict[str, Any]] = {}
        last: dict[str, dict[str, Any] | None] = {}
        for step in self.recording.steps:
            if step.process.startswith("tm") or step.process in ("jm", "rm"):
                lanes.setdefault(step.lane, []).append(step)
                if step.trigger == "endpoint":
                    last.pop(step.process, None)
                if step.state is not None:
                    led = (last.get(step.process) or {}).get("leader")
                    last[step.process] = step.state
                    leads = step.state.get("leader")
                    if step.process == "rm" and None not in (led, leads) and led != leads:
                        # it learns that it leads again before it learns that it did not, and
                        # keeps what it knows until then
                        last[step.process] = None
                if step.trigger == "fault" and step.why in ("crash", "kill"):
                    last.pop(step.process, None)
                if step.last in self.recording.unknown:
                    last.pop(step.process, None)
                known = last.get(step.process)
                if step.lane == step.process and step.ended and known is not None:
                    snapshots[id(step)] = known
        for lane in lanes.values():
            self._skip_unfinished(lane, snapshots)
        return list(lanes.values()), snapshots

    def _skip_unfinished(self, lane: list[Step], snapshots: dict[int, dict[str, Any]]) -> None:
        """Compare no state between a step and one that it queued: the model has no such two."""
        ends = {step.number: i for i, step in enumerate(lane) if step.number is not None}
        for i, step in enumerate(lane):
            why = step.why.split()
            if why[:1] == ["step"] and step.state is not None and step.process != "jm":
                begun = ends.get(int(why[1]))
                if begun is not None:
                    for between in lane[begun:i]:
                        snapshots.pop(id(between), None)

    def initial(self) -> Node:
        bounds = self.world.bounds
        s = self.world.s
        names = Names(
            (None,) * bounds["allocations"],
            (None,) * (len(s.task) * self.tries),
            (None,) * len(s.connecting),
        )
        return Node(self.world.first, names)

    # ------------------------------------------------------------------------ single steps

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

    def refused(self, node: Node, step: Step) -> dict[str, str]:
        """Why each step of the model that might explain a recorded one does not."""
        self.notes = {}
        for _ in self.begin(node, (), step):
            pass
        for _ in self.explain(node, step):
            pass
        found, self.notes = self.notes, None
        return found

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
        found = self.take(node, expected, name, *arguments)
        if found is not None:
            return found
        hurried = self.take(node, expected, "timer_is_early")
        if hurried is None:
            return None
        found = self.take(hurried[0], expected, name, *arguments)
        return found and (found[0], hurried[1] + found[1], found[2])

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
        """Lose a message of a channel that is known not to arrive."""
        for place, posted in enumerate(contents):
            for number in node.doomed:
                for pattern in self.patterns[number]:
                    if self.match(pattern, posted, node.names) is None:
                        continue
                    found = self.take(node, (), "message_is_lost", posted[0], place)
                    if found is not None:
                        doomed = tuple(one for one in node.doomed if one != number)
                        return found[0]._replace(doomed=doomed), found[1]
        return None

    # ---------------------------------------------------------------------------- reports

    def in_flight(self, node: Node, step: Step) -> tuple[str, ...]:
        """The messages of the model on the way to the process of a step, from the same sender."""
        call = step.call
        channel = None if call is None else channel_of(call)
        if call is not None and step.trigger == "answer":
            channel = answer_channel(call)
        if channel is None:
            return ()
        found = []
        for _, message, subject, detail in self.world.contents(node.key, channel):
            about = "" if subject == NONE else node.names.allocations[subject] or f"?{subject}"
            found.append(f"{Message(message).name.lower()}({about}) {detail}")
        return tuple(found)

    def possible(self, node: Node) -> Iterator[str]:
        """What the model could do next, other than faults and timers."""
        for call in self.world.instance.calls:
            if call.action.fault or call.action.name.endswith(("times_out", "heartbeat")):
                continue
            if self.world.attempt(node.key, call.action.name, call.arguments) is not None:
                yield str(call)

    # --------------------------------------------------------------------- recorded steps

    def explain(self, node: Node, step: Step) -> Iterator[tuple[Node, Taken]]:
        expected = tuple(
            replace(pattern, optional=not call.heard and call.fault != "drop")
            for call in step.sent
            for pattern in self.patterns[call.number]
        )
        node, expected = self.claimed(node, expected)
        begun: list[Way_] = list(self.begin(node, expected, step))
        if step.process == "rm" and step.sent:
            begun += self.reordered(node, expected, step)
        if step.call is not None and step.call.kind == ("free_slot", "jm", "tm") and step.sent:
            begun += self.hastened(node, expected, step)
        for state, calls, left in begun:
            for settled, hidden in self.settle(state, left, step, calls):
                after, more = self.besides(settled, hidden, step)
                doomed = after.doomed
                for call in (*step.sent, *((step.call,) if step.trigger == "send" else ())):
                    if call is not None and not call.arrives:
                        doomed = tuple(sorted({*doomed, call.number}))
                yield after._replace(doomed=doomed), calls + more

    def reordered(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """The step, where the ResourceManager looks at another request first."""
        for allocation in range(len(node.names.allocations)):
            first = self.take(node, expected, "request_comes_first", allocation)
            if first is not None:
                for state, calls, left in self.begin(first[0], expected, step):
                    yield state, first[1] + calls, left

    def hastened(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """A slot is freed, where its tasks end as soon as they are told to."""
        tm = tm_number(step.process)
        table = self.world.load(node.key).tables[tm]
        present = [table.execution[i] for i, slot in enumerate(table.task_slot) if slot != NONE]
        taken: Taken = ()
        for execution in present:
            own = tm * len(node.names.executions) + execution
            found = self.take(node, (), "task_is_quick", own)
            if found is not None:
                node, taken = found[0], taken + found[1]
        if taken:
            for state, calls, left in self.begin(node, expected, step):
                yield state, taken + calls, left

    def besides(self, node: Node, taken: Taken, step: Step) -> tuple[Node, Taken]:
        """What goes with the calls that a step has made: repeats, and heartbeats."""
        for call in (*step.sent, *((step.call,) if step.trigger == "send" else ())):
            if call is None:
                continue
            if call.fault == "repeat":
                for state, calls, _ in self.repeat(node, (), call):
                    node, taken = state, taken + calls
                    break
            reports = {
                "heartbeat_from_task_manager": ("task_executor_reports", call.sender),
                "heartbeat_from_job_manager": ("job_master_reports", call.receiver),
            }.get(call.name)
            if reports is not None and call.number in self.reports and call.fault is None:
                beaten = self.early(
                    node, (self.reports[call.number],), reports[0], tm_number(reports[1])
                )
                if beaten is not None:
                    node, taken = beaten[0], taken + beaten[1]
        return node, taken

    def claimed(
        self, node: Node, expected: tuple[Pattern, ...]
    ) -> tuple[Node, tuple[Pattern, ...]]:
        """What a step sends that the model has sent before."""
        left = []
        for pattern in expected:
            for posted in node.owed:
                names = self.match(pattern, posted, node.names)
                if names is not None:
                    owed = list(node.owed)
                    owed.remove(posted)
                    node = node._replace(names=names, owed=tuple(owed))
                    break
            else:
                left.append(pattern)
        return node, tuple(left)

    def settle(
        self, node: Node, expected: tuple[Pattern, ...], step: Step, calls: Taken
    ) -> Iterator[tuple[Node, Taken]]:
        """Hidden steps until everything is sent and remembered, the fewest differences first."""
        snapshot = self.snapshots.get(id(step))
        if step.lane != step.process or (
            step.state is None and not step.sent and not calls and is_done(expected)
        ):
            if is_done(expected):
                yield node, ()
            return
        number = count()
        seen = {(node, expected)}
        heap: list[Any] = []

        def push(state: Node, left: tuple[Pattern, ...], taken: Taken) -> None:
            s = self.world.load(state.key)
            differences = (
                self.views.differences(step.process, state.names, snapshot) if snapshot else []
            )
            if step.process == "jm":
                come = {tm for tm, first, last in self.joining if first <= step.line < last}
                differences = [
                    one
                    for one in differences
                    if one[0] != "pool.registered" or one[2] - one[1] or one[1] - one[2] - come
                ]
            del s
            cost = len(differences) + 2 * sum(not pattern.optional for pattern in left)
            best = self.closest.get(step.line)
            if best is None or cost < len(best[0]) + 2 * len(best[1]):
                self.closest[step.line] = differences, left, calls + taken
            heappush(heap, (cost + len(taken) // 2, next(number), cost, state, left, taken))

        fewest: int | None = None
        push(node, expected, ())
        for _ in range(EXPANSIONS):
            if not heap:
                return
            _, _, cost, state, left, taken = heappop(heap)
            if not cost:
                if fewest is None:
                    fewest = len(taken)
                if len(taken) > fewest:
                    return
                yield state, taken
                continue
            if len(taken) >= HIDDEN:
                continue
            for after, more, still in self.hidden(state, left, step):
                if (after, still) not in seen:
                    seen.add((after, still))
                    push(after, still, taken + more)

    # --------------------------------------------------------------------------- triggers

    def begin(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """What the trigger of a step makes the model do."""
        match step.trigger:
            case "endpoint" if step.process.startswith("tm"):
                tm = tm_number(step.process)
                found = self.take(node, expected, "task_executor_starts", tm)
                if found is not None:
                    yield found
            case "fault":
                yield from self.fault(node, expected, step)
            case "message" if step.call is not None:
                yield from self.message(node, expected, step, step.call)
            case "answer" if step.call is not None:
                yield from self.answer(node, expected, step, step.call)
            case "send" if step.call is not None:
                yield from self.send(node, expected, step.call)
            case "step":
                yield from self.queued(node, expected, step)
            case "refuse" if step.call is not None:
                doomed = tuple(sorted({*node.doomed, step.call.number}))
                yield node._replace(doomed=doomed), (), expected
            case _:
                yield node, (), expected

    def queued(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """A step that an earlier one queued: perhaps the reaction to an answer that was there."""
        begun = self.numbered.get(int(step.why.split()[1]))
        for call in begun.sent if begun is not None else ():
            for way_ in self.answer(node, expected, step, call):
                if way_[1]:
                    yield way_
        yield node, (), expected

    def fault(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        if step.why in ("crash", "kill"):
            tm = tm_number(step.process)
            found = self.take(node, expected, "task_executor_crashes", tm, 1)
            if found is not None:
                after, lost = self.lose_untold_registrations(found[0], step, tm)
                yield after, found[1] + lost, found[2]
        elif step.why == "revoke leadership" and step.process == "jm":
            found = self.take(node, expected, "job_master_loses_leadership")
            yield found if found is not None else (node, (), expected)
        else:
            yield node, (), expected

    def lose_untold_registrations(self, node: Node, step: Step, tm: int) -> tuple[Node, Taken]:
        """A TaskExecutor that crashes may not have sent what the model says it sent at once."""
        taken: Taken = ()
        for direction, name in (
            (Way.TO_JOB_MASTER, "register_task_manager"),
            (Way.TO_RESOURCE_MANAGER, "register_task_executor"),
        ):
            under_way = any(
                call.name == name
                and tm_number(call.sender) == tm
                and call.line < step.line
                and self.arrivals.get(call.number, 0) > step.line
                for call in self.recording.calls.values()
            )
            channel = way(tm, direction)
            for place, posted in reversed([*enumerate(self.world.contents(node.key, channel))]):
                if posted[1] == Message.REGISTER and not under_way:
                    found = self.take(node, (), "message_is_lost", channel, place)
                    if found is not None:
                        node, taken = found[0], taken + found[1]
        return node, taken

    def send(self, node: Node, expected: tuple[Pattern, ...], call: Call) -> Iterator[Way_]:
        """A call that is not made by the main thread."""
        if call.repeats is not None:
            yield node, (), expected
            return
        match call.kind:
            case ("submit_task", _, _):
                for posted in self.world.contents(node.key, self.patterns[call.number][0].channel):
                    names = self.match(self.patterns[call.number][0], posted, node.names)
                    if names is not None:
                        yield node._replace(names=names), (), expected
                        return
                if not call.arrives and call.fault != "drop":
                    yield node, (), expected
            case kind if kind in REGISTRATIONS and self.lingers(node, call):
                for way_ in REGISTRATIONS[kind]:
                    made = self.early(
                        node, tuple(self.patterns[call.number]), way_, tm_number(call.sender)
                    )
                    if made is not None:
                        yield made[0], made[1], expected
                        return
                yield node, (), expected
            case ("update_task_execution_state", _, _) if self.patterns[call.number]:
                pattern = self.patterns[call.number]
                name = pattern[0].execution
                if name is None or name not in node.names.executions:
                    return
                own = tm_number(call.sender) * len(node.names.executions)
                own += node.names.executions.index(name)
                action = (
                    "task_starts" if Message.TASK_RUNNING in pattern[0].messages else "task_ends"
                )
                found = self.take(node, tuple(pattern), action, own)
                if found is not None:
                    yield found[0], found[1], expected
            case _:
                yield node, (), expected

    def lingers(self, node: Node, call: Call) -> bool:
        """Whether a registration stays in its channel while its sender goes on."""
        if call.name == "register_task_executor":
            return call.fault in LINGERING
        pattern = self.patterns[call.number][0]
        contents = self.world.contents(node.key, pattern.channel)
        return not any(one[1] == Message.REGISTER for one in contents)

    def repeat(self, node: Node, expected: tuple[Pattern, ...], call: Call) -> Iterator[Way_]:
        """A call is repeated right behind itself."""
        patterns = tuple(self.patterns[call.number])
        channel = channel_of(call)
        if not patterns or channel is None:
            yield node, (), expected
            return
        state = node
        calls: Taken = ()
        for pattern in patterns:
            contents = self.world.contents(state.key, channel)
            for place, posted in enumerate(reversed(contents)):
                if self.match(pattern, posted, state.names) is None:
                    continue
                found = self.take(state, patterns, "message_is_repeated", channel, place)
                if found is not None:
                    state, calls = found[0], calls + found[1]
                    break
            else:
                return
        yield state, calls, expected

    def unheard(self, before: Node, way_: Way_, call: Call) -> Way_:
        """Nobody waits for the answers to a repeated call: they are lost."""
        node, calls, left = way_
        channel = answer_channel(call)
        if channel is None:
            return way_
        old = Counter(self.world.contents(before.key, channel))
        while True:
            contents = self.world.contents(node.key, channel)
            new = Counter(contents) - old
            for place, posted in enumerate(contents):
                if posted in new and posted[1] in ANSWERS:
                    found = self.take(node, (), "message_is_lost", channel, place)
                    if found is not None:
                        node, calls = found[0], calls + found[1]
                        break
            else:
                return node, calls, left

    def message(
        self, node: Node, expected: tuple[Pattern, ...], step: Step, call: Call
    ) -> Iterator[Way_]:
        """A call arrives."""
        if call.name == "cancel":
            found = self.take(node, expected, "job_is_cancelled")
            if found is not None:
                yield found
            yield node, (), expected
            return
        patterns = self.patterns[call.number]
        if call.number in self.reports:
            heard = list(self.deliver(node, expected, self.reports[call.number]))
            yield from heard or [(node, (), expected)]
            return
        ways = self.registrations.get(call.kind)
        if call.number in self.unfinished:
            doomed = tuple(sorted({*node.doomed, call.number}))
            yield node._replace(doomed=doomed), (), expected
            return
        if ways is not None:
            arguments = (tm_number(call.sender),) if kind_of(call.sender) == "tm" else ()
            yield from self.registration(node, expected, patterns[0], arguments, ways)
            return
        if call.repeats is None:
            yield from self.deliver_all(node, expected, patterns, call)
            return
        first = self.recording.calls[call.repeats]
        for way_ in self.repeated(node, expected, step, call, first):
            yield self.unheard(node, way_, call)

    def repeated(
        self, node: Node, expected: tuple[Pattern, ...], step: Step, call: Call, first: Call
    ) -> Iterator[Way_]:
        """A call arrives that the recorder has sent again, right behind the first."""
        patterns = self.patterns[call.number]
        if call.name == "update_task_execution_state" and not patterns and not call.has_answer:
            yield from self.starts_twice(node, expected, call)
        yield from self.deliver_all(node, expected, patterns, call)
        if call.name == "offer_slots" and self.reactions.get(first.number, NEVER) < step.last:
            # in one process both share the collection, and the answer to the first empties it
            taken = {name for _, name in first.answer} if first.has_answer else set()
            lost = self.lose(node, [one for one in patterns if one.allocation in taken])
            left = [one for one in patterns if one.allocation not in taken]
            for state, calls, still in self.deliver_all(lost[0], expected, left, call):
                yield state, lost[1] + calls, still

    def starts_twice(self, node: Node, expected: tuple[Pattern, ...], call: Call) -> Iterator[Way_]:
        """The report that a task initializes comes twice: as if it reported twice that it runs."""
        channel, name = channel_of(call), call.arguments[0]["execution"]
        if channel is None or name not in node.names.executions:
            return
        told = Pattern(channel, frozenset({Message.TASK_RUNNING}), execution=name)
        own = tm_number(call.sender) * len(node.names.executions)
        own += node.names.executions.index(name)
        begun = self.take(node, (told,), "task_starts", own)
        if begun is None:
            return
        for place in range(len(self.world.contents(begun[0].key, channel))):
            twice = self.take(begun[0], (told,), "message_is_repeated", channel, place)
            if twice is not None and not twice[2]:
                for once in self.deliver(twice[0], (), told):
                    for state, calls, left in self.deliver(once[0], expected, told):
                        yield state, begun[1] + twice[1] + once[1] + calls, left
                return

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

    def deliver_all(
        self,
        node: Node,
        expected: tuple[Pattern, ...],
        patterns: list[Pattern],
        call: Call | None = None,
    ) -> Iterator[Way_]:
        """Several messages arrive one after another."""
        if not patterns:
            yield node, (), expected
            return
        for state, calls, left in self.deliver(node, expected, patterns[0], call):
            for after, more, still in self.deliver_all(state, left, patterns[1:], call):
                yield after, calls + more, still

    def registration(
        self,
        node: Node,
        expected: tuple[Pattern, ...],
        pattern: Pattern,
        arguments: tuple[int, ...],
        ways: tuple[str, ...],
    ) -> Iterator[Way_]:
        """A registration arrives, which it may have sent without a line."""
        lost: Taken = ()
        while True:
            contents = self.world.contents(node.key, pattern.channel)
            present = [one for one in contents if self.match(pattern, one, node.names) is not None]
            after = self.lose_first(node, contents) if present else None
            if after is None:
                break
            node, lost = after[0], lost + after[1]
        if not present:
            for name in ways:
                sent = self.early(node, (pattern,), name, *arguments)
                if sent is not None:
                    for state, calls, left in self.deliver(sent[0], expected, pattern):
                        yield state, lost + sent[1] + calls, left
        for state, calls, left in self.deliver(node, expected, pattern):
            yield state, lost + calls, left

    def answer(
        self, node: Node, expected: tuple[Pattern, ...], step: Step, call: Call
    ) -> Iterator[Way_]:
        """The caller reacts to an answer, or to the lack of one."""
        channel = answer_channel(call)
        if channel is None:
            yield node, (), expected
            return
        failed = call.error is not None
        ways: list[Iterator[Way_]] = []
        args = call.arguments
        pattern = self.patterns[call.number][:1]
        match call.kind:
            case ("request_slot", "jm", "rm"):
                kinds = {Message.REQUEST_REFUSED if failed else Message.REQUEST_ACKNOWLEDGED}
                wanted = Pattern(channel, frozenset(kinds), allocation=pattern[0].allocation)
                ways.append(self.deliver(node, expected, wanted))
                if failed:
                    ways.append(self.timer(node, expected, "request_call_times_out", wanted))
            case ("request_slot", "rm", "tm"):
                kinds = (
                    {Message.CALL_FAILED, Message.CALL_OCCUPIED}
                    if failed
                    else {Message.CALL_ACKNOWLEDGED}
                )
                number = slot_index(args[0])
                ways.append(
                    self.deliver(node, expected, Pattern(channel, frozenset(kinds), number=number))
                )
                if failed:
                    ways.append(self.slot_call(node, expected, call))
            case ("offer_slots", "tm", "jm"):
                ways.append(self.offers_answered(node, expected, call))
            case ("submit_task", "jm", "tm") if failed:
                wanted = Pattern(
                    channel,
                    frozenset({Message.SUBMISSION_FAILED}),
                    execution=pattern[0].execution,
                )
                ways.append(self.deliver(node, expected, wanted))
                ways.append(
                    self.about_task(node, expected, wanted.execution, "submission_times_out")
                )
                ways.append(self.about_task(node, expected, wanted.execution))
            case ("cancel_task", "jm", "tm") if failed:
                wanted = Pattern(
                    channel,
                    frozenset({Message.CANCELLATION_FAILED}),
                    execution=pattern[0].execution,
                )
                ways.append(self.deliver(node, expected, wanted))
                ways.append(self.about_task(node, expected, wanted.execution))
                ways.append(self.cancellation(node, expected, pattern[0], call))
            case ("update_task_execution_state", "tm", "jm") if failed and pattern:
                wanted = Pattern(
                    channel, frozenset({Message.UPDATE_REFUSED}), execution=pattern[0].execution
                )
                ways.append(self.deliver(node, expected, wanted))
                ways.append(self.update(node, expected, call, wanted.execution))
        for one in ways:
            reactions = list(one)
            if reactions:
                yield from reactions
                return
        yield node, (), expected

    def timer(
        self, node: Node, expected: tuple[Pattern, ...], name: str, about: Pattern
    ) -> Iterator[Way_]:
        """A timer about an allocation fires."""
        if about.allocation in node.names.allocations:
            number = node.names.allocations.index(about.allocation)
            found = self.early(node, expected, name, number)
            if found is not None:
                yield found

    def slot_call(self, node: Node, expected: tuple[Pattern, ...], call: Call) -> Iterator[Way_]:
        """The ResourceManager gives up a call for a slot."""
        slot = slot_index(call.arguments[0]) * self.world.tms + tm_number(call.receiver)
        for number in range(slot * CALLS_PER_SLOT, (slot + 1) * CALLS_PER_SLOT):
            found = self.early(node, expected, "slot_call_times_out", number)
            if found is not None:
                yield found

    def offers_answered(
        self, node: Node, expected: tuple[Pattern, ...], call: Call
    ) -> Iterator[Way_]:
        channel = answer_channel(call)
        assert channel is not None
        accepted = {one[1] for one in call.answer} if call.has_answer else set()
        patterns = []
        for _, name in call.arguments[1]:
            kind = (
                Message.OFFER_FAILED
                if call.error is not None
                else Message.OFFER_ACCEPTED
                if name in accepted
                else Message.OFFER_REJECTED
            )
            patterns.append(Pattern(channel, frozenset({kind}), allocation=name))
        yield from self.deliver_all(node, expected, patterns)
        if call.error is not None:
            found = self.early(node, expected, "offers_time_out", tm_number(call.sender))
            if found is not None:
                yield found

    def about_task(
        self,
        node: Node,
        expected: tuple[Pattern, ...],
        execution: str | None,
        timer: str = "task_call_times_out",
    ) -> Iterator[Way_]:
        """The JobMaster had no answer about a task."""
        task = self.tasks.get(execution) if execution is not None else None
        if task is None:
            return
        known = node.names.executions[execution_of(self.world.load(node.key), task)]
        if known in (execution, None):  # it has no name yet if nobody was told of it
            found = self.early(node, expected, timer, task)
            if found is not None:
                yield found

    def cancellation(
        self, node: Node, expected: tuple[Pattern, ...], pattern: Pattern, call: Call
    ) -> Iterator[Way_]:
        """The JobMaster had no answer to a call that is still on its way."""
        for place, posted in enumerate(self.world.contents(node.key, pattern.channel)):
            if self.match(pattern, posted, node.names) is not None:
                tm = tm_number(call.receiver)
                found = self.early(node, expected, "cancellation_times_out", tm, place)
                if found is not None:
                    yield found

    def update(
        self, node: Node, expected: tuple[Pattern, ...], call: Call, execution: str | None
    ) -> Iterator[Way_]:
        """A TaskExecutor had no answer to its report of a task."""
        if execution in node.names.executions:
            own = tm_number(call.sender) * len(node.names.executions)
            own += node.names.executions.index(execution)
            found = self.early(node, expected, "task_update_times_out", own)
            if found is not None:
                yield found

    # ------------------------------------------------------------------------ hidden steps

    def hidden(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """Hidden steps of the process of a recorded step."""
        if step.process == "jm":
            yield from self.of_job_master(node, expected, step)
        elif step.process == "rm":
            yield from self.of_resource_manager(node, expected, step)
        else:
            yield from self.of_task_executor(node, expected, tm_number(step.process), step)

    def try_all(
        self, node: Node, expected: tuple[Pattern, ...], *calls: tuple[Any, ...]
    ) -> Iterator[Way_]:
        for name, *arguments in calls:
            found = self.take(node, expected, name, *arguments)
            if found is not None:
                yield found

    def try_early(
        self, node: Node, expected: tuple[Pattern, ...], *calls: tuple[Any, ...]
    ) -> Iterator[Way_]:
        for name, *arguments in calls:
            found = self.early(node, expected, name, *arguments)
            if found is not None:
                yield found

    def of_job_master(
        self, node: Node, expected: tuple[Pattern, ...], step: Step
    ) -> Iterator[Way_]:
        snapshot = self.snapshots.get(id(step))
        ends = snapshot is not None and snapshot["job"] in ENDS
        bounds = self.world.bounds
        shares, known = range(bounds["parallelism"]), range(bounds["allocations"])
        likely = self.shares_of_requests.get(node.requests)
        asking = sorted(shares, key=lambda share: share != likely)
        tms = range(self.world.tms)
        yield from self.try_all(
            node,
            expected,
            ("job_master_gains_leadership",),
            *(("scheduler_requests_slot", share) for share in asking),
            *(("scheduler_takes_slot", share, a) for share in shares for a in known),
            ("job_master_finds_resource_manager",),
            ("job_master_loses_resource_manager",),
            ("job_master_ends",),
        )
        yield from self.try_early(
            node,
            expected,
            *(("scheduler_restarts_region", region) for region in asking),
            *(("request_times_out", a) for a in known),
            *(("task_call_times_out", task) for task in range(len(self.world.s.task))),
            *(("job_master_misses_heartbeat", tm) for tm in tms),
        )
        deposed = snapshot is not None and snapshot["leader"] is None
        yield from self.try_all(
            node,
            expected,
            ("job_master_steps_down",),
            *((("job_is_cancelled",),) if ends else ()),
            # of two notifications at once, the later one may come first: leads, and no more
            *((("job_master_loses_leadership",),) if deposed else ()),
        )

    def of_resource_manager(
        self, node: Node, expected: tuple[Pattern, ...], step: Step
    ) -> Iterator[Way_]:
        instances = range(len(node.names.instances))
        yield from self.try_all(node, expected, ("resource_manager_gains_leadership",))
        for instance in instances:
            found = self.take(node, expected, "resource_manager_finds_gateway", instance)
            if found is not None:
                yield from self.named_instance(found, instance)
        yield from self.try_early(
            node,
            expected,
            ("startup_period_ends",),
            ("requests_time_out_at_resource_manager",),
            *(("resource_manager_misses_heartbeat", tm) for tm in range(self.world.tms)),
        )
        failed = sum(line < step.last for line in self.failovers)
        if self.world.load(node.key).failed_over < failed or step.trigger == "terminate":
            yield from self.try_all(node, expected, ("resource_manager_fails_over",))
        yield from self.try_early(node, expected, ("resource_manager_loses_job_master",))

    def named_instance(self, way_: Way_, instance: int) -> Iterator[Way_]:
        """A connection gets the name that the recording gives it next."""
        node, calls, left = way_
        tm = f"tm{instance % self.world.tms + 1}"
        told = {
            call.answer["instance"]
            for call in self.recording.calls.values()
            if call.kind == ("register_task_executor", "tm", "rm")
            and isinstance(call.answer, dict)
            and "instance" in call.answer
            and call.arguments[0] == tm
        }
        for name in sorted(told, key=lambda one: int(one[1:])):
            instances = bound(node.names.instances, instance, name)
            if instances is not None:
                yield node._replace(names=node.names._replace(instances=instances)), calls, left

    def of_task_executor(
        self, node: Node, expected: tuple[Pattern, ...], tm: int, step: Step
    ) -> Iterator[Way_]:
        for direction in (Way.FROM_RESOURCE_MANAGER, Way.FROM_JOB_MASTER):
            wanted = Pattern(way(tm, direction), frozenset({Message.REGISTERED}))
            yield from self.deliver(node, expected, wanted)
        executions = len(node.names.executions)
        present = [i for i, name in enumerate(node.names.executions) if name is not None]
        yield from self.try_all(
            node,
            expected,
            *(("task_ends", tm * executions + i) for i in present),
            *(("slot_leaves", tm, a) for a in range(len(node.names.allocations))),
            *(("task_is_not_set_up", tm * executions + i) for i in present),
            *(("task_fails", tm * executions + i) for i in present),
            ("task_executor_loses_job_master", tm),
        )
        yield from self.try_early(
            node,
            expected,
            ("offers_time_out", tm),
            *(("slot_times_out", tm, a) for a in range(len(node.names.allocations))),
            ("task_executor_misses_resource_manager", tm),
            ("task_executor_misses_job_master", tm),
        )


def is_done(expected: tuple[Pattern, ...]) -> bool:
    """Whether nothing is left to be sent."""
    return all(pattern.optional for pattern in expected)
