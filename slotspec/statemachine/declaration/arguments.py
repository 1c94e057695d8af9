"""Checks of what declarations are given, so that a slip is answered with what to write."""

from __future__ import annotations

from typing import Any, NoReturn

from slotspec.statemachine.errors import DeclarationError, UsageError


def refuse(where: str, given: object, fix: str) -> NoReturn:
    """Refuse an argument of the wrong kind.

    :raises DeclarationError: ``MDL019``, with what to write instead.
    """
    raise DeclarationError("MDL019", f"{where} is given {described(given)}; {fix}")


def wants(method: str, what: str, given: object, kind: Any) -> None:
    """Check what a public function is given.

    :param what: what it takes, as the error says it.
    :raises UsageError: ``SET043``, which names the function.
    """
    if not isinstance(given, kind):
        raise UsageError("SET043", f"{method}() takes {what}, not {described(given)}")


def described(given: object) -> str:
    """A value as its author knows it: ``the bound coins``, ``the class Gate``, ``'three'``."""
    if isinstance(given, type):
        return f"the class {given.__name__}"
    name = getattr(given, "name", None) or getattr(given, "__name__", None)
    if isinstance(name, str):
        kind = "function" if callable(given) else type(given).__name__.lower()
        return f"the {kind} {name}"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_size(where: str, given: Any) -> None:
    """Check the name and the default of a bound, or of a sort that has a bound."""
    if not isinstance(given.name, str) or not given.name.isidentifier():
        refuse(f"the name of {where}", given.name, "use letters, digits and _, as in --set name=2")
    for name in ("minimum", "maximum", "default"):
        value = getattr(given, name)
        if not isinstance(value, int):
            refuse(f"{name}= of {where}", value, "give a number")
    if not given.minimum <= given.default <= given.maximum:
        refuse(
            f"default= of {where}",
            given.default,
            f"choose from {given.minimum} to {given.maximum}, or set minimum= and maximum=",
        )
