"""Declare state machines and protocols over them, and check every reachable state.

Everything that a declaration needs is here; each name is documented where it is defined::

    from slotspec.statemachine import Event, Lifecycle, Model, Record, State, check
"""

from __future__ import annotations

from slotspec.statemachine.check import check
from slotspec.statemachine.declaration.effects import Effects, Emitted, effect
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State, Transition
from slotspec.statemachine.declaration.model import (
    Call,
    Fairness,
    Instance,
    Kind,
    Model,
    Property,
    Scope,
)
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Record,
    Setting,
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
from slotspec.statemachine.errors import (
    DeclarationError,
    InputError,
    RuleError,
    SlotspecError,
    StepError,
    UsageError,
)
from slotspec.statemachine.interpreter.exploring import explain, explore_interpreted, replay
from slotspec.statemachine.results import (
    Finding,
    Limit,
    Limits,
    Progress,
    PropertyResult,
    Reporter,
    Result,
    TraceStep,
    Verdict,
    silent,
)

__all__ = [
    "DISABLED",
    "FLAG",
    "NONE",
    "Array",
    "Bound",
    "Call",
    "DeclarationError",
    "Effects",
    "Emitted",
    "Event",
    "Fairness",
    "Finding",
    "InputError",
    "Instance",
    "Kind",
    "Lifecycle",
    "Limit",
    "Limits",
    "Model",
    "Progress",
    "Property",
    "PropertyResult",
    "Record",
    "Reporter",
    "Result",
    "RuleError",
    "Scope",
    "Setting",
    "SlotspecError",
    "Sort",
    "State",
    "StepError",
    "TraceStep",
    "Transition",
    "UsageError",
    "Verdict",
    "check",
    "constant",
    "effect",
    "emit",
    "explain",
    "explore_interpreted",
    "fire",
    "number",
    "only",
    "part",
    "per",
    "recycle",
    "ref",
    "replay",
    "restart",
    "scalar",
    "silent",
    "single",
    "unchanged",
]
