"""Explains the steps of a recording by steps of the cluster model.

A recorded step begins with what triggered it: a message, an answer, or nothing that the recording
tells. The model first takes the steps that the trigger asks for. Then it takes hidden steps of the
same process, until it has sent every message that the recording says, no other, and remembers what
the recording says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import heappop, heappush
from itertools import chain, count

from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.branches import Branch, Node
from slotspec.oracle.cluster.foresight import NEVER
from slotspec.oracle.cluster.hidden_steps import HiddenSteps
from slotspec.oracle.cluster.patterns import Pattern, answer_channel, channel_of, tm_number
from slotspec.oracle.cluster.recording import TERMINATE, Call, Step, kind_of, process_of
from slotspec.oracle.cluster.triggers import Triggers
from slotspec.oracle.cluster.views import Difference
from slotspec.statemachine.declaration.model import Call as ModelCall
from slotspec.statemachine.declaration.rules import NONE

MOST_HIDDEN = 9
"""Hidden steps within one recorded step."""
EXPANSIONS = 250
"""States that the search for hidden steps within one recorded step expands."""


class ClusterExplainer(Triggers, HiddenSteps):
    """Explains the steps of one recording."""

    def explain(self, node: Node, step: Step) -> Iterator[tuple[Node, tuple[ModelCall, ...]]]:
        """The states that a step may lead to, each with the steps of the model that explain it."""
        expected = tuple(
            replace(pattern, optional=self.may_be_unsent(step, call))
            for call in step.sent
            for pattern in self.patterns[call.number]
        )
        cut_short = id(step) in self.cut_short
        start = self.claimed(Branch(node._replace(requests=0), expected))
        if cut_short:
            start = start.expecting(*start.expected, *self.anything(step))
        begun: Iterable[Branch] = list(self.begin(start, step))
        if step.process == "rm" and step.sent:
            begun = [*begun, *self.reordered(start, step)]
        if step.call is not None and step.call.kind == ("free_slot", "jm", "tm") and step.sent:
            begun = [*begun, *self.hastened(start, step)]
        if step.process == "rm" and step.lane == step.process:
            begun = chain(begun, self.held_up(start, step))
        if step.process == "jm" and any(call.name == "cancel_task" for call in step.sent):
            begun = chain(begun, self.last_first(start, step))
        lost = [call.number for call in step.made if not call.arrives]
        for at in begun:
            for settled in self.settle(at, step):
                if cut_short:
                    settled = self.lose_unsaid(start, settled, step)
                after = self.besides(settled, step).dooming(*lost)
                for call in step.made:
                    if call.number in self.overtaken and call.arrives:
                        after = self.left_behind(after, call)
                yield after.node, after.taken

    def may_be_unsent(self, step: Step, call: Call) -> bool:
        """Whether the model may leave out a call of a step: nobody hears it, or nobody obeys."""
        if step.trigger == "fault" and step.why == TERMINATE:
            return True
        if step.line > self.shut_down.get(process_of(call.receiver), NEVER):
            return True
        return not call.heard and (call.fault != "drop" or call.number in self.sent_to_former)

    def claimed(self, at: Branch) -> Branch:
        """What a step sends that the model has sent before."""
        left = []
        for pattern in at.expected:
            for posted in at.node.owed:
                names = self.match(pattern, posted, at.node.names)
                if names is not None:
                    owed = list(at.node.owed)
                    owed.remove(posted)
                    at = at._replace(node=at.node._replace(names=names, owed=tuple(owed)))
                    break
            else:
                left.append(pattern)
        return at.expecting(*left)

    def reordered(self, at: Branch, step: Step) -> Iterator[Branch]:
        """The step, where the ResourceManager looks at another request first."""
        for allocation in range(len(at.node.names.allocations)):
            first = self.take(at, "request_comes_first", allocation)
            if first is not None:
                yield from self.begin(first.expecting(*at.expected), step)

    def held_up(self, at: Branch, step: Step) -> Iterator[Branch]:
        """The step, after which the ResourceManager comes to what it has queued later."""
        held = self.aside(at, "resource_manager_is_held_up")
        if held is not None:
            yield from self.begin(held, step)

    def last_first(self, at: Branch, step: Step) -> Iterator[Branch]:
        """The step, where a slot that is lost releases its last task first."""
        chosen = self.aside(at, "last_task_is_released_first")
        if chosen is not None:
            yield from self.begin(chosen, step)

    def hastened(self, at: Branch, step: Step) -> Iterator[Branch]:
        """A slot is freed, where its tasks end as soon as they are told to."""
        tm = tm_number(step.process)
        table = self.world.load(at.node.key).tables[tm]
        assert step.call is not None
        names = at.node.names.allocations
        present = [
            table.execution[i]
            for i, slot in enumerate(table.task_slot)
            if slot != NONE and names[slot] == step.call.arguments[0]
        ]
        quick = at
        for execution in present:
            own = tm * len(at.node.names.executions) + execution
            quick = self.aside(quick, "task_is_quick", own) or quick
        if quick is not at:
            yield from self.begin(quick, step)

    def besides(self, at: Branch, step: Step) -> Branch:
        """What goes with the calls that a step has made: repeats, and heartbeats."""
        for call in step.made:
            if call.fault == "repeat":
                at = self.repeat(at, self.patterns[call.number]) or at
            superseded = call.number in self.superseded
            if call.number in self.reports and call.fault is None and not superseded:
                from_tm = kind_of(call.sender) == "tm"
                name = "task_executor_reports" if from_tm else "job_master_reports"
                tm = tm_number(call.sender if from_tm else call.receiver)
                at = self.early(at.expecting(self.reports[call.number]), name, tm) or at
        return at

    def settle(self, at: Branch, step: Step) -> Iterator[Branch]:
        """Hidden steps until everything is sent and remembered, the fewest differences first."""
        changed = step.state is not None or step.sent or at.taken or not is_done(at.expected)
        if step.lane != step.process or not changed:
            if is_done(at.expected):
                yield at
            return
        begun = len(at.taken)
        number = count()
        seen = {(at.node, at.expected)}
        heap: list[tuple[int, int, Branch, Iterator[Branch] | None]] = []

        def push(branch: Branch) -> bool:
            cost = self.cost(branch, step)
            more = self.hidden(branch, step) if cost else None
            hidden = len(branch.taken) - begun
            heappush(heap, (cost + hidden // 2, next(number), branch, more))
            return not cost

        fewest: int | None = None
        push(at)
        for _ in range(EXPANSIONS):
            if not heap:
                return
            _, _, branch, more = heappop(heap)
            hidden = len(branch.taken) - begun
            if more is None:
                if fewest is None:
                    fewest = hidden
                if hidden > fewest:
                    return
                yield branch
                continue
            if hidden >= MOST_HIDDEN:
                continue
            for after in more:
                if (after.node, after.expected) not in seen:
                    seen.add((after.node, after.expected))
                    if push(after):
                        # that is all for now: no other step from here explains it with fewer
                        heappush(heap, ((hidden + 1) // 2, next(number), branch, more))
                        break

    def cost(self, at: Branch, step: Step) -> int:
        """How much a branch leaves unexplained: 0 for nothing. The closest one is kept."""
        differences = self.differences(at.node, step)
        cost = sum(map(weight, differences)) + 2 * sum(not one.optional for one in at.expected)
        best = self.closest.get(step.line)
        if best is None or cost < sum(map(weight, best[0])) + 2 * len(best[1]):
            self.closest[step.line] = differences, at.expected
        return cost

    def differences(self, node: Node, step: Step) -> list[Difference]:
        """What a process remembers otherwise than the recording says after a step."""
        self.world.load(node.key)
        snapshot = self.snapshots.get(id(step))
        if not snapshot:
            misled = step.last > self.misled_from
            known = step.state if step.process == "rm" and not misled else None
            return [] if known is None else self.views.jobs(known)
        found = self.views.differences(step.process, node.names, snapshot)
        if step.process == "rm" and step.last > self.misled_from:
            return [one for one in found if one[0] != "jobs"]
        if step.process != "jm":
            return found
        come = {one.tm for one in self.joining if one.first <= step.line < one.last}
        return [
            (where, has, told)
            for where, has, told in found
            if where != "pool.registered" or told - has or has - told - come
        ]

    def refused(self, node: Node, step: Step) -> dict[str, str]:
        """Why each step of the model that might explain a recorded one does not."""
        self.notes = {}
        for _ in self.begin(Branch(node), step):
            pass
        for _ in self.explain(node, step):
            pass
        found, self.notes = self.notes, None
        return found

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


def weight(difference: Difference) -> int:
    """How much a difference counts: each element that only one of two sets has.

    So a step that takes one of several slots comes closer.
    """
    _, has, told = difference
    if isinstance(has, set) and isinstance(told, set):
        return len(has ^ told)
    return 1


def is_done(expected: tuple[Pattern, ...]) -> bool:
    """Whether nothing is left to be sent."""
    return all(pattern.optional for pattern in expected)
