"""What a trace of one class may contain: its operations, their arguments, its configuration.

A schema declares names and types, not behaviour. Readers, writers, oracles, exporters and the
fuzzer all decode and encode arguments from it, so a class declares each argument once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from slotspec.models.registry import recorded

Name = Annotated[str, Meta(min_length=1)]
"""An id or a short name: any text but the empty one."""
Index = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Millis = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Timeout = Annotated[int, Meta(ge=1, le=2**31 - 1)]
SlotNumber = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""Number of a task slot; a negative one asks for a dynamic slot."""
Amount = Annotated[float, Meta(ge=0)]
Locality = Literal["LOCAL", "HOST_LOCAL", "NON_LOCAL", "UNCONSTRAINED", "UNKNOWN"]
"""Flink's Locality: how near a slot is to where it was wanted."""


class _Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The fields of every step that are decoded at once."""

    result: Any | UnsetType = UNSET
    effects: list[dict[str, Any]] | UnsetType = UNSET
    raises: Name | UnsetType | None = UNSET
    raises_cause: Name | UnsetType | None = UNSET
    unordered: list[tuple[int, int]] | UnsetType = UNSET


class StepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The fields of a step besides its arguments; each may be absent."""

    state: dict[str, Any] | UnsetType = UNSET


class UnreadStepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The same fields, with the state left as undecoded text."""

    state: msgspec.Raw | UnsetType = UNSET


RESERVED = ("op", *StepFields.__struct_fields__)
"""Names that no argument may have."""


@dataclass(frozen=True)
class NameKind:
    """One kind of names, such as the allocations ``a1``, ``a2``, ….

    :param prefix: the text before the number. A name that does not end in a plain number, such
        as the slot ``tm1/0``, has the prefix of its first part.
    :param within: the kind that they belong to: the names of a root are among those of slots.
    :param generated: the class makes these ids itself; traces number them as they appear.
    :param shown_by: the effect that shows a new generated id, in its field of this kind; None
        where only states show it.
    """

    prefix: str
    within: str | None = None
    generated: bool = False
    shown_by: str | None = None


@dataclass(frozen=True)
class Argument:
    """One argument of an operation.

    :param type: the type that msgspec accepts (``str | None`` where null is allowed).
    :param refers: header field (``profiles``, ``causes``, ``task_managers``) whose keys are
        the names allowed here; null is always allowed.
    :param items: for a list of objects, the fields of each; `type` is then ignored.
    :param many: with `items`: a list of objects; if not, one object.
    :param names: the kind of names that it takes; None: the kind that has the argument's name.
    :param enum: the model's enumeration, where the words of `type` are its members in lower case.
    :param new: it names something that did not exist before.
    :param known_only: it names something that must exist. If nothing has the name, the operation
        runs no rule, and answers false (or null, if its result may be null).
    :param ignored: the class does not look at it.
    """

    name: str
    type: Any = Name
    refers: str | None = None
    optional: bool = False
    items: tuple[Argument, ...] | None = None
    many: bool = True
    names: str | None = None
    enum: type[IntEnum] | None = None
    new: bool = False
    known_only: bool = False
    ignored: bool = False

    @cached_property
    def kind(self) -> str:
        """The kind of names that the argument takes."""
        return self.names or self.name

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an object, or of one item of a list of objects."""
        return _struct(self.name, self.items or (), (), {})

    def field(self) -> tuple[str, Any] | tuple[str, Any, Any]:
        """The field in the form that :func:`msgspec.defstruct` takes."""
        kind = self.type
        if self.items is not None:
            kind = list[self.struct] if self.many else self.struct  # type: ignore[name-defined]
        return (self.name, kind | UnsetType, UNSET) if self.optional else (self.name, kind)


Result = type[bool] | type[int] | UnionType | str | None
"""The result of an operation: ``bool`` (the rule returns 1 or 0), ``bool | None`` (NONE is null),
``int``, the kind of names that a returned element has (NONE is null), or None for no result."""


