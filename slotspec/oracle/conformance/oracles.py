"""Finds the oracle for a trace by its header, or for a class by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from slotspec.models.registry import recorded, slot_pool_of
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.traces.schema import TraceSchema, schema_of
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.errors import InputError, UsageError, suggest


class StepOracle(Protocol):
    """Says what a class does with each operation.

    It may also have a method ``hint(step)``, which is called before `step`, to learn the names
    that the trace uses for ids that the class makes itself.
    """

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation on the model.

        :raises InputError: where the generation does not have it.
        """
        ...


Factory = Callable[..., StepOracle]
"""Called with generation and header. Those of the built-in models also take ``replace``,
``choices`` and ``listener`` by name."""


class Oracle:
    """Says what one of the modelled classes does, operation by operation.

    ``Oracle("slot_manager", "1.12")`` is Flink 1.12's slot manager. ``Oracle("1.12")`` is the
    slot pool of Flink 1.12, and ``Oracle()`` that of the newest Flink.

    :param model: name of the model, see ``slotspec list models``.
    :param generation: such as ``1.12``; by default the newest.
    :param header: configuration and names of a recording; None for Flink's defaults.
    :param options: ``replace``, ``choices`` and ``listener``, see :class:`ModelOracle`.
    :raises UsageError: ``SET112`` for a model that no single class implements, ``SET101`` for an
        unknown generation.
    """

    def __init__(
        self,
        model: str | None = None,
        generation: str | None = None,
        header: TraceHeader | None = None,
        **options: Any,
    ) -> None:
        for one in (model, generation):
            if one is not None:
                wants("Oracle", "names as texts, as Oracle('slot_pool', '1.12')", one, str)
        if generation is None and model is not None and model[:1].isdigit():
            model, generation = None, model
        model = model or slot_pool_of(generation)
        models = {entry.name: entry for entry in recorded().values()}
        if model not in models:
            raise UsageError(
                "SET112", f"no class implements model {model!r}; {suggest(model, models)}"
            )
        self.model = model
        self.schema: TraceSchema = models[model].schema()
        self.generation = check_generation(self.schema, generation or self.schema.generations[-1])
        make = cast("Callable[..., ModelOracle]", models[model].oracle())
        self._oracle = make(self.generation, header, **options)

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation; returns its result, effects and exception, and the state after it.

        :param op: name of the operation, see :attr:`operations`.
        :param arguments: its arguments as in a trace, see ``slotspec list operations``.
        :raises InputError: as :meth:`ModelOracle.step`; ``TRC018`` for a value of the wrong kind.
        """
        operation = self.schema.by_name.get(op)
        if operation and operation.required <= arguments.keys() <= operation.accepted:
            try:
                msgspec.convert({"op": op, **arguments}, operation.struct)
            except msgspec.ValidationError as error:
                text = str(error)
                raise InputError("TRC018", f"{op}: {text[:1].lower()}{text[1:]}") from None
        return self._oracle.step(op, **arguments)

    def __repr__(self) -> str:
        return f"<Oracle {self.model} {self.generation}: {len(self.operations)} operations>"

    @property
    def operations(self) -> list[str]:
        """Names of the operations that this generation has."""
        return self.schema.operations_of(self.generation)

    @property
    def state(self) -> dict[str, Any]:
        """The current state, as traces have it."""
        return self._oracle.snapshot()


def check_generation(schema: TraceSchema, generation: str) -> str:
    """`generation`, if the class has it.

    :raises UsageError: ``SET101`` if it does not.
    """
    if generation not in schema.generations:
        known = ", ".join(schema.generations)
        raise UsageError(
            "SET101",
            f"there is no generation {generation!r} of the {schema.title}; use one of {known}",
        )
    return generation


def generation_of(header: TraceHeader, generation: str | None = None) -> str:
    """The generation to compare a trace with: the given one, else that of its version.

    :raises UsageError: ``SET101`` where there is no such generation.
    :raises InputError: ``TRC011`` where no generation models the version of the trace.
    """
    schema = schema_of(header.implementation)
    if generation is not None:
        return check_generation(schema, generation)
    if header.version in schema.generations:
        return header.version
    if header.generation not in schema.generations:
        known = ", ".join(schema.generations)
        raise InputError(
            "TRC011",
            f"no generation of the {schema.title} models version {header.version!r}; "
            f"there are {known}: choose one with --generation",
        )
    return header.generation


def oracle_for(header: TraceHeader, generation: str | None = None) -> StepOracle:
    """A new oracle for one trace.

    :raises InputError: ``TRC010`` where no model covers the class, or as `generation_of`.
    """
    chosen = generation_of(header, generation)
    return factory_of(header)(chosen, header)


def factory_of(header: TraceHeader) -> Factory:
    """Makes the oracles for traces of this class.

    :raises InputError: ``TRC010`` where no model covers the class.
    """
    models = recorded()
    if header.implementation not in models:
        known = ", ".join(models)
        raise InputError(
            "TRC010", f"no model covers {header.implementation!r} yet; there are {known}"
        )
    return cast("Factory", models[header.implementation].oracle())
