"""What the trigger of a recorded step makes the cluster model do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slotspec.models.cluster.messages import (
    Way,
    way,
)
from slotspec.models.cluster.scheduler import execution_of
from slotspec.models.cluster.state import Message
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.oracle.cluster.foresight import NEVER
from slotspec.oracle.cluster.patterns import (
    Pattern,
    answer_channel,
    channel_of,
    slot_index,
    tm_number,
)
from slotspec.oracle.cluster.recording import Call, Step, kind_of
from slotspec.oracle.cluster.stepping import ANSWERS, Node, Stepper, Taken, Way_

REQUEST = "request_slot", "jm", "rm"
LINGERING = ("delay", "repeat")
"""Faults of a registration that stays in its channel while others are made."""


class Triggers(Stepper):
    """Begins recorded steps: with a fault, a call, a message, an answer, or a queued step."""

    def begin(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Iterator[Way_]:
        """What the trigger of a step makes the model do."""
        match step.trigger:
            case "endpoint" if step.process.startswith("tm"):
                tm = tm_number(step.process)
                found = self.take(node, expected, "task_executor_starts", tm)
                if found is not None:
                    yield found
            case "endpoint" if step.process == "jm":
                yield self.succeeded(node, expected)
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
        for call in self.recording.sent_before(step):
            for way_ in self.answer(node, expected, step, call):
                if way_[1]:
                    yield way_
        yield node, (), expected

    def succeeded(self, node: Node, expected: tuple[Pattern, ...]) -> Way_:
        """Another JobMaster starts: the one before it has ended, if nothing told so till now."""
        taken: Taken = ()
        while (found := self.take(node, (), "job_master_steps_down")) is not None:
            node, taken = found[0], taken + found[1]
        return node, taken, expected

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
            case kind if kind in self.registrations and self.lingers(node, call):
                for state, calls in self.registered(node, call, tuple(self.patterns[call.number])):
                    yield state, calls, expected
                    return
                yield node, (), expected
            case ("update_task_execution_state", _, _) if call.number in self.running_twice:
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

    def registered(
        self, node: Node, call: Call, expected: tuple[Pattern, ...]
    ) -> Iterator[tuple[Node, Taken]]:
        """A registration is sent, perhaps by a JobMaster that has just lost a ResourceManager."""
        arguments = (tm_number(call.sender),) if kind_of(call.sender) == "tm" else ()
        taken: Taken = ()
        if not arguments:
            left = self.take(node, (), "job_master_loses_resource_manager")
            node, taken, _ = left or (node, (), ())
        for name in self.registrations[call.kind]:
            sent = self.early(node, expected, name, *arguments)
            if sent is not None:
                yield sent[0], taken + sent[1]

    def lingers(self, node: Node, call: Call) -> bool:
        """Whether a registration stays in its channel while its sender goes on."""
        if call.name == "register_task_executor":
            return call.fault in LINGERING
        pattern = self.patterns[call.number][0]
        contents = self.world.contents(node.key, pattern.channel)
        return not any(one[1] == Message.REGISTER for one in contents) or any(
            (one.name, one.sender) == (call.name, call.sender)
            and one.arguments != call.arguments
            and one.line < call.line < self.arrivals.get(one.number, 0)
            for one in self.recording.calls.values()
        )

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
        if call.number in self.overtaken or call.number in self.running_twice:
            yield node, (), expected
            return
        if call.name == "cancel_task" and self.finishes(call, step):
            after, taken = self.lose(node, patterns)
            doomed = after.doomed if taken else tuple(sorted({*node.doomed, call.number}))
            yield after._replace(doomed=doomed), taken, expected
            return
        if call.kind == ("heartbeat_from_task_manager", "tm", "jm"):
            yield self.unknown_tasks(node, expected, step)
            return
        if call.number in self.never_joined:
            doomed = tuple(sorted({*node.doomed, call.number}))
            yield node._replace(doomed=doomed), (), expected
            return
        if call.kind in self.registrations:
            yield from self.registration(node, expected, patterns[0], call)
            return
        if call.repeats is None:
            heard = []
            if call.name == "cancel_slot_request":
                heard = list(self.answered_before(node, expected, patterns, call))
            heard = heard or list(self.deliver_all(node, expected, patterns, call))
            if call.name == "update_task_execution_state" and not call.has_answer:
                heard += self.starts_untold(node, expected, patterns, call)
            if (
                not heard
                and call.name == "cancel_slot_request"
                and call.arguments[0] in self.refused_at_once
            ):
                # it overtook the request for the next slot, and cancels nothing
                doomed = tuple(sorted({*node.doomed, call.number}))
                heard = [(node._replace(doomed=doomed), (), expected)]
            refused = call.kind == REQUEST and call.arguments[1] in self.refused_at_once
            yield from (self.unheard(node, one, call) if refused else one for one in heard)
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

    def finishes(self, call: Call, step: Step) -> bool:
        """Whether the task of a cancellation was at its end already, and says so afterwards."""
        final = {"execution": call.arguments[0], "state": "FINISHED"}
        return call.has_answer and any(
            one.arguments[:1] == [final] and one.line > step.line
            for one in self.recording.calls.values()
        )

    def unknown_tasks(self, node: Node, expected: tuple[Pattern, ...], step: Step) -> Way_:
        """A heartbeat names tasks that the JobMaster has given up: it cancels them."""
        taken: Taken = ()
        for name in [one.arguments[0] for one in step.sent if one.name == "cancel_task"]:
            if name not in node.names.executions or step.call is None:
                continue
            own = tm_number(step.call.sender) * len(node.names.executions)
            own += node.names.executions.index(name)
            found = self.take(node, expected, "job_master_hears_of_unknown_task", own)
            if found is not None:
                node, taken, expected = found[0], taken + found[1], found[2]
        return node, taken, expected

    def answered_before(
        self, node: Node, expected: tuple[Pattern, ...], patterns: list[Pattern], call: Call
    ) -> Iterator[Way_]:
        """A request is cancelled whose slot was acknowledged: the ResourceManager has the answer,
        and has still to react to it, so it keeps the slot. As if it had reacted before."""
        for reaction in self.answers_under_way[call.number]:
            assert reaction.call is not None
            for state, calls, left in self.answer(node, expected, reaction, reaction.call):
                for after, more, still in self.deliver_all(state, left, patterns) if calls else ():
                    yield after, calls + more, still

    def starts_untold(
        self, node: Node, expected: tuple[Pattern, ...], patterns: list[Pattern], call: Call
    ) -> Iterator[Way_]:
        """A task runs, and its report that it initializes was lost: as if it said twice that it
        runs, since both fail the task."""
        initial = {"execution": call.arguments[0]["execution"], "state": "INITIALIZING"}
        if not any(
            one.arguments[:1] == [initial] and not one.arrives
            for one in self.recording.calls.values()
        ):
            return
        for told in patterns:
            for place, posted in enumerate(reversed(self.world.contents(node.key, told.channel))):
                if self.match(told, posted, node.names) is not None:
                    twice = self.take(node, (told,), "message_is_repeated", told.channel, place)
                    if twice is None:
                        return
                    for once in self.deliver(twice[0], (), told):
                        for state, calls, left in self.deliver(once[0], expected, told):
                            yield state, twice[1] + once[1] + calls, left
                    return

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
        call: Call,
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
            for sent, taken in self.registered(node, call, (pattern,)):
                for state, calls, left in self.deliver(sent, expected, pattern):
                    yield state, lost + taken + calls, left
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