@dataclass(frozen=True)
class Operation:
    """One operation of a class.

    :param absent_in: the generations that do not have it.
    :param result: how the value that the rule returns is encoded.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    absent_in: frozenset[str] = frozenset()
    result: Result = None

    @cached_property
    def accepted(self) -> frozenset[str]:
        """Names of all arguments."""
        return frozenset(argument.name for argument in self.arguments)

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the arguments that every call has."""
        return frozenset(a.name for a in self.arguments if not a.optional)

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of a whole step of this operation."""
        return self._struct(StepFields)

    @cached_property
    def unread_struct(self) -> type[msgspec.Struct]:
        """The type of a whole step whose state is left as text."""
        return self._struct(UnreadStepFields)

    def _struct(self, base: type[msgspec.Struct]) -> type[msgspec.Struct]:
        tag = {"tag_field": "op", "tag": self.name}
        return _struct(self.name, self.arguments, (base,), tag)


def _struct(
    name: str, arguments: tuple[Argument, ...], bases: tuple[type, ...], tag: dict[str, Any]
) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name,
        [argument.field() for argument in arguments],
        bases=bases or None,
        kw_only=True,
        forbid_unknown_fields=True,
        frozen=True,
        **tag,
    )


def _decoder(structs: Sequence[type[msgspec.Struct]]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(reduce(or_, structs))


def _accept_all(config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]) -> str | None:
    return None


@dataclass(frozen=True)
class TraceSchema:
    """Everything that a trace of one class may contain.

    :param implementation: the header's ``implementation``.
    :param title: the class in messages, such as ``slot pool``.
    :param config: msgspec struct of the header's ``config``.
    :param generations: the generations that an oracle supports, oldest first.
    :param names: the kinds of names, by the name of the kind.
    :param ordered: paths of maps inside the state whose order is part of the state.
    :param required: fields that the header of this class must have, beyond those of all classes.
    :param signals: effects whose place among those of their step means nothing.
    :param variants: the schemas of other classes that the same model covers.
    :param refuse: returns what is wrong with arguments that are well typed but beyond what a
        replay can do in reasonable time; None where nothing is wrong.
    """

    implementation: str
    title: str
    config: type[msgspec.Struct]
    operations: tuple[Operation, ...]
    generations: tuple[str, ...]
    names: Mapping[str, NameKind] = field(default_factory=dict)
    ordered: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset({"profiles"})
    signals: frozenset[str] = frozenset()
    variants: tuple[TraceSchema, ...] = ()
    refuse: Callable[[Mapping[str, Any], str, Mapping[str, Any]], str | None] = field(
        default=_accept_all
    )

    def of(self, implementation: str) -> TraceSchema:
        """The schema of a class that the same model covers; this one if there is no other."""
        return next((v for v in self.variants if v.implementation == implementation), self)

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """Operation name -> operation."""
        return {operation.name: operation for operation in self.operations}

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes one line into the struct of its operation."""
        return _decoder([operation.struct for operation in self.operations])

    @cached_property
    def unread_decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes one line, but leaves the state as text."""
        return _decoder([operation.unread_struct for operation in self.operations])

    @cached_property
    def generated(self) -> tuple[str, ...]:
        """Prefixes of the names that the class makes itself."""
        return tuple(kind.prefix for kind in self.names.values() if kind.generated)

    @cached_property
    def shown(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Effect that shows new generated ids -> its fields with the ids, and their prefixes."""
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for name, kind in self.names.items():
            if kind.shown_by is not None:
                found[kind.shown_by] = (*found.get(kind.shown_by, ()), (name, kind.prefix))
        return found

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Argument -> the kind of its names, where that is not called like the argument."""
        found: dict[str, str] = {}
        for operation in self.operations:
            for argument in operation.arguments:
                for part in (argument, *(argument.items or ())):
                    declared = self.names.get(part.kind)
                    kind = declared.within or part.kind if declared else part.kind
                    if kind != part.name:
                        found[part.name] = kind
        return found

    def named(self, kind: str, number: int) -> str:
        """Name number `number`, from 1, of a kind."""
        return f"{self.names[kind].prefix}{number}"

    def operations_of(self, generation: str) -> list[str]:
        """Names of the operations that this generation has."""
        return [o.name for o in self.operations if generation not in o.absent_in]


TIMER_LIMIT = 1_000_000
"""How often one ``advance_time`` may fire a timer: each firing is a step of its own."""


def refuse_many_timers(
    what: str, *periods: str
) -> Callable[[Mapping[str, Any], str, Mapping[str, Any]], str | None]:
    """A :attr:`TraceSchema.refuse` for ``advance_time`` that fires a timer too often.

    :param what: the timer in the message, such as ``a timer``.
    :param periods: fields of the configuration with the periods of the timers.
    """

    def refuse(config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]) -> str | None:
        if op != "advance_time":
            return None
        shortest = min(config[period] for period in periods)
        if arguments["ms"] // shortest <= TIMER_LIMIT:
            return None
        return (
            f"advance_time by {arguments['ms']} ms fires {what} of {shortest} ms more than "
            f"{TIMER_LIMIT:,} times; use several shorter steps"
        )

    return refuse


def schema_of(implementation: str) -> TraceSchema:
    """The schema of a class, by the ``implementation`` in the headers of its traces.

    :raises KeyError: where no model covers the class.
    """
    schema = recorded()[implementation].schema()
    assert isinstance(schema, TraceSchema)
    return schema.of(implementation)
