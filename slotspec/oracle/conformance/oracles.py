"""The oracle for a trace, found by its header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from slotspec.models.registry import recorded
from slotspec.oracle.traces.schema import schema_of
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.errors import InputError, UsageError


class Oracle(Protocol):
    """Says what a class does, one operation after the other.

    It may also have ``hint(step)``, which is called before `step` and tells it the names
    that the trace uses for ids that the model makes itself.
    """

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation on the model.

        :raises InputError: where the generation does not have it.
        """
        ...


Factory = Callable[..., Oracle]
"""Called with generation and header. Those of the built-in models also take ``replace``,
``choices`` and ``listener`` by name."""


def generation_of(header: TraceHeader, generation: str | None = None) -> str:
    """The generation to hold a trace against: the one asked for, else its version's.

    :raises UsageError: ``SET101`` where there is no such generation.
    :raises InputError: ``TRC011`` where there is none for the version of the trace.
    """
    schema = schema_of(header.implementation)
    known = ", ".join(schema.generations)
    if generation is not None:
        if generation not in schema.generations:
            raise UsageError(
                "SET101",
                f"there is no generation {generation!r} of the {schema.title}; use one of {known}",
            )
        return generation
    if header.generation not in schema.generations:
        raise InputError(
            "TRC011",
            f"no generation of the {schema.title} models version {header.version!r}; "
            f"there are {known}: choose one with --generation",
        )
    return header.generation


def oracle_for(header: TraceHeader, generation: str | None = None) -> Oracle:
    """A fresh oracle for one trace.

    :raises InputError: ``TRC010`` where no model covers the class, or as `generation_of`.
    """
    chosen = generation_of(header, generation)
    return factory_of(header)(chosen, header)


def factory_of(header: TraceHeader) -> Factory:
    """What makes the oracles for traces of this class.

    :raises InputError: ``TRC010`` where no model covers the class.
    """
    models = recorded()
    if header.implementation not in models:
        known = ", ".join(models)
        raise InputError(
            "TRC010", f"no model covers {header.implementation!r} yet; there are {known}"
        )
    return cast("Factory", models[header.implementation].oracle())
