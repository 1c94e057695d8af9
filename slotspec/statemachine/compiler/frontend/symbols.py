"""What an expression can stand for at compile time, besides a number."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import Reg
from slotspec.statemachine.declaration.records import Part
from slotspec.statemachine.layout import Place


@dataclass(frozen=True)
class RecordAt:
    """A state record at a pointer; `part` is the part of the whole, if it is one.

    One of several equal parts is represented by the first of them at a pointer moved on.
    """

    pointer: str
    part: Part | None = None


@dataclass(frozen=True)
class RecordsAt:
    """Several equal parts of the record at a pointer."""

    pointer: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ArrayAt:
    """An array field of the record at a pointer."""

    pointer: str
    place: Place


@dataclass(frozen=True)
class Table:
    """A constant sequence of integers."""

    values: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """Several values: a tuple, a helper's results, an element of ``enumerate``."""

    parts: tuple[Symbol, ...]


@dataclass(frozen=True)
class Range:
    """The integers from `first` up (or down) to `stop`, excluding `stop`.

    :ivar span: the most that they can be apart; None if that is not known.
    """

    first: Reg | int
    stop: Reg | int
    step: int
    span: int | None = None


@dataclass(frozen=True)
class Effects:
    """The effects that the current step has emitted."""


@dataclass(frozen=True)
class Effect:
    """One emitted effect; `index` is its position, already checked."""

    index: Reg | int


@dataclass(frozen=True)
class Known:
    """Any other object: a function, a lifecycle, an event, a module, a class."""

    value: Any

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.value is self.value


Symbol = Reg | int | RecordAt | RecordsAt | ArrayAt | Table | Row | Range | Effects | Effect | Known


def kind(symbol: Symbol) -> Any:
    """What an argument contributes to the identity of a translation of a rule."""
    if isinstance(symbol, Reg | int):
        return "number"
    if isinstance(symbol, RecordAt):
        return "record" if symbol.part is None else ("record", symbol.part.name)
    if isinstance(symbol, RecordsAt):
        return ("records", symbol.parts[0].attribute)
    if isinstance(symbol, ArrayAt):
        return ("array", symbol.place.name)
    if isinstance(symbol, Effect):
        return "effect"
    return symbol


def known(value: Any) -> Symbol | None:
    """The symbol of a Python object, or None if rules cannot use such an object."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str | float | bytes | None.__class__):
        return None
    if isinstance(value, tuple | list) and all(isinstance(v, int) for v in value):
        return Table(tuple(int(v) for v in value))
    if isinstance(value, types.CodeType | types.FrameType):
        return None
    return Known(value)
