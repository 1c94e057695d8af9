"""Explains the steps of a recording by steps of the cluster model.

A recorded step begins with what triggered it: a message, an answer, or nothing that the recording
tells. The model first takes the steps that the trigger asks for. Then it takes hidden steps of the
same process, until it has sent every message that the recording says, no other, and remembers what
the recording says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from slotspec.models.cluster.state import Message
from slotspec.oracle.cluster.hidden_steps import HiddenSteps
from slotspec.oracle.cluster.patterns import (
    Pattern,
    answer_channel,
    channel_of,
    tm_number,
)
from slotspec.oracle.cluster.recording import Step
from slotspec.oracle.cluster.stepping import Node, Taken, Way_
from slotspec.oracle.cluster.triggers import Triggers
from slotspec.statemachine.declaration.rules import NONE

HIDDEN = 9
"""Hidden steps within one recorded step."""
EXPANSIONS = 250
"""States that the search for hidden steps within one recorded step expands."""


class ClusterExplainer(Triggers, HiddenSteps):
    """Explains the steps of one recording."""

    def explain(self, node: Node, step: Step) -> Iterator[tuple[Node, Taken]]:
        expected = tuple(
            replace(pattern, optional=not call.heard and call.fault != "drop")
            for call in step.sent
            for pattern in self.patterns[call.number]
        )
        node, expected = self.claimed(node._replace(requests=0), expected)
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
                    if call is None or (call.arrives and call.number not in self.overtaken):
                        continue
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

        def push(state: Node, left: tuple[Pattern, ...], taken: Taken) -> bool:
            self.world.load(state.key)
            differences = (
                self.views.differences(step.process, state.names, snapshot)
                if snapshot
                else self.views.jobs(step.state)
                if step.process == "rm" and step.state is not None
                else []
            )
            if step.process == "jm":
                come = {one.tm for one in self.joining if one.first <= step.line < one.last}
                differences = [
                    one
                    for one in differences
                    if one[0] != "pool.registered" or one[2] - one[1] or one[1] - one[2] - come
                ]
            cost = len(differences) + 2 * sum(not pattern.optional for pattern in left)
            best = self.closest.get(step.line)
            if best is None or cost < len(best[0]) + 2 * len(best[1]):
                self.closest[step.line] = differences, left, calls + taken
            more = self.hidden(state, left, step) if cost else None
            heappush(heap, (cost + len(taken) // 2, next(number), state, taken, more))
            return not cost

        fewest: int | None = None
        push(node, expected, ())
        for _ in range(EXPANSIONS):
            if not heap:
                return
            _, _, state, taken, more = heappop(heap)
            if more is None:
                if fewest is None:
                    fewest = len(taken)
                if len(taken) > fewest:
                    return
                yield state, taken
                continue
            if len(taken) >= HIDDEN:
                continue
            for after, hidden, still in more:
                if (after, still) not in seen:
                    seen.add((after, still))
                    if push(after, still, taken + hidden):
                        # that is all for now: no other step from here explains it with fewer
                        rest = (len(taken) + 1) // 2, next(number), state, taken, more
                        heappush(heap, rest)
                        break

    def refused(self, node: Node, step: Step) -> dict[str, str]:
        """Why each step of the model that might explain a recorded one does not."""
        self.notes = {}
        for _ in self.begin(node, (), step):
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


def is_done(expected: tuple[Pattern, ...]) -> bool:
    """Whether nothing is left to be sent."""
    return all(pattern.optional for pattern in expected)
