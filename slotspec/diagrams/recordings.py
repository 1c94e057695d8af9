"""Replay a recorded trace in the model, step by step, up to the first divergence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import Conformance, compare
from slotspec.oracle.conformance.oracles import factory_of, generation_of
from slotspec.oracle.conformance.steps import bug_named
from slotspec.oracle.own.oracle import OwnOracle
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.errors import InputError, SlotspecError, StepError

SHOWN = 6
"""Differences of a divergence that are shown."""


@dataclass
class ReplayedStep:
    """One step of a trace. The model fills in what the trace omits, as long as they agree.

    :ivar wrong: how this step differs from the model; set in the first step that differs.
    :ivar compared: whether this step was compared; steps after a divergence are not.
    :ivar told: whether the trace tells enough of this step to compare it.
    :ivar taken: the step as a model of one's own takes it, and its instance.
    """

    number: int
    header: TraceHeader
    generation: str
    op: str
    arguments: dict[str, Any]
    effects: list[dict[str, Any]]
    raises: str | None
    state: dict[str, Any] | None
    wrong: list[str] = field(default_factory=list)
    compared: bool = True
    result: Any = None
    expected: Expected | None = None
    taken: tuple[Instance, Call] | None = None
    told: bool = True


def follow(
    path: str | Path, generation: str | None = None, *, with_bug: bool = False
) -> Iterator[ReplayedStep]:
    """Every step of the trace, compared with the model up to the first divergence.

    :param with_bug: compare with the model that has the known bug that the trace names, if any.
    :raises InputError: the file is not a trace, or names something that the model does not have.
    :raises UsageError: ``SET101`` for an unknown generation.
    """
    with TraceReader(path) as reader:
        chosen = generation_of(reader.header, generation)
        bug = bug_named(reader.header.bug) if with_bug else None
        defect = {"replace": bug.replace, "choices": bug.choices} if bug else {}
        oracle = factory_of(reader.header)(chosen, reader.header, **defect)
        hint = getattr(oracle, "hint", None)
        diverged = False
        for number, seen in enumerate(reader, 1):
            expected: Expected | None = None
            wrong: list[str] = []
            told = True
            if not diverged:
                try:
                    if hint is not None:
                        hint(seen)
                    expected = oracle.step(seen.op, **seen.arguments)
                except StepError as error:
                    wrong = [f"the model leaves its protocol: {error}"]
                except SlotspecError as error:
                    place = f"{path}:{seen.line}"
                    raise InputError(error.code, f"{place}: {error.message}") from None
            if expected is not None:
                schema = reader.schema
                found = compare(expected, seen, schema.ordered, schema.signals)
                told = found.outcome is not Conformance.UNDETERMINED
                if found.outcome is Conformance.DIVERGES:
                    wrong = [str(difference) for difference in found.differences[:SHOWN]]
                    more = len(found.differences) - SHOWN
                    wrong += [f"and {more} more"] if more > 0 else []
            compared = not diverged
            taken = None
            if compared and isinstance(oracle, OwnOracle) and oracle.taken is not None:
                taken = oracle.instance, oracle.taken
            diverged = diverged or bool(wrong)
            yield ReplayedStep(
                number,
                reader.header,
                chosen,
                seen.op,
                seen.arguments,
                _or_expected(seen.effects, expected.effects if expected else []),
                _or_expected(seen.raises, expected.raises if expected else None),
                _or_expected(seen.state, expected.state if expected else None),
                wrong,
                compared,
                _or_expected(seen.result, expected.result if expected else None),
                expected,
                taken,
                told,
            )


def _or_expected(recorded: Any, expected: Any) -> Any:
    return expected if recorded is UNSET else recorded
