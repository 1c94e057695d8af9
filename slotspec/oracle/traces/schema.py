"""What a trace of one class may say: its operations, their arguments, its configuration.

A vocabulary knows names and types, not behaviour: whether an operation exists in a version,
and what it does, is for the oracle to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Annotated, Any

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


class _Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Those fields of every step that are read as they come."""

    result: Any | UnsetType = UNSET
    effects: list[dict[str, Any]] | UnsetType = UNSET
    raises: Name | UnsetType | None = UNSET
    raises_cause: Name | UnsetType | None = UNSET
    unordered: list[tuple[int, int]] | UnsetType = UNSET


class StepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The fields of a step that are no arguments; every one of them may be absent."""

    state: dict[str, Any] | UnsetType = UNSET


class UnreadStepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The same, with the state as the text that it is."""

    state: msgspec.Raw | UnsetType = UNSET


RESERVED = ("op", *StepFields.__struct_fields__)
"""Names that no argument may have."""


@dataclass(frozen=True)
class Argument:
    """One argument of an operation.

    :param type: what msgspec is to accept for it (``str | None`` where null is allowed).
    :param refers: header field (``profiles``, ``causes``, ``task_managers``) whose keys are
        the names allowed here; null is always let through.
    :param items: for a list of objects, the fields of each; `type` is then ignored.
    :param many: with `items`: a list of objects; if not, one object.
    """

    name: str
    type: Any = Name
    refers: str | None = None
    optional: bool = False
    items: tuple[Argument, ...] | None = None
    many: bool = True

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an object, or of one item of a list of objects."""
        return _struct(self.name, self.items or (), (), {})

    def field(self) -> tuple[str, Any] | tuple[str, Any, Any]:
        """As :func:`msgspec.defstruct` wants it."""
        kind = self.type
        if self.items is not None:
            kind = list[self.struct] if self.many else self.struct  # type: ignore[name-defined]
        return (self.name, kind | UnsetType, UNSET) if self.optional else (self.name, kind)


@dataclass(frozen=True)
class Operation:
    """One operation of a class; `absent_in` are the generations that do not have it."""

    name: str
    arguments: tuple[Argument, ...] = ()
    absent_in: frozenset[str] = frozenset()

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


def _nothing_to_say(config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]) -> str | None:
    return None


@dataclass(frozen=True)
class TraceSchema:
    """All that a trace of one class may contain.

    :param implementation: the header's ``implementation``.
    :param title: for people, such as ``slot pool``.
    :param config: msgspec struct of the header's ``config``.
    :param generations: the generations that an oracle can be asked for, oldest first.
    :param ordered: paths of maps inside the state whose order is part of the state.
    :param refuse: says what is wrong with arguments that are well typed but beyond what a
        replay can do in reasonable time; None where nothing is.
    """

    implementation: str
    title: str
    config: type[msgspec.Struct]
    operations: tuple[Operation, ...]
    generations: tuple[str, ...]
    ordered: frozenset[str] = frozenset()
    refuse: Callable[[Mapping[str, Any], str, Mapping[str, Any]], str | None] = field(
        default=_nothing_to_say
    )

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
        """The same, but the state is left as text."""
        return _decoder([operation.unread_struct for operation in self.operations])

    def operations_of(self, generation: str) -> list[str]:
        """Names of the operations that this generation has."""
        return [o.name for o in self.operations if generation not in o.absent_in]


TIMER_LIMIT = 1_000_000
"""How often one `advance_time` may fire a timer: each firing is a step of its own."""


def schema_of(implementation: str) -> TraceSchema:
    """What traces of a class may say, by the ``implementation`` of their header.

    :raises KeyError: where no model covers the class.
    """
    schema = recorded()[implementation].schema()
    assert isinstance(schema, TraceSchema)
    return schema
