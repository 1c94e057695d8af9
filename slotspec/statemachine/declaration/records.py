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
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, cast

from slotspec.statemachine.declaration.arguments import check_size, described, refuse
from slotspec.statemachine.declaration.effects import Emitted
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State
from slotspec.statemachine.declaration.rules import NONE, Array, caller
from slotspec.statemachine.errors import DeclarationError, RuleError, UsageError

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
        try:
            return self.choices[name] if name in self.choices else self.bounds[name]
        except KeyError:
            raise KeyError(f"no bound or choice {name}; there are {', '.join(self)}") from None

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

    def __post_init__(self) -> None:
        check_size(f"Bound {self.name!r}", self)

    def checked(self, value: int) -> int:
        """`value`, if it is within this bound.

        :raises UsageError: ``SET002`` otherwise.
        """
        if not isinstance(value, int):
            raise UsageError("SET002", f"bound {self.name}={value!r}: give a number")
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
    :param most: how many elements a sum or a product may have; more than a byte holds only if
        neither a field nor an action names one.
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
    most: int = LARGEST_SORT

    def __post_init__(self) -> None:
        for name in ("parts", "factors"):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not all(isinstance(one, Sort) for one in given):
                refuse(f"{name} of Sort {self.name!r}", given, "give a tuple of sorts: (A, B)")
        if type(self) is Sort and not (self.parts or self.factors):
            check_size(f"Sort {self.name!r}", self)

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


Amount = int | Bound | Callable[[Setting], int]
"""A number, or what gives it once the bounds are known: a bound or a function of the setting."""


def amount(given: Amount, setting: Setting) -> Any:
    """The number that `given` stands for in this setting; a condition is 1 where it holds."""
    if isinstance(given, Bound):
        return setting[given.name]
    found = given(setting) if callable(given) else given
    return int(found) if isinstance(found, bool) else found


@dataclass(frozen=True)
class Number:
    """Its values are 0 (initial) to `limit`."""

    limit: Amount

    def largest(self, setting: Setting) -> int:
        """The limit in this setting.

        :raises DeclarationError: ``MDL019`` if it is no number from 0.
        """
        found = amount(self.limit, setting)
        if not isinstance(found, int) or found < 0:
            refuse("the limit of number(…)", found, "compute a number from 0")
        return found


Domain = type[Lifecycle] | Ref | Number


def check_sort(where: str, given: object) -> None:
    """Check that a sort stands where one is wanted."""
    if not isinstance(given, Sort):
        fix = 'a bound is no set of things; declare Sort("name", "…", default=2)'
        refuse(where, given, fix if isinstance(given, Bound) else 'give a Sort("name", "…")')


def check_domain(where: str, given: object) -> None:
    """Check that a domain stands where one is wanted."""
    if isinstance(given, Ref | Number) or (
        isinstance(given, type) and issubclass(given, Lifecycle)
    ):
        return
    fix = "give a lifecycle, ref(SORT), number(LIMIT) or FLAG as its domain"
    if isinstance(given, Sort):
        fix = f"an element of it is ref({given.name.upper()})"
    elif isinstance(given, Bound):
        fix = f"numbers up to it are number({given.name.upper()})"
    elif isinstance(given, State):
        fix = f"give the lifecycle itself, {given.lifecycle}"
    elif given is bool:
        fix = "yes or no is FLAG"
    elif given is int or isinstance(given, int):
        fix = "numbers from 0 to 5 are number(5)"
    refuse(where, given, fix)


FLAG = Number(1)
"""Values: 0 (no, the initial value) and 1 (yes)."""


def ref(sort: Sort) -> Ref:
    """The domain of references to elements of `sort`.

    :raises DeclarationError: ``MDL019`` if it is no sort.
    """
    check_sort("ref(…)", sort)
    return Ref(sort)


def number(limit: Amount) -> Number:
    """The domain of numbers from 0 to `limit`.

    :raises DeclarationError: ``MDL019`` if that is no number from 0.
    """
    natural = isinstance(limit, int) and limit >= 0
    if isinstance(limit, Sort):
        refuse("number(…)", limit, f"an element of it is ref({limit.name.upper()})")
    if not (natural or isinstance(limit, Bound) or callable(limit)):
        refuse("number(…)", limit, "give a number from 0, a bound, or a function of the setting")
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
    initial: int | Bound
    scratch: bool = False
    label: str = ""
    route: tuple[str | None, str | None] | None = None
    """For messages in flight: the processes that send and receive; None is the element itself."""
    container: str = ""
    """``subset`` or ``sequence``, if the field was declared as one."""

    @property
    def default(self) -> int:
        """The initial value; an instance's fields have the numbers that bounds stand for."""
        assert isinstance(self.initial, int)
        return self.initial

    def settled(self, setting: Setting) -> FieldSpec:
        """The field with the initial value of this setting."""
        if isinstance(self.initial, int):
            return self
        return replace(self, initial=setting[self.initial.name])

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
    value: Amount | Callable[[Setting], Any]


class Bounded(Protocol):
    """The view of a model instance that a containing record needs."""

    setting: Setting
    record: type[Record]


@dataclass(frozen=True, eq=False)
class PartSpec:
    """A declared part: the record of another model's instance, or one for each element.

    :param instance: makes the other model's instance from a setting of this one.
    :param effects_from: added to the numbers of the effects that its rules emit.
    :param sorts: sorts of the other model, and what each is in this one.
    """

    description: str
    instance: Callable[[Setting], Bounded]
    over: Sort | None
    effects_from: int
    sorts: Mapping[Sort, Sort] = field(default_factory=dict)


