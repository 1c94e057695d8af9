"""Every error that slotspec raises on purpose, each with a stable code and a suggested fix.

The letters of a code name the area: ``FSM`` a lifecycle declaration, ``MDL`` a model
declaration, ``RUL`` a rule that uses what rules may not use, ``STP`` a step that leaves the
declared protocol, ``SET`` bounds and options, ``TRC`` traces, ``LOG`` log files, ``PEE`` live
peers, ``REC`` recordings of clusters, ``CKP`` checkpoints, ``RAY`` clusters of Ray.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from slotspec.statemachine.visible import visible


def suggest(name: object, known: Iterable[str]) -> str:
    """What to write instead of `name`: the known names that are close to it, else all of them.

    :param name: what was given; it may be no text at all.
    """
    names = list(dict.fromkeys(known))
    near = get_close_matches(str(name)[:100], names, n=2)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"use one of {', '.join(names)}" if names else "there is none"


class SlotspecError(Exception):
    """Base of all errors of slotspec.

    :param code: stable code such as ``FSM003``; tests and users may rely on it.
    :param message: what is wrong (with the offending value) and what to write instead.
    """

    def __init__(self, code: str, message: str) -> None:
        message = visible(message)
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[SlotspecError], tuple[str, str]]:
        return type(self), (self.code, self.message)


class DeclarationError(SlotspecError):
    """A lifecycle, model or property is declared wrongly (``FSM…``, ``MDL…``)."""


class RuleError(SlotspecError):
    """A rule uses something that rules may not use (``RUL…``)."""


class StepError(SlotspecError):
    """A step left the declared protocol (``STP…``), such as an undeclared transition."""


class UsageError(SlotspecError):
    """A bound, option or name given by the user cannot be honoured (``SET…``)."""


class InputError(SlotspecError):
    """Data from outside (trace, peer, checkpoint) is malformed or does not fit."""
