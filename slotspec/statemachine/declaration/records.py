"""The shape of a state: sorts, domains, and the fields of a record.

A state record is declared as a class; its attributes are arrays over sorts or scalars::

    class Gate(Record):
        gates = Sort("gates", "Turnstiles in a row.", default=2)

        gate: Array = per(gates, Turnstile, "Each turnstile.")
        chosen: int = scalar(ref(gates), "The gate where somebody is standing.")
        toll: int = constant("What a passage costs.", lambda setting: setting["toll"])

Constants belong to a model instance. Rules read them like fields, and the compiler folds
them, so reading a choice costs nothing at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

from slotspec.statemachine.declaration.effects import Emitted
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State
from slotspec.statemachine.declaration.rules import NONE, Array
from slotspec.statemachine.errors import DeclarationError, UsageError

LARGEST_SORT = 254
"""A compiled field is one byte and one value means NONE, so a sort has at most this many."""


@dataclass(frozen=True)
class Setting(Mapping[str, Any]):
    """The bounds and choices of an instance, by name.

    Looking up a name finds a choice before a bound.
    """

    bounds: Mapping[str, int]
    choices: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.choices[name] if name in self.choices else self.bounds[name]

    def __iter__(self) -> Any:
        yield from self.bounds
        yield from self.choices

    def __len__(self) -> int:
        return len(self.bounds) + len(self.choices)


@dataclass(frozen=True, eq=False)
class Bound:
    """A number that bounds a model; users set it with ``--set NAME=VALUE``."""

    name: str
    description: str
    default: int
    minimum: int = 1
    maximum: int = LARGEST_SORT

    def checked(self, value: int) -> int:
        """`value`, if it is within this bound.

        :raises UsageError: ``SET002`` otherwise.
        """
        if not self.minimum <= value <= self.maximum:
            raise UsageError(
                "SET002",
                f"bound {self.name}={value}: choose from {self.minimum} to {self.maximum}"
                f" ({self.description})",
            )
        return value


@dataclass(frozen=True, eq=False)
class Sort:
    """A finite set of interchangeable or ordered things, numbered from 0.

    :param default: default size; it declares a bound with the name of the sort.
    :param parts: instead of a size: the sorts of which it is the disjoint union, in order
        (element ``i`` of the second part is number ``len(first) + i``).
    :param factors: instead of a size: the sorts of which it is the product, in order
        (element ``(i, j)`` is number ``i * len(second) + j``).
    :param symmetric: renaming its elements does not change what can happen.
    :param prefix: prefix of element names, which count from 1: ``tm`` gives ``tm1``. Without
        a prefix, names use the sort's own name and count from 0: ``gate0``.
    :param ordered: its elements are positions (in a queue, a list). They are never renamed,
        even if the sort gets its size from a symmetric one.
    """

    name: str
    description: str
    default: int = 0
    minimum: int = 1
    maximum: int = LARGEST_SORT
    parts: tuple[Sort, ...] = ()
    factors: tuple[Sort, ...] = ()
    symmetric: bool = False
    ordered: bool = False
    prefix: str = ""

    @property
    def bound(self) -> Bound | None:
        """The bound that gives this sort its size; None for a sum or a product."""
        if self.parts or self.factors:
            return None
        return Bound(self.name, self.description, self.default, self.minimum, self.maximum)

    def size(self, bounds: Mapping[str, int]) -> int:
        """How many elements the sort has under `bounds`."""
        if self.parts:
            return sum(part.size(bounds) for part in self.parts)
        if self.factors:
            product = 1
            for factor in self.factors:
                product *= factor.size(bounds)
            return product
        return bounds[self.name]


@dataclass(frozen=True)
class Ref:
    """Its values are the elements of a sort and NONE (the initial value)."""

    sort: Sort


@dataclass(frozen=True)
class Number:
    """Its values are 0 (initial) to `limit`, which is a number or a function of the setting."""

    limit: int | Callable[[Setting], int]

    def largest(self, setting: Setting) -> int:
        return self.limit if isinstance(self.limit, int) else self.limit(setting)


Domain = type[Lifecycle] | Ref | Number

FLAG = Number(1)
"""Values: 0 (no, the initial value) and 1 (yes)."""


def ref(sort: Sort) -> Ref:
    """The domain of references to elements of `sort`."""
    return Ref(sort)


def number(limit: int | Callable[[Setting], int]) -> Number:
    """The domain of numbers from 0 to `limit`."""
    return Number(limit)


@dataclass(frozen=True, eq=False)
class FieldSpec:
    """A declared field: an array over a sort, an array of length one, or a scalar.

    :param over: the sort that indexes it; None for a scalar or a single machine.
    :param array: whether rules index it.
    :param initial: initial value where it is not 0 or NONE.
    :param label: its name in a rendered trace; by default the field's name. ``{}`` stands for
        the element: ``"payload of {}"``.
    :param scratch: working memory of a rule: zero between steps, and not part of the state.
    """

    domain: Domain
    description: str
    over: Sort | None
    array: bool
    initial: int
    scratch: bool = False
    label: str = ""

    @property
    def default(self) -> int:
        return self.initial

    def size(self, bounds: Mapping[str, int]) -> int:
        return self.over.size(bounds) if self.over is not None else 1

    def largest(self, setting: Setting) -> int:
        """Largest value that is not NONE (-1 if there is none)."""
        if isinstance(self.domain, Ref):
            return self.domain.sort.size(setting.bounds) - 1
        if isinstance(self.domain, Number):
            return self.domain.largest(setting)
        return len(self.domain.states) - 1


@dataclass(frozen=True, eq=False)
class ConstantSpec:
    """A declared constant: a number or a table of numbers, computed from the setting."""

    description: str
    value: Callable[[Setting], Any]


class Bounded(Protocol):
    """The view of a model instance that a containing record needs."""

    setting: Setting
    record: type[Record]


@dataclass(frozen=True, eq=False)
class PartSpec:
    """A declared part: the record of another model's instance, or one for each element.

    :param instance: makes the other model's instance from a setting of this one.
    :param effects_from: added to the numbers of the effects that its rules emit.
    """

    description: str
    instance: Callable[[Setting], Bounded]
    over: Sort | None
    effects_from: int


def part(
    instance: Callable[[Setting], Bounded],
    description: str,
    *,
    per: Sort | None = None,
    effects_from: int = 0,
) -> Any:
    """Declare the state of another model within this one; its rules work on ``s.name``.

    With `per`, there is one for each element of a sort: ``s.name[i]``.
    """
    return PartSpec(description, instance, per, effects_from)


def _default(domain: Domain, initial: int | None) -> int:
    if initial is not None:
        return initial
    return NONE if isinstance(domain, Ref) else 0


def per(
    sort: Sort,
    domain: Domain,
    description: str,
    *,
    initial: int | None = None,
    scratch: bool = False,
    label: str = "",
) -> Array:
    """An array with one value of `domain` for each element of `sort`."""
    spec = FieldSpec(domain, description, sort, True, _default(domain, initial), scratch, label)
    return cast(Array, spec)


def single(lifecycle: type[Lifecycle], description: str, *, label: str = "") -> Array:
    """One machine of `lifecycle`: an array of length one, so that events can be fired at [0]."""
    return cast(Array, FieldSpec(lifecycle, description, None, True, 0, label=label))


def scalar(domain: Domain, description: str, *, initial: int | None = None, label: str = "") -> int:
    """One value of `domain`, which must not be a lifecycle: events fire on array elements."""
    if isinstance(domain, type):
        raise DeclarationError(
            "MDL015",
            f"a scalar of {domain.__name__} could only be assigned, never fired at;"
            " declare single(…) and fire at [0]",
        )
    spec = FieldSpec(domain, description, None, False, _default(domain, initial), label=label)
    return cast(int, spec)


def constant(description: str, value: Callable[[Setting], Any]) -> Any:
    """A number (or sequence of numbers) that the instance fixes."""
    return ConstantSpec(description, value)


@dataclass(frozen=True, eq=False)
class Part:
    """A part of an instance's record.

    :param name: its path in the whole record, such as ``pool`` or ``tables.0``.
    :param attribute: the attribute of the whole record that holds the part or parts.
    :param index: its index among several; None for a single part.
    :param record: the record class of the part, with its constants.
    :param fields: the fields of the part under their dotted names.
    :param effects_from: added to the numbers of its effects.
    """

    name: str
    attribute: str
    index: int | None
    record: type[Record]
    fields: Mapping[str, FieldSpec]
    effects_from: int


class Record:
    """Base of state records. `effects` lists what the current step has emitted, in order.

    The record class of an instance has its `bounds`, `effect_names` (effect number -> names
    of its arguments) and the class of emitted effects.
    """

    bounds: ClassVar[Mapping[str, int]] = {}
    effect_names: ClassVar[Mapping[int, tuple[str, ...]]] = {}
    emitted: ClassVar[type[Emitted]] = Emitted
    fields: ClassVar[dict[str, FieldSpec]] = {}
    constants: ClassVar[dict[str, ConstantSpec]] = {}
    part_specs: ClassVar[dict[str, PartSpec]] = {}
    parts: ClassVar[tuple[Part, ...]] = ()
    effects: list[Emitted]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            if isinstance(value, FieldSpec | ConstantSpec | PartSpec):
                cls._check_hidden(name, value)
        cls.fields = dict(cls.fields)
        cls.constants = dict(cls.constants)
        cls.part_specs = dict(cls.part_specs)
        for name, value in list(vars(cls).items()):
            if isinstance(value, FieldSpec):
                if not value.description.strip():
                    raise DeclarationError("MDL001", f"field {cls.__name__}.{name}: no sentence")
                cls.fields[name] = value
            elif isinstance(value, ConstantSpec):
                cls.constants[name] = value
            elif isinstance(value, PartSpec):
                cls.part_specs[name] = value
        for name, value in list(vars(cls).items()):
            if isinstance(value, State | Event | Sort | Bound | type):
                cls._check_stray(name, value)

    @classmethod
    def _check_hidden(cls, name: str, value: object) -> None:
        """Check that a field hides nothing. A subclass may redeclare a constant or a part."""
        if hasattr(Record, name) or name == "effects":
            raise DeclarationError(
                "MDL018", f"{cls.__name__}.{name} hides what a record has itself; rename it"
            )
        for base in cls.__mro__[1:]:
            if name in vars(base) and not (
                (isinstance(value, ConstantSpec) and name in getattr(base, "constants", {}))
                or (isinstance(value, PartSpec) and name in getattr(base, "part_specs", {}))
            ):
                raise DeclarationError(
                    "MDL018", f"{cls.__name__}.{name} hides {base.__name__}.{name}; rename one"
                )

    @classmethod
    def _check_stray(cls, name: str, value: object) -> None:
        """Check that attributes other than fields are used by a field."""
        if isinstance(value, type):
            if issubclass(value, Lifecycle):
                what, fix = "a Lifecycle", "declare per(sort, …) or single(…) of it"
            else:
                return
        elif isinstance(value, State):
            what, fix = "a State", "states belong in a lifecycle"
        elif isinstance(value, Event):
            what, fix = "an Event", "events belong in a lifecycle"
        elif isinstance(value, Bound):
            what, fix = "a Bound", "give it to the model, as one of its bounds"
        elif value in cls.sorts():
            return
        else:
            what, fix = "a Sort that no field is over or refers to", "drop it"
        raise DeclarationError("MDL017", f"{cls.__name__}.{name} is {what}, and no field; {fix}")

    def elements(self, sort: Sort) -> range:
        """The elements of `sort` in this instance, from 0."""
        return range(sort.size(self.bounds))

    @classmethod
    def sorts(cls) -> list[Sort]:
        """Every sort that a field is over or refers to, parts and factors before wholes."""
        found: list[Sort] = []

        def add(sort: Sort) -> None:
            for below in (*sort.parts, *sort.factors):
                add(below)
            if sort not in found:
                found.append(sort)

        for spec in cls.fields.values():
            if spec.over is not None:
                add(spec.over)
            if isinstance(spec.domain, Ref):
                add(spec.domain.sort)
        for whole in cls.part_specs.values():
            if whole.over is not None:
                add(whole.over)
        return found
