"""Messages in flight: they arrive, are lost, or are repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slotspec.models.cluster.messages import TO_JOB_MASTER, TO_RESOURCE_MANAGER, Way, way
from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.branches import Branch
from slotspec.oracle.cluster.patterns import Pattern, Posted, channel_of, tm_number
from slotspec.oracle.cluster.recording import Call, Step
from slotspec.oracle.cluster.stepping import NO_ANSWERS, Stepper


class Delivery(Stepper):
    """Takes the steps of the model that move messages."""

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
        self, at: Branch, pattern: Pattern, call: Call | None = None, sent: int | None = None
    ) -> Iterator[Branch]:
        """The message arrives; what is doomed and stands before it is lost first.

        :param call: the call that it is, if it is one.
        :param sent: the line in which it is sent, if a registration may stand before it.
        """
        if call is not None and not call.name.startswith("register_"):
            sent = call.line
        name, first = self.hears(pattern.channel)
        contents = self.world.contents(at.node.key, pattern.channel)
        if self.notes is not None and not any(
            self.match(pattern, posted, at.node.names) for posted in contents
        ):
            self.note(name, first, f"no {pattern} is in flight")
        while True:
            tried = set()
            for place, posted in enumerate(contents):
                names = self.match(pattern, posted, at.node.names)
                if names is None or posted in tried:
                    continue
                tried.add(posted)
                found = self.take(at.named(names), name, *first, place, call=call)
                if found is not None:
                    yield found
            after = self.lose_first(at, contents)
            if after is None and sent is not None:
                after = self.lose_unsent(at, contents, sent)
            if after is None:
                return
            at = after
            contents = self.world.contents(at.node.key, pattern.channel)

    def deliver_all(
        self, at: Branch, patterns: list[Pattern], call: Call | None = None
    ) -> Iterator[Branch]:
        """Several messages arrive one after another."""
        if not patterns:
            yield at
            return
        for found in self.deliver(at, patterns[0], call):
            yield from self.deliver_all(found, patterns[1:], call)

    def lose_first(self, at: Branch, contents: list[Posted]) -> Branch | None:
        """Lose the messages of a call that is known not to arrive; several slots share an offer."""
        names = at.node.names
        for number in at.node.doomed:
            report = self.reports.get(number)
            patterns = self.patterns[number] or ([report] if report else [])
            if any(self.match(one, posted, names) for posted in contents for one in patterns):
                after = self.lose(at, patterns)
                if after is not at:
                    doomed = tuple(one for one in after.node.doomed if one != number)
                    return after._replace(node=after.node._replace(doomed=doomed))
        return None

    def lose_unsent(self, at: Branch, contents: list[Posted], sent: int) -> Branch | None:
        """Lose a registration that the model has sent too early: another thread sends it later.

        It is sent again when it arrives.

        :param sent: the line in which what stands behind it is sent.
        """
        for place, posted in enumerate(contents):
            if posted.message == Message.REGISTER:
                if any(
                    one.name.startswith("register_")
                    and channel_of(one) == posted.channel
                    and one.line < sent < self.arrivals.get(one.number, 0)
                    for one in self.recording.calls.values()
                ):
                    return None
                return self.aside(at, "message_is_lost", posted.channel, place)
        return None

    def lose(self, at: Branch, patterns: list[Pattern]) -> Branch:
        """Lose messages in flight, those that can be."""
        for pattern in patterns:
            for place, posted in enumerate(self.world.contents(at.node.key, pattern.channel)):
                if self.match(pattern, posted, at.node.names) is not None:
                    found = self.aside(at, "message_is_lost", pattern.channel, place)
                    if found is not None:
                        at = found
                        break
        return at

    def lose_new(
        self, at: Branch, channel: int, old: Counter[Posted], kinds: frozenset[Message]
    ) -> Branch:
        """Lose messages of these kinds that are in a channel and were not there before."""
        while True:
            contents = self.world.contents(at.node.key, channel)
            new = Counter(contents) - old
            for place, posted in enumerate(contents):
                if posted in new and posted.message in kinds:
                    found = self.aside(at, "message_is_lost", channel, place)
                    if found is not None:
                        at = found
                        break
            else:
                return at

    def channels_from(self, process: str) -> list[int]:
        """The channels through which a process sends."""
        tms = range(self.world.tms)
        if process == "jm":
            return [TO_RESOURCE_MANAGER, *(way(tm, Way.FROM_JOB_MASTER) for tm in tms)]
        if process == "rm":
            return [TO_JOB_MASTER, *(way(tm, Way.FROM_RESOURCE_MANAGER) for tm in tms)]
        tm = tm_number(process)
        return [way(tm, Way.TO_JOB_MASTER), way(tm, Way.TO_RESOURCE_MANAGER)]

    def anything(self, step: Step) -> list[Pattern]:
        """Messages of any kind that the process of a step may send, other than answers."""
        channels = self.channels_from(step.process)
        return [Pattern(one, NO_ANSWERS, optional=True) for one in channels] * self.world.room

    def lose_unsaid(self, before: Branch, at: Branch, step: Step) -> Branch:
        """Lose what the model has sent, other than answers, and no line of the step tells of."""
        told = [pattern for call in step.sent for pattern in self.patterns[call.number]]
        for channel in self.channels_from(step.process):
            old = Counter(self.world.contents(before.node.key, channel))
            for posted in self.world.contents(at.node.key, channel):
                if any(self.match(one, posted, at.node.names) is not None for one in told):
                    old[posted] += 1
            at = self.lose_new(at, channel, old, NO_ANSWERS)
        return at

    def repeat(self, at: Branch, patterns: list[Pattern]) -> Branch | None:
        """Messages in flight are repeated, each right behind itself; None if one cannot be."""
        expected = at.expected
        for pattern in patterns:
            contents = self.world.contents(at.node.key, pattern.channel)
            for place, posted in enumerate(reversed(contents)):
                if self.match(pattern, posted, at.node.names) is not None:
                    copied = at.expecting(pattern)
                    found = self.take(copied, "message_is_repeated", pattern.channel, place)
                    if found is not None:
                        at = found
                        break
            else:
                return None
        return at.expecting(*expected)
