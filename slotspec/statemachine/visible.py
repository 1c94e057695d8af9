"""Text of others (traces, peers, names of files) without what a terminal would obey."""

from __future__ import annotations

import re

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but line break and tab, marks that turn text around, halves of pairs."""


def visible(text: str) -> str:
    r"""`text` with control characters written out: ``\x1b[2J`` instead of a cleared screen."""
    return _OBEYED.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
