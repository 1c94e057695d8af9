"""Writes a trace that a check found as a recording of the class.

A check and a recording name things differently. The checked model reuses a record when nothing
refers to it any more; a recording never uses one id for two things. So the exporter gives the
calls of the trace to an oracle, under fresh names, and the answers of the oracle are the
recording.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from slotspec.models.common.resource_profile import CATALOGUE, ResourceProfile
from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.traces.profiles import profile_json
from slotspec.oracle.traces.schema import Argument, TraceSchema
from slotspec.oracle.traces.trace import FORMAT, Expected, OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import StepError, UsageError
from slotspec.statemachine.results import Finding, TraceStep


def version_of(instance: Instance) -> str:
    """The generation of an instance, which is the version in the header of its recordings.

    :raises UsageError: ``SET040`` if the instance has choices other than those of its
        generation, which no recording can express.
    """
    generation = str(instance.generation)
    for name, value in instance.model.generations[generation].items():
        if instance.setting.choices[name] != value:
            raise UsageError(
                "SET040",
                f"{name} is not what generation {generation} chooses, so the trace cannot be"
                " written as a recording; leave the choice out",
            )
    return generation


def catalogue_profiles(
    instance: Instance,
    choice: str = "profiles",
    catalogue: Mapping[str, ResourceProfile] = CATALOGUE,
) -> Mapping[str, ResourceProfile]:
    """The profiles of an instance: those of a choice, else the first ones of a catalogue."""
    chosen: Mapping[str, ResourceProfile] | None = instance.setting.choices.get(choice)
    if chosen is not None:
        return chosen
    return dict(list(catalogue.items())[: instance.setting.bounds["profiles"]])


class EndOfRecording(Exception):
    """The recording ends here: it has no words for what follows.

    :param last: the operation that is under way; the recording ends with it, and says nothing
        but its name and arguments.
    """

    def __init__(self, last: OperationCall | None = None) -> None:
        super().__init__()
        self.last = last


class Exporter(ABC):
    """The lines of one recording, as objects for JSON lines: the header, then each step.

    An action of the model becomes the operation of the same name, and its parameters, in order,
    the arguments; the schema says how each is encoded. A subclass has a method ``_action`` for
    each action that a recording expresses otherwise. It takes the step and the action's
    arguments by name, and yields operations.

    Where a rule of the instance is replaced, the oracle runs the replaced rule, so the trace
    diverges from the model where the difference is visible. A step in which a rule fails is the
    last one, and consists of its operation alone.

    :raises UsageError: ``SET040`` for choices that no recording can express.
    """

    schema: TraceSchema
    oracle_class: ClassVar[type[ModelOracle]]
    renamed: ClassVar[tuple[str, ...]] = ()
    """Kinds of names for which the exporter makes fresh names, see :meth:`fresh`."""
    fixed: ClassVar[Mapping[str, Any]] = {}
    """Arguments on which the model has no parameter, with the value in recordings."""

    def __init__(self, instance: Instance, finding: Finding) -> None:
        self.instance = instance
        self.finding = finding
        version = version_of(instance)
        profiles = self.profiles_of(instance)
        self.profiles = list(profiles)
        self.header = TraceHeader(
            format=FORMAT,
            implementation=self.schema.implementation,
            version=version,
            config=self.config(instance),
            profiles={name: profile_json(profile) for name, profile in profiles.items()},
            **self.listed(instance),
        )
        self.oracle = self.oracle_class(version, self.header, replace=dict(instance.replace))
        self.names: dict[str, dict[int, str]] = {kind: {} for kind in self.renamed}
        self.made: Counter[str] = Counter()

    @abstractmethod
    def config(self, instance: Instance) -> dict[str, Any]:
        """The header's configuration. One tick of the model is a millisecond."""

    def profiles_of(self, instance: Instance) -> Mapping[str, ResourceProfile]:
        """The header's profiles."""
        return {}

    def listed(self, instance: Instance) -> dict[str, Any]:
        """Other fields of the header: causes, task managers."""
        return {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield msgspec.to_builtins(self.header)
        for step in self.finding.steps:
            expected: Expected | None = None
            try:
                for op, arguments in self.operations_of(step):
                    expected = self._expected(op, arguments)
                    yield expected.as_step(op, arguments).to_json()
            except EndOfRecording as end:
                if end.last is not None:
                    op, arguments = end.last
                    yield RecordedStep(op=op, arguments=arguments).to_json()
                return
            if expected is not None:
                self.learn(step, expected)

    def _expected(self, op: str, arguments: dict[str, Any]) -> Expected:
        try:
            return self.oracle.step(op, **arguments)
        except (StepError, IndexError):
            raise EndOfRecording((op, arguments)) from None

    def operations_of(self, step: TraceStep) -> Iterator[OperationCall]:
        """The operations of a step, each with its arguments by name."""
        action, given = step.call.action, step.call.arguments
        special: Callable[..., Iterator[OperationCall]] | None = getattr(
            self, f"_{action.name}", None
        )
        if special is not None:
            yield from special(step, **dict(zip(action.parameters, given, strict=True)))
            return
        arguments: dict[str, Any] = {}
        for place, argument in enumerate(self.schema.by_name[action.name].arguments):
            if place < len(given):
                arguments[argument.name] = self.argument(argument, given[place])
            elif argument.name in self.fixed:
                arguments[argument.name] = self.fixed[argument.name]
        yield action.name, arguments

    def learn(self, step: TraceStep, expected: Expected) -> None:  # noqa: B027
        """Note the names of what a step made, after its last operation."""

    # ------------------------------------------------------------------------------- names

    def argument(self, argument: Argument, value: int) -> Any:
        """An argument of the recording for a number of the model."""
        if argument.type is bool:
            return value == 1
        if argument.enum is not None:
            return argument.enum(value).name.lower()
        return self.name(argument.kind, value)

    def name(self, kind: str, number: int) -> str:
        """The name of an element: the one that it was given, or prefix and number from 1."""
        if kind == "profile":
            return self.profiles[number]
        names = self.names.get(kind)
        return self.schema.named(kind, number + 1) if names is None else names[number]

    def fresh(self, kind: str, number: int | None = None) -> str:
        """The next name of a kind. Element `number` has it from now on."""
        self.made[kind] += 1
        name = self.schema.named(kind, self.made[kind])
        if number is not None:
            self.names[kind][number] = name
        return name
