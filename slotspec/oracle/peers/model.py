"""A generation of the model as a peer: one release held against another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.generations import GENERATIONS
from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.slot_pool import SlotPoolOracle
from slotspec.oracle.traces import TraceHeader, TraceStep


class ModelPeer:
    """The slot pool of the model.

    :param generation: such as ``1.11``.
    :param choices: single choices that differ from the generation's.
    :param replace: rules to be replaced (a defect).
    :raises PeerError: ``PEE001`` for an unknown generation.
    """

    def __init__(
        self,
        generation: str,
        choices: Mapping[str, Any] | None = None,
        replace: dict[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        if generation not in GENERATIONS:
            known = ", ".join(GENERATIONS)
            raise PeerError("PEE001", f"there is no generation {generation!r}; use one of {known}")
        self.generation = generation
        self.version = f"{generation}.0"
        self.name = f"model:{generation}"
        self._choices = choices
        self._replace = replace

    def reset(self, header: TraceHeader) -> None:
        self._oracle = SlotPoolOracle(
            self.generation, header, replace=self._replace, choices=self._choices
        )

    def step(self, op: str, arguments: dict[str, Any]) -> TraceStep:
        return self._oracle.step(op, **arguments).as_step(op, arguments)

    def close(self) -> None:
        """Nothing to do."""


def parse_choices(text: str, generation: str) -> dict[str, int]:
    """``removal=ENTRY_FOUND,matching=EQUAL`` as choices.

    :raises PeerError: ``PEE001`` for an unknown choice or value.
    """
    found: dict[str, int] = {}
    known = GENERATIONS.get(generation, {})
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        kind = type(known.get(name))
        if not issubclass(kind, IntEnum) or value not in kind.__members__:
            values = ", ".join(kind.__members__) if issubclass(kind, IntEnum) else ""
            names = ", ".join(n for n, v in known.items() if isinstance(v, IntEnum))
            wanted = f"use one of {values}" if values else f"the choices are {names}"
            raise PeerError("PEE001", f"{part!r} is no choice of generation {generation}; {wanted}")
        found[name] = int(kind[value])
    return found
