"""Finds declarations that nothing uses; the usual cause is a misspelled name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slotspec.statemachine.declaration.model import Instance, Model, Property
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.errors import UsageError


class _Recording(dict[str, Any]):
    """A mapping that records which names are read."""

    def __init__(self, given: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(given)
        self.read = read

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        self.read.update(super().keys())
        return super().keys()

    def items(self) -> Any:
        self.read.update(super().keys())
        return super().items()


def unused(model: Model) -> list[str]:
    """What no generation and scope of the model uses, one line for each finding.

    Reports bounds and choices that nothing reads, and actions and properties whose ``when``
    is never true.
    """
    read: set[str] = set()
    actions: set[str] = set()
    properties: set[str] = set()
    for instance in _instances(model):
        setting = Setting(
            _Recording(instance.setting.bounds, read), _Recording(instance.setting.choices, read)
        )
        watched = Instance(model, setting, instance.scope, {})
        for spec in watched.record.fields.values():
            watched.largest(spec)
            spec.size(setting.bounds)
        for values in (a.parameters.values() for a in watched.actions):
            for domain in values:
                watched.values(domain)
        actions.update(action.name for action in watched.actions)
        properties.update(watched.properties)
        for declared in watched.properties.values():
            if declared.deviation is not None:
                declared.deviation(setting)
    where = "in no generation and scope"
    found = [
        f"bound {name}: nothing reads it; drop it" for name in model.bounds if name not in read
    ]
    for version, chosen in model.generations.items():
        found += [
            f"choice {name} of generation {version}: nothing reads it; drop it, or see how it is"
            " spelled"
            for name in chosen
            if name not in read
        ]
    found += [
        f"action {name}: possible {where}; see its when"
        for name in model.actions
        if name not in actions
    ]
    for name, declared in model.properties.items():
        if name not in properties:
            found.append(f"property {name}: asked {where}; {_suggestion(declared)}")
    return found


def _suggestion(declared: Property) -> str:
    return "see its when" + (", and that of its action" if declared.on else "")


def _instances(model: Model) -> Iterator[Instance]:
    """The model in each valid combination of generation and scope."""
    for generation in model.generations or [None]:
        for scope in model.scopes:
            try:
                yield model.instance(generation=generation, scope=scope)
            except UsageError:
                continue
