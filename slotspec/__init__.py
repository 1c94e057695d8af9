"""Apache Flink's slot protocol as declared, executable, formally checked state machines.

Declare a protocol of your own and check every reachable state::

    from slotspec import Event, Lifecycle, Model, Record, State, check

Ask what Flink's own classes do, or hold an implementation against them::

    from slotspec import Oracle, check, conform, load_model

What a name needs (a compiler, Hypothesis, drawing) is imported when somebody asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slotspec.statemachine import display
from slotspec.version import __version__

if TYPE_CHECKING:
    from slotspec.models.files import load_model
    from slotspec.oracle.conformance.batch import conform_all
    from slotspec.oracle.conformance.oracles import Oracle
    from slotspec.oracle.conformance.replay import conform
    from slotspec.oracle.fuzzer import fuzz
    from slotspec.oracle.fuzzing.stateful import state_machine
    from slotspec.statemachine.check import check
    from slotspec.statemachine.declaration.containers import (
        add,
        append,
        discard,
        length,
        place_of,
        remove,
        sequence,
        size,
        subset,
        take_first,
    )
    from slotspec.statemachine.declaration.effects import Effects, effect
    from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State
    from slotspec.statemachine.declaration.model import Fairness, Model, Scope
    from slotspec.statemachine.declaration.parts import restart
    from slotspec.statemachine.declaration.records import (
        FLAG,
        Bound,
        Record,
        Sort,
        constant,
        number,
        part,
        per,
        ref,
        scalar,
        single,
    )
    from slotspec.statemachine.declaration.rules import (
        DISABLED,
        NONE,
        Array,
        emit,
        fire,
        only,
        recycle,
        unchanged,
    )
    from slotspec.statemachine.interpreter.replay import replay
    from slotspec.statemachine.results import Finding, Limits, Result, Verdict
    from slotspec.statemachine.routes import messages, receive, send
    from slotspec.statemachine.simulate import simulate

_PLACES = {
    "statemachine.declaration.effects": ("Effects", "effect"),
    "statemachine.declaration.lifecycle": ("Event", "Lifecycle", "State"),
    "statemachine.declaration.model": ("Fairness", "Model", "Scope"),
    "statemachine.declaration.records": (
        *("FLAG", "Bound", "Record", "Sort"),
        *("constant", "number", "part", "per", "ref", "scalar", "single"),
    ),
    "statemachine.declaration.rules": (
        "DISABLED",
        "NONE",
        "Array",
        "emit",
        "fire",
        "only",
        "recycle",
        "unchanged",
    ),
    "statemachine.declaration.containers": (
        *("add", "append", "discard", "length", "place_of", "remove", "sequence", "size"),
        *("subset", "take_first"),
    ),
    "statemachine.declaration.parts": ("restart",),
    "statemachine.routes": ("messages", "receive", "send"),
    "statemachine.check": ("check",),
    "statemachine.simulate": ("simulate",),
    "statemachine.interpreter.replay": ("replay",),
    "statemachine.results": ("Finding", "Limits", "Result", "Verdict"),
    "models.files": ("load_model",),
    "oracle": ("Oracle",),
    "oracle.conformance.replay": ("conform",),
    "oracle.conformance.batch": ("conform_all",),
    "oracle.fuzzer": ("fuzz",),
    "oracle.fuzzing.stateful": ("state_machine",),
}
_MODULE = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "DISABLED",
    "FLAG",
    "NONE",
    "Array",
    "Bound",
    "Effects",
    "Event",
    "Fairness",
    "Finding",
    "Lifecycle",
    "Limits",
    "Model",
    "Oracle",
    "Record",
    "Result",
    "Scope",
    "Sort",
    "State",
    "Verdict",
    "__version__",
    "add",
    "append",
    "check",
    "conform",
    "conform_all",
    "constant",
    "discard",
    "effect",
    "emit",
    "fire",
    "fuzz",
    "length",
    "load_model",
    "messages",
    "number",
    "only",
    "part",
    "per",
    "place_of",
    "receive",
    "recycle",
    "ref",
    "remove",
    "replay",
    "restart",
    "scalar",
    "send",
    "sequence",
    "simulate",
    "single",
    "size",
    "state_machine",
    "subset",
    "take_first",
    "unchanged",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _draw(shown: object) -> dict[str, str]:
    from slotspec.diagrams.notebook import bundle

    return bundle(shown)


display.register(_draw)
