"""A generation of the model as a peer: compares one release with another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from slotspec.models import load_model
from slotspec.models.registry import slot_pool_of
from slotspec.oracle.conformance.oracles import factory_of
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.trace import RecordedStep, TraceHeader
from slotspec.statemachine.errors import InputError, StepError


class ModelPeer:
    """A model, as it is or with a defect.

    :param generation: such as ``1.11``.
    :param choices: single choices that differ from the generation's.
    :param replace: rules to replace (a defect).
    :param model: its name.
    :raises PeerError: ``PEE001`` for an unknown generation.
    """

    def __init__(
        self,
        generation: str,
        choices: Mapping[str, Any] | None = None,
        replace: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
        *,
        model: str | None = None,
    ) -> None:
        model = model or slot_pool_of(generation)
        generations = load_model(model).generations
        if generation not in generations:
            known = ", ".join(generations)
            raise PeerError("PEE001", f"there is no generation {generation!r}; use one of {known}")
        self.generation = generation
        self.version = f"{generation}.0"
        self.name = f"model:{generation}"
        self._choices = choices
        self._replace = replace

    def reset(self, header: TraceHeader) -> None:
        self._oracle = factory_of(header)(
            self.generation, header, replace=self._replace, choices=self._choices
        )

    def step(self, op: str, arguments: dict[str, Any]) -> RecordedStep:
        """Run one operation. A step that leaves the protocol raises what the rule raised."""
        try:
            return self._oracle.step(op, **arguments).as_step(op, arguments)
        except (StepError, LookupError, ArithmeticError, InputError) as error:
            if isinstance(error, InputError) and error.code == "TRC030":
                raise
            return RecordedStep(op=op, arguments=arguments, raises=type(error).__name__)

    def close(self) -> None:
        """Nothing to do."""


def parse_choices(text: str, generation: str, model: str) -> dict[str, int]:
    """The choices in a text such as ``removal=ENTRY_FOUND,matching=EQUAL``.

    :raises PeerError: ``PEE001`` for an unknown choice or value.
    """
    found: dict[str, int] = {}
    known = load_model(model).generations.get(generation, {})
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        kind = type(known.get(name))
        if kind is int and value.isdecimal():
            found[name] = int(value)
            continue
        if not issubclass(kind, IntEnum) or value not in kind.__members__:
            values = ", ".join(kind.__members__) if issubclass(kind, IntEnum) else ""
            names = ", ".join(n for n, v in known.items() if isinstance(v, IntEnum))
            wanted = f"use one of {values}" if values else f"the choices are {names}"
            raise PeerError(
                "PEE001", f"{part!r} is not a choice of generation {generation}; {wanted}"
            )
        found[name] = int(kind[value])
    return found
