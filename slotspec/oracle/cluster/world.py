"""Single steps of the model of a recording, and the messages that each sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from slotspec.models.cluster.lifecycles import Execution
from slotspec.models.cluster.scheduler import execution_of
from slotspec.models.cluster.state import STRIDE, Message
from slotspec.models.registry import load_model
from slotspec.oracle.cluster.patterns import Posted
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.guards import false_guard
from slotspec.statemachine.interpreter.stepping import Interpreter


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
        written = {
            at // self.room
            for array, at, _ in interpreter.journal
            if array is s.message or array is s.subject or array is s.detail
        }
        after = [(channel, self._posted(channel)) for channel in sorted(written)]
        tasks = [(state, execution_of(s, task)) for task, state in enumerate(s.task)]
        interpreter.undo()
        sent = [one for channel, posted in after for one in self._sent(channel, posted)]
        return Taken(new, int(result), sent, call, self._begun(tasks, sent, result))

    def _begun(self, tasks: list[tuple[int, int]], sent: list[Posted], result: int) -> list[int]:
        """The executions that begin in a step: they go on, or are cancelled at once.

        :param tasks: the state and the execution of each task after it.
        """
        cancelled = {
            posted.detail // self.bounds["cancel_tries"]
            for posted in sent
            if posted.message == Message.CANCEL_TASK and result != Message.CANCELLATION_FAILED
        }
        return [
            execution
            for old, (state, execution) in zip(self.s.task, tasks, strict=True)
            if old == Execution.CREATED and (state != old or execution in cancelled)
        ]

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
            found.append(Posted(channel, message, s.subject[post], s.detail[post]))
        return found

    def _sent(self, channel: int, after: list[Posted]) -> list[Posted]:
        """The messages that a channel has had since the current state."""
        left = Counter(self._essence(one) for one in self._posted(channel))
        sent = []
        for one in after:
            essence = self._essence(one)
            if left[essence]:
                left[essence] -= 1
            else:
                sent.append(one)
        return sent

    def _essence(self, posted: Posted) -> tuple[int, int, int]:
        """What stays the same of a message: its call may end, or be tried again, on its way."""
        _, message, subject, detail = posted
        if message == Message.REQUEST_TASK_SLOT:
            return message, subject, detail // STRIDE
        if message == Message.CANCEL_TASK:
            return message, subject, detail // self.bounds["cancel_tries"]
        return message, subject, detail
