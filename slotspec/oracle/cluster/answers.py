"""How the model's callers react to answers, and to their absence."""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.models.cluster.scheduler import execution_of
from slotspec.models.cluster.state import Message
from slotspec.models.slot_manager.state import CALLS_PER_SLOT
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.delivery import Delivery
from slotspec.oracle.cluster.foresight import NEVER
from slotspec.oracle.cluster.patterns import Pattern, answer_channel, slot_index, tm_number
from slotspec.oracle.cluster.recording import Call
from slotspec.oracle.cluster.stepping import REFUSALS, REQUEST, TASK_SLOT_REQUEST


class Answers(Delivery):
    """Proposes what a caller does when it gets an answer, or none in time."""

    def answer(self, at: Branch, call: Call) -> Iterator[Branch]:
        """The caller reacts to an answer, or to the lack of one."""
        for reaction in self.reactions_to(at, call):
            found = list(reaction)
            if found:
                yield from found
                break
        else:
            yield at
            return
        if call.error is not None and call.name == "submit_task":
            yield at  # its attempt is over; the next one may have no name yet

    def reactions_to(self, at: Branch, call: Call) -> Iterator[Iterator[Branch]]:
        """What the caller may react to, the likeliest first: an answer in flight, then timers."""
        channel = answer_channel(call)
        about = next(iter(self.patterns[call.number]), None)
        if channel is None or about is None:
            return
        failed = call.error is not None
        if call.name == "offer_slots":
            yield self.offers_answered(at, call, channel)
        elif call.kind == REQUEST:
            told = REFUSALS[REQUEST] if failed else frozenset({Message.REQUEST_ACKNOWLEDGED})
            yield self.deliver(at, Pattern(channel, told, allocation=about.allocation))
            if failed:
                yield self.timer_of_allocation(at, "request_call_times_out", about.allocation)
        elif call.kind == TASK_SLOT_REQUEST:
            told = REFUSALS[call.kind] if failed else frozenset({Message.CALL_ACKNOWLEDGED})
            pattern = Pattern(channel, told, number=about.number)
            yield self.deliver(at, pattern, sent=self.replied.get(call.number))
            if failed:
                yield self.slot_call_times_out(at, call)
        elif failed and call.kind in REFUSALS:
            told = REFUSALS[call.kind]
            pattern = Pattern(channel, told, execution=about.execution)
            yield self.deliver(at, pattern, sent=self.replied.get(call.number))
            yield from self.task_call_times_out(at, call, about)

    def task_call_times_out(
        self, at: Branch, call: Call, about: Pattern
    ) -> Iterator[Iterator[Branch]]:
        """Nobody answers a call about a task."""
        match call.name:
            case "submit_task":
                yield self.timer_of_task(at, "submission_times_out", call, about)
                yield self.timer_of_task(at, "task_call_times_out", call, about)
            case "cancel_task":
                yield self.timer_of_task(at, "task_call_times_out", call, about)
                yield self.cancellation_times_out(at, call, about)
                own = at.node.execution_at(call.receiver, about.execution)
                if own is not None:
                    yield self.try_early(at, ("lost_cancellation_times_out", own))
            case "update_task_execution_state":
                own = at.node.execution_at(call.sender, about.execution)
                if own is not None:
                    yield self.try_early(at, ("task_update_times_out", own))

    def offers_answered(self, at: Branch, call: Call, channel: int) -> Iterator[Branch]:
        """The answers to all offers of a call, which the model sends one by one."""
        accepted = {one[1] for one in call.answer} if call.has_answer else set()
        patterns = []
        for _, name in call.arguments[1]:
            message = Message.OFFER_ACCEPTED if name in accepted else Message.OFFER_REJECTED
            if call.error is not None:
                message = Message.OFFER_FAILED
            patterns.append(Pattern(channel, frozenset({message}), allocation=name))
        if not call.timed_out:
            yield from self.deliver_all(at, patterns)
            return
        # a JobMaster that stepped down has refused what was lost on its way, too
        unanswered = self.lose(at, patterns)
        yield from self.try_early(unanswered, ("offers_time_out", tm_number(call.sender)))
        yield unanswered

    def timer_of_allocation(
        self, at: Branch, timer: str, allocation: str | None
    ) -> Iterator[Branch]:
        """A timer about an allocation fires."""
        allocations = at.node.names.allocations
        if allocation in allocations:
            yield from self.try_early(at, (timer, allocations.index(allocation)))

    def slot_call_times_out(self, at: Branch, call: Call) -> Iterator[Branch]:
        """The ResourceManager gives up a call for a slot."""
        slot = slot_index(call.arguments[0]) * self.world.tms + tm_number(call.receiver)
        for number in range(slot * CALLS_PER_SLOT, (slot + 1) * CALLS_PER_SLOT):
            yield from self.try_early(at, ("slot_call_times_out", number))

    def timer_of_task(self, at: Branch, timer: str, call: Call, about: Pattern) -> Iterator[Branch]:
        """A timer of the JobMaster about a task fires."""
        execution = about.execution
        task = self.tasks.get(execution) if execution is not None else None
        if execution is None or task is None:
            return
        known = at.node.names.executions[execution_of(self.world.load(at.node.key), task)]
        # it has no name yet if nobody was told of it, unless another attempt has begun since
        over = self.reactions.get(call.number, 0) > self.replaced.get(execution, NEVER)
        if known == execution or (known is None and not over):
            yield from self.try_early(at, (timer, task))

    def cancellation_times_out(self, at: Branch, call: Call, about: Pattern) -> Iterator[Branch]:
        """The JobMaster had no answer to a cancellation that is still in flight."""
        for place, posted in enumerate(self.world.contents(at.node.key, about.channel)):
            if self.match(about, posted, at.node.names) is not None:
                tm = tm_number(call.receiver)
                yield from self.try_early(at, ("cancellation_times_out", tm, place))
