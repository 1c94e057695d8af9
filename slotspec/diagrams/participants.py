"""The lifelines of a diagram: those that a model declares, or its environment and itself."""

from __future__ import annotations

from slotspec.models.registry import MODELS, recorded
from slotspec.statemachine.participants import ENVIRONMENT, Participants


def participants_of(model: str) -> Participants:
    """The lifelines of a model; a model of one's own has two."""
    entry = MODELS.get(model)
    if entry is None or entry.implementation is None:
        return Participants(model, (ENVIRONMENT, model))
    found = entry.participants()
    assert isinstance(found, Participants)
    return found


def participants_of_class(implementation: str) -> Participants:
    """The lifelines of a recorded class."""
    entry = recorded().get(implementation)
    return participants_of(implementation if entry is None else entry.name)
