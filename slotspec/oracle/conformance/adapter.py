"""What oracles of models have in common: run rules, encode effects, answer for one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from slotspec.oracle.conformance.elastic import ElasticRecord
from slotspec.oracle.traces.schema import TraceSchema
from slotspec.oracle.traces.trace import Expected
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import Listener
from slotspec.statemachine.errors import InputError


class ModelOracle(ABC):
    """Runs a model's own rules, one operation after the other.

    :ivar tells_state: whether an answer has the state in it, which takes as long as the step.

    A subclass has a method ``_op`` for each operation `op` of its vocabulary; it decodes the
    arguments, calls :meth:`_run` for each rule, and returns the operation's result.
    """

    schema: ClassVar[TraceSchema]
    raises_effect: ClassVar[int]
    """The effect that says that the operation ends with an exception."""
    raised: ClassVar[Mapping[int, str]]
    """Its argument -> the simple name of the exception."""
    any_order_effect: ClassVar[int] = -1
    """The effect that begins (1) and ends (0) a range without order."""

    def __init__(
        self, generation: str, instance: Instance, listener: Listener | None = None
    ) -> None:
        self.generation = generation
        self.instance = instance
        self.elastic = ElasticRecord(instance, listener)
        self.state = self.elastic.record
        self._rules: dict[Callable[..., Any], Callable[..., Any]] = {}
        self.tells_state = True
        self._has = frozenset(self.schema.operations_of(generation))
        self._clear()

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; what it returns, emits and raises, and the state after it.

        :raises InputError: ``TRC030`` for an operation that this generation does not have,
            ``TRC031`` for a name that the header does not list, ``TRC032`` for a call of
            which nobody knows what it does.
        """
        if op not in self._has:
            raise InputError(
                "TRC030",
                f"the {self.schema.title} of generation {self.generation} has no operation"
                f" {op!r}; see `slotspec list operations`",
            )
        self._clear()
        result = getattr(self, f"_{op}")(**arguments)
        return Expected(
            result=None if self._raises else result,
            effects=self._effects,
            unordered=self._unordered,
            raises=self._raises,
            state=self.snapshot() if self.tells_state else {},
        )

    def _clear(self) -> None:
        self.state.effects = []
        self._effects: list[dict[str, Any]] = []
        self._unordered: list[tuple[int, int]] = []
        self._raises: str | None = None
        self._begin = 0

    def _run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, and tidy up after it as the model does."""
        since = len(self.state.effects)
        result: int = self._rule(operation)(self.state, *arguments)
        self._encode(since)
        self._settle()
        return result

    def _settle(self) -> None:
        if self.instance.model.settle is not None:
            self._rule(self.instance.model.settle)(self.state)

    def _rule(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if function not in self._rules:
            self._rules[function] = self.instance.rule(function)
        return self._rules[function]

    def _encode(self, since: int) -> None:
        """Encode what a rule has emitted, while every number still has its name."""
        for effect in self.state.effects[since:]:
            kind, *rest = effect
            if kind == self.raises_effect:
                self._raises = self.raised[rest[0]]
            elif kind == self.any_order_effect:
                if rest[0] == 1:
                    self._begin = len(self._effects)
                elif len(self._effects) - self._begin > 1:
                    self._unordered.append((self._begin, len(self._effects)))
            else:
                told = self._effect(kind, *rest)
                if told is not None:
                    self._effects.append(told)

    @abstractmethod
    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        """An effect as traces have it; None for one that nobody else hears of."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""
