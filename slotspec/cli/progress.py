"""A line on stderr that moves while a search goes on; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from slotspec.statemachine.verdict import Progress, Reporter, silent


@contextmanager
def progress_line() -> Iterator[Reporter]:
    """A reporter that shows how far a search is."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.status import Status

    with Status("starting", console=Console(stderr=True)) as status:
        yield lambda at: status.update(describe(at))


def describe(at: Progress) -> str:
    """States, speed, depth, frontier and memory of a search, in one line."""
    rate = at.states / at.seconds if at.seconds > 0 else 0.0
    return (
        f"{at.instance.title}  {at.states:,} states  {rate:,.0f}/s  depth {at.depth}"
        f"  frontier {at.frontier:,}  {at.memory / 1e6:,.0f} MB  {at.seconds:.0f} s"
    )
