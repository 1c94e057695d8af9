"""Pickles what is declared by where it stands, and instances by what they were made of.

Rules and conditions are functions, often lambdas; the process that reads a pickle has the same
declarations, so their names are enough.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from slotspec.statemachine.errors import UsageError


def place_of(model: Any) -> tuple[str, str]:
    """Module and name of a model.

    :raises UsageError: ``SET042`` if no module has it at its top level.
    """
    # a program that has imported the model is not where others find it
    for name, module in sorted(sys.modules.items(), key=lambda item: item[0] == "__main__"):
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if value is model:
                return name, attribute
    raise UsageError(
        "SET042",
        f"model {model.name} is at the top level of no module, so what belongs to it cannot be"
        " pickled; assign it there",
    )


def model_at(module: str, attribute: str) -> Any:
    """The model at this place."""
    return getattr(import_module(module), attribute)


def declared_in(model: Any, kind: str, name: str) -> Any:
    """An action, operation or property of a model."""
    return getattr(model, kind)[name]


def remade(model: Any, made_of: dict[str, Any], defect: str, properties: list[str]) -> Any:
    """An instance made anew, with the properties that it was checked for."""
    instance = model.instance(**made_of)
    instance.defect = defect
    instance.properties = {name: model.properties[name] for name in properties}
    return instance
