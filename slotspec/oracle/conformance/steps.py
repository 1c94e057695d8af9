"""Replays traces in a model's own actions (format ``slotspec.steps``).

Models that no single class implements, such as the cluster or a model of your own, export paths
and counterexamples in this form. The interpreter repeats the calls; results, effects and states
must be the same numbers. Actions, arguments and fields have the names of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import UNSET

from slotspec.bugs import Bug, known_bugs
from slotspec.models import MODELS, load_model
from slotspec.oracle.conformance.compare import (
    ABSENT,
    DIFFERENCE_LIMIT,
    Comparison,
    Conformance,
    Difference,
    walk,
)
from slotspec.oracle.traces.export import STEPS_FORMAT
from slotspec.oracle.traces.opening import first_object
from slotspec.oracle.traces.reading import TraceReader, printable, shown
from slotspec.oracle.traces.trace import FORMAT, Expected, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Action, Call, Instance, Model, ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import InputError, UsageError, suggest
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding

MOST_CALLS = 500_000
"""With more calls an instance takes long to build."""
SEEN = 4096
"""Bytes of a file that are read to find out its format."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of such a trace."""

    format: str
    model: str
    bounds: dict[str, int]
    generation: str | None = None
    loop: int | None = None
    bug: str | None = None
    seed: int | None = None
    scenario: str | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every other line."""

    action: str
    arguments: dict[str, int]
    result: int | msgspec.UnsetType = UNSET
    effects: list[list[int]] | msgspec.UnsetType = UNSET
    state: dict[str, int | list[int]] | msgspec.UnsetType = UNSET


def count_calls(model: Model, bounds: Mapping[str, int]) -> int:
    """How many calls an instance would have, without building it.

    :raises UsageError: ``SET002`` for a bound out of range.
    """
    values = {name: bound.default for name, bound in model.bounds.items()}
    values |= next(iter(model.scopes.values())).bounds
    for name, value in bounds.items():
        if name in model.bounds:  # an unknown bound is rejected when the instance is built
            values[name] = model.bounds[name].checked(value)

    def size(domain: ParameterDomain) -> int:
        if isinstance(domain, Sort):
            return domain.size(values)
        return domain if isinstance(domain, int) else len(domain)

    return sum(prod(map(size, one.parameters.values())) for one in model.actions.values())


def is_steps(path: str | Path) -> bool:
    """Whether the first line of a file is such a header; False for an unreadable file."""
    return first_object(path, SEEN).get("format") == STEPS_FORMAT


class StepsReader(TraceReader):
    """Reads such a trace; files, lines and JSON are read as for any other.

    :ivar header_line: the header.
    :ivar instance: the instance that the trace belongs to.
    :param generation: replaces the header's.
    :param with_bug: replay in the model with the known bug that the header names, if any.
    :raises InputError: as :class:`TraceReader`.
    :raises UsageError: ``SET101`` where the model has no such generation.
    """

    header_line: Header
    instance: Instance

    def __init__(
        self, path: str | Path, generation: str | None = None, *, with_bug: bool = False
    ) -> None:
        self.wanted = generation
        self.with_bug = with_bug
        super().__init__(path)

    def _header(self) -> TraceHeader:
        try:
            self.header_line = msgspec.convert(self._object(self._next_line()), Header)
        except msgspec.ValidationError as error:
            self._fail("TRC012", f"header: {error}")
        model = self._model()
        generation = self._generation(model)
        try:
            if count_calls(model, self.header_line.bounds) > MOST_CALLS:
                self._fail(
                    "TRC022",
                    f"header: more than {MOST_CALLS:,} calls are possible at these bounds;"
                    " choose smaller ones",
                )
            self.instance = self._instance(model, generation)
        except UsageError as error:
            self._fail("TRC012", f"header: {error.message}")
        self._calls = {(c.action.name, c.arguments): c for c in self.instance.calls}
        self._actions = {action.name: action for action in self.instance.actions}
        # only recordings have names and timeouts
        return TraceHeader(
            format=FORMAT,
            implementation=model.name,
            version=generation or "",
            config={},
            profiles={},
            causes={},
        )

    def _instance(self, model: Model, generation: str | None) -> Instance:
        bug = bug_named(self.header_line.bug) if self.with_bug else None
        if bug is None:
            return model.instance(self.header_line.bounds, generation=generation)
        if bug.model != model.name:
            self._fail("TRC012", f"header: {bug.issue} is a bug of {bug.model}, not {model.name}")
        instance = model.instance(
            self.header_line.bounds,
            generation=generation,
            choices=bug.choices,
            replace=bug.replace,
        )
        instance.defect = bug.issue
        return instance

    def _model(self) -> Model:
        name = self.header_line.model
        if name not in MODELS:
            self._fail(
                "TRC010",
                f"{shown(name)} is not a built-in model (name your own with --model file.py);"
                f" {suggest(name, MODELS)}",
            )
        return load_model(name)

    def _generation(self, model: Model) -> str | None:
        if self.wanted is not None and self.wanted not in model.generations:
            known = ", ".join(model.generations) or "none"
            raise UsageError(
                "SET101",
                f"there is no generation {self.wanted!r} of {model.name}; use one of {known}",
            )
        generation = self.wanted or self.header_line.generation
        if generation is None and model.generations:
            self._fail(
                "TRC011", f"header: no generation; use one of {', '.join(model.generations)}"
            )
        if generation is not None and generation not in model.generations:
            self._fail(
                "TRC011",
                f"header: {model.name} has no generation {shown(generation)};"
                f" {suggest(generation, model.generations)}",
            )
        return generation

    def __iter__(self) -> Iterator[RecordedStep]:
        with self._file:
            while line := self._next_line():
                try:
                    step = msgspec.convert(self._object(line), Step)
                except msgspec.ValidationError as error:
                    self._fail("TRC018", f"{error}")
                self._check(step)
                self.steps += 1
                yield RecordedStep(
                    op=step.action,
                    arguments=step.arguments,
                    result=step.result,
                    effects=cast("Any", step.effects),
                    state=step.state,
                    line=self.line,
                )
        if not self.steps:
            self._fail("TRC014", "the trace has a header but no step; write at least one", line=2)
        if self.header_line.loop is not None and not 0 <= self.header_line.loop <= self.steps:
            self._fail(
                "TRC012",
                f"header: loop is {self.header_line.loop}, but there are {self.steps} steps",
                1,
            )

    def _check(self, step: Step) -> None:
        action = self._actions.get(step.action)
        if action is None:
            self._fail(
                "TRC015",
                f"{self.instance.title} has no action {shown(step.action)};"
                f" {suggest(step.action, self._actions)}",
            )
        self._check_arguments(step, action)
        if step.state is UNSET:
            return
        fields = self.instance.record.fields
        for name in step.state:
            if name not in fields:
                self._fail("TRC017", f"there is no field {shown(name)}; {suggest(name, fields)}")

    def _check_arguments(self, step: Step, action: Action) -> None:
        for name in action.parameters:
            if name not in step.arguments:
                self._fail("TRC016", f"{action.name} needs the argument {name}; write a number")
        for name, value in step.arguments.items():
            if name not in action.parameters:
                known = suggest(name, action.parameters)
                self._fail("TRC017", f"{action.name} has no argument {shown(name)}; {known}")
            values = self.instance.values(action.parameters[name])
            if value not in values:
                self._fail(
                    "TRC018",
                    f"{name} is {value}; write a number from {min(values)} to {max(values)}",
                )

    def call(self, step: RecordedStep) -> Call:
        """The call of the instance for a step."""
        names = self._actions[step.op].parameters
        return self._calls[step.op, tuple(step.arguments[name] for name in names)]


class StepsOracle:
    """Runs the steps of such a trace and compares."""

    def __init__(self, reader: StepsReader) -> None:
        self.reader = reader
        self.interpreter = Interpreter(reader.instance)
        self.keys = [self.interpreter.key]

    def compare(self, seen: RecordedStep) -> tuple[Expected, Comparison]:
        """Run one step; returns what the model does, and how the trace differs.

        :raises StepError: the step leaves the protocol; no other step can follow it.
        """
        interpreter = self.interpreter
        result = interpreter.step(self.reader.call(seen))
        effects = [[int(value) for value in effect] for effect in interpreter.effects]
        expected = Expected(result, cast("Any", effects), state=interpreter.snapshot())
        if result == DISABLED:
            known = Difference("action", "not possible here", seen.op)
            return expected, Comparison(Conformance.DIVERGES, (known,))
        self.keys.append(interpreter.key)
        if seen.silent:
            return expected, Comparison(Conformance.UNDETERMINED)
        found = tuple(islice(_differences(expected, seen), DIFFERENCE_LIMIT))
        return expected, Comparison(Conformance.DIVERGES if found else Conformance.CONFORMS, found)

    def loop(self) -> Difference | None:
        """The difference if the last step of a lasso does not close its loop."""
        loop = self.reader.header_line.loop
        if loop is None or self.keys[loop] == self.keys[-1]:
            return None
        return Difference("loop", f"the state after {loop} steps", ABSENT)


def _differences(expected: Expected, seen: RecordedStep) -> Iterator[Difference]:
    """How a step differs. Of its state, only the fields that it names are compared."""
    if seen.result is not UNSET:
        yield from walk("result", expected.result, seen.result)
    if seen.effects is not UNSET:
        yield from walk("effects", expected.effects, seen.effects)
    if seen.state is not UNSET:
        for name, value in seen.state.items():
            yield from walk(f"state.{name}", expected.state[name], value)


def bug_named(issue: str | None) -> Bug | None:
    """The known bug that a header names; None if it names none.

    :raises UsageError: ``SET070`` if it is not known.
    """
    if issue is None:
        return None
    known = known_bugs()
    if issue not in known:
        raise UsageError("SET070", f"no known bug {shown(issue)}; {suggest(issue, known)}")
    return known[issue]


def finding_of(path: str | Path, generation: str | None = None) -> tuple[Instance, Finding]:
    """The trace as a finding, for drawing, in the model with the known bug that it names.

    Results and states are not compared.

    :raises InputError: for anything wrong with the file, including a call that is not possible.
    """
    reader = StepsReader(path, generation, with_bug=True)
    steps = list(reader)
    calls = [reader.call(step) for step in steps]
    found = explain(reader.instance, calls)
    for step, taken in zip(steps, found.steps, strict=False):
        if taken.result == DISABLED:
            raise InputError(
                "TRC022", f"{printable(path)}:{step.line}: {step.op} is not possible there"
            )
    return reader.instance, Finding(
        found.steps, found.fault, reader.instance, loop=reader.header_line.loop
    )
