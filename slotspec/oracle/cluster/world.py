"""The model of a recording: its bounds, and single steps of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from slotspec.models.cluster.lifecycles import Execution
from slotspec.models.cluster.messages import HUBS, WAYS
from slotspec.models.cluster.scheduler import execution_of
from slotspec.models.cluster.state import STRIDE, Message
from slotspec.models.registry import load_model
from slotspec.oracle.cluster.patterns import Posted, tm_number
from slotspec.oracle.cluster.recording import Recording, kind_of
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.guards import false_guard
from slotspec.statemachine.interpreter.stepping import Interpreter

POSTS = 254
"""Most messages in flight that a state holds, whichever their channels."""
ROOM = 24
"""Messages in flight in a channel, if there are not too many channels."""
OFTEN = 254
"""Faults and early timers: as often as the recording has them."""


@dataclass
class Told:
    """What the states of the JobMaster tell of an execution."""

    vertex: str
    index: int
    attempt: int
    allocation: str | None = None


def told_tasks(recording: Recording) -> tuple[dict[str, Told], dict[str, int]]:
    """Every execution of the job, and the parallelism of each vertex, in order."""
    found: dict[str, Told] = {}
    parallel: dict[str, int] = {}
    for line in recording.lines:
        if line.state is None or "tasks" not in line.state or "pool" not in line.state:
            continue
        for one in line.state["tasks"]:
            vertex, _, place = one["task"].rpartition(" (")
            index, _, total = place.rstrip(")").partition("/")
            parallel[vertex] = int(total)
            told = found.setdefault(
                one["execution"], Told(vertex, int(index) - 1, int(one["attempt"]))
            )
            told.allocation = told.allocation or one["allocation"]
    return found, parallel


def numbered(
    told: dict[str, Told], parallel: dict[str, int], shares: int, apart: bool
) -> dict[str, int]:
    """Which task of the model each execution is.

    Subtasks of a vertex are interchangeable, so those that share a slot become one share of the
    model, whichever their numbers are: in 1.11 they may differ.
    """
    order = list(parallel)
    found: dict[str, int] = {}
    for execution, one in told.items():
        place = order.index(one.vertex)
        if apart:
            found[execution] = sum(parallel[v] for v in order[:place]) + one.index
        elif place == 0:
            found[execution] = one.index
    if apart:
        return found
    for place, vertex in enumerate(order[1:], 1):
        for attempt in {one.attempt for one in told.values()}:
            peers = {e: t for e, t in told.items() if t.vertex == vertex and t.attempt == attempt}
            first = {
                t.allocation: t.index
                for t in told.values()
                if t.vertex == order[0] and t.attempt == attempt and t.allocation
            }
            free = set(range(shares))
            together = {e: first[t.allocation] for e, t in peers.items() if t.allocation in first}
            for execution, share in together.items():
                if share in free:
                    free.remove(share)
                    found[execution] = place * shares + share
            for execution, one in peers.items():
                if execution not in found:
                    share = one.index if one.index in free or not free else min(free)
                    free.discard(share)
                    found[execution] = place * shares + share
    return found


def shape_of(recording: Recording) -> tuple[dict[str, int], dict[str, int]]:
    """The bounds that a recording asks for, and which task each of its executions is.

    :raises InputError: ``TRC025`` for a job that the model cannot express.
    """
    plan = recording.header.plan
    job = plan.get("job", {})
    told, parallel = told_tasks(recording)
    if not told:
        raise InputError("TRC025", "no state of a JobMaster names its tasks; record the states too")
    tms = int(plan.get("tms", 1))
    for line in recording.lines:
        if line.at is not None and kind_of(line.at) == "tm":
            tms = max(tms, tm_number(line.at) + 1)
    order = list(parallel)
    stages = bool(job.get("batch")) and len(order) > 1
    apart = job.get("kind") == "apart" or stages
    shares = sum(parallel.values()) if apart else max(parallel.values())
    if not apart and any(parallel[one] != shares for one in order[1:]):
        raise InputError("TRC025", "only the first vertex of a job may have fewer subtasks")
    vertices = 1 if apart else len(order)
    room = min(ROOM, POSTS // (HUBS + WAYS * tms))
    bounds = {
        "task_managers": tms,
        "slots_per_task_manager": int(plan.get("slots", 1)),
        "parallelism": shares,
        "vertices": vertices,
        "sources": parallel[order[0]] if vertices > 1 or stages else 1,
        "stages": int(stages),
        "regions": int(stages or (not apart and vertices == 1 and shares > 1)),
        "allocations": min(12, max(shares + 3, 5)),
        "channel_room": room,
        "busy": room,
        "overtaking": room,
        "tries": 4,
        "cancel_tries": 4,
        "iteration_order": 1,
        "registrations": 1,
        "late_slots": 1,
        "quick_tasks": 1,
        "cancels": 1,
        "failures": OFTEN,
        "losses": OFTEN,
        "repeats": OFTEN,
        "crashes": OFTEN,
        "leader_changes": OFTEN,
        "failovers": OFTEN,
        "early_timeouts": 10_000,
    }
    return bounds, numbered(told, parallel, shares, apart)


class Taken(NamedTuple):
    """What a step of the model does.

    :ivar sent: the messages that it sends.
    :ivar begun: attempts of tasks that begin in it, whether or not anybody is told.
    """

    key: bytes
    result: int
    sent: list[Posted]
    call: Call
    begun: list[int]


REPLACED: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Rules of the model that are replaced, as a mutant does."""


