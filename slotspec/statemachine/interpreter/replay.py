"""Replay a list of calls into a readable trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, overload

from slotspec.statemachine.declaration.arguments import wants
from slotspec.statemachine.declaration.model import Call, Instance, Kind, Property
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.obligations import broken_by
from slotspec.statemachine.results import Finding, TraceStep


def replay(instance: Instance, calls: Iterable[Call]) -> tuple[TraceStep, ...]:
    """The steps that `calls` take from the initial state.

    A step that leaves the protocol is the last one, and its `after` is the state in which the
    rule failed. A refused call is a step that changes nothing.
    """
    wants("replay", "an instance, as model.instance() makes it", instance, Instance)
    calls = list(calls)
    for call in calls:
        wants("replay", "calls of the instance, out of instance.calls,", call, Call)
    return tuple(explain(instance, calls).steps)


class Replayed(Sequence[TraceStep]):
    """The steps of a run that a search found; replayed when one of them is needed.

    Many findings are only counted, and a replay costs more than a small search.
    """

    def __init__(self, instance: Instance, calls: Sequence[Call]) -> None:
        self.instance = instance
        self.calls = tuple(calls)

    @cached_property
    def steps(self) -> tuple[TraceStep, ...]:
        """The steps.

        :raises RuntimeError: the interpreter cannot take them, which is a bug in slotspec.
        """
        found = explain(self.instance, self.calls)
        if found.fault is not None:
            raise RuntimeError(
                f"the run found in {self.instance.title} cannot be replayed: {found.fault}"
            )
        return tuple(found.steps)

    def __len__(self) -> int:
        return len(self.calls)

    @overload
    def __getitem__(self, index: int) -> TraceStep: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[TraceStep, ...]: ...

    def __getitem__(self, index: int | slice) -> TraceStep | tuple[TraceStep, ...]:
        return self.steps[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Replayed):
            return self.instance.is_as(other.instance) and self.calls == other.calls
        return self.steps == other

    def __hash__(self) -> int:
        return hash(self.calls)

    def __repr__(self) -> str:
        return repr(self.steps)


def explain(instance: Instance, calls: Iterable[Call], fault: str | None = None) -> Finding:
    """The trace of `calls`, with the fault of its last step.

    :param fault: the fault to report if no step fails (for example, a property that cannot be
        evaluated in the last state).
    """
    interpreter = Interpreter(instance)
    steps: list[TraceStep] = []
    before = interpreter.snapshot()
    for call in calls:
        met: StepError | None = None
        try:
            result = interpreter.step(call)
        except StepError as error:
            result, met = 0, error
        after = interpreter.snapshot()
        effects = tuple(tuple(int(v) for v in effect) for effect in interpreter.effects)
        steps.append(TraceStep(call, result, effects, before, after))
        if met is not None:
            return Finding(tuple(steps), str(met), instance)
        before = after
    return Finding(tuple(steps), fault, instance)


def name_elements(instance: Instance, declared: Property, finding: Finding) -> Finding:
    """A violation, with its elements if the property has any."""
    if not declared.parameters:
        return finding
    given = end_of(instance, declared, finding.calls)
    return replace(finding, elements=broken_by(instance, declared, given))


def end_of(instance: Instance, declared: Property, calls: Sequence[Call]) -> tuple[Any, ...]:
    """The arguments of a property after `calls`: the state, or the last step."""
    interpreter, before = Interpreter(instance), Interpreter(instance)
    result = 0
    for call in calls:
        before.load(interpreter.key)
        result = interpreter.step(call)
    if declared.kind is Kind.STEP:
        return (before.s, interpreter.s, result, *calls[-1].arguments)
    interpreter.clear()
    return (interpreter.s,)
