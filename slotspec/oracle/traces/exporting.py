"""What exporters of counterexamples have in common: names, headers, and the telling itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from slotspec.oracle.conformance.adapter import ModelOracle
from slotspec.oracle.traces.trace import TraceHeader, TraceStep
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.errors import StepError, UsageError
from slotspec.statemachine.results import Finding
from slotspec.statemachine.results import TraceStep as Taken

Told = tuple[str, dict[str, Any]]
"""An operation and its arguments, as a recording has them."""


def generation_told(instance: Instance) -> str:
    """The generation, which is the version in the header of an exported trace.

    :raises UsageError: ``SET040`` if the instance was given choices other than those of
        its generation: a recording could not say so.
    """
    generation = str(instance.generation)
    for name, value in instance.model.generations[generation].items():
        if instance.setting.choices[name] != value:
            raise UsageError(
                "SET040",
                f"{name} is not what generation {generation} chooses: such a trace cannot be"
                " written as a recording; leave the choice out",
            )
    return generation


class Exporter(ABC):
    """Tells the calls of a trace to an oracle, under the names that a recording would use.

    A subclass has a method ``_action`` for each action that a recording words differently;
    it gives the operations that the action consists of.
    """

    header: TraceHeader
    oracle: ModelOracle

    def lines(self, finding: Finding) -> Iterator[dict[str, Any]]:
        """The trace as objects for JSON lines: the header, then each step.

        Where a rule of the instance is replaced, the trace says what the replaced rule does,
        so that it diverges where that can be seen. A step in which a rule fails is the last
        one and says nothing but its operation.
        """
        yield msgspec.to_builtins(self.header)
        for step in finding.steps:
            for op, arguments in self.told(step):
                try:
                    expected = self.oracle.step(op, **arguments)
                except (StepError, IndexError):
                    yield TraceStep(op=op, arguments=arguments).to_json()
                    return
                yield expected.as_step(op, arguments).to_json()

    def told(self, step: Taken) -> Iterator[Told]:
        """The operations of a step, each with its arguments by name."""
        action = step.call.action.name
        given = dict(zip(step.call.action.parameters, step.call.arguments, strict=True))
        telling = getattr(self, f"_{action}", None)
        if telling is None:
            yield action, {name: self.argument(name, value) for name, value in given.items()}
        else:
            yield from telling(step, **given)

    @abstractmethod
    def argument(self, parameter: str, value: int) -> Any:
        """An argument of a recording for one of the model."""


def named(prefixes: Mapping[str, str], parameter: str, value: int) -> str:
    """An element by its parameter's prefix, counted from 1."""
    return f"{prefixes[parameter]}{value + 1}"
