"""Records within records: compose a model from others without rewriting their rules.

A declared part is the record of another model's instance. Its fields become fields of the
whole under dotted names (``pool.slot``, ``tables.0.slot``). A rule of the other model takes
the part (``offer_slot(s.pool, …)``) and sees its own fields and constants. The part's own
bounds give its sorts their sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slotspec.statemachine.declaration.dotted_names import holder_of
from slotspec.statemachine.declaration.effects import Emitted
from slotspec.statemachine.declaration.integers import fits
from slotspec.statemachine.declaration.records import (
    Bound,
    Bounded,
    FieldSpec,
    Number,
    Part,
    PartSpec,
    Record,
    Ref,
    Setting,
    Sort,
)
from slotspec.statemachine.declaration.rules import Listener, Machines
from slotspec.statemachine.errors import DeclarationError, UsageError


@dataclass(frozen=True, eq=False)
class SizedSort(Sort):
    """A sort with a fixed size, which no bound changes."""

    fixed: int = 0

    @property
    def bound(self) -> Bound | None:
        return None

    def size(self, bounds: Mapping[str, int]) -> int:
        return self.fixed


def parts_of(record: type[Record], setting: Setting) -> Iterator[Part]:
    """The parts that `record` declares, at this setting.

    :raises DeclarationError: ``MDL006`` if a part has parts itself, ``MDL007`` if a part per
        element has scratch fields, ``MDL020`` if a sort of the part cannot be that of the whole.
    :raises UsageError: ``SET006`` if a part is declared per element of an empty sort.
    """
    for attribute, spec in record.part_specs.items():
        instance = spec.instance(setting)
        if instance.record.parts:
            raise DeclarationError(
                "MDL006", f"{record.__name__}.{attribute}: a part has no parts; name them here"
            )
        sorts = _sorts_of(f"{record.__name__}.{attribute}", record, spec, instance, setting)
        if spec.over is None:
            yield _part(attribute, attribute, None, spec, instance, sorts)
            continue
        if not spec.over.size(setting.bounds):
            raise UsageError(
                "SET006",
                f"{record.__name__}.{attribute} is per element of an empty sort at these bounds;"
                f" give {spec.over.name} at least 1",
            )
        for name, field in instance.record.fields.items():
            if field.scratch:
                raise DeclarationError(
                    "MDL007",
                    f"{record.__name__}.{attribute}: {name} is a scratch field, so there can be"
                    " only one of this part; make it a plain field that the rule clears",
                )
        for i in range(spec.over.size(setting.bounds)):
            yield _part(f"{attribute}.{i}", attribute, i, spec, instance, sorts)


def _sorts_of(
    where: str, record: type[Record], spec: PartSpec, instance: Bounded, setting: Setting
) -> dict[Sort, Sort]:
    """The sorts of a part's own model, and what each is in the whole.

    It is the sort of the whole that the declaration names, or the same sort if both records use
    it and it has as many elements in both. Any other is a sort of its own, with a fixed size.
    """
    inner: Mapping[str, int] = instance.setting.bounds
    own_sorts = instance.record.sorts()
    unknown = [sort.name for sort in spec.sorts if sort not in own_sorts]
    if unknown:
        raise DeclarationError(
            "MDL020", f"{where}: the part's record has no sort {', '.join(unknown)}; leave it out"
        )
    for own, given in spec.sorts.items():
        mine, theirs = own.size(inner), given.size(setting.bounds)
        if mine != theirs:
            raise DeclarationError(
                "MDL020",
                f"{where}: the part has {mine} {own.name}, and the whole has {theirs} {given.name};"
                " give the part's instance a bound of the same size",
            )
    shared = set(record.sorts())
    found: dict[Sort, Sort] = dict(spec.sorts)

    def is_shared(sort: Sort) -> bool:
        below = (*sort.parts, *sort.factors)
        return (
            sort in shared
            and sort.size(inner) == sort.size(setting.bounds)
            and all(one not in spec.sorts and is_shared(one) for one in below)
        )

    def settled(sort: Sort) -> Sort:
        if sort not in found:
            found[sort] = (
                sort
                if is_shared(sort)
                else SizedSort(
                    sort.name,
                    sort.description,
                    parts=tuple(settled(below) for below in sort.parts),
                    factors=tuple(settled(below) for below in sort.factors),
                    ordered=sort.ordered,
                    prefix=sort.prefix,
                    fixed=sort.size(inner),
                )
            )
        return found[sort]

    for sort in own_sorts:
        settled(sort)
    return found


def _part(
    name: str,
    attribute: str,
    index: int | None,
    spec: PartSpec,
    instance: Bounded,
    sorts: Mapping[Sort, Sort],
) -> Part:
    setting: Setting = instance.setting

    def field(declared: FieldSpec) -> FieldSpec:
        domain = declared.domain
        if isinstance(domain, Ref):
            domain = Ref(sorts[domain.sort])
        elif isinstance(domain, Number):
            domain = Number(domain.largest(setting))
        over = None if declared.over is None else sorts[declared.over]
        return replace(declared, domain=domain, over=over)

    fields = {f"{name}.{own}": field(spec) for own, spec in instance.record.fields.items()}
    return Part(name, attribute, index, instance.record, fields, spec.effects_from, sorts)


class PartArray(tuple[Any, ...]):
    """The parts of a record that has one for each element of a sort."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        if index < 0:
            raise IndexError("a rule may not count from the end")
        return tuple.__getitem__(self, index)


