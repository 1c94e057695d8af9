"""Turns what a foreign peer answers into a step, or says what is wrong with it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.reading import shown
from slotspec.oracle.traces.schema import StepFields
from slotspec.oracle.traces.trace import TraceStep

FIELDS = StepFields.__struct_fields__


def step_of(op: str, arguments: dict[str, Any], answer: Any, who: str) -> TraceStep:
    """The step that an answer describes.

    :param answer: ``{"result": …, "effects": […], "state": {…}, …}``; each field may be
        absent. An absent ``raises`` says that nothing was raised.
    :raises PeerError: ``PEE005`` where it is no such object.
    """
    if not isinstance(answer, dict):
        raise PeerError("PEE005", f"{who} answered {op} with {shown(answer)}; answer an object")
    try:
        said = msgspec.convert(answer, StepFields)
    except msgspec.ValidationError as error:
        raise PeerError(
            "PEE005",
            f"{who} answered {op} with {shown(answer)}: {error}; the fields are"
            f" {', '.join(FIELDS)}",
        ) from None
    effects = said.effects
    if effects is not UNSET:
        for effect in effects:
            if not isinstance(effect.get("effect"), str):
                raise PeerError(
                    "PEE005",
                    f"{who} answered {op} with the effect {shown(effect)}, which has no name;"
                    ' write {"effect": "…", …}',
                )
    count = 0 if effects is UNSET else len(effects)
    ranges = [] if said.unordered is UNSET else sorted(said.unordered)
    end = 0
    for first, last in ranges:
        if not end <= first < last <= count:
            raise PeerError(
                "PEE005",
                f"{who} answered {op} with the unordered range [{first}, {last}), which is empty,"
                f" overlaps, or exceeds its {count} effects",
            )
        end = last
    return TraceStep(
        op=op,
        arguments=arguments,
        result=said.result,
        effects=effects,
        raises=None if said.raises is UNSET else said.raises,
        raises_cause=None if said.raises_cause is UNSET else said.raises_cause,
        unordered=tuple(ranges),
        state=said.state,
    )
