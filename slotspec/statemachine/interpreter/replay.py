"""Turn a list of calls back into a trace that can be read, by taking its steps again."""

from __future__ import annotations

from collections.abc import Iterable

from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, TraceStep


def replay(instance: Instance, calls: Iterable[Call]) -> tuple[TraceStep, ...]:
    """The steps that `calls` take from the initial state.

    A step that leaves the protocol is the last one; its `after` is the state in which the
    rule failed. A refused call is a step that changes nothing.
    """
    return explain(instance, calls).steps


def explain(instance: Instance, calls: Iterable[Call], fault: str | None = None) -> Finding:
    """The trace of `calls`, with the fault that its last step meets.

    :param fault: what to say where no step itself fails (a property that cannot be
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
