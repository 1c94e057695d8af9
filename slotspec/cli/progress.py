"""Lines on stderr that move while searches go on; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from slotspec.statemachine.results import Progress, Reporter, silent

if TYPE_CHECKING:
    from slotspec.cli.jobs import Running, Show
    from slotspec.statemachine.declaration.model import Instance

At = TypeVar("At")


@contextmanager
def progress_lines(total: int) -> Iterator[Show]:
    """What shows how many of `total` runs are done, and a line for each that goes on."""
    if not sys.stderr.isatty():
        yield lambda done, running: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def text(done: int, running: Sequence[Running]) -> Text:
        shown = Text(f"{done} of {total} runs done", no_wrap=True, overflow="ellipsis")
        for run in running:
            shown.append("\n  ")
            shown.append(describe_run(run))
        return shown

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=5) as live:
        yield lambda done, running: live.update(text(done, running))


def describe_run(run: Running) -> str:
    """A run in a process of its own: how far its search is, or that it has none yet."""
    if run.progress is None:
        return f"{run.instance.title}  starting and compiling  {run.seconds:.0f} s"
    return describe(run.progress)


@contextmanager
def status_line(text: Callable[[At], str]) -> Iterator[Callable[[At], None]]:
    """A reporter that shows the `text` of what it is told."""
    if not sys.stderr.isatty():
        yield cast("Callable[[At], None]", silent)
        return
    from rich.console import Console
    from rich.status import Status

    with Status("starting", console=Console(stderr=True)) as status:
        yield lambda at: status.update(text(at))


def progress_line() -> AbstractContextManager[Reporter]:
    """A reporter that shows how far a search is."""
    return status_line(describe)


def describe(at: Progress) -> str:
    """States, speed, depth, frontier and memory of a search, in one line."""
    rate = at.states / at.seconds if at.seconds > 0 else 0.0
    return (
        f"{at.instance.title}  {at.states:,} states  {rate:,.0f}/s  depth {at.depth}"
        f"  frontier {at.frontier:,}  {at.memory / 1e6:,.0f} MB  {at.seconds:.0f} s{estimate(at)}"
    )


def estimate(at: Progress) -> str:
    """How long a complete run of the same bounds took the last time, if there was one.

    Nothing else would be honest: how many states are still to come, a search cannot know.
    """
    seconds = _last_time(at.instance)
    return f" (last time {seconds:.0f} s)" if seconds is not None and seconds >= 1 else ""


@lru_cache(maxsize=64)
def _last_time(instance: Instance) -> float | None:
    from slotspec.cli.durations import last_time

    return last_time(instance)
