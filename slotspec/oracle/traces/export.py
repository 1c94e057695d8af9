"""Exports traces that a check found, for ``slotspec conform`` to replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from slotspec.models.registry import MODELS
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.results import Finding

STEPS_FORMAT = "slotspec.steps"
"""The ``format`` of a trace in a model's own actions."""


def export(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace as objects for JSON lines: as a recording of the modelled class if there is one,
    else in the model's own actions.

    The header names the known bug of the instance, if it has one.

    If the model's formatter has a method ``export(finding)``, that method writes the trace.

    :raises UsageError: ``SET040`` for choices that no recording can express.
    """
    lines = iter(_lines(instance, finding))
    header = next(lines)
    yield {**header, "bug": instance.defect} if instance.defect else header
    yield from lines


def _lines(instance: Instance, finding: Finding) -> Iterable[dict[str, Any]]:
    entry = MODELS.get(instance.model.name)
    own = getattr(formatter_of(instance), "export", None)
    if own is not None:
        return cast("Iterable[dict[str, Any]]", own(finding))
    if entry is None or entry.implementation is None:
        return steps_of(instance, finding)
    return cast("Iterable[dict[str, Any]]", entry.exporter()(instance, finding))


def steps_of(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace in a model's own actions, as objects for JSON lines: a header, then the steps."""
    setting = instance.setting
    header = {
        "format": STEPS_FORMAT,
        "model": instance.model.name,
        "generation": instance.generation,
        "bounds": dict(setting.bounds),
    }
    yield header if finding.loop is None else {**header, "loop": finding.loop}
    for step in finding.steps:
        yield {
            "action": step.call.action.name,
            "arguments": dict(zip(step.call.action.parameters, step.call.arguments, strict=True)),
            "result": step.result,
            "effects": [list(effect) for effect in step.effects],
            "state": dict(step.after),
        }
