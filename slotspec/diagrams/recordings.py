"""A recorded trace beside the model: what each says of every step, up to where they part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import UNSET

from slotspec.oracle.conformance.compare import Outcome, compare
from slotspec.oracle.conformance.oracles import generation_of, oracle_for
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.errors import InputError, SlotspecError, StepError

SHOWN = 6
"""Differences of a divergence that are told."""


@dataclass
class ReplayedStep:
    """One step of a trace. What it leaves out is filled in from the model while they agree.

    :ivar wrong: how it differs from the model, in the first step that does.
    :ivar compared: whether the model was still followed here.
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


def follow(path: str | Path, generation: str | None = None) -> Iterator[ReplayedStep]:
    """Every step of the trace, held against the model until they part.

    :raises InputError: the file is no trace, or names what the model does not have.
    :raises UsageError: ``SET101`` for an unknown generation.
    """
    with TraceReader(path) as reader:
        chosen = generation_of(reader.header, generation)
        oracle = oracle_for(reader.header, chosen)
        hint = getattr(oracle, "hint", None)
        parted = False
        for number, seen in enumerate(reader, 1):
            expected: Expected | None = None
            wrong: list[str] = []
            if not parted:
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
                found = compare(expected, seen, reader.schema.ordered)
                if found.outcome is Outcome.DIVERGES:
                    wrong = [str(difference) for difference in found.differences[:SHOWN]]
                    more = len(found.differences) - SHOWN
                    wrong += [f"and {more} more"] if more > 0 else []
            compared = not parted
            parted = parted or bool(wrong)
            yield ReplayedStep(
                number,
                reader.header,
                chosen,
                seen.op,
                seen.arguments,
                _said(seen.effects, expected.effects if expected else []),
                _said(seen.raises, expected.raises if expected else None),
                _said(seen.state, expected.state if expected else None),
                wrong,
                compared,
                _said(seen.result, expected.result if expected else None),
                expected,
            )


def _said(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value
