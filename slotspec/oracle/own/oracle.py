"""The oracle of a user's own model: the interpreter, with names for its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from slotspec.oracle.own.words import Words
from slotspec.oracle.traces.trace import Expected, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Call, Model
from slotspec.statemachine.declaration.rules import DISABLED, Listener
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.stepping import Interpreter

NO_GENERATION = "0.0"
"""The version of traces of a model without generations."""


def generation_named(generation: str) -> str:
    """What a peer is compared with: ``generation 1.12``, or ``the model`` if it has none."""
    return "the model" if generation == NO_GENERATION else f"generation {generation}"


class OwnOracle:
    """Says what the model does with each action.

    An implementation may answer with a part of the state; only that part is compared.

    :param header: its configuration has the bounds; None for those of the first scope.
    :param replace: rules to replace, for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: called for every lifecycle event that the rules fire.
    """

    model: ClassVar[Model]
    raised: ClassVar[Mapping[int, str]] = {}
    raised_causes: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.instance = self.model.instance(
            {} if header is None else header.config,
            generation=None if generation == NO_GENERATION else generation,
            choices=choices,
            replace=replace,
        )
        self.words = Words(self.instance)
        self.includes_state = True
        self._interpreter = Interpreter(self.instance)
        self._actions = {action.name: action for action in self.instance.actions}
        self._calls = {(c.action.name, c.arguments): c for c in self.instance.calls}
        # coverage counts the machines of the model itself, not those of its parts
        own = self.model.record.fields
        self._fields = {
            one.__name__: name for name, one in self.instance.lifecycles.items() if name in own
        }
        self._listener = listener
        self._shown: set[str] | None = None
        self.taken: Call | None = None
        """The last step, as the model takes it."""

    def hint(self, step: RecordedStep) -> None:
        """Note which fields of the state an implementation tells."""
        state: Any = step.state
        if isinstance(state, msgspec.Raw):
            state = msgspec.json.decode(state)
        self._shown = None if state is UNSET else set(state)

    def step(self, op: str, **arguments: Any) -> Expected:
        """Take one action.

        :raises InputError: ``TRC030`` for an unknown action, ``TRC016``, ``TRC017`` for wrong
            arguments, ``TRC031`` for what is beyond the bounds, ``TRC032`` if it is not possible.
        :raises StepError: the step leaves the protocol.
        """
        action = self._actions.get(op)
        if action is None:
            raise InputError("TRC030", f"{self.model.name} has no action {op!r} in this scope")
        for name in sorted(action.parameters.keys() - arguments.keys()):
            raise InputError("TRC016", f"{op} needs the argument {name!r}; add it")
        for name in sorted(arguments.keys() - action.parameters.keys()):
            known = ", ".join(action.parameters) or "none"
            raise InputError("TRC017", f"{op} has no argument {name!r}; its arguments are: {known}")
        numbers = tuple(
            self.words.number(name, domain, arguments[name])
            for name, domain in action.parameters.items()
        )
        interpreter = self._interpreter
        self.taken = self._calls[op, numbers]
        result = interpreter.step(self.taken)
        if result == DISABLED:
            raise InputError("TRC032", f"{op} is not possible in this state of the model")
        self._tell()
        effects = [self.words.effect(tuple(effect)) for effect in interpreter.effects]
        return Expected(result, effects, state=self.snapshot() if self.includes_state else {})

    def _tell(self) -> None:
        if self._listener is not None:
            for event, source in self._interpreter.fired:
                if event.lifecycle in self._fields:
                    self._listener(self._fields[event.lifecycle], 0, event, source)

    def snapshot(self) -> dict[str, Any]:
        """The state, or the fields of it that the implementation tells."""
        state = self.words.state(self._interpreter.snapshot())
        if self._shown is None:
            return state
        return {name: value for name, value in state.items() if name in self._shown}
