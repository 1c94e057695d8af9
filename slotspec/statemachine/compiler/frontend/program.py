"""All translated functions of one instance, and the faults that they can report."""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slotspec.statemachine.compiler.backend.result_buffer import REMEMBERED, ResultBuffer
from slotspec.statemachine.compiler.frontend.symbols import Known, Symbol, kind
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.source import first_line
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.layout import WORD, Layout, Place

Intrinsic = Callable[[Any, ast.Call], Symbol]
"""Translates a call of an intrinsic; takes the translation of the calling rule."""


LASTING = 100_000
"""A rule that takes more iterations and calls than this must look whether it is to stop."""


@dataclass(frozen=True)
class Site:
    """A place in a rule where a fault may occur."""

    code: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.message}"


@dataclass
class Translated:
    """One translated function: its name, and what a caller must know about it.

    :ivar width: how many numbers it returns; None for a single one, in a register.
    :ivar refused_late: whether it is an action that may be refused after it fired events and
        undid them.
    :ivar cost: roughly how many iterations and calls it takes, at most :data:`LASTING`.
    :ivar touches: the fields that it reads or writes itself, by the names of their places.
    :ivar loose: the sequences of which it assigns an element itself, which may leave a gap.
    :ivar calls: the functions that it calls.
    :ivar reads: the records whose effects it reads, by pointer, with the error for a caller
        that passes a state without effects.
    """

    name: str
    writes: bool = True
    faults: bool = True
    nothing: bool = False
    refused_late: bool = False
    width: int | None = None
    text: str = ""
    done: bool = False
    cost: int = LASTING
    touches: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    calls: list[Translated] = field(default_factory=list)
    reads: dict[str, RuleError] = field(default_factory=dict)


@dataclass
class Program:
    """The functions of one instance, translated on demand.

    :ivar lower: translates one function.
    :ivar intrinsics: the functions that rules call but that are not rules.
    :ivar effects_read: effects are stored, because something reads them.
    :ivar effects_asked: something that was translated reads effects.
    :ivar effects_counted: effects are counted, because an action may be refused after one.
    :ivar effects_dropped: an ``emit`` was translated that neither stores nor counts.
    :ivar refused_late: an action may be refused after a change.
    :ivar lasting: some rule may take long, and looks whether it is to stop.
    :ivar remembered: the calls of helpers whose answers are remembered, each with its cell.
    """

    instance: Instance
    lower: Callable[..., None]
    intrinsics: Mapping[Known, Intrinsic]
    effects_read: bool = False
    effects_counted: bool = False
    effects_asked: bool = False
    effects_dropped: bool = False
    refused_late: bool = False
    lasting: bool = False
    remembered: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    layout: Layout = field(init=False)
    result_buffer: ResultBuffer = field(init=False)
    functions: dict[Any, Translated] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    tables: dict[tuple[int, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Layout(self.instance)
        self.result_buffer = ResultBuffer(self.instance)

    def site(self, code: str, place: str, message: str) -> int:
        self.sites.append(Site(code, place, message))
        return len(self.sites) - 1

    def table(self, values: tuple[int, ...]) -> str:
        return self.tables.setdefault(values, f"@table{len(self.tables)}")

    def remember(self, call: tuple[str | int, ...]) -> int | None:
        """The cell for the answer to a call of a helper; None if there is no room for it."""
        if call not in self.remembered and len(self.remembered) == REMEMBERED:
            return None
        first = self.result_buffer.remembered
        return self.remembered.setdefault(call, first + len(self.remembered))

    def translate(
        self,
        function: types.FunctionType,
        arguments: Sequence[Symbol],
        *,
        reading: bool = False,
        action: bool = False,
    ) -> Translated:
        """`function`, translated for arguments of these kinds.

        :param reading: whether it is a property, which may not change the state.
        :param action: whether it is an action, which may be refused only without a change.
        """
        key = (function, tuple(kind(a) for a in arguments), reading, action)
        found = self.functions.get(key)
        if found is None:
            # LLVM takes only plain names
            plain = re.sub(r"[^\w.]", "_", function.__name__, flags=re.ASCII)
            found = Translated(f"@{plain}.{len(self.functions)}")
            self.functions[key] = found
            self.lower(self, found, function, arguments, reading=reading, action=action)
            found.done = True
        return found

    def asked(self, function: types.FunctionType, arguments: Sequence[Symbol]) -> Translated:
        """A property, or the rule that says which states are final, translated."""
        return self.one_number(function, arguments, reading=True)

    def one_number(
        self,
        function: types.FunctionType,
        arguments: Sequence[Symbol],
        *,
        reading: bool = False,
    ) -> Translated:
        """A rule that the driver calls, which therefore returns no more than one number.

        :raises RuleError: ``RUL007`` if it returns several.
        """
        found = self.translate(function, arguments, reading=reading)
        if found.width is not None:
            raise RuleError(
                "RUL007",
                f"{first_line(function)}: it returns {found.width} values, where a number is"
                " needed; return one, or write any(…) or all(…) around them",
            )
        return found

    def words_of(self, function: Translated) -> set[int]:
        """The words of a record that a function reads or writes, with all that it calls."""
        names = {name for one in reached([function]) for name in one.touches}
        words: set[int] = set()
        for name in names | self.of_siblings(names):
            place = self.layout.places[name]
            words.update(byte // WORD for byte in range(place.offset, place.offset + place.size))
        return words

    def loose(self, functions: Iterable[Translated]) -> list[Place]:
        """The sequences that these functions, with all that they call, may leave with a gap."""
        names = {name for one in reached(functions) for name in one.loose}
        names |= self.of_siblings(names)
        return [place for name, place in self.layout.places.items() if name in names]

    def of_siblings(self, names: Iterable[str]) -> set[str]:
        """The same fields of equal parts: one of several is translated as the first of them."""
        parts = self.instance.record.parts
        return {
            other.name + name.removeprefix(part.name)
            for part in parts
            for other in parts
            if part.index is not None and other.attribute == part.attribute
            for name in names
            if name in part.fields
        }

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


def reached(functions: Iterable[Translated]) -> list[Translated]:
    """These functions, and all that they call."""
    found = list(functions)
    seen = set(map(id, found))
    for one in found:  # it grows as it is read
        for callee in one.calls:
            if id(callee) not in seen:
                seen.add(id(callee))
                found.append(callee)
    return found
