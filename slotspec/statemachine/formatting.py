"""How the numbers of a model are formatted for people who read a trace.

A model may have its own: a subclass of :class:`TraceFormatter` in ``Model.formatter``.
"""

from __future__ import annotations

from collections.abc import Callable

from slotspec.statemachine.declaration.model import Call, Instance, ParameterDomain, Property
from slotspec.statemachine.declaration.records import Domain, Ref, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.results import Finding, TraceStep

NOTHING = "-"
"""How NONE is written."""


class TraceFormatter:
    """The default formatter: names of states, enum members and sort elements."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def element(self, sort: Sort, index: int) -> str:
        """An element of a sort: ``gate0``; of a sum by its part, of a product ``tm0.slot1``."""
        if index == NONE:
            return NOTHING
        if sort.prefix:
            return f"{sort.prefix}{index + 1}"
        bounds = self.instance.setting.bounds
        for part in sort.parts:
            if index < part.size(bounds):
                return self.element(part, index)
            index -= part.size(bounds)
        places: list[str] = []
        for factor in reversed(sort.factors):
            index, place = divmod(index, factor.size(bounds))
            places.append(self.element(factor, place))
        return ".".join(reversed(places)) or f"{singular(sort.name)}{index}"

    def value(self, domain: Domain, value: int) -> str:
        """A value of a field."""
        if isinstance(domain, Ref):
            return self.element(domain.sort, value)
        if isinstance(domain, type) and 0 <= value < len(domain.states):
            return domain.states[value].name
        return NOTHING if value == NONE else str(value)

    def argument(self, domain: ParameterDomain, value: int) -> str:
        """An argument of an action."""
        if isinstance(domain, Sort):
            return self.element(domain, value)
        return str(value) if isinstance(domain, int) else domain(value).name

    def call(self, call: Call) -> str:
        """An action with its arguments."""
        inside = ", ".join(
            f"{name}={self.argument(domain, value)}"
            for (name, domain), value in zip(
                call.action.parameters.items(), call.arguments, strict=True
            )
        )
        return f"{call.action.name}({inside})"

    def effect(self, effect: tuple[int, ...]) -> str:
        """An effect: its name and its arguments, without those that were not given."""
        code, *arguments = effect
        while arguments and arguments[-1] == NONE:
            arguments.pop()
        names = self.instance.model.effects
        known = names is not None and code in {int(member) for member in names}
        name = names(code).name if names is not None and known else f"effect {code}"
        return f"{name}({', '.join(NOTHING if a == NONE else str(a) for a in arguments)})"

    def format_step(self, step: TraceStep) -> str:
        """The call of a step; here as :meth:`call`, which knows no state."""
        return self.call(step.call)

    def effects(self, step: TraceStep) -> list[str]:
        """What a step emitted, one phrase for each effect worth showing."""
        return [self.effect(effect) for effect in step.effects]

    def place(self, name: str, index: int | None) -> str:
        """A field, or its element at `index`, which a label may name in its own place: ``{}``."""
        spec = self.instance.record.fields[name]
        shown = spec.label or name
        if index is None or spec.over is None:
            return shown
        element = self.element(spec.over, index)
        return shown.format(element) if "{}" in shown else f"{shown}[{element}]"

    def shows(self, name: str) -> bool:
        """Whether traces show the changes of a field; by default, of every field."""
        return True

    def part(self, name: str) -> str:
        """A part of the record (:mod:`slotspec.statemachine.declaration.parts`) as a heading."""
        return name

    def changes(self, step: TraceStep) -> list[str]:
        """What a step changed, one phrase for each place."""
        found = []
        for where, (old, new) in step.changed.items():
            name, _, index = where.partition("[")
            if not self.shows(name):
                continue
            domain = self.instance.record.fields[name].domain
            place = self.place(name, int(index[:-1]) if index else None)
            found.append(f"{place}: {self.value(domain, old)} -> {self.value(domain, new)}")
        return found

    def chosen(self, declared: Property, elements: tuple[int, ...]) -> str:
        """A choice of a property's parameters: ``gate=gate1``."""
        return ", ".join(
            f"{name}={self.argument(domain, value)}"
            for (name, domain), value in zip(declared.parameters.items(), elements, strict=True)
        )

    def about(self, declared: Property, finding: Finding | None) -> str:
        """Behind a statement, the elements that a trace is about: `` [gate=gate1]`` or nothing."""
        if finding is None or not finding.elements:
            return ""
        return f" [{self.chosen(declared, finding.elements)}]"


def for_ever(finding: Finding) -> str | None:
    """How a run that never ends goes on after the steps before its loop; None: it ends."""
    if finding.loop is None:
        return None
    if finding.loop == len(finding.steps):
        return "here it stays for ever"
    return "from here it goes round for ever"


def singular(name: str) -> str:
    """One of what a sort's name says: ``gate`` for ``gates``."""
    if name.endswith("ies"):
        return name[:-3] + "y"
    if name.endswith("s") and not name.endswith("ss") and len(name) > 1:
        return name[:-1]
    return name


_routed: list[Callable[[Instance], TraceFormatter]] = []


def register_routed(formatter: Callable[[Instance], TraceFormatter]) -> None:
    """Use `formatter` for models whose record declares messages in flight."""
    _routed.append(formatter)


def formatter_of(instance: Instance) -> TraceFormatter:
    """The formatter of the instance's model, or the default one."""
    routed = any(spec.route is not None for spec in instance.record.fields.values())
    default = _routed[-1] if routed else TraceFormatter
    made = (instance.model.formatter or default)(instance)
    assert isinstance(made, TraceFormatter)
    return made
