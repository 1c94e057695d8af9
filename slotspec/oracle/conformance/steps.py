"""Replays traces that speak of a model's own actions (format ``slotspec.steps``).

Such a trace is what an exported path or counterexample is where no class has recordings of the
like: of the cluster, or of a model of one's own. Its calls are taken again through the
interpreter; results, effects and states must be the same numbers. The names of actions, of
their arguments and of fields are those of the model, see :meth:`TraceFormatter.export`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import UNSET

from slotspec.models import MODELS, load_model
from slotspec.oracle.conformance.compare import (
    ABSENT,
    DIFFERENCE_LIMIT,
    Comparison,
    Difference,
    Outcome,
    walk,
)
from slotspec.oracle.traces.export import STEPS_FORMAT
from slotspec.oracle.traces.reading import TraceReader, printable, shown, suggest
from slotspec.oracle.traces.trace import FORMAT, Expected, TraceHeader, TraceStep
from slotspec.statemachine.declaration.model import Action, Call, Instance, Model, ParameterDomain
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import InputError, UsageError
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding

MOST_CALLS = 500_000
"""With more of them an instance takes long to make."""
SEEN = 4096
"""Bytes of a file that are looked at to know what it is."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of such a trace."""

    format: str
    model: str
    bounds: dict[str, int]
    generation: str | None = None
    loop: int | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any other line."""

    action: str
    arguments: dict[str, int]
    result: int | msgspec.UnsetType = UNSET
    effects: list[list[int]] | msgspec.UnsetType = UNSET
    state: dict[str, int | list[int]] | msgspec.UnsetType = UNSET


def count_calls(model: Model, bounds: Mapping[str, int]) -> int:
    """How many calls an instance would have, without making it.

    :raises UsageError: ``SET002`` for a bound out of range.
    """
    values = {name: bound.default for name, bound in model.bounds.items()}
    values |= next(iter(model.scopes.values())).bounds
    for name, value in bounds.items():
        if name in model.bounds:  # any other is refused where the instance is made
            values[name] = model.bounds[name].checked(value)

    def size(domain: ParameterDomain) -> int:
        if isinstance(domain, Sort):
            return domain.size(values)
        return domain if isinstance(domain, int) else len(domain)

    return sum(prod(map(size, one.parameters.values())) for one in model.actions.values())


def is_steps(path: str | Path) -> bool:
    """Whether the first line of a file is such a header; of a file that cannot be read: no."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            line = file.readline(SEEN)
        found = json.loads(line)
    except (OSError, EOFError, ValueError, zlib.error, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == STEPS_FORMAT


class StepsReader(TraceReader):
    """Reads such a trace: files, lines and JSON as any other.

    :ivar said: the header.
    :ivar instance: what the trace is of.
    :param generation: instead of the header's.
    :raises InputError: as :class:`TraceReader`.
    :raises UsageError: ``SET101`` where the model has no such generation.
    """

    said: Header
    instance: Instance

    def __init__(self, path: str | Path, generation: str | None = None) -> None:
        self.wanted = generation
        super().__init__(path)

    def _header(self) -> TraceHeader:
        try:
            self.said = msgspec.convert(self._object(self._next_line()), Header)
        except msgspec.ValidationError as error:
            self._fail("TRC012", f"header: {error}")
        model = self._model()
        generation = self._generation(model)
        try:
            if count_calls(model, self.said.bounds) > MOST_CALLS:
                self._fail(
                    "TRC022",
                    f"header: more than {MOST_CALLS:,} calls are possible at these bounds;"
                    " choose smaller ones",
                )
            self.instance = model.instance(self.said.bounds, generation=generation)
        except UsageError as error:
            self._fail("TRC012", f"header: {error.message}")
        self._calls = {(c.action.name, c.arguments): c for c in self.instance.calls}
        self._actions = {action.name: action for action in self.instance.actions}
        # of recordings alone: names and timeouts
        return TraceHeader(
            format=FORMAT,
            implementation=model.name,
            version=generation or "",
            config={},
            profiles={},
            causes={},
        )

    def _model(self) -> Model:
        name = self.said.model
        if name not in MODELS:
            self._fail(
                "TRC010",
                f"{shown(name)} is no built-in model (a trace of a model of your own is replayed"
                f" with slotspec.statemachine.interpreter.replay); {suggest(name, MODELS)}",
            )
        return load_model(name)

    def _generation(self, model: Model) -> str | None:
        if self.wanted is not None and self.wanted not in model.generations:
            known = ", ".join(model.generations) or "none"
            raise UsageError(
                "SET101",
                f"there is no generation {self.wanted!r} of {model.name}; use one of {known}",
            )
        generation = self.wanted or self.said.generation
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

    def __iter__(self) -> Iterator[TraceStep]:
        with self._file:
            while line := self._next_line():
                try:
                    step = msgspec.convert(self._object(line), Step)
                except msgspec.ValidationError as error:
                    self._fail("TRC018", f"{error}")
                self._check(step)
                self.steps += 1
                yield TraceStep(
                    op=step.action,
                    arguments=step.arguments,
                    result=step.result,
                    effects=cast("Any", step.effects),
                    state=step.state,
                    line=self.line,
                )
        if not self.steps:
            self._fail("TRC014", "the trace has a header and no step; write at least one", line=2)
        if self.said.loop is not None and not 0 <= self.said.loop <= self.steps:
            self._fail(
                "TRC012", f"header: loop is {self.said.loop}, but there are {self.steps} steps", 1
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
                known = ", ".join(action.parameters) or "none"
                self._fail("TRC017", f"{action.name} has no argument {shown(name)}; it has {known}")
            values = self.instance.values(action.parameters[name])
            if value not in values:
                self._fail(
                    "TRC018",
                    f"{name} is {value}; write a number from {min(values)} to {max(values)}",
                )

    def call(self, step: TraceStep) -> Call:
        """The call of the instance that a step is."""
        names = self._actions[step.op].parameters
        return self._calls[step.op, tuple(step.arguments[name] for name in names)]


class StepsOracle:
    """Takes the steps of such a trace, and compares."""

    def __init__(self, reader: StepsReader) -> None:
        self.reader = reader
        self.interpreter = Interpreter(reader.instance)
        self.keys = [self.interpreter.key]

    def compare(self, seen: TraceStep) -> tuple[Expected, Comparison]:
        """One step, as the model takes it; what differs.

        :raises StepError: the step leaves the protocol, and no other can be taken after it.
        """
        interpreter = self.interpreter
        result = interpreter.step(self.reader.call(seen))
        effects = [[int(value) for value in effect] for effect in interpreter.effects]
        told = Expected(result, cast("Any", effects), state=interpreter.snapshot())
        if result == DISABLED:
            known = Difference("action", "not possible here", seen.op)
            return told, Comparison(Outcome.DIVERGES, (known,))
        self.keys.append(interpreter.key)
        if seen.silent:
            return told, Comparison(Outcome.UNDETERMINED)
        found = tuple(islice(_differences(told, seen), DIFFERENCE_LIMIT))
        return told, Comparison(Outcome.DIVERGES if found else Outcome.CONFORMS, found)

    def loop(self) -> Difference | None:
        """Whether the steps of a run that never ends lead back to where its loop begins."""
        loop = self.reader.said.loop
        if loop is None or self.keys[loop] == self.keys[-1]:
            return None
        return Difference("loop", f"the state after {loop} steps", ABSENT)


def _differences(told: Expected, seen: TraceStep) -> Iterator[Difference]:
    """What a step says otherwise; of its state only the fields that it names."""
    if seen.result is not UNSET:
        yield from walk("result", told.result, seen.result)
    if seen.effects is not UNSET:
        yield from walk("effects", told.effects, seen.effects)
    if seen.state is not UNSET:
        for name, value in seen.state.items():
            yield from walk(f"state.{name}", told.state[name], value)


def finding_of(path: str | Path, generation: str | None = None) -> tuple[Instance, Finding]:
    """The trace as a finding, to be drawn; what it says of results and states is not compared.

    :raises InputError: whatever is wrong with the file, a call that is not possible included.
    """
    reader = StepsReader(path, generation)
    steps = list(reader)
    calls = [reader.call(step) for step in steps]
    found = explain(reader.instance, calls)
    for step, taken in zip(steps, found.steps, strict=False):
        if taken.result == DISABLED:
            raise InputError(
                "TRC022", f"{printable(path)}:{step.line}: {step.op} is not possible there"
            )
    return reader.instance, Finding(
        found.steps, found.fault, reader.instance, loop=reader.said.loop
    )
