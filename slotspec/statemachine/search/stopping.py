"""Ends compiled code when time is up or at Ctrl-C, whatever its rules do.

Python gets no turn while the main thread runs compiled code. If a rule may take long, the code
therefore runs in a thread, and the main thread waits. Rules look at the cell ``STOP`` of their
result buffer wherever they may take long; where it is set, they end with a fault that nobody
reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import Any, TypeVar

from slotspec.statemachine.compiler.backend.result_buffer import STOP
from slotspec.statemachine.interpreter.time_limit import GRACE, OutOfTime

T = TypeVar("T")


def attend(
    running: Sequence[Future[Any]],
    buffers: Sequence[Any],
    until: float | None,
    ask: Callable[[], None],
) -> None:
    """Wait for threads with compiled code; none is running afterwards.

    :param buffers: the result buffers of the code.
    :param until: when time is up, as given by ``perf_counter``.
    :param ask: asks the code to end where it leaves nothing half done.
    :raises OutOfTime: time was up first.
    """
    try:
        if wait(running, None if until is None else max(0.0, until - perf_counter())).not_done:
            raise OutOfTime
    except BaseException:
        ask()
        try:
            wait(running, GRACE)
        finally:
            for buffer in buffers:
                buffer[STOP] = 1
            wait(running)
        raise


def run_apart(task: Callable[[], T], buffer: Any, until: float | None = None) -> T:
    """The result of `task`, which runs compiled code with this result buffer.

    :raises OutOfTime: it did not end before `until`.
    """
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(task)
        attend([running], [buffer], until, lambda: None)
        return running.result()
