"""Progress lines on stderr while searches run; none if stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from slotspec.statemachine.results import NodeProgress, Progress, Reporter, silent

if TYPE_CHECKING:
    from slotspec.cli.jobs import Running, Show
    from slotspec.cli.rows import Rows
    from slotspec.statemachine.declaration.model import Instance

Report = TypeVar("Report")


@contextmanager
def progress_lines(total: int, rows: Rows | None = None) -> Iterator[Show]:
    """Show how many of `total` runs are done, and a line for each run in progress.

    :param rows: rows of finished runs, which are then printed above.
    """
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
        if rows is not None:
            rows.above = live.console
        yield lambda done, running: live.update(text(done, running))
    if rows is not None:
        rows.above = None


def describe_run(run: Running) -> str:
    """The progress of a run in its own process, or that its search has not started."""
    if run.progress is None:
        return f"{run.instance.title}  starting and compiling  {run.seconds:.0f} s"
    return describe(run.progress)


@contextmanager
def status_line(
    text: Callable[[Report], str], every: float = 0.0
) -> Iterator[Callable[[Report], None]]:
    """A reporter that shows the `text` of each progress report.

    :param every: skip reports that come sooner than so many seconds after the last one shown.
    """
    if not sys.stderr.isatty():
        yield cast("Callable[[Report], None]", silent)
        return
    from rich.console import Console
    from rich.status import Status

    shown = 0.0
    with Status("starting", console=Console(stderr=True)) as status:

        def show(report: Report) -> None:
            nonlocal shown
            if monotonic() - shown >= every:
                shown = monotonic()
                status.update(text(report))

        yield show


def progress_line() -> AbstractContextManager[Reporter]:
    """A reporter that shows the progress of a search."""
    return status_line(describe)


def describe(at: Progress) -> str:
    """One line with the states, speed, depth, frontier and memory of a search."""
    rate = at.states / at.seconds if at.seconds > 0 else 0.0
    return (
        f"{at.instance.title}  {at.states:,} states  {rate:,.0f}/s  depth {at.depth}"
        f"  frontier {at.frontier:,}  {at.memory / 1e6:,.0f} MB  {at.seconds:.0f} s{estimate(at)}"
        + "".join(f"\n  {describe_node(node)}" for node in at.nodes)
    )


def describe_node(at: NodeProgress) -> str:
    """One line about a machine of a search on several."""
    return (
        f"node {at.node}  {at.processes} processes  {at.states:,} states  {at.left:,} to expand"
        f"  {at.memory / 1e6:,.0f} MB  sent {at.sent / 1e6:,.0f} MB"
    )


def estimate(at: Progress) -> str:
    """How long the last complete run of the same bounds took, if there was one.

    A search cannot know how many states are still to come, so there is no better estimate.
    """
    seconds = _cached_last_time(at.instance)
    return f" (last time {seconds:.0f} s)" if seconds is not None and seconds >= 1 else ""


@lru_cache(maxsize=64)
def _cached_last_time(instance: Instance) -> float | None:
    from slotspec.cli.durations import last_time

    return last_time(instance)
