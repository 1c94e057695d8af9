"""Says which condition of a rule keeps a call from being taken."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any


def false_guard(function: Callable[..., int], s: Any, arguments: tuple[int, ...]) -> str:
    """The condition that made a rule return at once, as its source has it.

    Of a condition with a line for each of its parts, the part that decided. The caller undoes
    what the rule has changed.

    :raises Exception: what the rule raises.
    """
    code: CodeType = function.__code__
    lines: list[int] = []

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.append(frame.f_lineno)
        return local

    def of_calls(frame: FrameType, event: str, _: Any) -> Any:
        return local if frame.f_code is code else None

    before = sys.gettrace()
    sys.settrace(of_calls)
    try:
        function(s, *arguments)
    finally:
        sys.settrace(before)
    texts = [linecache.getline(code.co_filename, number).strip() for number in lines]
    while texts and texts[-1].startswith(("return", "if (", "):")):
        texts.pop()
    return condition(texts[-1]) if texts else ""


def condition(text: str) -> str:
    """A line of a condition without the words around it."""
    for word in ("if ", "or ", "and ", "return "):
        text = text.removeprefix(word)
    return text.removesuffix(":").strip()
