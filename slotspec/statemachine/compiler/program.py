"""All translated functions of one instance, the faults they can report, and shared memory.

Every compiled function gets a *notebook*: an array of 64-bit cells, one for each worker,
that holds counters, found events, and the effects of the present step.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slotspec.statemachine.compiler.frontend.symbols import Known, RecordAt, Symbol, kind
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.questions import questions
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.layout import Layout

FAULT = -(2**63)
"""Returned by a compiled function that met a fault; the notebook says which."""

EFFECTS_ROOM = 64
EFFECT_CELLS = 5

SITE, BASE, FOUND, EFFECT_COUNT, STEP = 0, 1, 2, 3, 4
"""Cells: last fault's site, number of the batch's first state, number of events, number of
effects of this step, and what a firing adds to its counter (1, or -1 while a step that met
a fault is taken again to take its firings back)."""

BROKEN = 1 << 40
"""Added to the call of an event: the property could not be evaluated there."""
EVENTS = 8
EVENT_CELLS = 4


@dataclass(frozen=True)
class Site:
    """A place in a rule where a fault may show."""

    code: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.message}"


class ResultBuffer:
    """Which cell of a notebook holds what.

    :ivar questions: what is asked; its place here is its kind among events.
    :ivar numbers: for each property the kind of its first question.
    """

    def __init__(self, instance: Instance) -> None:
        self.questions = questions(instance)
        self.numbers: dict[str, int] = {}
        for number, question in enumerate(self.questions):
            self.numbers.setdefault(question.declared.name, number)
        self.kinds = len(self.questions) + 2
        self.deadlock = len(self.questions)
        self.fault = self.deadlock + 1
        self.opened = EVENTS + EVENT_CELLS * self.kinds
        self.taken = self.opened + self.kinds
        self.effects = self.taken + len(instance.actions)
        self.fired = self.effects + EFFECTS_ROOM * EFFECT_CELLS
        self.first: dict[str, int] = {}
        self.lifecycles: dict[str, type[Lifecycle]] = {}
        end = self.fired
        for lifecycle in instance.lifecycles.values():
            if lifecycle.__name__ not in self.first:
                self.first[lifecycle.__name__] = end
                self.lifecycles[lifecycle.__name__] = lifecycle
                end += len(lifecycle.events) * len(lifecycle.states)
        self.size = end

    def fired_cell(self, lifecycle: type[Lifecycle], event: Event, source: int) -> int:
        return self.first[lifecycle.__name__] + event.index * len(lifecycle.states) + source


@dataclass
class Translated:
    """One translated function: its name, and what a caller has to know about it.

    :ivar width: how many numbers it returns at once; None: a single one, in a register.
    :ivar reads: the records whose effects it reads, by pointer, with the refusal for a caller
        that gives it a state without effects.
    """

    name: str
    writes: bool = True
    faults: bool = True
    nothing: bool = False
    width: int | None = None
    text: str = ""
    done: bool = False
    reads: dict[str, RuleError] = field(default_factory=dict)


@dataclass
class Program:
    """The functions of one instance, translated on demand.

    :ivar effects_read: effects are kept, because something reads them.
    :ivar effects_counted: effects are counted, because a refusal may come after one.
    :ivar effects_dropped: an ``emit`` was translated that neither keeps nor counts.
    :ivar refused_late: an action may be refused after a change.
    """

    instance: Instance
    effects_read: bool = False
    effects_counted: bool = False
    effects_dropped: bool = False
    refused_late: bool = False
    layout: Layout = field(init=False)
    notebook: ResultBuffer = field(init=False)
    functions: dict[Any, Translated] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    tables: dict[tuple[int, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Layout(self.instance)
        self.notebook = ResultBuffer(self.instance)

    def site(self, code: str, place: str, message: str) -> int:
        self.sites.append(Site(code, place, message))
        return len(self.sites) - 1

    def table(self, values: tuple[int, ...]) -> str:
        return self.tables.setdefault(values, f"@table{len(self.tables)}")

    def translate(
        self,
        function: types.FunctionType,
        arguments: Sequence[Symbol],
        *,
        reading: bool = False,
        action: bool = False,
    ) -> Translated:
        """`function` for arguments of these kinds.

        :param reading: it may not change the state (properties).
        :param action: it is an action: a refusal must have changed nothing.
        """
        from slotspec.statemachine.compiler.frontend.statements import lower

        key = (function, tuple(kind(a) for a in arguments), reading, action)
        found = self.functions.get(key)
        if found is None:
            found = Translated(f"@{function.__name__}.{len(self.functions)}")
            self.functions[key] = found
            lower(self, found, function, arguments, reading=reading, action=action)
            found.done = True
        return found

    def globals(self) -> str:
        """Constant tables, as text."""
        return "\n".join(
            f"{name} = internal unnamed_addr constant [{len(values)} x i64] ["
            + ", ".join(f"i64 {v}" for v in values)
            + "]"
            for values, name in self.tables.items()
        )

    def bodies(self) -> str:
        return "\n".join(found.text for found in self.functions.values())


__all__ = ["FAULT", "Known", "Program", "RecordAt", "ResultBuffer", "Site", "Translated"]
