"""The built-in models, loaded when they are asked for."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from importlib.util import find_spec

from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import UsageError

MODELS = {
    "slot_pool": "The JobMaster's slot pool: requests, offers, timeouts, failures.",
    "slot_manager": "The ResourceManager's slots: requests, workers, reports, timeouts.",
    "task_slot_table": "The TaskExecutor's slots: allocation, budget, timeouts, tasks.",
    "logical_slot": "Logical slots: payloads, release, return to the owner.",
    "slot_sharing": "Slot sharing: trees of task slots over physical slots.",
    "cluster": "The whole protocol: JobMaster, ResourceManager, TaskExecutors, messages.",
}
"""Each built-in model by name, with what it models. The model `NAME` is the attribute of
that name in ``slotspec.models.NAME``; its words for people, if it has any, are
declared in ``slotspec.models.NAME_words``, its properties in ``slotspec.properties.NAME``."""


OPERATIONS = {"cluster": "model"}


def load_model(name: str) -> Model:
    """The built-in model `name`, with its words and properties declared.

    :raises UsageError: ``SET010`` if there is no such model.
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(
            "SET010",
            f"no built-in model {name!r}{hint or '.'} There is: {', '.join(MODELS)}."
            " A model of your own is given as file.py or file.py:attribute",
        )
    if find_spec(f"slotspec.models.{name}.formatting"):
        importlib.import_module(f"slotspec.models.{name}.formatting")
    importlib.import_module(f"slotspec.properties.{name}")
    model = getattr(
        importlib.import_module(f"slotspec.models.{name}.{OPERATIONS.get(name, 'operations')}"),
        name,
    )
    assert isinstance(model, Model)
    return model
