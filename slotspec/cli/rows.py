"""One row for each run of a check, printed as the run ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from slotspec.statemachine.formatting import NOTHING
from slotspec.statemachine.results import Result

if TYPE_CHECKING:
    from rich.console import Console

HEADERS = ("model", "generation", "scope", "states", "transitions", "depth", "seconds", "verdict")
WIDTHS = (16, -10, -16, 12, 13, 6, 8, -8)
"""Columns; a negative width aligns to the left."""


def cells(result: Result) -> tuple[str, ...]:
    """What a run found, in the order of :data:`HEADERS`."""
    limit = f" (limit: {result.limit.value})" if result.limit else ""
    return (
        result.instance.model.name,
        result.instance.generation or NOTHING,
        result.instance.scope,
        f"{result.states:,}",
        f"{result.transitions:,}",
        str(result.depth),
        f"{result.seconds:.1f}",
        result.verdict.value + limit,
    )


def line(texts: tuple[str, ...]) -> str:
    """One line, each text in its column."""
    padded = [
        text.ljust(-width) if width < 0 else text.rjust(width)
        for text, width in zip(texts, WIDTHS, strict=True)
    ]
    return "  ".join([texts[0].ljust(WIDTHS[0]), *padded[1:]]).rstrip()


class Rows:
    """Prints rows on standard output, or above the progress lines of a terminal."""

    def __init__(self) -> None:
        self.above: Console | None = None
        self._begun = False

    def add(self, result: Result) -> None:
        """Print the row of a run that has ended."""
        if not self._begun:
            self._begun = True
            self._print(line(HEADERS))
        self._print(line(cells(result)))

    def _print(self, text: str) -> None:
        if self.above is not None and sys.stdout.isatty():
            self.above.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)