def part(
    instance: Callable[[Setting], Bounded],
    description: str,
    *,
    per: Sort | None = None,
    effects_from: int = 0,
    sorts: Mapping[Sort, Sort] | None = None,
) -> Any:
    """Declare the state of another model within this one; its rules work on ``s.name``.

    With `per`, there is one for each element of a sort: ``s.name[i]``.

    :param sorts: maps sorts of the other model to sorts of this one with the same elements, so
        that symmetry renames both together. A sort that both records use is the same anyway, if
        it has the same size in both.
    :raises DeclarationError: ``MDL019`` if an argument is of the wrong kind.
    """
    if not callable(instance):
        refuse("part(…)", instance, "give a function of the setting that makes the instance")
    for sort in (*(sorts or ()), *(sorts or {}).values()):
        check_sort("sorts= of part(…)", sort)
    return PartSpec(description, instance, per, effects_from, dict(sorts or {}))


def _field(
    where: str,
    domain: Domain,
    description: str,
    over: Sort | None,
    array: bool,
    initial: int | Bound | None,
    scratch: bool,
    label: str,
) -> FieldSpec:
    """A field, once its arguments are what they have to be."""
    check_domain(where, domain)
    if not isinstance(description, str):
        refuse(f"the description in {where}", description, "give a sentence that says what it is")
    if initial is None:
        initial = NONE if isinstance(domain, Ref) else 0
    elif not isinstance(initial, int | Bound):
        refuse(f"initial= of {where}", initial, "give a number or a bound")
    return FieldSpec(domain, description, over, array, initial, scratch, label)


def per(
    sort: Sort,
    domain: Domain,
    description: str,
    *,
    initial: int | Bound | None = None,
    scratch: bool = False,
    label: str = "",
) -> Array:
    """An array with one value of `domain` for each element of `sort`.

    :raises DeclarationError: ``MDL019`` if an argument is of the wrong kind.
    """
    check_sort("per(sort, domain, …)", sort)
    where = "per(sort, domain, …)"
    return cast(Array, _field(where, domain, description, sort, True, initial, scratch, label))


def single(lifecycle: type[Lifecycle], description: str, *, label: str = "") -> Array:
    """One machine of `lifecycle`: an array of length one, so that events can be fired at [0].

    :raises DeclarationError: ``MDL019`` if it is no lifecycle.
    """
    if not (isinstance(lifecycle, type) and issubclass(lifecycle, Lifecycle)):
        refuse("single(lifecycle, …)", lifecycle, "give a class of states, or declare a scalar")
    where = "single(lifecycle, …)"
    return cast(Array, _field(where, lifecycle, description, None, True, 0, False, label))


def scalar(
    domain: Domain, description: str, *, initial: int | Bound | None = None, label: str = ""
) -> int:
    """One value of `domain`, which must not be a lifecycle: events fire on array elements.

    :raises DeclarationError: ``MDL015`` for a lifecycle, ``MDL019`` for what is no domain.
    """
    if isinstance(domain, type) and issubclass(domain, Lifecycle):
        raise DeclarationError(
            "MDL015",
            f"a scalar of {domain.__name__} could only be assigned, never fired at;"
            " declare single(…) and fire at [0]",
        )
    where = "scalar(domain, …)"
    return cast(int, _field(where, domain, description, None, False, initial, False, label))


def constant(description: str, value: Amount | Callable[[Setting], Any]) -> Any:
    """A number (or sequence of numbers) that the instance fixes; a bound gives its own.

    :raises DeclarationError: ``MDL019`` if an argument is of the wrong kind.
    """
    if not isinstance(description, str):
        refuse("constant(description, value)", description, "give the description first")
    if not (isinstance(value, int | Bound) or callable(value)):
        refuse(f"constant({description!r}, …)", value, "give a number, a bound, or a function")
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
    :param sorts: the sorts of the part's own model, and what each is in the whole.
    """

    name: str
    attribute: str
    index: int | None
    record: type[Record]
    fields: Mapping[str, FieldSpec]
    effects_from: int
    sorts: Mapping[Sort, Sort]


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
            if isinstance(value, State | Event | Sort | Bound | type | Ref | Number):
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
        elif isinstance(value, Ref | Number):
            what, fix = "a domain", "declare scalar(…) or per(sort, …) of it"
        elif value in cls.sorts():
            return
        else:
            what, fix = "a Sort that no field is over or refers to", "drop it"
        raise DeclarationError("MDL017", f"{cls.__name__}.{name} is {what}, and no field; {fix}")

    def elements(self, sort: Sort) -> range:
        """The elements of `sort` in this instance, from 0.

        :raises RuleError: ``RUL010`` if that is no sort, ``RUL011`` if the record does not use it.
        """
        if not isinstance(sort, Sort):
            raise RuleError(
                "RUL010", f"{caller()}: elements is given {described(sort)}; it takes one sort"
            )
        try:
            return range(sort.size(self.bounds))
        except KeyError:
            raise RuleError(
                "RUL011", f"{caller()}: the record has nothing over the sort {sort.name}"
            ) from None

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
            for sort in whole.sorts.values():
                add(sort)
        return found

    @classmethod
    def bounds_used(cls) -> list[Bound]:
        """Every bound that a field or constant uses directly."""
        domains = [spec.domain for spec in cls.fields.values()]
        used = [domain.limit for domain in domains if isinstance(domain, Number)]
        used += [spec.initial for spec in cls.fields.values()]
        used += [spec.value for spec in cls.constants.values()]
        return [bound for bound in used if isinstance(bound, Bound)]
