"""The registry's entry of a user's own model, with its schema, exporter and fuzz target derived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from slotspec.models.files import load_model as find_model
from slotspec.models.registry import MODELS, Entry
from slotspec.oracle.fuzzing.targets import FuzzTarget
from slotspec.oracle.own.oracle import NO_GENERATION, OwnOracle
from slotspec.oracle.own.words import Words
from slotspec.oracle.traces.schema import Argument, Index, Name, NameKind, Operation, TraceSchema
from slotspec.oracle.traces.trace import FORMAT, OWN_MODEL, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Action, Instance, Model
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.participants import ENVIRONMENT, Participants
from slotspec.statemachine.results import Finding


@dataclass(frozen=True)
class OwnEntry(Entry):
    """Registers a model that somebody declared in a file of their own."""

    declared: Model | None = None

    def model(self) -> Model:
        assert self.declared is not None
        return self.declared

    def schema(self) -> TraceSchema:
        return schema_of(self.model())

    def oracle(self) -> type[OwnOracle]:
        return type("OwnOracle", (OwnOracle,), {"model": self.model()})

    def exporter(self) -> Any:
        return exported

    def fuzz_target(self) -> FuzzTarget:
        return FuzzTarget(
            self.name,
            self.schema(),
            self.name,
            ENVIRONMENT,
            mixed=False,
            environment=True,
            reshape=without_silence,
        )

    def flink_peer(self) -> None:
        return None

    def participants(self) -> Participants:
        return Participants(self.name, (ENVIRONMENT, self.name))


def register(model: Model) -> str:
    """Make a model known to the tools that handle recorded classes; returns its name.

    :raises UsageError: ``SET116`` if a built-in model has its name.
    """
    if not isinstance(MODELS.get(model.name, OwnEntry("", "")), OwnEntry):
        raise UsageError(
            "SET116", f"a built-in model is called {model.name}; give yours another name"
        )
    implementation = implementation_of(model)
    MODELS[model.name] = OwnEntry(model.name, model.description, implementation, declared=model)
    return model.name


def class_of(model: str | Model | None) -> str | None:
    """The name of a model whose class is to be tested; a model of one's own becomes known by it.

    :param model: a built-in name, ``file.py[:attribute]``, or the model itself.
    :raises UsageError: as :func:`slotspec.models.files.load_model` and :func:`register`.
    """
    if isinstance(model, Model):
        return model.name if model.name in MODELS and _is(model) else register(model)
    if model is None or ".py" not in model:
        return model
    return register(find_model(model))


def _is(model: Model) -> bool:
    """Whether the known model of this name is this one."""
    entry = MODELS[model.name]
    return not isinstance(entry, OwnEntry) and entry.model() is model


def implementation_of(model: Model) -> str:
    """What the header of a trace calls the model."""
    return f"{OWN_MODEL}{model.name}"


@cache
def schema_of(model: Model) -> TraceSchema:
    """What a trace of the model contains."""
    domains = [d for action in model.actions.values() for d in action.parameters.values()]
    bounds = [(name, int) for name in model.bounds]
    return TraceSchema(
        implementation=implementation_of(model),
        title=model.name,
        config=msgspec.defstruct("Bounds", bounds, frozen=True, forbid_unknown_fields=True),
        operations=tuple(operation_of(action) for action in model.actions.values()),
        generations=tuple(model.generations) or (NO_GENERATION,),
        names={d.name: NameKind(d.prefix or d.name) for d in domains if isinstance(d, Sort)},
    )


def operation_of(action: Action) -> Operation:
    """An action as an operation of traces."""
    arguments = []
    for name, domain in action.parameters.items():
        if isinstance(domain, Sort):
            arguments.append(Argument(name, Name, names=domain.name))
        elif isinstance(domain, int):
            arguments.append(Argument(name, Index))
        else:
            words = tuple(member.name.lower() for member in domain)
            arguments.append(Argument(name, Literal[words], enum=domain))
    return Operation(action.name, tuple(arguments), result=int)


def without_silence(step: RecordedStep, generation: str) -> RecordedStep:
    """An implementation that returns nothing says nothing about the result."""
    return msgspec.structs.replace(step, result=UNSET) if step.result is None else step


def exported(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """The lines of a trace."""
    words = Words(instance)
    header = TraceHeader(
        format=FORMAT,
        implementation=implementation_of(instance.model),
        version=instance.generation or NO_GENERATION,
        config=dict(instance.setting.bounds),
        profiles={},
    )
    yield msgspec.to_builtins(header)
    for step in finding.steps:
        action, given = step.call.action, step.call.arguments
        yield RecordedStep(
            op=action.name,
            arguments={
                name: words.argument(domain, value)
                for (name, domain), value in zip(action.parameters.items(), given, strict=True)
            },
            result=step.result,
            effects=[words.effect(effect) for effect in step.effects],
            raises=None,
            state=words.state(dict(step.after)),
        ).to_json()
