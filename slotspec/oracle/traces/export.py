"""Traces that a check found, as objects for JSON lines: what ``slotspec conform`` replays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slotspec.models.registry import MODELS
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.results import Finding

STEPS_FORMAT = "slotspec.steps"
"""What the header of a trace in a model's own actions says of itself."""


def export(instance: Instance, finding: Finding) -> Iterator[dict[str, Any]]:
    """A trace as a recording of the modelled class, or in the model's own actions.

    :raises UsageError: ``SET040`` for choices that a recording could not say.
    """
    entry = MODELS.get(instance.model.name)
    if entry is None or entry.implementation is None:
        yield from steps_of(instance, finding)
    else:
        yield from entry.exported()(instance, finding)


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
