"""Turns the answer of a peer into a step, or explains what is wrong with it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from slotspec.oracle.peers.protocol import PeerError
from slotspec.oracle.traces.reading import shown
from slotspec.oracle.traces.schema import StepFields
from slotspec.oracle.traces.trace import RecordedStep

FIELDS = StepFields.__struct_fields__


def step_of(op: str, arguments: dict[str, Any], answer: Any, who: str) -> RecordedStep:
    """The step of an answer.

    :param answer: ``{"result": …, "effects": […], "state": {…}, …}``; each field may be
        absent. An absent ``raises`` means that nothing was raised.
    :raises PeerError: ``PEE005`` if it is no such object.
    """
    if not isinstance(answer, dict):
        raise PeerError("PEE005", f"{who} answered {op} with {shown(answer)}; answer an object")
    try:
        fields = msgspec.convert(answer, StepFields)
    except msgspec.ValidationError as error:
        raise PeerError(
            "PEE005",
            f"{who} answered {op} with {shown(answer)}: {error}; the fields are"
            f" {', '.join(FIELDS)}",
        ) from None
    effects = fields.effects
    if effects is not UNSET:
        for effect in effects:
            if not isinstance(effect.get("effect"), str):
                raise PeerError(
                    "PEE005",
                    f"{who} answered {op} with the effect {shown(effect)}, which has no name;"
                    ' write {"effect": "…", …}',
                )
    count = 0 if effects is UNSET else len(effects)
    ranges = [] if fields.unordered is UNSET else sorted(fields.unordered)
    end = 0
    for first, last in ranges:
        if not end <= first < last <= count:
            raise PeerError(
                "PEE005",
                f"{who} answered {op} with the unordered range [{first}, {last}), which is empty,"
                f" overlaps, or exceeds its {count} effects",
            )
        end = last
    return RecordedStep(
        op=op,
        arguments=arguments,
        result=fields.result,
        effects=effects,
        raises=None if fields.raises is UNSET else fields.raises,
        raises_cause=None if fields.raises_cause is UNSET else fields.raises_cause,
        unordered=tuple(ranges),
        state=fields.state,
    )
