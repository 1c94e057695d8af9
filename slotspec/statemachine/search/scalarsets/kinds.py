"""What the analysis knows about the value of an expression.

Bottom, for code that never runs, is None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slotspec.statemachine.declaration.records import FieldSpec, Part, Sort
from slotspec.statemachine.declaration.rules import NONE

OTHER = "?"
"""The tag of an index that is not the plain name of a local."""


@dataclass(frozen=True)
class Number:
    """A number that no renaming changes.

    :ivar value: the number, if it is known.
    :ivar sort: it is an element of this sort, which nothing renames, and not NONE.
    :ivar size_of: it is the size of this sort.
    """

    value: int | None = None
    sort: Sort | None = None
    size_of: Sort | None = None


@dataclass(frozen=True)
class Element:
    """An element of a sort that is renamed, or NONE.

    :ivar present: it is not NONE.
    """

    sort: Sort
    present: bool = False


@dataclass(frozen=True)
class Nothing:
    """NONE, DISABLED or another negative literal: a number, and no element of any sort."""

    value: int | None = NONE


@dataclass(frozen=True)
class Mixed:
    """Elements of different sorts, or elements and numbers; nothing may depend on it."""


@dataclass(frozen=True)
class Cells:
    """An array field, by its path in the whole record.

    :ivar part: the tag of the part that it is in.
    """

    path: str
    spec: FieldSpec
    part: str = ""


@dataclass(frozen=True)
class Whole:
    """A state record, or one of its parts.

    :ivar tag: of one of several equal parts: the local that is its index, or the parameter that
        holds it.
    """

    part: Part | None = None
    tag: str = ""


@dataclass(frozen=True)
class Wholes:
    """Several equal parts.

    :ivar over: there is one for each element of this sort.
    """

    part: Part
    over: Sort


@dataclass(frozen=True)
class Row:
    """Several values."""

    parts: tuple[Kind, ...]


@dataclass(frozen=True)
class Run:
    """An iterable.

    :ivar element: what it yields.
    :ivar loose: a renaming changes the order of its elements.
    :ivar index: which of the yielded values differs between any two iterations: -1 for the value
        itself, a number for that place of a row, None for none.
    :ivar sort: it has one item for each element of this sort, in their order.
    """

    element: Kind
    loose: bool = False
    index: int | None = None
    sort: Sort | None = None


@dataclass(frozen=True)
class EffectList:
    """The effects that the current step has emitted."""


@dataclass(frozen=True)
class Effect:
    """One emitted effect.

    :ivar kinds: the numbers of the kinds that it may have, since its kind was compared; None for
        any, so that it may lack the arguments that are read of it.
    """

    kinds: frozenset[int] | None = None


@dataclass(frozen=True)
class Known:
    """Any other object: a function, a lifecycle, an event, a module, a constant table."""

    value: Any

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.value is self.value


Kind = (
    Number
    | Element
    | Nothing
    | Mixed
    | Cells
    | Whole
    | Wholes
    | Row
    | Run
    | EffectList
    | Effect
    | Known
    | None
)


def begins_with(whole: Sort, part: Sort) -> bool:
    """Whether the first elements of `whole` are those of `part`, under the same numbers."""
    return whole is part or (bool(whole.parts) and begins_with(whole.parts[0], part))


def wider(one: Sort, other: Sort) -> Sort | None:
    """The sort that contains both, if one begins with the other."""
    if begins_with(one, other):
        return one
    return other if begins_with(other, one) else None


def join(one: Kind, other: Kind) -> Kind:
    """What is known of a value that may be either."""
    if one is None or one == other:
        return other
    if other is None:
        return one
    match one, other:
        case (Number(), Number()):
            return Number(sort=one.sort if one.sort is other.sort else None)
        case (Nothing(), Nothing()):
            return Nothing(None)
        case (Number(), Nothing()) | (Nothing(), Number()):
            return Number()
        case (Element(sort=sort), Nothing()) | (Nothing(), Element(sort=sort)):
            return Element(sort)
        case (Element(), Element()):
            sort_ = wider(one.sort, other.sort)
            return Mixed() if sort_ is None else Element(sort_, one.present and other.present)
        case (Row(), Row()) if len(one.parts) == len(other.parts):
            return Row(tuple(join(a, b) for a, b in zip(one.parts, other.parts, strict=True)))
        case (Effect(), Effect()):
            either = None if one.kinds is None or other.kinds is None else one.kinds | other.kinds
            return Effect(either)
        case (Whole(), Whole()) if one.part is other.part:
            return Whole(one.part, OTHER)
        case (Cells(), Cells()) if one.path == other.path:
            return Cells(one.path, one.spec, OTHER)
        case (Run(), Run()):
            return Run(join(one.element, other.element), one.loose or other.loose)
    return Mixed()


def tag_of(kind: Kind) -> str:
    """The tag of a part, or of the part that an array is in; empty if there is none."""
    if isinstance(kind, Whole):
        return kind.tag
    return kind.part if isinstance(kind, Cells) else ""


def tagged(kind: Kind, names: Callable[[str], str]) -> Kind:
    """The same kind with other tags."""
    match kind:
        case Whole(part=part, tag=tag) if tag:
            return Whole(part, names(tag))
        case Cells(path=path, spec=spec, part=tag) if tag:
            return Cells(path, spec, names(tag))
        case Row(parts=parts):
            return Row(tuple(tagged(one, names) for one in parts))
        case Run(element=element):
            return replace(kind, element=tagged(element, names))
    return kind


def join_all(kinds: Sequence[Kind]) -> Kind:
    found: Kind = None
    for kind in kinds:
        found = join(found, kind)
    return found
