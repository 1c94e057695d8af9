"""Enumerations of Java exceptions: numbers for rules, class names for people and traces."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class JavaExceptions(IntEnum):
    """Base of such an enumeration: ``ILLEGAL_STATE = 0, "IllegalStateException"``.

    :ivar exception: the simple name of the class, as traces write it.
    """

    exception: str

    def __new__(cls, number: int, exception: str = "") -> Self:
        member = int.__new__(cls, number)
        member._value_ = number
        member.exception = exception
        return member
