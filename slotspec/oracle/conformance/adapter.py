"""The oracle of a class: it runs the model's own rules, one operation after the other.

An oracle decodes the arguments of an operation, runs the rule, and encodes what the rule
returned, emitted and changed. The trace schema of the class says how. No protocol rule is
written here, nor in the adapters of the classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from slotspec.oracle.conformance.elastic import ElasticRecord
from slotspec.oracle.conformance.name_tables import ListedNames, NameTable
from slotspec.oracle.traces.schema import Argument, Operation, Result, TraceSchema
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.rules import NONE, Listener
from slotspec.statemachine.errors import InputError


class ModelOracle(ABC):
    """What the class of a model does with each operation.

    A subclass declares the names of its elements (:meth:`declare_names`), encodes effects and
    the state, and has a method ``_op`` for each operation `op` whose arguments or result the
    schema alone cannot decode or encode. Such a method takes the arguments as traces have them
    and calls :meth:`run` for each rule. All other operations run the rule of their own name.

    :param generation: one of the schema's generations, such as ``1.12``.
    :param header: configuration and names of a recording; None for the defaults of the class.
    :param replace: rules of the model to replace (a defect), for experiments.
    :param choices: single choices that differ from the generation's.
    :param listener: called for every lifecycle event that the rules fire.
    :ivar includes_state: whether an answer includes the state, which costs as much as the step.
    :ivar names: kind of names -> the elements that they stand for.
    """

    schema: TraceSchema
    """What its traces contain. The schema of a class; of an instance, that of its header."""
    model: ClassVar[Model]
    rules: ClassVar[ModuleType]
    """The module of the model's operations."""
    raises_effect: ClassVar[int]
    """The effect that says that the operation ends with an exception."""
    raised: ClassVar[Mapping[int, str]]
    """Its argument -> the simple name of the exception."""
    raised_causes: ClassVar[Mapping[str, str]] = {}
    """Exceptions that have a cause -> the simple name of the cause."""
    any_order_effect: ClassVar[int] = -1
    """The effect that begins (1) and ends (0) a range without order."""

    def __init__(
        self,
        generation: str,
        header: TraceHeader | None = None,
        *,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        choices: Mapping[str, Any] | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.generation = generation
        if header is not None:
            self.schema = self.schema.of(header.implementation)
        bounds, configured = self.configure(header)
        self.instance = self.model.instance(
            bounds,
            generation=generation,
            choices={**configured, **(choices or {})},
            replace=replace,
        )
        self.elastic = ElasticRecord(self.instance, listener)
        self.state = self.elastic.record
        self.names: dict[str, NameTable | ListedNames] = self.declare_names(header)
        self.decoders: dict[str, Callable[[Any], int]] = {
            kind: names.decode for kind, names in self.names.items()
        }
        self._tables = [names for names in self.names.values() if isinstance(names, NameTable)]
        self._rules: dict[Callable[..., Any], Callable[..., Any]] = {}
        self.includes_state = True
        self._has = frozenset(self.schema.operations_of(generation))
        self._clear()

    @abstractmethod
    def configure(self, header: TraceHeader | None) -> tuple[dict[str, int], dict[str, Any]]:
        """Bounds and choices of the instance that the oracle runs."""

    @abstractmethod
    def declare_names(self, header: TraceHeader | None) -> dict[str, NameTable | ListedNames]:
        """Kind of names -> what they stand for."""

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; returns its result, effects and exception, and the state after it.

        :raises InputError: ``TRC030`` for an operation that this generation does not have,
            ``TRC016`` for a missing argument, ``TRC017`` for an unknown one, ``TRC031`` for a
            name that the header does not list, ``TRC032`` for a call that no implementation
            could receive.
        """
        if op not in self._has:
            raise InputError(
                "TRC030",
                f"the {self.schema.title} of generation {self.generation} has no operation"
                f" {op!r}; see `slotspec list operations`",
            )
        operation = self.schema.by_name[op]
        if not operation.required <= arguments.keys() <= operation.accepted:
            _refuse_arguments(operation, arguments)
        self._clear()
        special: Callable[..., Any] | None = getattr(self, f"_{op}", None)
        result = special(**arguments) if special else self._declared(operation, arguments)
        return Expected(
            result=None if self._raises else result,
            effects=self._effects,
            unordered=self._unordered,
            raises=self._raises,
            raises_cause=self.raised_causes.get(self._raises) if self._raises else None,
            state=self.snapshot() if self.includes_state else {},
        )

    def _clear(self) -> None:
        self.state.effects = []
        self._effects: list[dict[str, Any]] = []
        self._unordered: list[tuple[int, int]] = []
        self._raises: str | None = None
        self._begin = 0
        for table in self._tables:
            table.begin_step()

    # ------------------------------------------------------------------ arguments and results

    def _declared(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        """Run the rule of an operation as the schema declares it."""
        decoded = []
        for argument in operation.arguments:
            value = arguments.get(argument.name)
            if argument.known_only and self.names[argument.kind].number(str(value)) is None:
                return False if operation.result is bool else None
            if not argument.ignored:
                decoded.append(self.decode(argument, value))
        return self.encode(operation.result, self.run(self._rule_of(operation), *decoded))

    def _rule_of(self, operation: Operation) -> Callable[..., int]:
        rule: Callable[..., int] = getattr(self.rules, operation.name)
        return rule

    def decode(self, argument: Argument, value: Any) -> int:
        """The number that the model has for an argument of a trace."""
        decoder = self.decoders.get(argument.kind)
        if decoder is not None:
            return decoder(value)
        if value is None:
            return NONE
        return int(value if argument.enum is None else argument.enum[value.upper()])

    def encode(self, declared: Result, value: int) -> Any:
        """The result of a trace for the number that a rule returned."""
        if declared is None:
            return None
        if declared is int:
            return value
        if isinstance(declared, str):
            return None if value == NONE else self.names[declared].name(value)
        return None if value == NONE else value == 1

    # -------------------------------------------------------------------------------- rules

    def run(self, operation: Callable[..., int], *arguments: int) -> int:
        """Run a rule of the model, and tidy up after it as the model does."""
        since = len(self.state.effects)
        result: int = self.rule(operation)(self.state, *arguments)
        self._encode(since)
        self._settle()
        return result

    def _settle(self) -> None:
        if self.instance.model.settle is not None:
            self.rule(self.instance.model.settle)(self.state)

    def rule(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A rule of the model, or what replaces it in this instance."""
        if function not in self._rules:
            self._rules[function] = self.instance.rule(function)
        return self._rules[function]

    # ----------------------------------------------------------------------------- encoding

    def _encode(self, since: int) -> None:
        """Encode the effects of a rule, while every number still has its name."""
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
                rendered = self._effect(kind, *rest)
                if rendered is not None:
                    self._effects.append(rendered)

    @abstractmethod
    def _effect(self, kind: int, a: int, b: int, c: int, d: int) -> dict[str, Any] | None:
        """An effect as traces have it; None for one that stays inside the class."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """The complete state, as traces have it."""


def _refuse_arguments(operation: Operation, arguments: Mapping[str, Any]) -> None:
    for name in sorted(operation.required - arguments.keys()):
        raise InputError("TRC016", f"{operation.name} needs the argument {name!r}; add it")
    for name in sorted(arguments.keys() - operation.accepted):
        known = ", ".join(argument.name for argument in operation.arguments) or "none"
        raise InputError(
            "TRC017", f"{operation.name} has no argument {name!r}; its arguments are: {known}"
        )
