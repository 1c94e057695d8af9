"""How a trace writes the numbers of a model: names of elements, states, words, effects."""

from __future__ import annotations

from typing import Any

from slotspec.statemachine.declaration.model import Instance, ParameterDomain
from slotspec.statemachine.declaration.records import FLAG, FieldSpec, Ref, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.formatting import formatter_of, singular


class Words:
    """The names of one instance."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._formatter = formatter_of(instance)
        self._sorts = {singular(sort.name): sort for sort in sorts_of(instance)}
        self._numbers: dict[Sort, dict[str, int]] = {}

    def element(self, sort: Sort, number: int) -> str | None:
        """The name of an element; null for NONE."""
        return None if number == NONE else self._formatter.element(sort, number)

    def elements(self, sort: Sort) -> dict[str, int]:
        """The names of all elements of a sort, with their numbers."""
        if sort not in self._numbers:
            size = sort.size(self.instance.setting.bounds)
            self._numbers[sort] = {self._formatter.element(sort, n): n for n in range(size)}
        return self._numbers[sort]

    def argument(self, domain: ParameterDomain, value: int) -> Any:
        """An argument of an action as a trace has it."""
        if isinstance(domain, Sort):
            return self.element(domain, value)
        return value if isinstance(domain, int) else domain(value).name.lower()

    def number(self, name: str, domain: ParameterDomain, value: Any) -> int:
        """The number of an argument.

        :raises InputError: ``TRC031`` for a name or number beyond the bounds.
        """
        if isinstance(domain, int):
            known: dict[Any, int] = {n: n for n in range(domain)}
        elif isinstance(domain, Sort):
            known = dict(self.elements(domain))
        else:
            known = {member.name.lower(): int(member) for member in domain}
        if value not in known:
            there = ", ".join(str(one) for one in known)
            raise InputError("TRC031", f"{name} is {value!r}; within the bounds there are {there}")
        return known[value]

    def effect(self, effect: tuple[int, ...]) -> dict[str, Any]:
        """An effect: its name in lower case, and its arguments by their names."""
        code, *values = effect
        names = self.instance.record.effect_names.get(code, ())
        kinds = self.instance.model.effects
        called = str(code) if kinds is None else kinds(code).name.lower()
        found: dict[str, Any] = {"effect": called}
        for name, value in zip(names, values, strict=False):
            sort = self._sorts.get(name)
            found[name] = self._plain(value) if sort is None else self.element(sort, value)
        return found

    def state(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        """The fields of a record, by their names."""
        fields = self.instance.record.fields
        return {name: self._field(fields[name], value) for name, value in snapshot.items()}

    def _field(self, spec: FieldSpec, value: Any) -> Any:
        if not isinstance(value, list):
            return self._value(spec, value)
        values = [self._value(spec, one) for one in value]
        if spec.over is None:
            return values
        if len(values) != spec.over.size(self.instance.setting.bounds):
            return values
        return dict(zip(self.elements(spec.over), values, strict=True))

    def _value(self, spec: FieldSpec, value: int) -> Any:
        domain = spec.domain
        if isinstance(domain, Ref):
            return self.element(domain.sort, value)
        if isinstance(domain, type):
            return domain.states[value].name
        return value == 1 if domain is FLAG else self._plain(value)

    @staticmethod
    def _plain(value: int) -> int | None:
        return None if value == NONE else value


def sorts_of(instance: Instance) -> list[Sort]:
    """Every sort that the model's actions and fields speak of."""
    found: dict[Sort, None] = {}
    for action in instance.model.actions.values():
        found |= {d: None for d in action.parameters.values() if isinstance(d, Sort)}
    for spec in instance.record.fields.values():
        if spec.over is not None:
            found[spec.over] = None
        if isinstance(spec.domain, Ref):
            found[spec.domain.sort] = None
    return list(found)