class PartEffects:
    """Collects a part's effects in the whole's list, with `base` added to their numbers."""

    __slots__ = ("_base", "_emitted", "_whole")

    def __init__(self, whole: list[Emitted], emitted: type[Emitted], base: int) -> None:
        self._whole = whole
        self._emitted = emitted
        self._base = base

    def append(self, effect: tuple[int, ...]) -> None:
        self._whole.append(self._emitted((fits(effect[0] + self._base), *effect[1:])))


def assemble(s: Any, records: Mapping[str, type[Record]]) -> None:
    """Give record `s` its parts, still empty; `records` maps part names to classes."""
    several: dict[str, list[Any]] = {}
    for part in s.parts:
        cls = records[part.name]
        below = cls.__new__(cls)
        object.__setattr__(below, "effects", PartEffects(s.effects, s.emitted, part.effects_from))
        if part.index is None:
            object.__setattr__(s, part.attribute, below)
        else:
            several.setdefault(part.attribute, []).append(below)
    for attribute, found in several.items():
        object.__setattr__(s, attribute, PartArray(found))


def fresh(record: type[Record], bounds: Mapping[str, int], listener: Listener | None = None) -> Any:
    """A new record of class `record` (bound to its constants) in the initial state."""
    s = record.__new__(record)
    s.effects = []
    assemble(s, {part.name: part.record for part in record.parts})
    for name, spec in record.fields.items():
        holder, own = holder_of(s, name)
        if not spec.array:
            setattr(holder, own, spec.default)
            continue
        values = [spec.default] * spec.size(bounds)
        if isinstance(spec.domain, type):
            setattr(holder, own, Machines(values, spec.domain, name, listener))
        else:
            setattr(holder, own, values)
    return s


def restart(s: Any) -> None:
    """Reset a record to its initial state, parts included: the process that kept it has died.

    Typically for a part that models the memory of one of several processes. No lifecycle
    event fires, since no process is left to fire it.
    """
    for name, spec in type(s).fields.items():
        holder, own = holder_of(s, name)
        if spec.array:
            values = getattr(holder, own)
            assign = values.put if isinstance(values, Machines) else values.__setitem__
            for i in range(len(values)):
                assign(i, spec.default)
        else:
            setattr(holder, own, spec.default)
