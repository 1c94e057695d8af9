"""What the trigger of a recorded step makes the cluster model do."""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.models.cluster.messages import Way, way
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.arrivals import Arrivals
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.patterns import tm_number
from slotspec.oracle.cluster.recording import DEATHS, Call, Step
from slotspec.oracle.cluster.stepping import REGISTRATIONS

LINGERING = ("delay", "repeat")
"""Faults of a registration that stays in its channel while others are made."""


class Triggers(Arrivals):
    """Begins recorded steps: with a fault, a call, a message, an answer, or a queued step."""

    def begin(self, at: Branch, step: Step) -> Iterator[Branch]:
        """What the trigger of a step makes the model do."""
        match step.trigger, step.call:
            case "endpoint", _ if step.process.startswith("tm"):
                yield from self.try_all(at, ("task_executor_starts", tm_number(step.process)))
            case "endpoint", _ if step.process == "jm":
                yield self.succeeded(at, step)
            case "fault", _:
                yield from self.fault(at, step)
            case "message", Call() as call:
                yield from self.message(at, step, call)
            case "answer", Call() as call:
                yield from self.answer(at, call)
            case "send", Call() as call:
                yield from self.send(at, call)
            case "step", _:
                yield from self.queued(at, step)
            case "refuse", Call() as call:
                yield at.dooming(call.number)
            case _:
                yield at

    def queued(self, at: Branch, step: Step) -> Iterator[Branch]:
        """A step that an earlier one queued: perhaps the reaction to an answer that was there."""
        for call in self.recording.sent_before(step):
            yield from (one for one in self.answer(at, call) if one is not at)
        yield at

    def succeeded(self, at: Branch, step: Step) -> Branch:
        """Another JobMaster starts: the one before it has ended, if nothing told so till now."""
        at = self.ended_unnoticed(at)
        for number in sorted(self.overtaken):
            call = self.recording.calls[number]
            if call.line < step.line < self.arrivals.get(number, 0):
                at = self.left_behind(at, call)
        return at

    def ended_unnoticed(self, at: Branch) -> Branch:
        """The JobMaster ends in steps that no line tells of."""
        while (found := self.aside(at, "job_master_steps_down")) is not None:
            at = found
        return self.aside(at, "job_master_ends_unheard") or at

    def fault(self, at: Branch, step: Step) -> Iterator[Branch]:
        """A process crashes, or the JobMaster loses its leadership."""
        if step.why in DEATHS:
            tm = tm_number(step.process)
            found = self.take(self.last_answers(at, step, tm), "task_executor_crashes", tm, 1)
            if found is not None:
                yield self.lose_untold_registrations(found, step, tm)
        elif step.why == "revoke leadership" and step.process == "jm":
            yield self.take(at, "job_master_loses_leadership") or at
        else:
            yield at

    def last_answers(self, at: Branch, step: Step, tm: int) -> Branch:
        """A TaskExecutor that crashes may still answer calls; what else it sends is lost."""
        for call in self.answered_when_dead.get(step.line, ()):
            patterns = self.patterns[call.number]
            heard = next(self.deliver_all(at.expecting(*self.anything(step)), patterns), None)
            if heard is not None:
                at = self.lose_unsaid(at, heard.expecting(*at.expected), step)
        return at

    def lose_untold_registrations(self, at: Branch, step: Step, tm: int) -> Branch:
        """A TaskExecutor that crashes may not have sent what the model says it sent at once."""
        for direction, name in (
            (Way.TO_JOB_MASTER, "register_task_manager"),
            (Way.TO_RESOURCE_MANAGER, "register_task_executor"),
        ):
            under_way = any(
                call.name == name
                and tm_number(call.sender) == tm
                and call.line < step.line < self.arrivals.get(call.number, 0)
                for call in self.recording.calls.values()
            )
            channel = way(tm, direction)
            for place, posted in reversed([*enumerate(self.world.contents(at.node.key, channel))]):
                if posted.message == Message.REGISTER and not under_way:
                    at = self.aside(at, "message_is_lost", channel, place) or at
            left = self.world.contents(at.node.key, channel)
            if not any(posted.message == Message.REGISTER for posted in left):
                at = self.forgetting(at, name, tm)
        return at

    def forgetting(self, at: Branch, name: str, tm: int) -> Branch:
        """The calls of this name that a TaskExecutor has made are gone: none of them is doomed."""
        calls = self.recording.calls
        doomed = tuple(
            number
            for number in at.node.doomed
            if calls[number].name != name or tm_number(calls[number].sender) != tm
        )
        return at._replace(node=at.node._replace(doomed=doomed))

    def send(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A call that is not made by the main thread."""
        if call.number in self.initializing_twice:
            yield self.starts_at_once(at, call) or at
        elif call.repeats is not None or call.number in self.left_out:
            yield at
        elif call.name == "submit_task":
            yield from self.submission(at, call)
        elif call.kind in REGISTRATIONS and self.lingers(at, call):
            yield next(self.registered(at, call), at)
        elif call.name == "update_task_execution_state" and self.patterns[call.number]:
            yield from self.report(at, call)
        else:
            yield at

    def submission(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A task is submitted, which the main thread has decided before."""
        pattern = self.patterns[call.number][0]
        for posted in self.world.contents(at.node.key, pattern.channel):
            names = self.match(pattern, posted, at.node.names)
            if names is not None:
                yield at.named(names)
                return
        if not call.arrives and call.fault != "drop":
            yield at

    def report(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A task reports that it runs, or has ended."""
        pattern = self.patterns[call.number][0]
        own = at.node.execution_at(call.sender, pattern.execution)
        if own is not None:
            action = "task_starts" if Message.TASK_RUNNING in pattern.messages else "task_ends"
            found = self.take(at.expecting(pattern), action, own)
            if found is not None:
                yield found.expecting(*at.expected)

    def lingers(self, at: Branch, call: Call) -> bool:
        """Whether a registration stays in its channel while its sender goes on."""
        if call.name == "register_task_executor":
            return call.fault in LINGERING
        pattern = self.patterns[call.number][0]
        contents = self.world.contents(at.node.key, pattern.channel)
        return not any(one.message == Message.REGISTER for one in contents) or any(
            (one.name, one.sender) == (call.name, call.sender)
            and one.arguments != call.arguments
            and one.line < call.line < self.arrivals.get(one.number, 0)
            for one in self.recording.calls.values()
        )
