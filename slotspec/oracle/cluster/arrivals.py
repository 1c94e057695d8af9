"""What a call that arrives makes the cluster model do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.answers import Answers
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.foresight import NEVER
from slotspec.oracle.cluster.patterns import Pattern, answer_channel, channel_of, tm_number
from slotspec.oracle.cluster.recording import Call, Step, kind_of
from slotspec.oracle.cluster.stepping import ANSWERS, REGISTRATIONS, REQUEST


class Arrivals(Answers):
    """Proposes how a process of the model hears a recorded call."""

    def message(self, at: Branch, step: Step, call: Call) -> Iterator[Branch]:
        """A call arrives."""
        number = call.number
        if call.name == "cancel":
            yield from self.try_all(at, ("job_is_cancelled",))
            yield at
        elif number in self.superseded:
            yield at
        elif number in self.reports:
            yield from list(self.deliver(at, self.reports[number])) or [
                self.failing_again(at, step)
            ]
        elif number in self.overtaken:
            late = self.straggle(at, call, "late_release_arrives", "late_disconnect_arrives")
            yield late or at
        elif number in self.running_twice:
            # its task has said so already, unless the repeated report was refused for another
            # reason: the task is being cancelled
            yield from self.deliver_all(at, self.patterns[number], call)
            yield at
        elif number in self.failed_before:
            yield from self.deliver_all(at, self.patterns[number], call)
            yield at
        elif call.name == "cancel_task" and self.finishes(call, step):
            lost = self.lose(at, self.patterns[number])
            yield lost if lost is not at else at.dooming(number)
        elif call.name == "cancel_task" and self.will_time_out(call, step):
            yield from self.cancelled_unanswered(at, step, call)
        elif call.kind == ("heartbeat_from_task_manager", "tm", "jm"):
            yield self.unknown_tasks(at, step, call)
        elif number in self.farewells:
            tm = tm_number(call.sender)
            yield from self.try_early(at, ("resource_manager_misses_heartbeat", tm))
            yield at
        elif number in self.registered_in_vain:
            yield at
        elif number in self.never_joined:
            lost = self.lose(at, self.patterns[number])
            yield lost if lost is not at else at.dooming(number)
        elif call.kind in REGISTRATIONS:
            yield from self.registration(at, call)
        elif call.repeats is not None:
            first = self.recording.calls[call.repeats]
            for heard in self.repetition(at, step, call, first):
                yield self.unheard(at, heard, call)
        elif call.name == "cancel_slot_request":
            yield from self.cancelled_request(at, call)
        else:
            refused = call.kind == REQUEST and call.arguments[1] in self.refused_at_once
            for heard in self.first_time(at, step, call):
                unheard = refused or number in self.failed_unnoticed
                yield self.unheard(at, heard, call) if unheard else heard

    def failing_again(self, at: Branch, step: Step) -> Branch:
        """A report that the model leaves out, as the one before it is still in flight.

        It fails slots that were failed before, which changes nothing any more.
        """
        again = [
            pattern
            for call in step.sent
            if call.number in self.failed_before
            for pattern in self.patterns[call.number]
        ]
        return at.expecting(*(one for one in at.expected if one not in again))

    def first_time(self, at: Branch, step: Step, call: Call) -> Iterator[Branch]:
        """A call arrives that repeats none."""
        patterns = self.patterns[call.number]
        if len(patterns) > 1 and any(sent.kind == REQUEST for sent in step.sent):
            yield from self.asked_in_between(at, patterns, call)
        yield from self.deliver_all(at, patterns, call)
        if call.name == "update_task_execution_state" and patterns and not call.has_answer:
            initial = {"execution": call.arguments[0]["execution"], "state": "INITIALIZING"}
            if any(
                one.arguments[:1] == [initial] and not one.arrives
                for one in self.recording.calls.values()
            ):
                # it runs, and the report that it initializes was lost, which fails it
                yield from self.runs_twice(at, patterns[0])

    def will_time_out(self, call: Call, step: Step) -> bool:
        """Whether the caller learns later that it had no answer in time."""
        return call.timed_out and step.line < self.reactions.get(call.number, 0)

    def cancelled_unanswered(self, at: Branch, step: Step, call: Call) -> Iterator[Branch]:
        """A task is cancelled, and the caller has no answer in time.

        An answer that changes nothing is no message of the model, so it cannot be lost. What the
        loss makes the caller do is the same if the call comes twice and is lost once.
        """
        patterns = self.patterns[call.number]
        twice = self.repeat(at, patterns) or at
        for heard in self.first_time(twice, step, call):
            lost = heard if twice is at else self.lose(heard, patterns)
            yield self.unheard(at, lost, call)

    def asked_in_between(self, at: Branch, patterns: list[Pattern], call: Call) -> Iterator[Branch]:
        """Several slots are offered, and each that serves a request lets the job ask for the next.

        In 1.11 a task asks for its slot once those that it reads from have theirs.
        """
        shares = range(self.world.bounds["parallelism"])
        for found in self.deliver(at, patterns[0], call):
            if len(patterns) == 1:
                yield found
                continue
            for asked in self.try_all(found, *(("scheduler_requests_slot", one) for one in shares)):
                yield from self.asked_in_between(asked, patterns[1:], call)

    def repetition(self, at: Branch, step: Step, call: Call, first: Call) -> Iterator[Branch]:
        """A call arrives that the recorder has sent again, right behind the first."""
        patterns = self.patterns[call.number]
        if call.number in self.initializing_twice:
            yield from self.initializes_twice(at, call)
        yield from self.deliver_all(at, patterns, call)
        if call.name == "offer_slots" and self.reactions.get(first.number, NEVER) < step.last:
            # in one process both share the collection, and the answer to the first empties it
            taken = {name for _, name in first.answer} if first.has_answer else set()
            lost = self.lose(at, [one for one in patterns if one.allocation in taken])
            left = [one for one in patterns if one.allocation not in taken]
            yield from self.deliver_all(lost, left, call)

    def initializes_twice(self, at: Branch, call: Call) -> Iterator[Branch]:
        """The report that a task initializes comes twice: as if it reported twice that it runs."""
        channel, name = channel_of(call), call.arguments[0]["execution"]
        if channel is not None:
            told = Pattern(channel, frozenset({Message.TASK_RUNNING}), execution=name)
            begun = self.starts_at_once(at, call)
            if begun is not None:
                yield from self.runs_twice(begun, told)

    def starts_at_once(self, at: Branch, call: Call) -> Branch | None:
        """A task that initializes says that it runs, if it has not; None if it cannot."""
        channel, name = channel_of(call), call.arguments[0]["execution"]
        own = at.node.execution_at(call.sender, name)
        if channel is None or own is None:
            return None
        told = Pattern(channel, frozenset({Message.TASK_RUNNING}), execution=name)
        for posted in self.world.contents(at.node.key, channel):
            if self.match(told, posted, at.node.names) is not None:
                return at
        begun = self.take(at.expecting(told), "task_starts", own)
        return None if begun is None else begun.expecting(*at.expected)

    def runs_twice(self, at: Branch, told: Pattern) -> Iterator[Branch]:
        """A report that a task runs comes twice, which fails the task."""
        twice = self.repeat(at, [told])
        if twice is not None:
            yield from self.deliver_all(twice, [told, told])

    def cancelled_request(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A request is cancelled."""
        patterns = self.patterns[call.number]
        # the ResourceManager may have an answer that it has still to react to, and keeps the
        # slot: as if it had reacted before
        heard = [
            cancelled
            for reaction in self.answers_under_way[call.number]
            if reaction.call is not None
            for reacted in self.answer(at, reaction.call)
            if reacted is not at
            for cancelled in self.deliver_all(reacted, patterns)
        ]
        heard = heard or list(self.deliver_all(at, patterns, call))
        if not heard and call.arguments[0] in self.refused_at_once:
            # it overtook the request for the next slot, and cancels nothing
            heard = [at.dooming(call.number)]
        yield from heard

    def registration(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A registration arrives, which its sender may have sent without a line."""
        pattern = self.patterns[call.number][0]
        while True:
            contents = self.world.contents(at.node.key, pattern.channel)
            present = any(self.match(pattern, one, at.node.names) for one in contents)
            after = self.lose_first(at, contents) if present else None
            if after is None:
                break
            at = after
        if not present:
            for sent in self.registered(at, call):
                yield from self.deliver(sent, pattern)
        yield from self.deliver(at, pattern)

    def registered(self, at: Branch, call: Call) -> Iterator[Branch]:
        """A registration is sent, perhaps by a JobMaster that has just lost a ResourceManager."""
        arguments = (tm_number(call.sender),) if kind_of(call.sender) == "tm" else ()
        if not arguments:
            at = self.aside(at, "job_master_loses_resource_manager") or at
        for name in REGISTRATIONS[call.kind]:
            sent = self.early(at.expecting(*self.patterns[call.number]), name, *arguments)
            if sent is not None:
                yield sent.expecting(*at.expected)

    def unknown_tasks(self, at: Branch, step: Step, call: Call) -> Branch:
        """A heartbeat names tasks that the JobMaster has given up: it cancels them."""
        for cancellation in step.sent:
            if cancellation.name == "cancel_task":
                own = at.node.execution_at(call.sender, cancellation.arguments[0])
                if own is not None:
                    at = self.take(at, "job_master_hears_of_unknown_task", own) or at
        return at

    def finishes(self, call: Call, step: Step) -> bool:
        """Whether the task of a cancellation was at its end already, and says so afterwards."""
        final = {"execution": call.arguments[0], "state": "FINISHED"}
        return call.has_answer and any(
            one.arguments[:1] == [final] and one.line > step.line
            for one in self.recording.calls.values()
        )

    def unheard(self, before: Branch, at: Branch, call: Call) -> Branch:
        """Nobody waits for the answers to a repeated call: they are lost."""
        channel = answer_channel(call)
        if channel is None:
            return at
        old = Counter(self.world.contents(before.node.key, channel))
        return self.lose_new(at, channel, old, ANSWERS)
