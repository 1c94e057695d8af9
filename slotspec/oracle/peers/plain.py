"""Copies what an adapter in Python answers into plain JSON values, or says what is none."""

from __future__ import annotations

import math
from typing import Any

import msgspec

_LARGEST = 2**63
_ALLOWED = "answer with None, true and false, numbers, texts, lists and dicts with texts as keys"


class NotPlain(ValueError):
    """A value that JSON does not have; the message says where it is, and what to write."""


def plain(value: Any, place: str) -> Any:
    """A copy of a value, in which nothing is left that the adapter could still change.

    :param place: where the value is, such as ``result``.
    :raises NotPlain: for a value that JSON does not have, or that could not be compared.
    """
    try:
        return _copied(value, place)
    except RecursionError:
        raise NotPlain(f"{place} nests too deep, or contains itself") from None


def _copied(value: Any, place: str) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, str):
        return _text(str.__str__(value), place)
    if isinstance(value, int):
        if not -_LARGEST <= value < _LARGEST:
            raise NotPlain(f"{place} is an integer beyond 64 bits; write a smaller one")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotPlain(f"{place} is {value}, which JSON does not have; write a number")
        return float(value)
    if isinstance(value, dict):
        return {_key(k, place): _copied(v, f"{place}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item, f"{place}[{number}]") for number, item in enumerate(value)]
    if not isinstance(value, set | frozenset | bytes | bytearray | memoryview):
        try:
            # dataclasses and the like
            return _copied(msgspec.to_builtins(value), place)
        except (TypeError, ValueError) as error:
            if isinstance(error, NotPlain):
                raise
    raise NotPlain(f"{place} is of type {kind.__name__}; {_ALLOWED}")


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise NotPlain(f"{place} has a key of type {type(key).__name__}; {_ALLOWED}")
    return _text(str.__str__(key), place)


def _text(text: str, place: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotPlain(
                f"{place} has half of a surrogate pair; write whole characters"
            ) from None
    return text
