"""What each call and each property of an instance may use of a state, by the text of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slotspec.statemachine.declaration.model import Call, Instance, Kind, Property
from slotspec.statemachine.obligations import bind, choices
from slotspec.statemachine.search.partial_order.cells import Cells
from slotspec.statemachine.search.partial_order.reading import EFFECTS, UNKNOWN, Readings
from slotspec.statemachine.search.scalarsets.commuting import Access
from slotspec.statemachine.search.scalarsets.kinds import Kind as Value
from slotspec.statemachine.search.scalarsets.kinds import Number, Whole


@dataclass(frozen=True)
class Footprint:
    """What a rule may use.

    :ivar reads: cells, as bits.
    :ivar writes: the same.
    :ivar emits: it may emit effects.
    :ivar hears: it may read the effects of its step.
    """

    reads: int = 0
    writes: int = 0
    emits: bool = False
    hears: bool = False

    def __or__(self, other: Footprint) -> Footprint:
        return Footprint(
            self.reads | other.reads,
            self.writes | other.writes,
            self.emits or other.emits,
            self.hears or other.hears,
        )

    @property
    def uses(self) -> int:
        """The cells that it reads or writes."""
        return self.reads | self.writes


class Footprints:
    """The footprints of an instance's rules.

    :ivar calls: one for each call; that of ``after_each_step`` is part of it, and so is what the
        step properties about its action read.
    :ivar observers: what ``always`` and ``sometimes`` properties read, one for each choice of
        elements.
    :ivar on_steps: what each property of every step reads, for each choice of its elements.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.cells = Cells(instance)
        self.readings = Readings(instance)
        self.settle = Footprint()
        if instance.model.settle is not None:
            self.settle = self.of(instance.model.settle, [Whole()])
        about: dict[str, list[Property]] = {}
        self.observers: list[Footprint] = []
        self.on_steps: dict[str, list[Footprint]] = {}
        for declared in instance.properties.values():
            if declared.kind is Kind.STEP and declared.on is not None:
                about.setdefault(declared.on, []).append(declared)
            elif declared.kind is Kind.STEP:
                self.on_steps[declared.name] = self.of_step(declared)
            elif declared.kind is not Kind.LEADS_TO:
                self.observers += self.of_state(declared)
        self.calls = [self.of_call(call, about) for call in instance.calls]

    def of(self, function: object, given: Sequence[Value]) -> Footprint:
        return self.footprint(self.readings.read(self.instance.rule(function), given))  # type: ignore[type-var]

    def footprint(self, accesses: Iterable[Access]) -> Footprint:
        reads = writes = 0
        emits = hears = False
        for access in accesses:
            if access.how == UNKNOWN:
                return Footprint(self.cells.every, self.cells.every, True, True)
            if access.how == "read":
                reads |= self.cells.of(access.path)
            elif access.how == "write":
                writes |= self.cells.of(access.path)
            emits |= access.how == "emit"
            hears |= access.how == EFFECTS
        return Footprint(reads, writes, emits, hears)

    def of_call(self, call: Call, about: dict[str, list[Property]]) -> Footprint:
        """What a call may use, with what follows it and what is asked about it."""
        given = [Number(value) for value in call.arguments]
        own = self.of(call.action.function, [Whole(), *given]) | self.settle
        for declared in about.get(call.action.name, ()):
            for asked in self.of_step(declared, given):
                own |= Footprint(asked.uses)
        return own

    def of_step(self, declared: Property, arguments: Sequence[Value] = ()) -> list[Footprint]:
        """What a property of steps may read, before or after, for each choice of its elements."""
        steps: list[Value] = [Whole(), Whole()]
        if declared.action is not None:
            steps += [Number(), *arguments]
        return [
            self.of(declared.function, bind(declared, steps, [Number(value) for value in elements]))
            for elements in choices(self.instance, declared)
        ]

    def of_state(self, declared: Property) -> list[Footprint]:
        """What a property of states may read, for each choice of its elements."""
        return [
            self.of(declared.function, [Whole(), *(Number(value) for value in elements)])
            for elements in choices(self.instance, declared)
        ]