@lru_cache(maxsize=32)
def _instance(bounds: tuple[tuple[str, int], ...], generation: str, model: str) -> Instance:
    made = load_model(model).instance(dict(bounds), generation=generation, replace=REPLACED)
    made.checks = {}  # the numbers of Python are exact, so nothing has to be proved about them
    return made


class World:
    """Takes single steps of the model, and says which messages each sends."""

    def __init__(self, bounds: dict[str, int], generation: str, model: str) -> None:
        self.instance = _instance(tuple(sorted(bounds.items())), generation, model)
        self.interpreter = Interpreter(self.instance)
        self.first = self.interpreter.key
        self.loaded = self.first
        self.s = self.interpreter.s
        self.bounds = self.instance.setting.bounds
        self.tms = self.bounds["task_managers"]
        self.taken = 0
        self.room = self.bounds["channel_room"]

    @cached_property
    def calls(self) -> dict[tuple[str, tuple[int, ...]], Call]:
        """Every call of the model by action and arguments."""
        return {(call.action.name, call.arguments): call for call in self.instance.calls}

    def load(self, key: bytes) -> Any:
        """The record in this state."""
        if self.loaded != key:
            self.interpreter.load(key)
            self.loaded = key
        return self.s

    def contents(self, key: bytes, channel: int) -> list[Posted]:
        """The messages in a channel, oldest first; those that no order binds come first."""
        self.load(key)
        return self._posted(channel)

    def attempt(self, key: bytes, name: str, arguments: tuple[int, ...]) -> Taken | None:
        """Take one step. None if the model cannot take it."""
        call = self.calls.get((name, arguments))
        if call is None:
            return None
        interpreter = self.interpreter
        s = self.load(key)
        try:
            result = interpreter.functions[name](s, *arguments)
            if result == DISABLED:
                if interpreter.journal or interpreter.effects:
                    interpreter.undo()
                return None
            new = interpreter.finish(call, result)
        except Exception:  # a fault of the bounds, or of the rule: this way is closed
            interpreter.undo()
            return None
        self.taken += 1
        written = {
            at // self.room
            for array, at, _ in interpreter.journal
            if array is s.message or array is s.subject or array is s.detail
        }
        after = [(channel, self._posted(channel)) for channel in sorted(written)]
        tasks = [(state, execution_of(s, task)) for task, state in enumerate(s.task)]
        interpreter.undo()
        sent = [one for channel, posted in after for one in self._sent(channel, posted)]
        cancelled = {
            detail // self.bounds["cancel_tries"]
            for _, message, _, detail in sent
            if message == Message.CANCEL_TASK and result != Message.CANCELLATION_FAILED
        }
        begun = [
            execution
            for old, (state, execution) in zip(s.task, tasks, strict=True)
            if old == Execution.CREATED and (state != old or execution in cancelled)
        ]
        return Taken(new, int(result), sent, call, begun)

    def why_not(self, key: bytes, name: str, arguments: tuple[int, ...]) -> str:
        """Why the model cannot take a step: the condition that is false, or the fault."""
        if (name, arguments) not in self.calls:
            return "these bounds do not have it"
        interpreter = self.interpreter
        s = self.load(key)
        try:
            guard = false_guard(interpreter.functions[name], s, arguments)
        except Exception as error:
            return f"fault: {error}"
        finally:
            interpreter.undo()
        return f"disabled by: {guard}" if guard else "disabled"

    def _posted(self, channel: int) -> list[Posted]:
        """The messages in a channel of the current state."""
        s, found = self.s, []
        for post in range(channel * self.room, (channel + 1) * self.room):
            message = s.message[post]
            if message == Message.NOTHING:
                break
            found.append((channel, message, s.subject[post], s.detail[post]))
        return found

    def _sent(self, channel: int, after: list[Posted]) -> list[Posted]:
        """The messages that a channel has had since the current state."""
        left = Counter(self._essence(*one) for one in self._posted(channel))
        sent = []
        for one in after:
            essence = self._essence(*one)
            if left[essence]:
                left[essence] -= 1
            else:
                sent.append(one)
        return sent

    def _essence(
        self, channel: int, message: int, subject: int, detail: int
    ) -> tuple[int, int, int]:
        """What stays the same of a message: its call may end, or be tried again, on its way."""
        if message == Message.REQUEST_TASK_SLOT:
            return message, subject, detail // STRIDE
        if message == Message.CANCEL_TASK:
            return message, subject, detail // self.bounds["cancel_tries"]
        return message, subject, detail
