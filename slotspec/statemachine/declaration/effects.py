"""Effects that a step has emitted, as values with named arguments.

An enumeration declares a model's kinds of effects, each with the names of its arguments::

    class Effect(Effects):
        REQUEST_SLOT = effect("gateway", "allocation", "profile")
        SHUT_DOWN = effect()

A rule emits ``emit(s, Effect.REQUEST_SLOT, gateway, allocation, profile)``; a rule or property
reads ``e.kind == Effect.REQUEST_SLOT and e.allocation == a`` of an ``e`` in ``s.effects``.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from slotspec.statemachine.errors import DeclarationError

MOST_ARGUMENTS = 4
TAKEN = ("kind", "s", "effect", "a", "b", "c", "d")
"""Names that an argument cannot have, because ``emit`` and every effect use them already."""


@dataclass(frozen=True)
class Declared:
    """The names of the arguments of one kind of effect."""

    names: tuple[str, ...]


def effect(*names: str) -> Any:
    """A kind of effect whose arguments have these names (at most four).

    :raises DeclarationError: ``MDL012`` for an unusable name, or for too many names.
    """
    if len(names) > MOST_ARGUMENTS:
        raise DeclarationError(
            "MDL012", f"effect{names} has {len(names)} arguments; declare at most {MOST_ARGUMENTS}"
        )
    for name in names:
        plain = name.isidentifier() and not keyword.iskeyword(name) and name[:1] != "_"
        if not plain or name in TAKEN or names.count(name) > 1:
            raise DeclarationError(
                "MDL012",
                f"effect{names}: {name!r} cannot name an argument; use distinct plain names"
                f" other than {', '.join(TAKEN)}",
            )
    return Declared(names)


class Effects(IntEnum):
    """Base of a model's kinds of effects, numbered from 0 in the order of declaration.

    :ivar names: the names of the arguments, in order. A member declared as a plain number has
        that number and no names.
    :ivar declared: whether it was declared with :func:`effect`, so that its arguments are known.
    """

    names: tuple[str, ...]
    declared: bool

    def __new__(cls, declared: Any) -> Effects:
        named = isinstance(declared, Declared)
        if not named and not isinstance(declared, int):
            raise DeclarationError(
                "MDL012",
                f"{cls.__name__} has a kind that is {declared!r}; declare it as"
                ' NAME = effect("argument", …)',
            )
        number = len(cls.__members__) if named else int(declared)
        member = int.__new__(cls, number)
        member._value_ = number
        member.names = declared.names if named else ()
        member.declared = named
        return member

    def miscounted(self, given: int) -> str | None:
        """What is wrong with this many arguments; None if they are as declared.

        The last arguments may be left out, but not all of them: they are NONE then.
        """
        if not self.declared or min(1, len(self.names)) <= given <= len(self.names):
            return None
        wanted = ", ".join(self.names) or "no argument"
        return f"{type(self).__name__}.{self.name} takes {wanted}, but gets {given or 'none'}"


def names_of(kinds: type[IntEnum] | None) -> dict[int, tuple[str, ...]]:
    """The names of the arguments of each kind of effect, by its number."""
    return {int(kind): getattr(kind, "names", ()) for kind in kinds or ()}


class NoSuchArgument(AttributeError):
    """A rule read an argument that this kind of effect does not have."""


class Emitted(tuple[int, ...]):
    """One emitted effect: ``(kind, a, b, c, d)``; its arguments can also be read by name."""

    __slots__ = ()

    @property
    def kind(self) -> int:
        """Which effect it is."""
        return self[0]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> int: ...


def emitted(names: Mapping[int, tuple[str, ...]]) -> type[Emitted]:
    """The class of emitted effects whose kinds have arguments with these names."""
    return _emitted(tuple(names.items()))


@cache
def _emitted(names: tuple[tuple[int, tuple[str, ...]], ...]) -> type[Emitted]:
    places: dict[str, dict[int, int]] = {}
    for kind, arguments in names:
        for place, name in enumerate(arguments, 1):
            places.setdefault(name, {})[kind] = place

    def argument(name: str, at: Mapping[int, int]) -> property:
        def read(e: Emitted) -> int:
            place = at.get(e[0])
            if place is None:
                raise NoSuchArgument(f"this kind of effect has no argument {name}")
            return e[place]

        return property(read)

    members = {name: argument(name, at) for name, at in places.items()}
    return type("Emitted", (Emitted,), {"__slots__": (), **members})
